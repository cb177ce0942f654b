//! Tracking packets, and dealing out what they bring.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;

use super::batch::{FlowBatch, Mark, MarkKind, Marks};
use super::consumer::DealingConsumer;
use super::route::Route;
use super::step::{Changed, Dealt, DealtStep, Step, StepKind};
use crate::engine::{Advance, Engine, EngineConfig, Until};
use crate::extract::FlowExtractor;
use crate::track::{Anomalies, AnomalyKind, FlowId, TrackerStats};
use crate::{FlowEvent, FlowSide, PacketView, Sink, Timestamp};

/// Tracks packets as an [`Engine`] does, and deals out to workers what its
/// consumer would do.
///
/// See the [module](super).
pub struct FlowDealer<E: FlowExtractor> {
    engine: Engine<E, DealingConsumer>,
    batches: Batches<E::Key>,
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
        }
    }

    /// How many workers there are.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.batches.route.workers()
    }

    /// Tracks packets.
    pub fn track_batch<'a>(&mut self, packets: impl IntoIterator<Item = PacketView<'a>>) {
        self.engine.track_batch(packets, &mut self.batches);
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
        let blocks = &self.engine.consumer().blocks;
        let bytes = blocks.iter().map(Vec::len).sum();
        (self.batches.marks.list.len(), bytes)
    }

    /// Takes a batch for each worker, in their order. Each worker needs each of
    /// its batches, also one without anything to do.
    ///
    /// `spare` may give batches that workers are done with.
    pub fn take(
        &mut self,
        mut spare: impl FnMut() -> Option<FlowBatch<E::Key>>,
    ) -> Vec<FlowBatch<E::Key>> {
        let Batches { filling, marks, .. } = &mut self.batches;
        let next = Marks {
            before: marks.before + marks.list.len() as u64,
            list: Vec::with_capacity(marks.list.len()),
        };
        let taken = Arc::new(core::mem::replace(marks, next));
        let blocks = &mut self.engine.consumer_mut().blocks;
        let take = |(filling, block): (&mut FlowBatch<_>, &mut Vec<u8>)| {
            let mut empty = spare().unwrap_or_default();
            empty.clear();
            let mut batch = core::mem::replace(filling, empty);
            batch.block = core::mem::replace(block, core::mem::take(&mut filling.block));
            batch.marks = Arc::clone(&taken);
            batch
        };
        filling.iter_mut().zip(blocks).map(take).collect()
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

    #[inline]
    fn step(&mut self, step: DealtStep<K>) {
        let worker = self.route.worker(step.flow);
        let batch = &mut self.filling[worker];
        let mut kind = step.kind;
        self.latest = None;
        match &mut kind {
            StepKind::Packet {
                is_counted, note, ..
            } => {
                *is_counted = self.counted.take().is_some();
                if let Some(kept) = step.note {
                    batch.notes.push(kept);
                    *note = NonZeroU32::new(batch.notes.len() as u32);
                }
                self.latest = Some(worker);
            }
            StepKind::Fragment { payload_len, .. } => {
                *payload_len = self.counted.take().unwrap_or_default();
            }
            StepKind::Close { stats, .. } => {
                *stats = batch.stats.len() as u32;
                batch.stats.extend(step.stats);
            }
            StepKind::Open { key, .. } => {
                *key = batch.keys.len() as u32;
                batch.keys.extend(step.key);
            }
            StepKind::Report { .. } => {}
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

    /// The packet that was dealt last, if it was of this flow.
    fn latest_packet(&mut self, flow: FlowId) -> Option<&mut StepKind> {
        let last = self.filling[self.latest?].steps.last_mut()?;
        (last.flow == flow).then_some(&mut last.kind)
    }

    #[cold]
    fn report(&mut self, flow: FlowId, side: FlowSide, at: Timestamp, kind: AnomalyKind) {
        if let Some(StepKind::Packet { found, .. }) = self.latest_packet(flow) {
            return found.insert(side, kind);
        }
        let mut found = Anomalies::NONE;
        found.insert(side, kind);
        let (_, packet) = self.now;
        self.step(DealtStep {
            flow,
            at,
            packet,
            kind: StepKind::Report { found },
            key: None,
            note: None,
            stats: None,
        });
    }

    #[cold]
    fn change(&mut self, flow: FlowId, change: Changed) {
        if let Some(StepKind::Packet { changed, .. }) = self.latest_packet(flow) {
            *changed = Some(change);
        }
    }
}

impl<K> Sink<Dealt<K>> for Batches<K> {
    #[inline]
    fn push(&mut self, dealt: Dealt<K>) {
        match dealt {
            Dealt::Advance(to) => self.advance(to),
            Dealt::Step(step) => self.step(step),
            // The consumer is called next.
            Dealt::Event(FlowEvent::Packet { payload_len, .. }) => {
                self.counted = Some(payload_len);
            }
            Dealt::Event(FlowEvent::Anomaly {
                flow,
                side,
                at,
                kind,
            }) => self.report(flow, side, at, kind),
            Dealt::Event(FlowEvent::Established { flow, .. }) => {
                self.change(flow, Changed::Established);
            }
            Dealt::Event(FlowEvent::StateChange { flow, from, to, .. }) => {
                self.change(flow, Changed::State(from, to));
            }
            // The consumer has been told.
            Dealt::Event(FlowEvent::Started { .. } | FlowEvent::Ended { .. }) => {}
        }
    }
}

/// Flows that end at once, at the end of the input.
const ENDS: usize = 512;
