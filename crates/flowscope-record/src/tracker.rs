//! From packets to records.

use core::fmt;

use flowscope_core::track::TrackerStats;
use flowscope_core::{PacketView, Sink, Timestamp};

use crate::collector::Collector;
use crate::config::RecordConfig;
use crate::engines::{AnyEngine, StreamWriter};
use crate::record::Record;

/// Makes records of packets.
///
/// Records come in the order in which things happened. They are handed to a
/// [`Sink`], such as a `Vec` or a closure.
///
/// ```
/// use flowscope_core::{PacketView, Timestamp};
/// use flowscope_record::{Record, RecordConfig, RecordTracker};
///
/// # let frame = [
/// #     0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0,
/// #     10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0, 53, 0, 10, 0, 0, b'h', b'i',
/// # ];
/// let mut records = Vec::new();
/// let mut tracker = RecordTracker::new(RecordConfig::default());
/// tracker.track(PacketView::new(&frame, Timestamp::new(1_700_000_000, 0)), &mut records);
/// tracker.finish(&mut records); // the flows still open
///
/// let [Record::Flow(flow)] = &records[..] else {
///     panic!("one flow");
/// };
/// assert_eq!(flow.endpoints.source(), "10.0.0.1:12345");
/// assert_eq!(flow.stats.bytes.initiator, 44);
/// ```
pub struct RecordTracker {
    engine: AnyEngine,
    collector: Collector,
}

impl RecordTracker {
    /// A tracker that makes the records that `config` wants.
    #[must_use]
    pub fn new(config: RecordConfig) -> Self {
        Self {
            collector: Collector::new(config.goal),
            engine: AnyEngine::new(&config),
        }
    }

    /// Also hands the bytes of streams to a writer, where the goal is
    /// [`Streams`](crate::Goal::Streams).
    #[must_use]
    pub fn with_stream_writer(mut self, writer: impl StreamWriter + 'static) -> Self {
        self.engine.set_stream_writer(Box::new(writer));
        self
    }

    /// Tracks a packet.
    pub fn track(&mut self, packet: PacketView<'_>, out: &mut impl Sink<Record>) {
        self.track_batch([packet], out);
    }

    /// Tracks several packets, one after the other. It takes less time for each
    /// of them than [`track`](Self::track) does: where there are many flows,
    /// those of the next 32 packets are looked up together. So `packets` may be
    /// asked for as many before the first of them is tracked.
    #[inline]
    pub fn track_batch<'a>(
        &mut self,
        packets: impl IntoIterator<Item = PacketView<'a>>,
        out: &mut impl Sink<Record>,
    ) {
        let packets = packets.into_iter();
        self.engine.track(packets, &mut self.collector, out);
    }

    /// Moves the clock to `now` and makes records of what is due by it.
    ///
    /// Packets do this by their own times; a live source calls it when it has
    /// been quiet. See [`next_expiry`](Self::next_expiry).
    pub fn expire(&mut self, now: Timestamp, out: &mut impl Sink<Record>) {
        self.engine.expire(now, &mut self.collector, out);
    }

    /// When [`expire`](Self::expire) may next have something to do.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.engine.next_expiry()
    }

    /// Ends every flow that is still open, and makes the summary if there is to
    /// be one.
    pub fn finish(&mut self, out: &mut impl Sink<Record>) {
        self.engine.finish(&mut self.collector, out);
    }

    /// What was counted so far.
    #[must_use]
    pub fn stats(&self) -> &TrackerStats {
        self.engine.stats()
    }
}

impl Default for RecordTracker {
    fn default() -> Self {
        Self::new(RecordConfig::default())
    }
}

impl fmt::Debug for RecordTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordTracker")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}
