//! What is done at its time, and when there is too little memory.

use core::hash::Hash;

use super::flows::{ConsumerState, Flows, report_all};
use super::pending::{Pending, PendingEntry, PendingSlot};
use super::shards::{Call, CallFlows, PendingFlows, Shards, Until};
use super::{Advance, AnomalyEvents, Consumer, FlowRef};
use crate::extract::FlowExtractor;
use crate::observe::Observer;
use crate::track::{
    Anomalies, ByAge, EndReason, FlowId, FlowIndex, ReadyQueue, Table, TrackerStats, Work,
};
use crate::{PacketView, Sink, Timestamp};

/// What calling the consumer for a flow outside of its packets takes.
struct Host<'f, K, C: Consumer<K>> {
    table: &'f mut Table<K, ConsumerState<C::Flow, C::Pending>>,
    consumer: &'f mut C,
    stats: &'f mut TrackerStats,
    observer: &'f mut Observer,
    anomalies: AnomalyEvents,
    frame: u64,
}

impl<K: Clone + Eq + Hash, F, P: PendingSlot> PendingFlows for Table<K, ConsumerState<F, P>> {
    fn entry(&self, flow: FlowId) -> Option<PendingEntry> {
        Some(self.by_id(flow)?.0.state.pending.get())
    }

    fn set_entry(&mut self, flow: FlowId, entry: PendingEntry) {
        let (slot, _) = self.get_mut(flow.index());
        slot.state.pending.set(entry);
    }
}

impl<K: Clone + Eq + Hash, C: Consumer<K>> PendingFlows for Host<'_, K, C> {
    fn entry(&self, flow: FlowId) -> Option<PendingEntry> {
        self.table.entry(flow)
    }

    fn set_entry(&mut self, flow: FlowId, entry: PendingEntry) {
        self.table.set_entry(flow, entry);
    }
}

impl<K, C, S> CallFlows<S> for Host<'_, K, C>
where
    K: Clone + Eq + Hash,
    C: Consumer<K>,
    S: Sink<C::Event>,
{
    fn call(
        &mut self,
        flow: FlowId,
        at: Timestamp,
        call: Call,
        out: &mut S,
    ) -> (Anomalies, Pending) {
        let (slot, _) = self.table.get_mut(flow.index());
        let view = FlowRef::of_live(flow, &slot.key, &slot.flow, at, self.frame);
        call.make(self.consumer, &mut slot.state.flow, view, out)
    }

    fn report(&mut self, flow: FlowId, at: Timestamp, found: Anomalies, out: &mut S) {
        let counts = (&mut *self.stats, &mut *self.observer);
        report_all(counts, self.anomalies, (flow, at), found, out);
    }
}

impl<E: FlowExtractor, C: Consumer<E::Key>> Flows<E, C> {
    /// Asks what is pending of a flow, and keeps it.
    #[inline]
    pub(super) fn note_pending(&mut self, flow: FlowId) {
        if !C::Pending::IS_USED {
            return;
        }
        let (slot, _) = self.table.get_mut(flow.index());
        let pending = self.consumer.pending(&slot.state.flow);
        let before = slot.state.pending.get();
        if !before.is(&pending) {
            self.schedule(flow, before, &pending);
        }
    }

    #[inline(never)]
    fn schedule(&mut self, flow: FlowId, before: PendingEntry, pending: &Pending) {
        self.shards
            .note(flow, before, pending, self.clock, &mut self.table);
    }

    /// Nothing is pending of a flow that is about to go.
    #[inline]
    pub(super) fn forget_pending(&mut self, flow: FlowId) {
        if !C::Pending::IS_USED {
            return;
        }
        let (slot, _) = self.table.get_mut(flow.index());
        let before = slot.state.pending.get();
        if before != PendingEntry::default() {
            self.shards
                .forget(flow, before, self.clock, &mut self.table);
        }
    }

    /// The shards, and what calling the consumer takes.
    fn host(&mut self) -> (&mut Shards, Host<'_, E::Key, C>) {
        let frame = self.frame();
        let host = Host {
            table: &mut self.table,
            consumer: &mut self.consumer,
            stats: &mut self.stats,
            observer: &mut self.observer,
            anomalies: self.config.anomalies,
            frame,
        };
        (&mut self.shards, host)
    }

