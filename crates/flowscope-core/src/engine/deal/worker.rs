//! Doing what was dealt.

use alloc::vec::Vec;
use core::fmt;

use super::FlowBatch;
use super::batch::{Mark, MarkKind, Marks};
use super::place::{Place, StepSink};
use super::route::Route;
use super::step::StepKind;
use super::worker_flows::WorkerFlows;
use super::worker_host::Host;
use crate::Timestamp;
use crate::engine::pending::PendingSlot;
use crate::engine::shards::{Shards, Until};
use crate::engine::{Consumer, EngineConfig};
use crate::observe::Observer;
use crate::track::{FlowId, TrackerStats, Work};

/// Does for the flows of some shards what an engine's consumer does.
///
/// See the [module](super).
pub struct FlowWorker<K, C: Consumer<K>> {
    pub(super) consumer: C,
    pub(super) flows: WorkerFlows<K, C>,
    pub(super) shards: Shards,
    pub(super) config: EngineConfig,
    pub(super) stats: TrackerStats,
    pub(super) observer: Observer,
    pub(super) mark: OpenMark,
    /// Flows that need no more of their packets, as was found with this batch.
    pub(super) passing: Vec<FlowId>,
}

/// The packet, or call of the dealer, that a worker is at.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenMark {
    /// Counted from 1 over all batches.
    pub(super) number: u64,
    pub(super) mark: Mark,
    /// Whether something may be due that is not done yet.
    has_due: bool,
}

impl<K: Clone, C: Consumer<K>> FlowWorker<K, C> {
    /// A worker with its own consumer: one of so many, counted from zero, of a
    /// [`FlowDealer`](super::FlowDealer) with the same settings.
    pub fn new(mut consumer: C, config: EngineConfig, workers: usize) -> Self {
        consumer.configure(&config);
        Self {
            consumer,
            flows: WorkerFlows::new(Route::new(config.shard_count(), workers)),
            shards: Shards::new(&config),
            config,
            stats: TrackerStats::default(),
            observer: Observer::default(),
            passing: Vec::new(),
            mark: OpenMark {
                number: 0,
                mark: Mark {
                    now: Timestamp::EPOCH,
                    until: Until::With(Timestamp::EPOCH),
                    frame: 0,
                    kind: MarkKind::Packet,
                },
                has_due: false,
            },
        }
    }

    /// What it found odd, as it adds to the [statistics](super::FlowDealer::stats)
    /// of the dealer.
    #[must_use]
    pub fn stats(&self) -> &TrackerStats {
        &self.stats
    }

    /// Does what is in a batch. Batches have to come in their order.
    ///
    /// It says in the batch which flows need no more of their packets.
    pub fn run(&mut self, batch: &mut FlowBatch<K>, out: &mut impl StepSink<K, C>) {
        self.do_steps(batch, out);
        core::mem::swap(&mut batch.passing, &mut self.passing);
    }

    fn do_steps(&mut self, batch: &FlowBatch<K>, out: &mut impl StepSink<K, C>) {
        let Marks {
            before,
            list: marks,
        } = &batch.shared.marks;
        let mut at = 0;
        for (n, step) in batch.steps.iter().enumerate() {
            if n % GROUP == 0 && self.flows.len() >= PREFETCH_FROM {
                let next = batch.steps[n..].iter().take(GROUP);
                self.flows
                    .prefetch(next.map(|step| step.flow), &self.consumer);
            }
            let mark = step.mark as usize;
            if at <= mark {
                self.pass(&marks[at..mark], before + at as u64, out);
                self.enter(before + mark as u64 + 1, marks[mark]);
                at = mark + 1;
            }
            self.reach(step.moment, out);
            out.place(Place::of_step(self.mark.number, step.moment, step.number));
            self.step(step, batch, out);
            // A flow is known by the packet that it was opened with, which is next.
            if !matches!(step.kind, StepKind::Open { .. }) {
                out.stepped(&self.flows);
            }
        }
        self.pass(&marks[at..], before + at as u64, out);
    }

