//! Tracking packets, and dealing out what they bring.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;

use super::batch::{FlowBatch, Mark, MarkKind, Marks, Shared};
use super::consumer::DealingConsumer;
use super::route::Route;
use super::step::{Changed, Dealt, DealtStep, Odd, Step, StepKind};
use crate::engine::{Advance, Engine, EngineConfig, Until};
use crate::extract::FlowExtractor;
use crate::track::{FlowId, TrackerStats};
use crate::{FlowEvent, PacketView, Sink, Timestamp};

/// Tracks packets as an [`Engine`] does, and deals out to workers what its
/// consumer would do.
///
/// See the [module](super).
pub struct FlowDealer<E: FlowExtractor> {
    engine: Engine<E, DealingConsumer<E::Key>>,
    batches: Batches<E::Key>,
    /// Blocks that no worker needs any more.
    spare_blocks: Vec<Vec<u8>>,
    spare_marks: Vec<Vec<Mark>>,
    /// Bytes of the packets that are in no batch yet.
    bytes: usize,
}

impl<E: FlowExtractor> FlowDealer<E> {
    /// A dealer for so many workers, with the settings that the workers have, too.
    ///
    /// There are no more workers than [shards](EngineConfig::shards).
    pub fn new(extractor: E, config: EngineConfig, workers: usize) -> Self {
        let route = Route::new(config.shard_count(), workers);
        let consumer = DealingConsumer::new(route.clone());
        Self {
            engine: Engine::with_consumer(extractor, consumer, config),
            batches: Batches::new(route),
            spare_blocks: Vec::new(),
            spare_marks: Vec::new(),
            bytes: 0,
        }
    }

    /// How many workers there are.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.batches.route.workers()
    }

    /// Tracks packets. Of those that lie in `block` nothing is copied; of others, or
    /// where the block is empty, what workers need of them is.
    ///
    /// The block, with its bytes as they are, has to be given to the next call of
    /// [`take`](Self::take), unless it is empty.
    pub fn track_batch<'a>(
        &mut self,
        block: &[u8],
        packets: impl IntoIterator<Item = PacketView<'a>>,
    ) {
        self.engine.consumer_mut().lend(block);
        let bytes = &mut self.bytes;
        let packets = packets.into_iter();
        let counted = packets.inspect(|packet| *bytes += packet.frame.len());
        self.engine.track_batch(counted, &mut self.batches);
    }

    /// See [`Engine::expire`].
    pub fn expire(&mut self, now: Timestamp) {
        self.engine.expire(now, &mut self.batches);
    }

    /// Ends every flow that is still open, as [`Engine::finish`] does, but not all
    /// at once: `true` if there are more. Then batches are best taken before it is
    /// called again.
    #[must_use]
    pub fn finish(&mut self) -> bool {
        self.engine.finish_some(ENDS, &mut self.batches)
    }

    /// What was seen so far, but for what workers find odd.
    #[must_use]
    pub fn stats(&self) -> &TrackerStats {
        self.engine.stats()
    }

    /// How many packets were tracked, calls of [`expire`](Self::expire) and
    /// [`finish`](Self::finish) included.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.batches.marks.before + self.batches.marks.list.len() as u64
    }

    /// How many of them, and bytes of them, are in the batches that would be
    /// [taken](Self::take) now.
    #[must_use]
    pub fn pending(&self) -> (usize, usize) {
        (self.batches.marks.list.len(), self.bytes)
    }

    /// Takes a batch for each worker, in their order. Each worker needs each of
    /// its batches, also one without anything to do.
    ///
    /// `blocks` are those that were [lent](Self::track_batch) since the last call,
    /// each once, in order. `spare` may give batches that workers are done with.
    ///
    /// # Panics
    ///
    /// There are more blocks than were lent, or fewer.
    pub fn take(
        &mut self,
        mut blocks: Vec<Vec<u8>>,
        mut spare: impl FnMut() -> Option<FlowBatch<E::Key>>,
    ) -> Vec<FlowBatch<E::Key>> {
        let lent = self.engine.consumer_mut().end_lending();
        assert_eq!(
            blocks.len(),
            lent.len(),
            "each block that was lent is given"
        );
        for (block, is_used) in blocks.iter_mut().zip(lent) {
            // It is still in the cache, and best read into again at once.
            if !is_used {
                self.spare_blocks.push(core::mem::take(block));
            }
        }
        self.bytes = 0;
        let emptied: Vec<_> = (0..self.workers())
            .map(|_| spare().map_or_else(FlowBatch::default, |spare| self.empty(spare)))
            .collect();
        let Batches { filling, marks, .. } = &mut self.batches;
        let next = Marks {
            before: marks.before + marks.list.len() as u64,
            list: self.spare_marks.pop().unwrap_or_default(),
        };
        let shared = Arc::new(Shared {
            marks: core::mem::replace(marks, next),
            blocks,
        });
        let attached = &mut self.engine.consumer_mut().attached;
        let places = filling.iter_mut().zip(attached);
        let taken = places.zip(emptied).map(|((filling, attached), empty)| {
            let mut batch = core::mem::replace(filling, empty);
            core::mem::swap(&mut batch.attached, attached);
            core::mem::swap(attached, &mut filling.attached);
            batch.shared = Arc::clone(&shared);
            batch
        });
        taken.collect()
    }

    /// A block that was given to [`take`](Self::take), and that no worker needs any
    /// more.
    pub fn spare_block(&mut self) -> Option<Vec<u8>> {
        self.spare_blocks.pop()
    }

    /// Empties a batch that a worker is done with.
    fn empty(&mut self, mut batch: FlowBatch<E::Key>) -> FlowBatch<E::Key> {
        for flow in batch.passing.drain(..) {
            if let Some(state) = self.engine.flow_state_mut(flow) {
                state.passes = true;
            }
        }
        if let Some(shared) = batch.clear() {
            let mut marks = shared.marks.list;
            marks.clear();
            self.spare_marks.push(marks);
            let used = shared.blocks.into_iter().filter(|block| !block.is_empty());
            self.spare_blocks.extend(used);
        }
        batch
    }
}

