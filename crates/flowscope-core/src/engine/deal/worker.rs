//! Doing what was dealt.

use core::fmt;

use super::FlowBatch;
use super::batch::{Mark, MarkKind};
use super::place::{Place, StepSink};
use super::route::Route;
use super::step::{Changed, Step, StepKind};
use super::worker_flows::{WorkerFlow, WorkerFlows};
use crate::engine::flow_ref::{Connection, ConnectionNote};
use crate::engine::flows::{add_streams, report_all};
use crate::engine::pending::{Pending, PendingEntry, PendingSlot};
use crate::engine::shards::{Call, CallFlows, PendingFlows, Shards, Until};
use crate::engine::{Consumer, EngineConfig, FlowEnd, FlowRef, Fragment};
use crate::observe::Observer;
use crate::track::{Anomalies, Effect, EndReason, FlowId, FlowStats, TrackerStats, Work};
use crate::{FlowEvent, FlowSide, Timestamp};

/// Does for the flows of some shards what an engine's consumer does.
///
/// See the [module](super).
pub struct FlowWorker<K, C: Consumer<K>> {
    consumer: C,
    flows: WorkerFlows<K, C>,
    shards: Shards,
    config: EngineConfig,
    stats: TrackerStats,
    observer: Observer,
    mark: OpenMark,
}

/// The packet, or call of the dealer, that a worker is at.
#[derive(Clone, Copy, Debug)]
struct OpenMark {
    /// Counted from 1 over all batches.
    number: u64,
    mark: Mark,
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

    /// The consumer.
    #[must_use]
    pub fn consumer_mut(&mut self) -> &mut C {
        &mut self.consumer
    }