    /// Leaves the mark it is at, and goes on through others at which nothing is
    /// to be done but what is due. There were so many `before` them.
    #[inline]
    fn pass(&mut self, marks: &[Mark], before: u64, out: &mut impl StepSink<K, C>) {
        self.leave(out);
        let mut passed = 0;
        while let Some(rest) = marks.get(passed..) {
            let next = self.shards.next();
            let is_due = |mark: &Mark| mark.now >= next || mark.kind != MarkKind::Packet;
            let Some(due) = rest.iter().position(is_due) else {
                return;
            };
            passed += due + 1;
            self.enter(before + passed as u64, rest[due]);
            self.leave(out);
        }
    }

    fn enter(&mut self, number: u64, mark: Mark) {
        self.mark = OpenMark {
            number,
            mark,
            has_due: false,
        };
        if mark.kind != MarkKind::Packet || mark.now >= self.shards.next() {
            self.begin_due();
        }
    }

    fn begin_due(&mut self) {
        self.mark.has_due = true;
        self.shards.begin_portion(match self.mark.mark.kind {
            MarkKind::Packet => Work::PORTION,
            MarkKind::Expire | MarkKind::Finished => usize::MAX,
        });
    }

    /// Does what is due at the mark and was not done.
    fn end_due(&mut self, out: &mut impl StepSink<K, C>) {
        if core::mem::take(&mut self.mark.has_due) {
            let Mark { now, until, .. } = self.mark.mark;
            let (shards, mut host) = self.host();
            shards.call_due(until, &mut host, out);
            shards.end_portion(now);
        }
    }

    fn leave(&mut self, out: &mut impl StepSink<K, C>) {
        self.end_due(out);
        if self.mark.mark.kind == MarkKind::Finished {
            self.shards.clear();
            self.mark.mark.kind = MarkKind::Packet;
        }
    }

    /// Does what is due before a step.
    #[inline]
    fn reach(&mut self, moment: Timestamp, out: &mut impl StepSink<K, C>) {
        if moment == Timestamp::MAX {
            return self.end_due(out);
        }
        if !self.mark.has_due {
            self.begin_due();
        }
        let (shards, mut host) = self.host();
        shards.call_due(Until::Before(moment), &mut host, out);
    }

    pub(super) fn host(&mut self) -> (&mut Shards, Host<'_, K, C>) {
        let host = Host {
            consumer: &mut self.consumer,
            flows: &mut self.flows,
            stats: &mut self.stats,
            observer: &mut self.observer,
            config: &self.config,
            mark: self.mark,
        };
        (&mut self.shards, host)
    }

    #[inline]
    pub(super) fn catch_up(
        &mut self,
        flow: FlowId,
        clock: Timestamp,
        until: Until,
        out: &mut impl StepSink<K, C>,
    ) {
        if C::Pending::IS_USED && self.shards.is_behind() {
            let (shards, mut host) = self.host();
            shards.catch_up(flow, clock, until, &mut host, out);
        }
    }
}

impl<K, C: Consumer<K>> fmt::Debug for FlowWorker<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowWorker")
            .field("flows", &self.flows)
            .field("mark", &self.mark)
            .finish_non_exhaustive()
    }
}

/// Steps whose flows are fetched together.
const GROUP: usize = 32;