impl<E: FlowExtractor> fmt::Debug for FlowDealer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowDealer")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

/// The batches that are being filled. Their blocks are with the consumer.
struct Batches<K> {
    route: Route,
    filling: Vec<FlowBatch<K>>,
    marks: Marks,
    /// The clock, and the latest frame.
    now: (Timestamp, u64),
    /// The moment of what comes next.
    moment: Timestamp,
    /// Steps since the latest mark.
    steps: u32,
    /// The worker whose last step is a packet that may have more to it.
    latest: Option<usize>,
    /// The length of the payload that the packet that comes next counted on its
    /// flow.
    counted: Option<u32>,
}

impl<K> Batches<K> {
    fn new(route: Route) -> Self {
        Self {
            filling: (0..route.workers()).map(|_| FlowBatch::default()).collect(),
            route,
            marks: Marks::default(),
            now: (Timestamp::EPOCH, 0),
            moment: Timestamp::MAX,
            steps: 0,
            latest: None,
            counted: None,
        }
    }

    #[inline]
    fn advance(&mut self, to: Advance) {
        let (clock, frame) = self.now;
        match to {
            Advance::Packet { now, frame } => self.mark(now, frame, MarkKind::Packet),
            Advance::Expire(now) => self.mark(now, frame, MarkKind::Expire),
            Advance::Finished => self.mark(clock, frame, MarkKind::Finished),
            Advance::Due(moment) => self.moment = moment,
            Advance::Now(until) => {
                self.moment = Timestamp::MAX;
                if let Some(mark) = self.marks.list.last_mut() {
                    mark.until = until;
                }
            }
        }
        self.latest = None;
    }

