//! Any consumer of the core, on several threads.

use core::fmt;
use core::mem;
use core::ops::ControlFlow;

use flowscope_core::engine::Consumer;
use flowscope_core::engine::deal::{FlowBatch, FlowDealer, FlowWorker, Place, StepSink};
use flowscope_core::extract::FlowExtractor;
use flowscope_core::track::TrackerStats;
use flowscope_core::{EngineConfig, PacketView, Sink, Timestamp};

use crate::chunk::Chunk;
use crate::pipeline::{Feed, Panicked, Pipeline, Stopped, Worker};

/// An engine whose consumer works on several threads, each of which has one of
/// its own.
///
/// It gives the events of an [`Engine`](flowscope_core::engine::Engine) with the
/// same settings, in the same order. The front page of the crate has an example.
pub struct ParallelEngine<E: FlowExtractor, C: Consumer<E::Key>> {
    dealer: FlowDealer<E>,
    workers: Vec<EventWorker<E::Key, C>>,
}

/// Tracks the packets of a [`ParallelEngine`].
pub struct ParallelTracker<'f, E: FlowExtractor> {
    dealer: FlowDealer<E>,
    feed: &'f mut Feed<FlowBatch<E::Key>>,
}

/// Makes lists of events.
struct EventWorker<K, C: Consumer<K>>(FlowWorker<K, C>);

impl<E, C> ParallelEngine<E, C>
where
    E: FlowExtractor<Key: Send + Sync + 'static> + Send + 'static,
    C: Consumer<E::Key, Flow: Send, Event: Send, Pending: Send> + Send + 'static,
{
    /// An engine with so many threads besides the one that tracks: no more than
    /// there are [shards](EngineConfig::shards).
    pub fn new(
        extractor: E,
        config: EngineConfig,
        workers: usize,
        mut consumer: impl FnMut() -> C,
    ) -> Self {
        let dealer = FlowDealer::new(extractor, config, workers);
        let worker = |_| EventWorker(FlowWorker::new(consumer(), config, workers));
        Self {
            workers: (0..dealer.workers()).map(worker).collect(),
            dealer,
        }
    }

    /// Calls `track` on a thread, and `take` here with all events.
    ///
    /// It goes on until `track` returns, or until `take` breaks: then the thread is
    /// not waited for.
    ///
    /// # Errors
    ///
    /// A thread panicked. Every event before was taken.
    pub fn run(
        self,
        track: impl FnOnce(&mut ParallelTracker<'_, E>) -> Result<(), Stopped> + Send + 'static,
        mut take: impl FnMut(C::Event) -> ControlFlow<()>,
    ) -> Result<(), Panicked>
    where
        E::Key: Clone,
    {
        let Self { dealer, workers } = self;
        let deal = move |feed: &mut Feed<_>| {
            let mut tracker = ParallelTracker { dealer, feed };
            track(&mut tracker)?;
            tracker.send()
        };
        Pipeline::new(workers).run(deal, |_, body, range| {
            for event in &mut body[range] {
                if let Some(event) = mem::take(event) {
                    take(event)?;
                }
            }
            ControlFlow::Continue(())
        })
    }
}

impl<E: FlowExtractor> ParallelTracker<'_, E> {
    /// Tracks packets; they go on to the workers when there are enough of them.
    ///
    /// # Errors
    ///
    /// Nobody wants any more events.
    pub fn track_batch<'a>(
        &mut self,
        packets: impl IntoIterator<Item = PacketView<'a>>,
    ) -> Result<(), Stopped> {
        let mut packets = packets.into_iter().peekable();
        while packets.peek().is_some() {
            self.dealer.track_batch(&[], packets.by_ref().take(AT_ONCE));
            let (packets, bytes) = self.dealer.pending();
            if packets >= PACKETS || bytes >= BYTES {
                self.send()?;
            }
        }
        Ok(())
    }

    /// Does what is due by `now`; everything goes on to the workers.
    ///
    /// # Errors
    ///
    /// Nobody wants any more events.
    pub fn expire(&mut self, now: Timestamp) -> Result<(), Stopped> {
        self.dealer.expire(now);
        self.send()
    }

    /// Ends every flow.
    ///
    /// # Errors
    ///
    /// Nobody wants any more events.
    pub fn finish(&mut self) -> Result<(), Stopped> {
        while self.dealer.finish() {
            self.send()?;
        }
        self.send()
    }

    /// What was seen so far, but for what workers find odd.
    #[must_use]
    pub fn stats(&self) -> &TrackerStats {
        self.dealer.stats()
    }

    fn send(&mut self) -> Result<(), Stopped> {
        let Self { dealer, feed } = self;
        let batches = dealer.take(Vec::new(), || feed.spare());
        feed.send(batches)
    }
}

impl<K, C> Worker for EventWorker<K, C>
where
    K: Clone + Send + Sync + 'static,
    C: Consumer<K, Flow: Send, Event: Send, Pending: Send> + Send + 'static,
{
    type Batch = FlowBatch<K>;
    type Body = Vec<Option<C::Event>>;

    fn run(&mut self, batch: &mut FlowBatch<K>, chunk: &mut Chunk<Self::Body>) {
        chunk.body.clear();
        let place = Place::default();
        self.0.run(batch, &mut Listing { place, chunk });
    }
}

/// Adds events to a chunk.
struct Listing<'a, T> {
    place: Place,
    chunk: &'a mut Chunk<Vec<Option<T>>>,
}

impl<T> Sink<T> for Listing<'_, T> {
    fn push(&mut self, event: T) {
        self.chunk.body.push(Some(event));
        self.chunk.add(self.place, self.chunk.body.len());
    }
}

impl<K, C: Consumer<K>> StepSink<K, C> for Listing<'_, C::Event> {
    fn place(&mut self, place: Place) {
        self.place = place;
        self.chunk.reach(place);
    }
}

impl<E: FlowExtractor, C: Consumer<E::Key>> fmt::Debug for ParallelEngine<E, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParallelEngine")
            .field("workers", &self.workers.len())
            .finish_non_exhaustive()
    }
}

impl<E: FlowExtractor> fmt::Debug for ParallelTracker<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParallelTracker")
            .field("dealer", &self.dealer)
            .finish_non_exhaustive()
    }
}

/// Packets that are tracked before it is asked whether there are enough.
const AT_ONCE: usize = 32;

/// So many packets go to the workers at once,
const PACKETS: usize = 512;

/// or so many bytes of them.
const BYTES: usize = 512 << 10;
