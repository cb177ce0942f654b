//! What becomes of the flows: counted, delivered, expired, ended.

use core::marker::PhantomData;

use super::alarms::{Alarms, Holders};
use super::fragments::Fragments;
use super::{Consumer, FlowRef, Pending, Reaction};
use crate::extract::{Extracted, FlowExtractor};
use crate::observe::{Account, Ended, Observer};
use crate::track::{
    Anomalies, AnomalyKind, Config, EndReason, Flow, FlowEvent, FlowId, FlowState, FlowStats,
    Observed, Rest, Slot, Table, TrackerStats, Verdict,
};
use crate::{FlowSide, PacketView, Sink, Timestamp};

/// The flows of an engine: all of it but its extractor.
pub(super) struct Flows<E: FlowExtractor, C: Consumer<E::Key>> {
    pub(super) consumer: C,
    pub(super) table: Table<E::Key, C::Flow>,
    pub(super) config: Config,
    pub(super) clock: Timestamp,
    pub(super) timestamps: Timestamps,
    pub(super) stats: TrackerStats,
    pub(super) fragments: Fragments,
    pub(super) alarms: Alarms,
    holders: Holders,
    pub(super) reports_anomalies: bool,
    pub(super) observer: Observer,
    extractor: PhantomData<fn() -> E>,
}

/// How a consumer is called for a flow outside of its packets.
type Attend<C, F, K, S> = fn(&mut C, &mut F, FlowRef<'_, K>, &mut S) -> Anomalies;

/// What came of a packet, or of a datagram put together.
pub(super) struct Happened {
    pub(super) flow: FlowId,
    pub(super) side: FlowSide,
    pub(super) at: Timestamp,
    pub(super) verdict: Verdict,
    pub(super) found: Anomalies,
    /// What was pending before, and is now, where that is not the same.
    pub(super) pending: Option<(Pending, Pending)>,
    /// The state before and after, if it changed.
    pub(super) states: Option<(FlowState, FlowState)>,
}

/// What is done about a packet older than the one before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Timestamps {
    AsCaptured,
    Monotonic,
}

impl<E: FlowExtractor, C: Consumer<E::Key>> Flows<E, C> {
    pub(super) fn new(consumer: C, config: Config) -> Self {
        Self {
            consumer,
            table: Table::new(config.idle),
            fragments: Fragments::new(config.fragments),
            config,
            clock: Timestamp::EPOCH,
            timestamps: Timestamps::AsCaptured,
            stats: TrackerStats::default(),
            alarms: Alarms::default(),
            holders: Holders::default(),
            reports_anomalies: true,
            observer: Observer::default(),
            extractor: PhantomData,
        }
    }

    /// Moves the clock on to a packet's time.
    #[inline]
    pub(super) fn admit(
        &mut self,
        extractor: &E,
        packet: &PacketView<'_>,
        out: &mut impl Sink<C::Event>,
    ) {
        self.clock = self.clock.max(packet.timestamp);
        self.stats.packets += 1;
        self.stats.bytes += u64::from(packet.wire_len);
        if self.clock >= self.table.check_at() {
            self.expire_due(extractor, out);
        }
        if Observer::is_due(self.stats.packets) {
            self.publish();
        }
    }

    /// Publishes what is counted, where that is asked for.
    #[inline]
    pub(super) fn publish(&mut self) {
        self.observer.publish(&Account {
            stats: &self.stats,
            stream_memory: self.consumer.memory(),
            stream_memory_peak: self.consumer.memory_peak(),
            fragment_memory: self.fragments.memory(),
        });
    }