    #[inline]
    fn mark(&mut self, now: Timestamp, frame: u64, kind: MarkKind) {
        self.now = (now, frame);
        self.marks.list.push(Mark {
            now,
            until: Until::With(now),
            frame,
            kind,
        });
        self.moment = Timestamp::MAX;
        self.steps = 0;
        self.counted = None;
    }

    #[inline(always)]
    fn step(&mut self, step: DealtStep) {
        let worker = self.route.worker(step.flow);
        let batch = &mut self.filling[worker];
        let mut kind = step.kind;
        self.latest = None;
        match &mut kind {
            StepKind::Packet(packet) => {
                packet.is_counted = self.counted.take().is_some();
                self.latest = Some(worker);
            }
            StepKind::Fragment { payload_len, .. } => {
                *payload_len = self.counted.take().unwrap_or_default();
            }
            StepKind::Close { .. } | StepKind::Open { .. } | StepKind::Report(_) => {}
        }
        batch.steps.push(Step {
            flow: step.flow,
            mark: self.marks.list.len() as u32 - 1,
            number: self.steps,
            moment: self.moment,
            at: step.at,
            packet: step.packet,
            kind,
        });
        self.steps += 1;
    }

    /// A packet went by.
    #[inline]
    fn pass(&mut self) {
        self.counted = None;
        self.latest = None;
    }

    /// What comes with the packet that was dealt last, if it was of this flow.
    fn odd_of_latest(&mut self, flow: FlowId) -> Option<&mut Odd> {
        let FlowBatch { steps, odd, .. } = &mut self.filling[self.latest?];
        let last = steps.last_mut().filter(|last| last.flow == flow)?;
        let StepKind::Packet(packet) = &mut last.kind else {
            return None;
        };
        if packet.odd.is_none() {
            odd.push(Odd::NOTHING);
            packet.odd = NonZeroU32::new(odd.len() as u32);
        }
        odd.last_mut()
    }

    /// Adds something to the packet that was dealt last, or reports it by itself.
    #[cold]
    fn add(&mut self, flow: FlowId, at: Timestamp, more: Odd) {
        if let Some(odd) = self.odd_of_latest(flow) {
            odd.found |= more.found;
            odd.changed = more.changed.or(odd.changed);
            return;
        }
        let (_, packet) = self.now;
        self.step(DealtStep {
            flow,
            at,
            packet,
            kind: StepKind::Report(more),
        });
    }

    fn change(&mut self, flow: FlowId, at: Timestamp, changed: Changed) {
        let changed = Some(changed);
        self.add(
            flow,
            at,
            Odd {
                changed,
                ..Odd::NOTHING
            },
        );
    }
}

impl<K> Sink<Dealt<K>> for Batches<K> {
    /// Compiled into where a consumer makes a step: so it is written once, where it
    /// is to be.
    #[inline(always)]
    fn push(&mut self, dealt: Dealt<K>) {
        match dealt {
            Dealt::Advance(to) => self.advance(to),
            Dealt::Step(step) => self.step(step),
            Dealt::Passed => self.pass(),
            // The consumer is called next.
            Dealt::Event(FlowEvent::Packet { payload_len, .. }) => {
                self.counted = Some(payload_len);
            }
            Dealt::Event(FlowEvent::Anomaly {
                flow,
                side,
                at,
                kind,
            }) => {
                let mut odd = Odd::NOTHING;
                odd.found.insert(side, kind);
                self.add(flow, at, odd);
            }
            Dealt::Event(FlowEvent::Established { flow, at }) => {
                self.change(flow, at, Changed::Established);
            }
            Dealt::Event(FlowEvent::StateChange { flow, at, from, to }) => {
                self.change(flow, at, Changed::State(from, to));
            }
            // The consumer has been told.
            Dealt::Event(FlowEvent::Started { .. } | FlowEvent::Ended { .. }) => {}
        }
    }
}

/// Flows that end at once, at the end of the input.
const ENDS: usize = 512;