    /// Calls flows whose timers have come up.
    fn call_due(&mut self, until: Until, out: &mut impl Sink<C::Event>) {
        if C::Pending::IS_USED {
            let (shards, mut host) = self.host();
            shards.call_due(until, &mut host, out);
        }
    }

    /// Calls a flow for which that is due before something else is done for it.
    #[inline]
    pub(super) fn catch_up_timers(
        &mut self,
        flow: FlowId,
        clock: Timestamp,
        until: Until,
        out: &mut impl Sink<C::Event>,
    ) {
        if C::Pending::IS_USED && self.shards.is_behind() {
            let (shards, mut host) = self.host();
            shards.catch_up(flow, clock, until, &mut host, out);
        }
    }

    /// Whether more is held with a flow than may be.
    #[inline]
    pub(super) fn is_under_pressure(&self, flow: FlowId) -> bool {
        C::Pending::IS_USED && self.shards.is_under_pressure(flow)
    }

    /// Has flows give up what they hold, after a packet of `current`.
    #[cold]
    #[inline(never)]
    pub(super) fn relieve(&mut self, current: FlowId, out: &mut impl Sink<C::Event>) {
        let clock = self.clock;
        let (shards, mut host) = self.host();
        shards.relieve(current, clock, &mut host, out);
    }

    /// Does what is due before a packet, up to the clock; or a portion of that,
    /// and what is due of the packet's own flow. The clock was at `before`.
    ///
    /// The packet is a copy, so that the packet itself is never written to memory.
    /// It never counts on a flow that has expired, and nothing of a
    /// flow comes in another order, however much is left to do of others.
    #[cold]
    #[inline(never)]
    pub(super) fn expire_before(
        &mut self,
        extractor: &E,
        packet: PacketView<'_>,
        before: Timestamp,
        out: &mut impl Sink<C::Event>,
    ) {
        if !self.is_behind {
            self.ended_before = before;
        }
        let is_due = self.clock >= self.table.check_at();
        let work = is_due.then_some(Work::steps(self.portion));
        self.expire_due(extractor, work, self.portion, before, out);
        if (self.is_behind || self.shards.is_behind())
            && let Ok(extracted) = extractor.extract(packet)
        {
            self.find_live(self.table.hash(&extracted.key), &extracted.key, out);
        }
    }

    /// Finds a flow, once what was due of it is done.
    pub(super) fn find_live(
        &mut self,
        hash: u64,
        key: &E::Key,
        out: &mut impl Sink<C::Event>,
    ) -> Option<FlowIndex> {
        let index = self.table.find(hash, key)?;
        if self.is_behind {
            let deadline = self.table.deadline(index);
            if deadline <= self.clock {
                self.end(index, EndReason::IdleTimeout, deadline, out);
                return None;
            }
        }
        let clock = self.clock;
        self.catch_up_timers(self.table.id(index), clock, Until::With(clock), out);
        Some(index)
    }

    /// Does what is due up to the clock, in the order in which it became due,
    /// as far as the work suffices: at one moment flows end first, then
    /// fragments are given up, then flows are called.
    ///
    /// Ends and timers are done in portions of their own, so that ends do not depend
    /// on how many timers there are: `work` is for ends, if any are due.
    #[cold]
    pub(super) fn expire_due(
        &mut self,
        extractor: &E,
        work: Option<Work>,
        timers: usize,
        before: Timestamp,
        out: &mut impl Sink<C::Event>,
    ) {
        self.shards.begin_portion(timers);
        if let Some(work) = work {
            self.end_due(extractor, work, before, out);
        }
        // A flow that is to end is not called at a later moment: timers wait for ends.
        let until = match self.is_behind {
            true => Until::Before(self.ended_before),
            false => Until::With(self.clock),
        };
        self.consumer.advance(Advance::Now(until), out);
        self.call_due(until, out);
        self.shards.end_portion(self.clock);
    }

    /// Moves on to the moment of what is done next, and never back: timers that
    /// come up before go first.
    fn reach(&mut self, moment: &mut Timestamp, next: Timestamp, out: &mut impl Sink<C::Event>) {
        *moment = next.max(*moment);
        self.call_due(Until::Before(*moment), out);
        self.consumer.advance(Advance::Due(*moment), out);
    }