    /// Compiled into where packets go by: a call costs one packet in thirty.
    ///
    /// What goes wrong or happens but once is given a copy of the packet: then
    /// the packet itself is never written to memory.
    #[inline(always)]
    pub(super) fn deliver(
        &mut self,
        extracted: &Extracted<'_, E::Key>,
        out: &mut impl Sink<C::Event>,
    ) {
        let packet = &extracted.packet;
        let at = match self.timestamps {
            Timestamps::AsCaptured => packet.timestamp,
            Timestamps::Monotonic => self.clock,
        };
        let observed = Observed {
            at,
            orientation: extracted.orientation,
            transport: extracted.steps_by(),
            wire_len: packet.wire_len,
            ip_len: extracted.ip_len,
            payload_len: extracted.payload.wire_len(),
            is_cut: packet.missing() > 0,
        };
        let hash = self.table.hash(&extracted.key);
        let mut index = match self.table.find(hash, &extracted.key) {
            Some(index) => index,
            None => self.start(hash, &extracted.clone(), observed, out),
        };
        let (clock, reuse_after) = (self.clock, self.config.reuse_after);
        let (mut slot, mut rest) = self.table.get_mut(index);
        if slot.flow.is_replaced_by(&observed, clock, reuse_after) {
            self.end(index, EndReason::IdleTimeout, clock, out);
            index = self.start(hash, &extracted.clone(), observed, out);
            (slot, rest) = self.table.get_mut(index);
        }

        let flow = &mut slot.flow;
        let id = FlowId::new(flow.number(), index);
        let before = flow.state;
        let (next, verdict) = flow.count(&observed, clock, rest);
        let side = flow.side_of(observed.orientation);
        self.observer
            .packet(side, observed.wire_len, observed.payload_len);
        out.push(
            FlowEvent::Packet {
                flow: id,
                side,
                at,
                wire_len: observed.wire_len,
                payload_len: observed.payload_len,
            }
            .into(),
        );
        let flow = FlowRef {
            id,
            key: &slot.key,
            at,
            flow,
            rest,
        };
        let Reaction { found, pending } =
            self.consumer
                .packet(&mut slot.state, flow, side, extracted, out);
        let happened = Happened {
            flow: id,
            side,
            at,
            verdict,
            found,
            pending,
            states: next.map(|next| (before, next)),
        };
        self.conclude(happened, out);
        if self.consumer.is_pressed() {
            self.relieve(out);
        }
    }

    /// Reports what came of a packet beside its own event.
    ///
    /// Compiled into its callers, so that what never happens with a consumer is
    /// not even looked for. Whatever may happen is out of the way.
    #[inline(always)]
    pub(super) fn conclude(&mut self, happened: Happened, out: &mut impl Sink<C::Event>) {
        let Happened { flow, side, at, .. } = happened;
        match happened.verdict {
            Verdict::Expected | Verdict::Retransmission | Verdict::OutOfOrder => {}
            Verdict::RstOutOfWindow => {
                self.report_one(flow, side, at, AnomalyKind::RstOutOfWindow, out);
            }
            Verdict::SynInConnection => {
                self.report_one(flow, side, at, AnomalyKind::SynInConnection, out);
            }
        }
        if !happened.found.is_empty() {
            self.report(flow, at, happened.found, out);
        }
        if let Some((was, is)) = happened.pending {
            self.remember(flow, was, is);
        }
        if let Some((before, after)) = happened.states {
            self.changed(flow, before, after, at, out);
        }
    }

    /// Counts a packet in a tunnel on the flow outside, too.
    #[cold]
    #[inline(never)]
    pub(super) fn deliver_outer(
        &mut self,
        outer: &Extracted<'_, E::Key>,
        out: &mut impl Sink<C::Event>,
    ) {
        self.stats.packets_outer += 1;
        self.deliver(outer, out);
    }

