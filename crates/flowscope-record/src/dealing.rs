//! Making records on several threads.

use core::fmt;

use flowscope_core::track::TrackerStats;
use flowscope_core::{PacketView, Timestamp};

use crate::collector::Collector;
use crate::config::{Goal, RecordConfig};
use crate::engines::{AnyBatch, AnyDealer, AnyWorker, Place};
use crate::record::Record;

/// Tracks packets, and deals out to [`RecordWorker`]s what records are made of.
///
/// All records of all workers, in the order of their places, are those of a
/// [`RecordTracker`](crate::RecordTracker) with the same settings, if there are
/// as many [shards](flowscope_core::EngineConfig::shards) at least as workers.
///
/// ```
/// use flowscope_core::{EngineConfig, PacketView, Timestamp};
/// use flowscope_record::{
///     Place, PlacedRecords, Record, RecordConfig, RecordDealer, RecordWorker,
/// };
///
/// struct InOrder(Vec<(Place, Record)>);
///
/// impl PlacedRecords for InOrder {
///     fn push(&mut self, place: Place, record: Record) {
///         self.0.push((place, record));
///     }
/// }
///
/// # let mut frame = [
/// #     0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0,
/// #     10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0, 53, 0, 10, 0, 0, b'h', b'i',
/// # ];
/// let engine = EngineConfig { shards: 64, ..EngineConfig::default() };
/// let config = RecordConfig { engine, ..RecordConfig::default() };
/// let mut dealer = RecordDealer::new(&config, 2).expect("not a summary");
/// let mut workers = [0, 1].map(|_| RecordWorker::new(&config, 2));
/// for host in 1..=3 {
///     frame[29] = host;
///     dealer.track_batch(&[], [PacketView::new(&frame, Timestamp::new(1_700_000_000, 0))]);
/// }
/// while dealer.finish() {}
///
/// let mut records = InOrder(Vec::new());
/// for (worker, mut batch) in workers.iter_mut().zip(dealer.take(Vec::new(), || None)) {
///     worker.run(&mut batch, &mut records); // each may be on a thread of its own
/// }
/// records.0.sort_by_key(|(place, _)| *place);
/// let flows = records.0.iter().map(|(_, record)| record.flow().unwrap().0.number());
/// assert_eq!(flows.collect::<Vec<_>>(), [1, 2, 3]);
/// ```
#[derive(Debug)]
pub struct RecordDealer(AnyDealer);

/// What a [`RecordWorker`] is given at a time. Workers need all of their batches,
/// in order.
#[derive(Debug)]
pub struct RecordBatch(AnyBatch);

/// Makes the records of some of the flows.
pub struct RecordWorker {
    worker: AnyWorker,
    collector: Collector,
}

/// Takes the records of a worker.
pub trait PlacedRecords {
    /// What comes next stands at this place; perhaps nothing does.
    fn reach(&mut self, place: Place) {
        let _ = place;
    }

    /// A record, at its place.
    fn push(&mut self, place: Place, record: Record);
}

impl RecordDealer {
    /// A dealer for the records that `config` wants, to so many workers: no more
    /// than there are shards.
    ///
    /// `None` for a [summary](Goal::Summary), which is one record about all flows.
    #[must_use]
    pub fn new(config: &RecordConfig, workers: usize) -> Option<Self> {
        let is_dealt = config.goal != Goal::Summary;
        is_dealt.then(|| Self(AnyDealer::new(config, workers)))
    }

    /// How many workers there are.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.0.workers()
    }

    /// Tracks packets, one after the other. Of those that lie in `block` nothing is
    /// copied: see [`FlowDealer::track_batch`](flowscope_core::engine::deal::FlowDealer::track_batch).
    pub fn track_batch<'a>(
        &mut self,
        block: &[u8],
        packets: impl IntoIterator<Item = PacketView<'a>>,
    ) {
        self.0.track_batch(block, packets.into_iter());
    }

    /// A block that was given to [`take`](Self::take), and that no worker needs any
    /// more.
    pub fn spare_block(&mut self) -> Option<Vec<u8>> {
        self.0.spare_block()
    }

    /// See [`RecordTracker::expire`](crate::RecordTracker::expire).
    pub fn expire(&mut self, now: Timestamp) {
        self.0.expire(now);
    }

    /// Ends every flow that is still open, but not all at once: `true` if there are
    /// more. Then batches are best taken before it is called again.
    #[must_use]
    pub fn finish(&mut self) -> bool {
        self.0.finish()
    }

    /// What was counted so far, but for what workers find odd.
    #[must_use]
    pub fn stats(&self) -> &TrackerStats {
        self.0.stats()
    }

    /// How many packets were tracked, as [`Place::packet`] counts them.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.0.packets()
    }

    /// How many packets, and bytes of them, are yet to be taken.
    #[must_use]
    pub fn pending(&self) -> (usize, usize) {
        self.0.pending()
    }

    /// Takes a batch for each worker, in their order. `blocks` are those that were
    /// [lent](Self::track_batch), in order. `spare` may give batches that workers are
    /// done with, to be filled again.
    ///
    /// # Panics
    ///
    /// There are more blocks than were lent, or fewer.
    pub fn take(
        &mut self,
        blocks: Vec<Vec<u8>>,
        mut spare: impl FnMut() -> Option<RecordBatch>,
    ) -> Vec<RecordBatch> {
        let taken = self
            .0
            .take(blocks, || spare().map(|RecordBatch(batch)| batch));
        taken.into_iter().map(RecordBatch).collect()
    }
}

impl RecordWorker {
    /// A worker for a dealer with the same settings, and as many workers.
    #[must_use]
    pub fn new(config: &RecordConfig, workers: usize) -> Self {
        Self {
            collector: Collector::new(config.goal),
            worker: AnyWorker::new(config, workers),
        }
    }

    /// Makes the records of a batch. It says in the batch of which flows it needs no
    /// more packets, so that is best given back.
    pub fn run(&mut self, batch: &mut RecordBatch, out: &mut impl PlacedRecords) {
        self.worker.run(&mut batch.0, &mut self.collector, out);
    }
}

impl fmt::Debug for RecordWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordWorker")
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}
