//! What is done at its time, and when there is too little memory.

use super::flows::Flows;
use super::pending::{Pending, PendingEntry, PendingSlot, Ticket, held_of, timer_of};
use super::{Consumer, FlowRef, Pressure};
use crate::extract::FlowExtractor;
use crate::track::{Anomalies, Effect, EndReason, FlowId};
use crate::{Sink, Timestamp};

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
        let (slot, _) = self.table.get_mut(flow.index());
        slot.state.pending.set(PendingEntry {
            timer,
            held,
            ticket,
        });
        self.set_timer(flow, before.timer, timer);
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

    /// Sets a flow's timer, which was set to `before`.
    ///
    /// One that moves to a later moment keeps its entry: it is put back when it
    /// comes up.
    fn set_timer(&mut self, flow: FlowId, before: Timestamp, timer: Timestamp) {
        match (before, timer) {
            (Timestamp::MAX, Timestamp::MAX) => return,
            (_, Timestamp::MAX) => return self.timers.unset(),
            (Timestamp::MAX, _) => self.timers.set(timer.max(self.clock), flow),
            (before, _) if timer < before => self.timers.defer(timer.max(self.clock), flow),
            (..) => return,
        }
        let (table, clock) = (&self.table, self.clock);
        self.timers.drop_stale(|flow| {
            let timer = table.by_id(flow)?.0.state.pending.get().timer;
            (timer != Timestamp::MAX).then(|| timer.max(clock))
        });
        self.update_check_at();
    }

    /// Nothing is pending of a flow that is about to go.
    #[inline]
    pub(super) fn forget_pending(&mut self, flow: FlowId) {
        if !C::Pending::IS_USED {
            return;
        }
        let (slot, _) = self.table.get_mut(flow.index());
        let before = slot.state.pending.get();
        if before != PendingEntry::default() && !before.is(&Pending::NOTHING) {
            self.schedule(flow, before, &Pending::NOTHING);
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

    /// Calls a flow whose timer may have come up.
    #[inline(never)]
    fn on_timer(&mut self, flow: FlowId, at: Timestamp, out: &mut impl Sink<C::Event>) {
        let Some(entry) = self.entry(flow) else {
            return;
        };
        if entry.timer == Timestamp::MAX {
            return;
        }
        if entry.timer > at {
            return self.timers.defer(entry.timer, flow);
        }
        self.timers.unset();
        let (slot, _) = self.table.get_mut(flow.index());
        slot.state.pending.set(PendingEntry {
            timer: Timestamp::MAX,
            ..entry
        });
        self.call(flow, at, C::on_timer, out);
        // A parser that asks for the same moment again is called with the next
        // packet at the earliest, so that it cannot stop the clock.
        if let Some(entry) = self.entry(flow)
            && entry.timer <= at
        {
            self.timers.unset();
            let (slot, _) = self.table.get_mut(flow.index());
            slot.state.pending.set(PendingEntry {
                timer: Timestamp::MAX,
                ..entry
            });
        }
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
    fn longest_holder(&mut self) -> Option<FlowId> {
        while let Some((flow, ticket)) = self.pressure.first() {
            let entry = self.entry(flow);
            match entry.filter(|it| it.held > 0 && it.ticket.is_of(ticket)) {
                None => self.pressure.drop_first(),
                Some(entry) if entry.ticket.has_progress() => {
                    self.pressure.rotate();
                    let (slot, _) = self.table.get_mut(flow.index());
                    slot.state.pending.set(PendingEntry { ticket, ..entry });
                }
                Some(_) => return Some(flow),
            }
        }
        None
    }

    /// Does what is due up to the clock, in the order in which it became due:
    /// at one moment flows end first, then fragments are given up, then flows
    /// are called.
    #[cold]
    pub(super) fn expire_due(&mut self, extractor: &E, out: &mut impl Sink<C::Event>) {
        let now = self.clock;
        loop {
            let given_up = self.fragments.next_deadline().filter(|at| *at <= now);
            let unanswered = self.syn_queue.next_deadline().filter(|at| *at <= now);
            let until = [given_up, unanswered, self.timers.next()];
            let until = until.into_iter().flatten().min().unwrap_or(now).min(now);
            // What happens then happens at that time.
            self.clock = until;
            while let Some(index) = self.table.due(until) {
                let at = self.table.deadline(index);
                self.end(index, EndReason::IdleTimeout, at, out);
            }
            if given_up == Some(until) {
                self.give_up_due(extractor, out);
            } else if let Some(held) = self.syn_queue.due(until) {
                self.give_up_syn(extractor, &held, out);
            } else if let Some((at, flow)) = self.timers.pop(until) {
                self.on_timer(flow, at, out);
            } else {
                self.clock = now;
                return self.update_check_at();
            }
        }
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
            let oldest = self.table.oldest();
            if oldest.is_empty() {
                self.timers.clear();
                self.pressure.clear();
                return self.table.release();
            }
            for index in oldest.into_iter().rev() {
                self.close(index, EndReason::EndOfInput, self.clock, out);
            }
        }
    }
}
