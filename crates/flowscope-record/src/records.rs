//! The records of a source of packets, as an iterator.

use core::fmt;
use std::collections::VecDeque;

use flowscope_core::PacketView;

use crate::record::Record;
use crate::tracker::RecordTracker;

/// Gives packets one after the other, each of which lives until the next.
pub trait PacketSource {
    /// Why there are no more.
    type Error;

    /// The next packet; `None` at the end.
    fn next_packet(&mut self) -> Result<Option<PacketView<'_>>, Self::Error>;
}

/// The records of a source of packets, in order.
///
/// At its end the flows still open end. If it cannot be read to its end they do
/// too, and then the error comes as the last item.
///
/// The front page of the crate has an example.
pub struct Records<S: PacketSource> {
    source: S,
    tracker: RecordTracker,
    records: VecDeque<Record>,
    end: End<S::Error>,
}

/// How far the source is read.
#[derive(Debug)]
enum End<E> {
    /// Not to its end.
    Unread,
    /// As far as it can be; the error comes next.
    Failed(E),
    /// To its end, or its error was given.
    Finished,
}

impl<S: PacketSource> Records<S> {
    /// All records of a source.
    pub fn of(source: S) -> Self {
        Self {
            source,
            tracker: RecordTracker::default(),
            records: VecDeque::new(),
            end: End::Unread,
        }
    }

    /// The records that a tracker makes: one that was set up before, or that
    /// has already seen another source.
    #[must_use]
    pub fn with_tracker(self, tracker: RecordTracker) -> Self {
        Self { tracker, ..self }
    }

    /// The tracker, for its statistics.
    #[must_use]
    pub fn tracker(&self) -> &RecordTracker {
        &self.tracker
    }

    /// The source.
    #[must_use]
    pub fn source(&self) -> &S {
        &self.source
    }
}

impl<S: PacketSource> Iterator for Records<S> {
    type Item = Result<Record, S::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.records.pop_front() {
                return Some(Ok(record));
            }
            match core::mem::replace(&mut self.end, End::Finished) {
                End::Unread => {}
                End::Failed(error) => return Some(Err(error)),
                End::Finished => return None,
            }
            match self.source.next_packet() {
                Ok(Some(packet)) => {
                    self.tracker.track(packet, &mut self.records);
                    self.end = End::Unread;
                }
                Ok(None) => self.tracker.finish(&mut self.records),
                Err(error) => {
                    self.tracker.finish(&mut self.records);
                    self.end = End::Failed(error);
                }
            }
        }
    }
}

impl<S: PacketSource + fmt::Debug> fmt::Debug for Records<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("source", &self.source)
            .field("tracker", &self.tracker)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "pcap")]
impl<R: std::io::Read> PacketSource for flowscope_pcap::PcapFlowSource<R> {
    type Error = flowscope_pcap::PcapError;

    fn next_packet(&mut self) -> Result<Option<PacketView<'_>>, Self::Error> {
        self.next_packet()
    }
}