/// Fewer flows are in the cache anyway.
const PREFETCH_FROM: usize = 8192;

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;
    use crate::engine::deal::FlowDealer;
    use crate::engine::{FlowEnd, FlowRef, Reaction};
    use crate::extract::{Extracted, FiveTuple, FiveTupleKey};
    use crate::track::Anomalies;
    use crate::{FlowEvent, FlowSide, LinkType, PacketView, Sink};

    /// Needs two packets of each flow; keeps how many it was given, and which was the
    /// last that was passed by.
    #[derive(Default)]
    struct Two(Vec<(u32, u64)>);

    impl<K> Consumer<K> for Two {
        type Flow = (u32, u64);
        type Event = FlowEvent<K>;
        type Pending = ();

        fn open(
            &mut self,
            _: FlowRef<'_, K>,
            _: &Extracted<'_, K>,
            _: &mut impl Sink<FlowEvent<K>>,
        ) -> (u32, u64) {
            (0, 0)
        }

        fn packet(
            &mut self,
            state: &mut (u32, u64),
            _: FlowRef<'_, K>,
            _: FlowSide,
            packet: &Extracted<'_, K>,
            _: &mut impl Sink<FlowEvent<K>>,
        ) -> Reaction {
            assert_eq!(packet.payload.bytes, b"payload");
            state.0 += 1;
            Reaction::NONE
        }

        fn passes(&self, state: &(u32, u64)) -> bool {
            state.0 >= 2
        }

        fn passed(&mut self, state: &mut (u32, u64), frame: u64) {
            state.1 = frame;
        }

        fn close(
            &mut self,
            state: &mut (u32, u64),
            _: FlowRef<'_, K>,
            _: FlowEnd<'_>,
            _: &mut impl Sink<FlowEvent<K>>,
        ) -> Anomalies {
            self.0.push(*state);
            Anomalies::NONE
        }
    }

    struct Nowhere;

    impl<T> Sink<T> for Nowhere {
        fn push(&mut self, _: T) {}
    }

    impl<C: Consumer<FiveTupleKey>> StepSink<FiveTupleKey, C> for Nowhere {
        fn place(&mut self, _: Place) {}
    }

    const DATAGRAM: [u8; 35] = *b"\x45\0\0\x23\0\0\0\0\x40\x11\0\0\x0a\0\0\x01\x0a\0\0\x02\
        \x12\x34\0\x35\0\x0f\0\0payload";

    #[test]
    fn packets_that_nobody_needs_are_passed_by_and_none_is_copied_out_of_its_block() {
        let config = EngineConfig::default();
        let mut dealer = FlowDealer::new(FiveTuple::bidirectional(), config, 1);
        let mut worker = FlowWorker::new(Two::default(), config, 1);
        let (mut spare, mut steps, mut blocks) = (None, Vec::new(), Vec::new());
        for _ in 0..3 {
            let block = DATAGRAM.repeat(4);
            let packets = block
                .chunks(DATAGRAM.len())
                .map(|frame| PacketView::new(frame, Timestamp::new(7, 0)).with_link(LinkType::RAW));
            dealer.track_batch(&block, packets);
            let mut batch = dealer.take(vec![block], || spare.take()).remove(0);
            assert!(batch.attached.copied.is_empty());
            steps.push(batch.steps.len());
            blocks.push(batch.shared.blocks[0].len());
            worker.run(&mut batch, &mut Nowhere);
            spare = Some(batch);
        }
        // The dealer hears of it with the second batch.
        assert_eq!(steps, [5, 4, 0]);
        // A block that no worker needs stays with the dealer.
        assert_eq!(blocks, [4 * DATAGRAM.len(), 4 * DATAGRAM.len(), 0]);
        while dealer.finish() {}
        for mut batch in dealer.take(Vec::new(), || spare.take()) {
            worker.run(&mut batch, &mut Nowhere);
        }
        assert_eq!(worker.consumer.0, [(8, 12)]);
        let block = dealer
            .spare_block()
            .expect("the last worker is done with it");
        assert_eq!(block, DATAGRAM.repeat(4));
    }

    #[test]
    #[should_panic(expected = "each block that was lent is given")]
    fn a_block_that_was_lent_has_to_be_given() {
        let mut dealer = FlowDealer::new(FiveTuple::bidirectional(), EngineConfig::default(), 1);
        let packet = PacketView::new(&DATAGRAM, Timestamp::EPOCH).with_link(LinkType::RAW);
        dealer.track_batch(&DATAGRAM, [packet]);
        let _ = dealer.take(Vec::new(), || None);
    }
}
