//! The flows of a capture, as an iterator.

use alloc::collections::VecDeque;
use core::fmt;
use std::io::Read;

use flowscope_core::extract::FlowExtractor;
use flowscope_core::{FlowEvent, FlowTracker};

use crate::{PcapError, PcapFlowSource};

impl<R: Read> PcapFlowSource<R> {
    /// Tracks the capture's flows as `extractor` tells them apart.
    ///
    /// ```
    /// use flowscope_core::extract::FiveTuple;
    /// use flowscope_core::{FlowEvent, LinkType, PacketView, Timestamp};
    /// use flowscope_pcap::{PcapConfig, PcapFlowSource, PcapWriter};
    ///
    /// # let datagram = [
    /// #     0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    /// #     0x30, 0x39, 0, 53, 0, 10, 0, 0, b'h', b'i',
    /// # ];
    /// # let config = PcapConfig { link: LinkType::RAW, ..PcapConfig::default() };
    /// # let mut file = PcapWriter::new(Vec::new(), config)?;
    /// # let packet = PacketView::new(&datagram, Timestamp::EPOCH);
    /// # file.write(packet.with_link(LinkType::RAW))?;
    /// # let capture = file.finish()?;
    /// let source = PcapFlowSource::from_reader(&capture[..])?;
    /// let mut started = Vec::new();
    /// for event in source.with_extractor(FiveTuple::bidirectional()) {
    ///     if let FlowEvent::Started { key, .. } = event? {
    ///         started.push(key.to_string());
    ///     }
    /// }
    /// assert_eq!(started, ["10.0.0.1:12345 → 10.0.0.2:53 udp"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_extractor<E: FlowExtractor>(self, extractor: E) -> FlowEvents<R, E> {
        self.with_tracker(FlowTracker::new(extractor))
    }

    /// Tracks the capture's flows with a tracker that was set up before, or
    /// that has already seen another capture.
    pub fn with_tracker<E: FlowExtractor, S: Default>(
        self,
        tracker: FlowTracker<E, S>,
    ) -> FlowEvents<R, E, S> {
        FlowEvents {
            source: self,
            tracker,
            events: VecDeque::new(),
            error: None,
            state: State::Reading,
        }
    }
}

/// The events of a capture's flows, in order.
///
/// At the end of the capture the flows still open end. If it cannot be read to
/// its end they do too, and then the error comes as the last item.
pub struct FlowEvents<R: Read, E: FlowExtractor, S: Default = ()> {
    source: PcapFlowSource<R>,
    tracker: FlowTracker<E, S>,
    events: VecDeque<FlowEvent<E::Key>>,
    error: Option<PcapError>,
    state: State,
}

impl<R: Read, E: FlowExtractor, S: Default> FlowEvents<R, E, S> {
    /// The tracker, for its statistics.
    #[must_use]
    pub fn tracker(&self) -> &FlowTracker<E, S> {
        &self.tracker
    }

    /// The capture.
    #[must_use]
    pub fn source(&self) -> &PcapFlowSource<R> {
        &self.source
    }

    fn finish(&mut self) {
        self.tracker.finish(&mut self.events);
        self.state = State::Finished;
    }
}

impl<R: Read, E: FlowExtractor, S: Default> Iterator for FlowEvents<R, E, S> {
    type Item = Result<FlowEvent<E::Key>, PcapError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(Ok(event));
            }
            if let State::Finished = self.state {
                return self.error.take().map(Err);
            }
            match self.source.next_packet() {
                Ok(Some(packet)) => self.tracker.track(packet, &mut self.events),
                Ok(None) => self.finish(),
                Err(error) => {
                    self.error = Some(error);
                    self.finish();
                }
            }
        }
    }
}

impl<R: Read, E: FlowExtractor, S: Default> fmt::Debug for FlowEvents<R, E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowEvents")
            .field("source", &self.source)
            .field("tracker", &self.tracker)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug)]
enum State {
    Reading,
    Finished,
}
