//! What is done at its time, and when there is too little memory.

use super::flows::Flows;
use super::pending::{Pending, PendingEntry, PendingSlot, Ticket, held_of, timer_of};
use super::{Consumer, FlowRef, Pressure};
use crate::extract::FlowExtractor;
use crate::track::{Anomalies, Effect, EndReason, FlowId, FlowIndex, Work};
use crate::{PacketView, Sink, Timestamp};

/// How a consumer is called for a flow outside of its packets.
type Call<C, F, K, S> = fn(&mut C, &mut F, FlowRef<'_, K>, &mut S) -> Anomalies;

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

    /// Keeps what is pending of a flow, and sets its timer.
    #[inline(never)]
    fn schedule(&mut self, flow: FlowId, before: PendingEntry, pending: &Pending) {
        let (timer, held) = (timer_of(pending), held_of(pending));
        let ticket = match (before.held, held) {
            (0, 1..) => self.push_holder(flow),
            (1.., 0) => {
                self.pressure.leave(flow, before.ticket);
                before.ticket
            }
            (1.., 1..) if held < before.held => before.ticket.of_progress(),
            (0, 0) | (1.., 1..) => before.ticket,
        };
        self.memory.change(before.held, held);
        let entry = self.entry_for(flow, before.entry, timer);
        let (slot, _) = self.table.get_mut(flow.index());
        slot.state.pending.set(PendingEntry {
            timer,
            entry,
            held,
            ticket,
        });
        if entry != before.entry {
            self.drop_stale_timers();
            self.update_check_at();
        }
    }

    /// Adds a flow to those that hold memory.
    fn push_holder(&mut self, flow: FlowId) -> Ticket {
        let table = &self.table;
        self.pressure.drop_stale(|flow| {
            let entry = table.by_id(flow)?.0.state.pending.get();
            (entry.held > 0).then_some(entry.ticket)
        });
        self.pressure.push(flow)
    }

    /// When the entry of a flow among the timers comes up, once its timer is set
    /// to `timer`.
    ///
    /// A timer that moves to a later moment, or to none, keeps its entry: it is
    /// put back when it comes up.
    fn entry_for(&mut self, flow: FlowId, entry: Timestamp, timer: Timestamp) -> Timestamp {
        let at = timer.max(self.clock);
        if at >= entry || timer == Timestamp::MAX {
            return entry;
        }
        if entry == Timestamp::MAX {
            self.timers.add(at, flow);
        } else {
            self.timers.add_earlier(at, flow);
        }
        at
    }

    fn drop_stale_timers(&mut self) {
        let table = &self.table;
        self.timers.drop_stale(|flow, at| {
            let found = table.by_id(flow);
            found.is_some_and(|(slot, _)| slot.state.pending.get().entry == at)
        });
    }

    /// Nothing is pending of a flow that is about to go.
    #[inline]
    pub(super) fn forget_pending(&mut self, flow: FlowId) {
        if !C::Pending::IS_USED {
            return;
        }
        let (slot, _) = self.table.get_mut(flow.index());
        let before = slot.state.pending.get();
        if before == PendingEntry::default() {
            return;
        }
        if !before.is(&Pending::NOTHING) {
            self.schedule(flow, before, &Pending::NOTHING);
        }
        if before.entry != Timestamp::MAX {
            self.timers.forget();
            let (slot, _) = self.table.get_mut(flow.index());
            slot.state.pending.set(PendingEntry::default());
            self.drop_stale_timers();
            self.update_check_at();
        }
    }

    /// Calls the consumer for a flow outside of its packets.
    fn call<S: Sink<C::Event>>(
        &mut self,
        flow: FlowId,
        at: Timestamp,
        call: Call<C, C::Flow, E::Key, S>,
        out: &mut S,
    ) {
        let frame = self.frame();
        let (slot, cold) = self.table.get_mut(flow.index());
        let view = FlowRef {
            id: flow,
            key: &slot.key,
            at,
            packet: frame,
            flow: &slot.flow,
            cold,
            effect: Effect::Plain,
        };
        let found = call(&mut self.consumer, &mut slot.state.flow, view, out);
        self.note_pending(flow);
        self.report(flow, at, found, out);
    }

    /// What is kept of a flow, if it is live.
    fn entry(&self, flow: FlowId) -> Option<PendingEntry> {
        Some(self.table.by_id(flow)?.0.state.pending.get())
    }

    /// An entry among the timers has come up: calls its flow if that has a timer
    /// for this moment.
    #[inline(never)]
    fn on_entry(&mut self, flow: FlowId, at: Timestamp, out: &mut impl Sink<C::Event>) {
        let Some(pending) = self.entry(flow).filter(|pending| pending.entry == at) else {
            return;
        };
        self.timers.forget();
        let entry = if pending.timer > at && pending.timer != Timestamp::MAX {
            self.timers.add(pending.timer, flow);
            pending.timer
        } else {
            Timestamp::MAX
        };
        let (slot, _) = self.table.get_mut(flow.index());
        slot.state.pending.set(PendingEntry { entry, ..pending });
        if pending.timer <= at {
            self.on_timer(flow, at, out);
        }
    }

    /// Calls a flow whose timer has come up.
    fn on_timer(&mut self, flow: FlowId, at: Timestamp, out: &mut impl Sink<C::Event>) {
        self.unset_timer(flow);
        self.call(flow, at, C::on_timer, out);
        // A parser that asks for the same moment again is called with the next
        // packet at the earliest, so that it cannot stop the clock.
        if self.entry(flow).is_some_and(|pending| pending.timer <= at) {
            self.unset_timer(flow);
        }
    }

    fn unset_timer(&mut self, flow: FlowId) {
        let (slot, _) = self.table.get_mut(flow.index());
        slot.state.pending.set(PendingEntry {
            timer: Timestamp::MAX,
            ..slot.state.pending.get()
        });
    }

    /// Whether more is held than may be.
    #[inline]
    pub(super) fn is_under_pressure(&self) -> bool {
        C::Pending::IS_USED && self.memory.used > self.config.max_memory
    }

    /// Has flows give up what they hold, after a packet of `current`.
    #[cold]
    #[inline(never)]
    pub(super) fn relieve(&mut self, current: Option<FlowId>, out: &mut impl Sink<C::Event>) {
        while self.is_under_pressure() {
            let chosen = match self.config.pressure {
                Pressure::Oldest => self.longest_holder(),
                Pressure::Current => current,
            };
            let before = chosen.and_then(|flow| self.entry(flow));
            let (Some(flow), Some(before)) = (chosen, before.filter(|it| it.held > 0)) else {
                return;
            };
            self.call(flow, self.clock, C::shed, out);
            if let Some(after) = self.entry(flow)
                && after.held >= before.held
            {
                // It gives nothing back. It counts again when it holds more.
                self.pressure.leave(flow, after.ticket);
                self.memory.change(after.held, 0);
                let (slot, _) = self.table.get_mut(flow.index());
                slot.state.pending.set(PendingEntry { held: 0, ..after });
            }
        }
    }

    /// The flow that has held something for the longest time without getting on.
    ///
    /// One that has given some of it back since it came into the queue, or was
    /// last passed over here, is passed over and goes to the end.
    /// But not more of them than a packet can wait for.
    fn longest_holder(&mut self) -> Option<FlowId> {
        let mut passed_over = 0;
        while let Some((flow, ticket)) = self.pressure.first() {
            let entry = self.entry(flow);
            match entry.filter(|it| it.held > 0 && it.ticket.is_of(ticket)) {
                None => self.pressure.drop_first(),
                Some(entry) if entry.ticket.has_progress() && passed_over < MOST_PASSED_OVER => {
                    passed_over += 1;
                    self.pressure.rotate();
                    let (slot, _) = self.table.get_mut(flow.index());
                    slot.state.pending.set(PendingEntry { ticket, ..entry });
                }
                Some(_) => return Some(flow),
            }
        }
        None
    }

    /// Does what is due before a packet, up to the clock; or a portion of that,
    /// and what is due of the packet's own flow.
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
        out: &mut impl Sink<C::Event>,
    ) {
        self.expire_due(extractor, Work::steps(self.portion), out);
        if self.is_behind
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
        if !self.is_behind {
            return Some(index);
        }
        let deadline = self.catch_up(index, out);
        if deadline > self.clock {
            return Some(index);
        }
        self.end(index, EndReason::IdleTimeout, deadline, out);
        None
    }

    /// Calls a flow for which that is due, and returns when it expires.
    pub(super) fn catch_up(
        &mut self,
        index: FlowIndex,
        out: &mut impl Sink<C::Event>,
    ) -> Timestamp {
        let flow = self.table.id(index);
        let deadline = self.table.deadline(index);
        for _ in 0..MOST_TIMERS {
            let Some(pending) = self.entry(flow).filter(|_| self.is_behind) else {
                break;
            };
            let at = pending.timer.max(pending.entry.min(self.clock));
            if at > self.clock || at >= deadline {
                break;
            }
            self.on_timer(flow, at, out);
        }
        deadline
    }

    /// Does what is due up to the clock, in the order in which it became due,
    /// as far as the work suffices: at one moment flows end first, then
    /// fragments are given up, then flows are called.
    #[cold]
    pub(super) fn expire_due(
        &mut self,
        extractor: &E,
        mut work: Work,
        out: &mut impl Sink<C::Event>,
    ) {
        let now = self.clock;
        loop {
            let given_up = self.fragments.next_deadline().filter(|at| *at <= now);
            let unanswered = self.syn_queue.next_deadline().filter(|at| *at <= now);
            let until = [given_up, unanswered, self.timers.next()];
            let until = until.into_iter().flatten().min().unwrap_or(now).min(now);
            // What happens then happens at that time.
            self.clock = until;
            while let Some(index) = self.table.due(until, &mut work) {
                work.spend(Work::OF_AN_END);
                let at = self.table.deadline(index);
                self.end(index, EndReason::IdleTimeout, at, out);
            }
            if work.is_done() {
                break;
            }
            work.spend(Work::OF_AN_END);
            if given_up == Some(until) {
                self.give_up_due(extractor, &mut work, out);
            } else if let Some(held) = self.syn_queue.due(until) {
                self.give_up_syn(extractor, &held, out);
            } else if let Some((at, flow)) = self.timers.pop(until) {
                self.on_entry(flow, at, out);
            } else {
                break;
            }
        }
        self.clock = now;
        self.update_check_at();
        self.is_behind = work.is_done() && self.table.check_at() <= now;
    }

    /// Keeps the next moment at which something other than a flow's end is due.
    pub(super) fn update_check_at(&mut self) {
        let timer = self.timers.next().unwrap_or(Timestamp::MAX);
        let next = timer.min(self.fragments.check_at());
        let unanswered = self.syn_queue.next_deadline().unwrap_or(Timestamp::MAX);
        self.table.set_other_due(next.min(unanswered));
    }

    /// Ends every flow, in the order of their first packets.
    pub(super) fn finish(&mut self, extractor: &E, out: &mut impl Sink<C::Event>) {
        if self.is_behind {
            self.expire_due(extractor, Work::all(), out);
        }
        self.give_up_all(extractor, out);
        while let Some(held) = self.syn_queue.drain() {
            // Nothing more comes that could prove it.
            match self.table.by_id(held.flow) {
                Some(_) => self.count_held(extractor, held.flow.index(), &held, out),
                None => self.release(extractor, &held, out),
            }
        }
        self.table.unlink_all();
        loop {
            let mut oldest = self.table.oldest();
            if oldest.len() == 0 {
                self.timers.clear();
                self.pressure.clear();
                return self.table.release();
            }
            while let Some(oldest) = oldest.pop() {
                self.close(oldest.index(), EndReason::EndOfInput, self.clock, out);
            }
        }
    }
}

/// So many flows that get on are passed over for one that does not.
const MOST_PASSED_OVER: usize = 1024;

/// A parser that asks for one moment after the other is called so often at once.
const MOST_TIMERS: usize = 16;

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
            let is_behind = driver.flows.is_behind;
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