    /// Ends flows, and gives up fragments and SYNs.
    fn end_due(
        &mut self,
        extractor: &E,
        mut work: Work,
        before: Timestamp,
        out: &mut impl Sink<C::Event>,
    ) {
        let now = self.clock;
        let (mut reached, mut moment) = (before, Timestamp::EPOCH);
        loop {
            let given_up = self.fragments.next_deadline().filter(|at| *at <= now);
            let unanswered = self.syn_queue.next_deadline().filter(|at| *at <= now);
            // What has no moment of its own is due with what was done last.
            let unanswered = unanswered.map(|at| match at {
                Timestamp::EPOCH => reached,
                at => at,
            });
            let until = [given_up, unanswered].into_iter().flatten().min();
            let until = until.unwrap_or(now).min(now);
            // What happens then happens at that time.
            self.clock = until;
            while let Some(index) = self.table.due(until, &mut work) {
                work.spend(Work::OF_AN_END);
                let at = self.table.deadline(index);
                self.reach(&mut moment, at, out);
                self.end(index, EndReason::IdleTimeout, at, out);
            }
            reached = until;
            if work.is_done() {
                break;
            }
            work.spend(Work::OF_AN_END);
            if given_up == Some(until) {
                self.reach(&mut moment, until, out);
                self.clock = moment;
                self.give_up_due(extractor, &mut work, out);
            } else if let Some(held) = self.syn_queue.due(until) {
                self.reach(&mut moment, until, out);
                self.clock = moment;
                self.give_up_syn(extractor, &held, out);
            } else {
                break;
            }
        }
        self.clock = now;
        self.update_check_at();
        self.is_behind = work.is_done() && self.table.check_at() <= now;
        self.ended_before = match self.is_behind {
            true => moment.max(self.ended_before),
            false => now,
        };
    }

    /// Keeps the next moment at which something other than a flow's end is due.
    pub(super) fn update_check_at(&mut self) {
        let unanswered = self.syn_queue.next_deadline().unwrap_or(Timestamp::MAX);
        self.table
            .set_other_due(self.fragments.check_at().min(unanswered));
    }

    /// Ends flows, in the order of their first packets, but not more than so many.
    /// Returns whether there are more.
    pub(super) fn finish(
        &mut self,
        extractor: &E,
        most: usize,
        out: &mut impl Sink<C::Event>,
    ) -> bool {
        let mut ending = match self.ending.take() {
            Some(ending) => {
                self.consumer.advance(Advance::Expire(self.clock), out);
                ending
            }
            None => self.begin_to_finish(extractor, out),
        };
        for _ in 0..most {
            if ending.len() == 0 {
                ending = self.table.oldest();
            }
            let Some(oldest) = ending.pop() else {
                self.shards.clear();
                self.table.release();
                self.consumer.advance(Advance::Finished, out);
                return false;
            };
            self.close(oldest.index(), EndReason::EndOfInput, self.clock, out);
        }
        self.ending = Some(ending);
        true
    }

    /// Does all that is due, and gives up what is waited for.
    fn begin_to_finish(
        &mut self,
        extractor: &E,
        out: &mut impl Sink<C::Event>,
    ) -> ReadyQueue<ByAge> {
        self.consumer.advance(Advance::Expire(self.clock), out);
        let work = self.is_behind.then_some(Work::all());
        self.expire_due(extractor, work, usize::MAX, self.clock, out);
        self.give_up_all(extractor, out);
        while let Some(held) = self.syn_queue.drain() {
            // Nothing more comes that could prove it.
            match self.table.by_id(held.flow) {
                Some(_) => self.count_held(extractor, held.flow.index(), &held, out),
                None => self.release(extractor, &held, out),
            }
        }
        self.table.unlink_all();
        self.table.oldest()
    }
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;
    use core::time::Duration;
    use std::collections::BTreeMap;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    use crate::engine::EngineConfig;
    use crate::extract::{FiveTuple, FiveTupleKey};
    use crate::session::{Datagram, DatagramParser, Interest};
    use crate::track::IdleTimeouts;
    use crate::{FlowDatagramDriver, LinkType, PacketView, SessionEvent, Sink, Timestamp};