    /// Does what is in a batch. Batches have to come in their order.
    pub fn run(&mut self, batch: &FlowBatch<K>, out: &mut impl StepSink<K, C>) {
        let marks = &batch.marks.list[..];
        let mut at = 0;
        for (n, step) in batch.steps.iter().enumerate() {
            if n % GROUP == 0 && self.flows.len() >= PREFETCH_FROM {
                let next = batch.steps[n..].iter().take(GROUP);
                self.flows
                    .prefetch(next.map(|step| step.flow), &self.consumer);
            }
            let mark = step.mark as usize;
            if at <= mark {
                self.pass(&marks[at..mark], batch.marks.before + at as u64, out);
                self.enter(batch.marks.before + mark as u64 + 1, marks[mark]);
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
        self.pass(&marks[at..], batch.marks.before + at as u64, out);
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

    fn host(&mut self) -> (&mut Shards, Host<'_, K, C>) {
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
    fn catch_up(
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

    #[inline]
    fn step(&mut self, step: &Step, batch: &FlowBatch<K>, out: &mut impl StepSink<K, C>) {
        // While what was due is done, the clock is at its moment.
        let clock = step.moment.min(self.mark.mark.now);
        match &step.kind {
            StepKind::Packet { .. } => {
                self.catch_up(step.flow, clock, Until::With(clock), out);
                self.packet(step, clock, batch, out);
            }
            StepKind::Open { state, key, packet } => {
                let (flow, at) = (step.flow, step.at);
                let Some(key) = batch.keys.get(*key as usize) else {
                    return;
                };
                let view = FlowRef {
                    id: flow,
                    key,
                    at,
                    packet: step.packet,
                    connection: Connection::Noted(*state, None),
                    effect: Effect::Plain,
                };
                let packet = packet.view(key.clone(), &batch.block);
                let opened = WorkerFlow {
                    id: flow,
                    key: key.clone(),
                    state: *state,
                    flow: self.consumer.open(view, &packet, out),
                    pending: C::Pending::default(),
                };
                self.flows.insert(opened);
                let started = FlowEvent::Started {
                    flow,
                    key: key.clone(),
                    at,
                    state: *state,
                };
                out.push(started.into());
                self.note_pending(flow, clock);
            }
            StepKind::Fragment {
                side,
                wire_len,
                payload_len,
                first,
            } => {
                self.catch_up(step.flow, clock, Until::With(clock), out);
                self.push_packet(step, *side, (*wire_len, *payload_len), out);
                let Some(flow) = self.flows.get_mut(step.flow) else {
                    return;
                };
                let first = first
                    .as_ref()
                    .map(|first| first.view(flow.key.clone(), &batch.block));
                let fragment = Fragment {
                    at: step.at,
                    number: step.packet,
                    wire_len: *wire_len,
                    first: first.as_ref(),
                };
                let view = FlowRef {
                    id: flow.id,
                    key: &flow.key,
                    at: step.at,
                    packet: step.packet,
                    connection: Connection::Noted(flow.state, None),
                    effect: Effect::Plain,
                };
                self.consumer
                    .fragment(&mut flow.flow, view, *side, &fragment, out);
            }
            StepKind::Close {
                reason,
                cause,
                state,
                stats,
            } => {
                let until = match cause {
                    EndReason::IdleTimeout => Until::Before(step.at),
                    _ => Until::With(step.at),
                };
                self.catch_up(step.flow, step.at, until, out);
                if let Some(flow) = self.flows.get_mut(step.flow) {
                    flow.state = *state;
                }
                if let Some(stats) = batch.stats.get(*stats as usize) {
                    self.close(step, (*reason, *cause), *stats, clock, out);
                }
            }
            StepKind::Report { found } => self.report(step.flow, step.at, *found, out),
        }
    }

    fn push_packet(
        &self,
        step: &Step,
        side: FlowSide,
        (wire_len, payload_len): (u32, u32),
        out: &mut impl StepSink<K, C>,
    ) {
        let event = FlowEvent::Packet {
            flow: step.flow,
            side,
            at: step.at,
            wire_len,
            payload_len,
        };
        out.push(event.into());
    }

    #[inline]
    fn packet(
        &mut self,
        step: &Step,
        clock: Timestamp,
        batch: &FlowBatch<K>,
        out: &mut impl StepSink<K, C>,
    ) {
        let StepKind::Packet {
            side,
            state,
            effect,
            note,
            is_counted,
            found,
            changed,
            packet,
        } = &step.kind
        else {
            return;
        };
        if *is_counted {
            self.push_packet(step, *side, packet.headers.lengths(packet.payload), out);
        }
        let Some(flow) = self.flows.get_mut(step.flow) else {
            return;
        };
        flow.state = *state;
        let note: Option<&ConnectionNote> =
            note.and_then(|note| batch.notes.get(note.get() as usize - 1));
        let view = FlowRef {
            id: flow.id,
            key: &flow.key,
            at: step.at,
            packet: step.packet,
            connection: Connection::Noted(*state, note),
            effect: *effect,
        };
        let extracted = packet.view(flow.key.clone(), &batch.block);
        let reaction = self
            .consumer
            .packet(&mut flow.flow, view, *side, &extracted, out);
        let mut found = *found;
        found |= reaction.found;
        if !found.is_empty() {
            self.report(step.flow, step.at, found, out);
        }
        if reaction.has_new_pending {
            self.note_pending(step.flow, clock);
        }
        if let Some(changed) = changed {
            let (flow, at) = (step.flow, step.at);
            let event = match *changed {
                Changed::Established => FlowEvent::Established { flow, at },
                Changed::State(from, to) => FlowEvent::StateChange { flow, at, from, to },
            };
            out.push(event.into());
        }
        if C::Pending::IS_USED && self.shards.is_under_pressure(step.flow) {
            let (shards, mut host) = self.host();
            shards.relieve(step.flow, clock, &mut host, out);
        }
    }

    fn close(
        &mut self,
        step: &Step,
        (reason, cause): (EndReason, EndReason),
        mut stats: FlowStats,
        clock: Timestamp,
        out: &mut impl StepSink<K, C>,
    ) {
        let (id, at) = (step.flow, step.at);
        let Some(flow) = self.flows.get_mut(id) else {
            return;
        };
        let view = FlowRef {
            id,
            key: &flow.key,
            at,
            packet: step.packet,
            connection: Connection::Noted(flow.state, None),
            effect: Effect::Plain,
        };
        let end = FlowEnd {
            reason,
            stats: &stats,
            cause,
        };
        let found = self.consumer.close(&mut flow.flow, view, end, out);
        add_streams(&mut stats, self.consumer.streams(&flow.flow));
        let before = flow.pending.get();
        if C::Pending::IS_USED && before != PendingEntry::default() {
            self.shards.forget(id, before, clock, &mut self.flows);
        }
        self.report(id, at, found, out);
        if let Some(flow) = self.flows.remove(id) {
            let event = FlowEvent::Ended {
                flow: id,
                key: flow.key,
                at,
                reason,
                stats,
            };
            out.push(self.consumer.ended(flow.flow, event));
        }
    }

    #[inline]
    fn note_pending(&mut self, flow: FlowId, clock: Timestamp) {
        if !C::Pending::IS_USED {
            return;
        }
        let Some(found) = self.flows.get_mut(flow) else {
            return;
        };
        let pending = self.consumer.pending(&found.flow);
        let before = found.pending.get();
        if !before.is(&pending) {
            self.shards
                .note(flow, before, &pending, clock, &mut self.flows);
        }
    }

    fn report(
        &mut self,
        flow: FlowId,
        at: Timestamp,
        found: Anomalies,
        out: &mut impl StepSink<K, C>,
    ) {
        let (_, mut host) = self.host();
        host.report(flow, at, found, out);
    }
}

/// What calling the consumer for a flow outside of its packets takes.
struct Host<'w, K, C: Consumer<K>> {
    consumer: &'w mut C,
    flows: &'w mut WorkerFlows<K, C>,
    stats: &'w mut TrackerStats,
    observer: &'w mut Observer,
    config: &'w EngineConfig,
    mark: OpenMark,
}

impl<K, C: Consumer<K>> PendingFlows for Host<'_, K, C> {
    fn entry(&self, flow: FlowId) -> Option<PendingEntry> {
        self.flows.entry(flow)
    }

    fn set_entry(&mut self, flow: FlowId, entry: PendingEntry) {
        self.flows.set_entry(flow, entry);
    }
}

impl<K, C: Consumer<K>, S: StepSink<K, C>> CallFlows<S> for Host<'_, K, C> {
    fn reach(&mut self, flow: FlowId, at: Timestamp, out: &mut S) {
        out.place(Place::of_timer(self.mark.number, at, flow.number()));
    }

    fn call(
        &mut self,
        flow: FlowId,
        at: Timestamp,
        call: Call,
        out: &mut S,
    ) -> (Anomalies, Pending) {
        let Some(found) = self.flows.get_mut(flow) else {
            return (Anomalies::NONE, Pending::NOTHING);
        };
        let view = FlowRef {
            id: found.id,
            key: &found.key,
            at,
            packet: self.mark.mark.frame,
            connection: Connection::Noted(found.state, None),
            effect: Effect::Plain,
        };
        let state = &mut found.flow;
        let odd = match call {
            Call::Timer => self.consumer.on_timer(state, view, out),
            Call::Shed => self.consumer.shed(state, view, out),
        };
        (odd, self.consumer.pending(state))
    }

    fn report(&mut self, flow: FlowId, at: Timestamp, found: Anomalies, out: &mut S) {
        let counts = (&mut *self.stats, &mut *self.observer);
        report_all(counts, self.config.anomalies, (flow, at), found, out);
        out.stepped(self.flows);
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