    /// Reports what was odd, each as an event of its own.
    #[cold]
    #[inline(never)]
    pub(super) fn report(
        &mut self,
        flow: FlowId,
        at: Timestamp,
        found: Anomalies,
        out: &mut impl Sink<C::Event>,
    ) {
        for (side, kind) in found.iter() {
            self.report_one(flow, side, at, kind, out);
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn report_one(
        &mut self,
        flow: FlowId,
        side: FlowSide,
        at: Timestamp,
        kind: AnomalyKind,
        out: &mut impl Sink<C::Event>,
    ) {
        self.stats.count_anomaly(kind);
        self.observer.anomaly(flow, side, at, kind);
        if self.reports_anomalies {
            let event = FlowEvent::Anomaly {
                flow,
                side,
                at,
                kind,
            };
            out.push(event.into());
        }
    }

    /// Makes a note of what is pending now that was not before.
    #[inline(never)]
    fn remember(&mut self, flow: FlowId, was: Pending, is: Pending) {
        let Self {
            consumer,
            table,
            clock,
            ..
        } = self;
        let flows = table.len();
        let pending = |flow| Some(consumer.pending(&table.by_id(flow)?.0.state));
        if let Some(alarm) = is.alarm
            && was.alarm.is_none_or(|before| alarm < before)
        {
            // What was due before it was known is done now, not in the past.
            self.alarms.set(alarm.max(*clock), flow);
            if self.alarms.is_crowded(flows) {
                let alarm = |flow| Some(pending(flow)?.alarm?.max(*clock));
                self.alarms.tidy(alarm);
            }
        }
        match (was.holds, is.holds) {
            (false, true) => {
                self.holders.add(flow);
                if self.holders.is_crowded(flows) {
                    self.holders
                        .tidy(|flow| pending(flow).is_some_and(|pending| pending.holds));
                }
            }
            (true, false) => self.holders.leave(flow),
            (false, false) | (true, true) => {}
        }
        self.settle();
    }

    /// Attends to a flow outside of its packets, if it is live, and returns
    /// what is then pending of it.
    fn attend<S: Sink<C::Event>>(
        &mut self,
        id: FlowId,
        at: Timestamp,
        attend: Attend<C, C::Flow, E::Key, S>,
        out: &mut S,
    ) -> Option<Pending> {
        self.table.by_id(id)?;
        let (slot, rest) = self.table.get_mut(id.index());
        let flow = FlowRef {
            id,
            key: &slot.key,
            at,
            flow: &slot.flow,
            rest,
        };
        let found = attend(&mut self.consumer, &mut slot.state, flow, out);
        let pending = self.consumer.pending(&slot.state);
        self.report(id, at, found, out);
        Some(pending)
    }

    /// Calls a flow that asked for it, if it still wants to be called.
    #[inline(never)]
    fn wake(&mut self, id: FlowId, at: Timestamp, out: &mut impl Sink<C::Event>) {
        let was = self.table.by_id(id).map_or(Pending::NOTHING, |(slot, _)| {
            self.consumer.pending(&slot.state)
        });
        let next = match was.alarm {
            Some(alarm) if alarm <= at => {
                let is = self.attend(id, at, C::wake, out);
                let is = is.unwrap_or(Pending::NOTHING);
                if was.holds && !is.holds {
                    self.holders.leave(id);
                }
                is.alarm
            }
            later => later,
        };
        // Who wants to be called again at once asks in vain.
        if let Some(alarm) = next.filter(|alarm| *alarm > at) {
            self.alarms.set(alarm, id);
        }
    }

    /// Lets flows hold less, those first that have held for longest.
    #[cold]
    pub(super) fn relieve(&mut self, out: &mut impl Sink<C::Event>) {
        while self.consumer.is_pressed()
            && let Some(id) = self.holders.first()
        {
            let held = self.table.by_id(id);
            let was = held.map(|(slot, _)| self.consumer.pending(&slot.state));
            let Some(was) = was.filter(|was| was.holds) else {
                self.holders.drop_first();
                continue;
            };
            let memory = self.consumer.memory();
            let is = self.attend(id, self.clock, C::shed, out);
            let is = is.unwrap_or(Pending::NOTHING);
            if is != was {
                // It may have let go, and what it was fed may make a parser
                // wait for something.
                self.remember(id, was, is);
            } else if self.consumer.memory() >= memory {
                // Who frees nothing is not asked again and again.
                self.holders.drop_first();
            }
        }
    }

    /// The statistics of a flow, with what the consumer knows.
    pub(super) fn stats_of(&self, slot: &Slot<E::Key, C::Flow>, rest: &Rest) -> FlowStats {
        let mut stats = slot.flow.stats(rest);
        self.consumer.amend(&slot.state, &mut stats);
        stats
    }

    /// Reports a change of state, which may bring a shorter timeout.
    #[inline(never)]
    fn changed(
        &mut self,
        flow: FlowId,
        from: FlowState,
        to: FlowState,
        at: Timestamp,
        out: &mut impl Sink<C::Event>,
    ) {
        let event = match to {
            FlowState::Established => FlowEvent::Established { flow, at },
            to => FlowEvent::StateChange { flow, at, from, to },
        };
        out.push(event.into());
        self.table.rearm(flow.index(), from, to);
    }

    #[cold]
    pub(super) fn start(
        &mut self,
        hash: u64,
        extracted: &Extracted<'_, E::Key>,
        observed: Observed,
        out: &mut impl Sink<C::Event>,
    ) -> u32 {
        if self.table.len() >= self.config.max_flows.clamp(1, MAX_FLOWS)
            && let Some(nearest) = self.table.nearest()
        {
            self.end(nearest, EndReason::Evicted, self.clock, out);
        }
        let flow = Flow::new(self.table.next_number(), &observed, self.clock);
        let key = E::seen_from(extracted.key.clone(), flow.0.initiator());
        let open = |id, key: &_, flow: &_, rest: &_| {
            let flow = FlowRef {
                id,
                key,
                at: observed.at,
                flow,
                rest,
            };
            self.consumer.open(flow, extracted)
        };
        let index = self.table.insert(hash, key, flow, open);
        let (slot, _) = self.table.get_mut(index);
        let id = FlowId::new(slot.flow.number(), index);
        let event = FlowEvent::Started {
            flow: id,
            key: slot.key.clone(),
            at: observed.at,
            state: slot.flow.state,
        };
        let (id, pending) = (event.flow(), self.consumer.pending(&slot.state));
        self.stats.count_start();
        self.observer.started(id, observed.at);
        out.push(event.into());
        if pending != Pending::NOTHING {
            self.remember(id, Pending::NOTHING, pending);
        }
        index
    }

    /// Does what is due up to the clock, in the order in which it became due:
    /// at one moment flows end first, then fragments are given up, then flows
    /// are called.
    #[cold]
    pub(super) fn expire_due(&mut self, extractor: &E, out: &mut impl Sink<C::Event>) {
        let now = self.clock;
        loop {
            let given_up = self.fragments.next_deadline().filter(|at| *at <= now);
            let until = self.alarms.check_at().min(given_up.unwrap_or(now)).min(now);
            // What happens then happens at that time.
            self.clock = until;
            while let Some(index) = self.table.due(until) {
                let at = self.table.deadline(index);
                self.end(index, EndReason::IdleTimeout, at, out);
            }
            if given_up == Some(until) {
                self.give_up_due(extractor, out);
            } else if let Some((at, flow)) = self.alarms.take(until) {
                self.wake(flow, at, out);
            } else {
                self.clock = now;
                return self.settle();
            }
        }
    }

    /// Has the next moment at which something is due looked out for.
    pub(super) fn settle(&mut self) {
        let next = self.alarms.check_at().min(self.fragments.check_at());
        self.table.set_alarm(next);
    }

    /// Ends every flow, in the order of their first packets.
    pub(super) fn finish(&mut self, extractor: &E, out: &mut impl Sink<C::Event>) {
        self.give_up_all(extractor, out);
        self.alarms.clear();
        self.holders.clear();
        self.table.unlink_all();
        loop {
            let oldest = self.table.oldest();
            if oldest.is_empty() {
                return self.table.release();
            }
            for index in oldest.into_iter().rev() {
                self.close(index, EndReason::EndOfInput, self.clock, out);
            }
        }
    }

    /// Ends a flow of the table.
    #[cold]
    pub(super) fn end(
        &mut self,
        index: u32,
        reason: EndReason,
        at: Timestamp,
        out: &mut impl Sink<C::Event>,
    ) {
        self.table.unlink(index);
        self.close(index, reason, at, out);
    }

    /// Reports the end of a flow that is found no more, for the reason its own
    /// state gives or else for `reason`, and takes it out of the table.
    fn close(
        &mut self,
        index: u32,
        reason: EndReason,
        at: Timestamp,
        out: &mut impl Sink<C::Event>,
    ) {
        let id = self.table.id(index);
        let (slot, rest) = self.table.get_mut(index);
        let reason = match slot.flow.state {
            FlowState::Closing | FlowState::Closed => EndReason::Fin,
            FlowState::Reset => EndReason::Rst,
            _ => reason,
        };
        let ended = FlowRef {
            id,
            key: &slot.key,
            at,
            flow: &slot.flow,
            rest,
        };
        let found = self.consumer.close(&mut slot.state, ended, reason, out);
        let mut stats = slot.flow.stats(rest);
        self.consumer.amend(&slot.state, &mut stats);
        if !found.is_empty() {
            self.report(id, at, found, out);
        }
        self.stats.count_end(reason);
        let (key, state) = self.table.take(index);
        let ended = Ended {
            flow: id,
            at,
            reason,
            stats: &stats,
        };
        self.observer
            .ended(&ended, || self.consumer.streams(&state));
        let event = FlowEvent::Ended {
            flow: id,
            key,
            at,
            reason,
            stats,
        };
        out.push(self.consumer.ended(state, event));
    }
}

/// More would not fit the 32 bits that places are numbered in.
const MAX_FLOWS: usize = 1 << 31;