    /// Says when it was called: a while after each datagram, and a while after that.
    #[derive(Clone, Default)]
    struct Alarm {
        next: Option<Timestamp>,
        left: u32,
    }

    impl DatagramParser for Alarm {
        type Message = (&'static str, Timestamp);
        type Error = Infallible;

        fn parse(
            &mut self,
            datagram: Datagram<'_>,
            out: &mut dyn Sink<Self::Message>,
        ) -> Result<Interest, Infallible> {
            out.push(("datagram", datagram.at));
            let pause = u64::from(datagram.payload[0] | 1) * 40;
            self.next = Some(datagram.at + Duration::from_millis(pause));
            self.left = 3;
            Ok(Interest::More)
        }

        fn next_tick(&self) -> Option<Timestamp> {
            self.next
        }

        fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<Self::Message>) {
            out.push(("tick", at));
            self.left -= 1;
            self.next = (self.left > 0).then(|| at + Duration::from_millis(300));
        }
    }

    /// One byte of payload, from a port.
    fn datagram(port: u16, payload: u8) -> Vec<u8> {
        let mut packet = Vec::from([
            0x45, 0, 0, 29, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ]);
        packet.extend(port.to_be_bytes());
        packet.extend([0, 53, 0, 9, 0, 0, payload]);
        packet
    }

    /// What is told of each flow, and how many flows ended in another order than
    /// they were due, where so much is done for each packet.
    fn events(portion: usize, max_flows: usize) -> (BTreeMap<u64, Vec<String>>, usize) {
        let config = EngineConfig {
            max_flows,
            idle: IdleTimeouts {
                udp: Duration::from_secs(2),
                ..IdleTimeouts::default()
            },
            ..EngineConfig::default()
        };
        let mut driver = FlowDatagramDriver::new(FiveTuple::bidirectional(), Alarm::default());
        driver = driver.with_config(config);
        driver.flows.portion = portion;
        let (mut told, mut latest, mut swapped) = (BTreeMap::new(), Timestamp::EPOCH, 0);
        let mut tell = |event: SessionEvent<FiveTupleKey, (&'static str, Timestamp)>| {
            let list: &mut Vec<String> = told.entry(event.flow().number()).or_default();
            list.push(match &event {
                SessionEvent::Application { at, message, .. } => format!("{at} {message:?}"),
                SessionEvent::Started { key, at, .. } => format!("{at} {key} started"),
                SessionEvent::Closed {
                    at, reason, stats, ..
                } => {
                    swapped += usize::from(*at < latest);
                    latest = latest.max(*at);
                    format!("{at} {reason} {stats:?}")
                }
                event => format!("{}", event.at()),
            });
        };
        let (mut random, mut nanos) = (1u32, 0u64);
        for n in 0..4000 {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            nanos += match random % 64 {
                0 => 2_500_000_000,
                1..4 => 500_000_000,
                _ => 1_000_000,
            };
            let frame = datagram((random >> 8) as u16 % 200, (random >> 24) as u8);
            let view = PacketView::new(&frame, Timestamp::from_nanos(nanos));
            driver.track(view.with_link(LinkType::RAW), &mut tell);
            let is_behind = driver.flows.is_behind || driver.flows.shards.is_behind();
            let next = driver.next_expiry();
            assert!(is_behind || next.is_none_or(|next| next > view.timestamp));
            if n % 1000 == 999 {
                driver.expire(view.timestamp, &mut tell);
                assert!(
                    driver
                        .next_expiry()
                        .is_none_or(|next| next > view.timestamp)
                );
            }
        }
        driver.finish(&mut tell);
        (told, swapped)
    }

    #[test]
    fn no_flow_can_tell_in_what_portions_things_are_done() {
        for max_flows in [1000, 90] {
            let (expected, swapped) = events(usize::MAX, max_flows);
            assert_eq!(swapped, 0);
            for portion in [1, 20, 300] {
                let (told, swapped) = events(portion, max_flows);
                assert_eq!(told, expected, "{portion}");
                // Those go before their turn whose next packet has come.
                assert!(swapped > 0 || portion > 1);
            }
        }
    }
}
