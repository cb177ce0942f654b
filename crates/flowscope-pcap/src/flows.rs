//! The flows of a capture, as an iterator.

use alloc::collections::VecDeque;
use core::fmt;
use std::io::Read;

use flowscope_core::FlowTracker;
use flowscope_core::engine::{Consumer, Engine, Lifecycle};
use flowscope_core::extract::FlowExtractor;

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
        self.with_driver(tracker)
    }

    /// The same with a driver of any kind, such as a
    /// [`FlowSessionDriver`](flowscope_core::FlowSessionDriver).
    pub fn with_driver<E: FlowExtractor, C: Consumer<E::Key>>(
        self,
        driver: Engine<E, C>,
    ) -> DriverEvents<R, E, C> {
        DriverEvents {
            source: self,
            driver,
            events: VecDeque::new(),
            error: None,
            state: State::Reading,
        }
    }
}

/// The events of a capture's flows, in order.
pub type FlowEvents<R, E, S = ()> = DriverEvents<R, E, Lifecycle<S>>;

/// What a driver reports of a capture, in order.
///
/// At the end of the capture the flows still open end. If it cannot be read to
/// its end they do too, and then the error comes as the last item.
pub struct DriverEvents<R: Read, E: FlowExtractor, C: Consumer<E::Key>> {
    source: PcapFlowSource<R>,
    driver: Engine<E, C>,
    events: VecDeque<C::Event>,
    error: Option<PcapError>,
    state: State,
}

impl<R: Read, E: FlowExtractor, C: Consumer<E::Key>> DriverEvents<R, E, C> {
    /// The driver, for its statistics.
    #[must_use]
    pub fn driver(&self) -> &Engine<E, C> {
        &self.driver
    }

    /// The capture.
    #[must_use]
    pub fn source(&self) -> &PcapFlowSource<R> {
        &self.source
    }

    fn finish(&mut self) {
        self.driver.finish(&mut self.events);
        self.state = State::Finished;
    }
}

impl<R: Read, E: FlowExtractor, S: Default> FlowEvents<R, E, S> {
    /// The tracker, for its statistics.
    #[must_use]
    pub fn tracker(&self) -> &FlowTracker<E, S> {
        &self.driver
    }
}

impl<R: Read, E: FlowExtractor, C: Consumer<E::Key>> Iterator for DriverEvents<R, E, C> {
    type Item = Result<C::Event, PcapError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(Ok(event));
            }
            if let State::Finished = self.state {
                return self.error.take().map(Err);
            }
            match self.source.next_packet() {
                Ok(Some(packet)) => self.driver.track(packet, &mut self.events),
                Ok(None) => self.finish(),
                Err(error) => {
                    self.error = Some(error);
                    self.finish();
                }
            }
        }
    }
}

impl<R: Read, E: FlowExtractor, C: Consumer<E::Key>> fmt::Debug for DriverEvents<R, E, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriverEvents")
            .field("source", &self.source)
            .field("driver", &self.driver)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug)]
enum State {
    Reading,
    Finished,
}
