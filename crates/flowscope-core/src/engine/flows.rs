//! What becomes of the flows: counted, delivered, expired, ended.

use core::marker::PhantomData;

use super::alarms::{Alarms, Holders};
use super::contenders::{Contenders, HeldPacket, Unproven};
use super::fragments::Fragments;
use super::{Consumer, FlowRef, Pending};
use crate::extract::{Extracted, FlowExtractor};
use crate::observe::{Account, Ended, Observer};
use crate::track::{
    Anomalies, AnomalyKind, ColdState, Config, Effect, EndReason, Flow, FlowEvent, FlowId,
    FlowState, FlowStats, Observed, Slot, Standing, Table, TrackerStats, Verdict,
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
    /// Packets that came in a frame with others, behind the first.
    pub(super) packets_beside: u64,
    pub(super) fragments: Fragments,
    pub(super) contenders: Contenders,
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
    pub(super) at: Timestamp,
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
            contenders: Contenders::default(),
            config,
            clock: Timestamp::EPOCH,
            timestamps: Timestamps::AsCaptured,
            stats: TrackerStats::default(),
            packets_beside: 0,
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

    /// The number of the latest frame, counted from 1.
    #[inline]
    pub(super) const fn frame(&self) -> u64 {
        self.stats.packets - self.packets_beside
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
        extractor: &E,
        extracted: &Extracted<'_, E::Key>,
        out: &mut impl Sink<C::Event>,
    ) {
        let observed = self.observe(extracted);
        let hash = self.table.hash(&extracted.key);
        let index = match self.table.find(hash, &extracted.key) {
            Some(index) => index,
            None => self.start(hash, &extracted.clone(), observed, out),
        };
        let number = self.frame();
        let (slot, cold) = self.table.get_mut(index);
        if !slot.flow.is_plain(&observed) && slot.flow.may_be_replaced_by(&observed) {
            return self.deliver_contended(extractor, index, &extracted.clone(), out);
        }
        let verdict = slot.flow.count(&observed, self.clock, cold);
        let packet = Counted {
            extracted,
            observed: &observed,
            number,
        };
        let (observer, consumer) = (&mut self.observer, &mut self.consumer);
        let happened = hand_over(
            observer,
            consumer,
            (index, slot, cold),
            packet,
            verdict,
            out,
        );
        self.conclude(happened, out);
    }

    /// What of a packet is counted.
    #[inline(always)]
    fn observe(&self, extracted: &Extracted<'_, E::Key>) -> Observed {
        let packet = &extracted.packet;
        Observed {
            at: match self.timestamps {
                Timestamps::AsCaptured => packet.timestamp,
                Timestamps::Monotonic => self.clock,
            },
            orientation: extracted.orientation,
            transport: extracted.steps_by(),
            wire_len: packet.wire_len,
            ip_len: extracted.ip_len,
            payload_len: extracted.payload.wire_len(),
            is_cut: packet.missing() > 0,
        }
    }

    /// Delivers a packet that may be of another connection than the one it met.
    #[cold]
    #[inline(never)]
    fn deliver_contended(
        &mut self,
        extractor: &E,
        index: u32,
        extracted: &Extracted<'_, E::Key>,
        out: &mut impl Sink<C::Event>,
    ) {
        if let Some(index) = self.settle_standing(extractor, index, extracted, out) {
            self.count(index, extracted, self.clock, self.frame(), out);
        }
    }

    /// Counts a packet on its flow, as of a moment of the clock, and hands it to
    /// the consumer.
    #[inline(never)]
    fn count(
        &mut self,
        index: u32,
        extracted: &Extracted<'_, E::Key>,
        clock: Timestamp,
        number: u64,
        out: &mut impl Sink<C::Event>,
    ) {
        let observed = self.observe(extracted);
        let (slot, cold) = self.table.get_mut(index);
        let verdict = slot.flow.count(&observed, clock, cold);
        let packet = Counted {
            extracted,
            observed: &observed,
            number,
        };
        let (observer, consumer) = (&mut self.observer, &mut self.consumer);
        let happened = hand_over(
            observer,
            consumer,
            (index, slot, cold),
            packet,
            verdict,
            out,
        );
        self.conclude(happened, out);
    }

    /// Finds the flow of a packet that may be of another connection than the
    /// one it met; none if that is not known yet.
    #[cold]
    #[inline(never)]
    fn settle_standing(
        &mut self,
        extractor: &E,
        index: u32,
        extracted: &Extracted<'_, E::Key>,
        out: &mut impl Sink<C::Event>,
    ) -> Option<u32> {
        let observed = self.observe(extracted);
        let (slot, cold) = self.table.get_mut(index);
        let id = FlowId::new(slot.flow.number(), index);
        let mut standing = slot.flow.standing(&observed, cold);
        if let Standing::Contends(contender) = standing
            && contender.answer.is_some()
            && self.contenders.holds(id, (contender.opener, contender.isn))
        {
            standing = Standing::Proves(contender);
        }
        match standing {
            Standing::Member => return Some(index),
            Standing::Contends(_) if !Contenders::accepts(&extracted.packet) => {
                return Some(index);
            }
            Standing::Contends(contender) => {
                slot.flow.contend(contender, cold);
                let unproven = if slot.flow.state.is_over() {
                    Unproven::Begins
                } else {
                    Unproven::Refused
                };
                let (packet, number) = (&extracted.packet, self.frame());
                self.contenders
                    .hold(id, contender, unproven, packet, number, self.clock);
                self.stats.packets_held += 1;
                self.settle();
                return None;
            }
            Standing::Joins(contender) => {
                slot.flow.join_contender(contender, cold);
                let syn = (contender.opener, contender.isn);
                let (own, others) = self.contenders.take_all(id, &[syn]);
                for held in own.into_iter().chain(others) {
                    self.count_held(extractor, index, &held, out);
                }
                self.settle();
                return Some(index);
            }
            Standing::Proves(contender) => {
                let opener = contender.opener;
                let syn = (opener, contender.isn);
                // Both sides may have called.
                let answer = contender.answer.map(|isn| (opener.peer(), isn));
                let (own, others) = self.contenders.take_all(id, &[syn, answer.unwrap_or(syn)]);
                for held in others {
                    self.count_held(extractor, index, &held, out);
                }
                self.end(index, EndReason::Replaced, self.clock, out);
                for held in own {
                    self.release(extractor, &held, out);
                }
                self.settle();
            }
        }
        let hash = self.table.hash(&extracted.key);
        let found = self.table.find(hash, &extracted.key);
        Some(found.unwrap_or_else(|| self.start(hash, extracted, observed, out)))
    }

    /// Tracks a packet that was held, as if it came now.
    fn release(&mut self, extractor: &E, held: &HeldPacket, out: &mut impl Sink<C::Event>) {
        let Ok(extracted) = extractor.extract(held.view()) else {
            return;
        };
        let observed = self.observe(&extracted);
        let hash = self.table.hash(&extracted.key);
        let index = match self.table.find(hash, &extracted.key) {
            Some(index) => index,
            None => self.start(hash, &extracted, observed, out),
        };
        self.count_held(extractor, index, held, out);
    }

    /// Counts a packet that was held on a flow.
    fn count_held(
        &mut self,
        extractor: &E,
        index: u32,
        held: &HeldPacket,
        out: &mut impl Sink<C::Event>,
    ) {
        self.stats.packets_held -= 1;
        if let Ok(extracted) = extractor.extract(held.view()) {
            // The flow was heard of when the packet came, not now.
            let (slot, _) = self.table.get_mut(index);
            let clock = slot
                .flow
                .touched()
                .max(held.view().timestamp.min(self.clock));
            self.count(index, &extracted, clock, held.number, out);
        }
    }

    /// Settles a packet that nothing came of.
    fn give_up_contender(
        &mut self,
        extractor: &E,
        held: &HeldPacket,
        out: &mut impl Sink<C::Event>,
    ) {
        if self.table.by_id(held.flow).is_none() {
            return self.release(extractor, held, out);
        }
        let index = held.flow.index();
        match held.unproven {
            Unproven::Begins => {
                self.end(index, EndReason::Replaced, self.clock, out);
                self.release(extractor, held, out);
            }
            Unproven::Refused => {
                let (slot, _) = self.table.get_mut(index);
                slot.flow.refuse_contender();
                self.count_held(extractor, index, held, out);
            }
        }
    }

    /// Reports what came of a packet beside its own event.
    ///
    /// Compiled into its callers, so that what never happens with a consumer is
    /// not even looked for. Whatever may happen is out of the way.
    #[inline(always)]
    pub(super) fn conclude(&mut self, happened: Happened, out: &mut impl Sink<C::Event>) {
        let Happened { flow, at, .. } = happened;
        if !happened.found.is_empty() {
            self.report(flow, at, happened.found, out);
        }
        if let Some((was, is)) = happened.pending {
            self.remember(flow, was, is);
        }
        if let Some((before, after)) = happened.states {
            self.changed(flow, before, after, at, out);
        }
        if self.consumer.is_pressed() {
            self.relieve(out);
        }
    }

    /// Counts a packet in a tunnel on the flow outside, too.
    #[cold]
    #[inline(never)]
    pub(super) fn deliver_outer(
        &mut self,
        extractor: &E,
        outer: &Extracted<'_, E::Key>,
        out: &mut impl Sink<C::Event>,
    ) {
        self.stats.packets_outer += 1;
        self.deliver(extractor, outer, out);
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
        let frame = self.frame();
        let (slot, cold) = self.table.get_mut(id.index());
        let flow = FlowRef {
            id,
            key: &slot.key,
            at,
            packet: frame,
            flow: &slot.flow,
            cold,
            effect: Effect::Plain,
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
    pub(super) fn stats_of(&self, slot: &Slot<E::Key, C::Flow>, cold: &ColdState) -> FlowStats {
        let mut stats = slot.flow.stats(cold);
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
        let event = match (from, to) {
            (FlowState::SynSent | FlowState::SynReceived, FlowState::Established) => {
                FlowEvent::Established { flow, at }
            }
            _ => FlowEvent::StateChange { flow, at, from, to },
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
        let frame = self.frame();
        let open = |id, key: &_, flow: &_, cold: &_| {
            let flow = FlowRef {
                id,
                key,
                at: observed.at,
                packet: frame,
                flow,
                cold,
                effect: Effect::Plain,
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
            let unanswered = self.contenders.next_deadline().filter(|at| *at <= now);
            let until = [given_up, unanswered, self.alarms.next()];
            let until = until.into_iter().flatten().min().unwrap_or(now).min(now);
            // What happens then happens at that time.
            self.clock = until;
            while let Some(index) = self.table.due(until) {
                let at = self.table.deadline(index);
                self.end(index, EndReason::IdleTimeout, at, out);
            }
            if given_up == Some(until) {
                self.give_up_due(extractor, out);
            } else if let Some(held) = self.contenders.due(until) {
                self.give_up_contender(extractor, &held, out);
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
        let unanswered = self.contenders.next_deadline().unwrap_or(Timestamp::MAX);
        self.table.set_other_due(next.min(unanswered));
    }

    /// Ends every flow, in the order of their first packets.
    pub(super) fn finish(&mut self, extractor: &E, out: &mut impl Sink<C::Event>) {
        self.give_up_all(extractor, out);
        while let Some(held) = self.contenders.drain() {
            // Nothing more comes that could prove it.
            match self.table.by_id(held.flow) {
                Some(_) => self.count_held(extractor, held.flow.index(), &held, out),
                None => self.release(extractor, &held, out),
            }
        }
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
        let frame = self.frame();
        let id = self.table.id(index);
        let (slot, cold) = self.table.get_mut(index);
        let is_contended = slot.flow.is_contended();
        let reason = match slot.flow.state {
            FlowState::Closing | FlowState::Closed => EndReason::Fin,
            FlowState::Reset => EndReason::Rst,
            _ => reason,
        };
        let ended = FlowRef {
            id,
            key: &slot.key,
            at,
            packet: frame,
            flow: &slot.flow,
            cold,
            effect: Effect::Plain,
        };
        let found = self.consumer.close(&mut slot.state, ended, reason, out);
        let mut stats = slot.flow.stats(cold);
        self.consumer.amend(&slot.state, &mut stats);
        if !found.is_empty() {
            self.report(id, at, found, out);
        }
        if is_contended {
            self.contenders.orphan(id);
            self.settle();
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

/// A packet that is counted.
struct Counted<'p, 'a, K> {
    extracted: &'p Extracted<'a, K>,
    observed: &'p Observed,
    number: u64,
}

/// Tells of a packet that was counted on a flow, and hands it to the consumer.
#[inline(always)]
fn hand_over<K, C: Consumer<K>>(
    observer: &mut Observer,
    consumer: &mut C,
    (index, slot, cold): (u32, &mut Slot<K, C::Flow>, &ColdState),
    packet: Counted<'_, '_, K>,
    verdict: Verdict,
    out: &mut impl Sink<C::Event>,
) -> Happened {
    let observed = packet.observed;
    let (flow, at) = (&slot.flow, observed.at);
    let id = FlowId::new(flow.number(), index);
    let side = flow.side_of(observed.orientation);
    observer.packet(side, observed.wire_len, observed.payload_len);
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
        packet: packet.number,
        flow,
        cold,
        effect: verdict.effect,
    };
    let reaction = consumer.packet(&mut slot.state, flow, side, packet.extracted, out);
    let mut found = verdict.found;
    found |= reaction.found;
    Happened {
        flow: id,
        at,
        found,
        pending: reaction.pending,
        states: verdict.states,
    }
}

/// More would not fit the 32 bits that places are numbered in.
const MAX_FLOWS: usize = 1 << 31;
