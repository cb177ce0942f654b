//! Flows in shards: which are to be called, and when, and which hold memory.
//!
//! A flow's shard follows from its index. Shards know nothing of each other:
//! each has its own timers and its own share of the memory, so what is done
//! for a flow depends on the flows of its shard alone. Whoever takes some of
//! the shards to another thread gets the same as who has them all.

use alloc::vec::Vec;

use super::held_memory::HeldMemory;
use super::pending::{Pending, PendingEntry, held_of, timer_of};
use super::shard::Shard;
use super::{Consumer, EngineConfig, FlowRef, Pressure};
use crate::slab::SlabIndex;
use crate::track::{Anomalies, FlowId, Work};
use crate::{Sink, Timestamp};

/// What is pending of flows, by shards.
#[derive(Debug)]
pub(super) struct Shards {
    shards: Vec<Shard>,
    /// When the first entry among the timers of each shard comes up.
    heads: Vec<Timestamp>,
    /// The earliest of these.
    next: Timestamp,
    /// How many entries of each may yet come up before the next packet.
    left: Vec<u32>,
    /// Whether something is due in a shard that is not done yet.
    is_behind: bool,
    /// In which shards.
    behind: Vec<bool>,
    /// How many shards hold more than their share.
    pressed: usize,
    share: usize,
    pressure: Pressure,
    /// What all of them hold.
    pub(super) memory: HeldMemory,
}

/// Keeps what was pending of flows.
pub(super) trait PendingFlows {
    /// What is kept of a flow, if it is live.
    fn entry(&self, flow: FlowId) -> Option<PendingEntry>;

    fn set_entry(&mut self, flow: FlowId, entry: PendingEntry);
}

/// Calls the consumer for flows outside of their packets.
pub(super) trait CallFlows<S>: PendingFlows {
    /// A timer has come up, at its turn.
    fn reach(&mut self, flow: FlowId, at: Timestamp, out: &mut S) {
        let _ = (flow, at, out);
    }

    /// Calls the consumer, and asks what is pending then.
    fn call(
        &mut self,
        flow: FlowId,
        at: Timestamp,
        call: Call,
        out: &mut S,
    ) -> (Anomalies, Pending);

    /// Reports what was odd, and that is all.
    fn report(&mut self, flow: FlowId, at: Timestamp, found: Anomalies, out: &mut S);
}

/// How a consumer is called for a flow outside of its packets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Call {
    Timer,
    Shed,
}

impl Call {
    /// Calls the consumer, and asks what is pending then.
    pub(super) fn make<K, C: Consumer<K>>(
        self,
        consumer: &mut C,
        state: &mut C::Flow,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<C::Event>,
    ) -> (Anomalies, Pending) {
        let found = match self {
            Self::Timer => consumer.on_timer(state, flow, out),
            Self::Shed => consumer.shed(state, flow, out),
        };
        (found, consumer.pending(state))
    }
}

/// How far something goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Until {
    /// As far as this moment, without it.
    Before(Timestamp),
    /// As far as this moment, with it.
    With(Timestamp),
}

impl Until {
    fn includes(self, at: Timestamp) -> bool {
        match self {
            Self::Before(end) => at < end,
            Self::With(end) => at <= end,
        }
    }
}

impl Shards {
    pub(super) fn new(config: &EngineConfig) -> Self {
        let count = config.shard_count();
        Self {
            shards: (0..count).map(|_| Shard::default()).collect(),
            heads: (0..count).map(|_| Timestamp::MAX).collect(),
            next: Timestamp::MAX,
            left: (0..count).map(|_| 0).collect(),
            is_behind: false,
            behind: (0..count).map(|_| false).collect(),
            pressed: 0,
            share: config.max_memory / count,
            pressure: config.pressure,
            memory: HeldMemory::default(),
        }
    }

    /// When the first timer comes up; [`Timestamp::MAX`] for none.
    #[inline]
    pub(super) fn next(&self) -> Timestamp {
        self.next
    }

    #[inline]
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Whether the shard of a flow holds more than its share.
    #[inline]
    pub(super) fn is_under_pressure(&self, flow: FlowId) -> bool {
        self.pressed > 0 && self.shards[self.shard_of(flow)].used > self.share
    }

    #[inline]
    fn shard_of(&self, flow: FlowId) -> usize {
        flow.index().number() as usize & (self.shards.len() - 1)
    }

    /// Keeps what is pending of a flow, and sets its timer.
    pub(super) fn note(
        &mut self,
        flow: FlowId,
        before: PendingEntry,
        pending: &Pending,
        clock: Timestamp,
        flows: &mut impl PendingFlows,
    ) {
        let (timer, held) = (timer_of(pending), held_of(pending));
        let of = self.shard_of(flow);
        let shard = &mut self.shards[of];
        let ticket = match (before.held, held) {
            (0, 1..) => shard.push_holder(flow, flows),
            (1.., 0) => {
                shard.queue.leave(flow, before.ticket);
                before.ticket
            }
            (1.., 1..) if held < before.held => before.ticket.of_progress(),
            (0, 0) | (1.., 1..) => before.ticket,
        };
        let entry = shard.entry_for(flow, before.entry, timer, clock);
        self.change_held(of, before.held, held);
        let kept = PendingEntry {
            timer,
            entry,
            held,
            ticket,
        };
        flows.set_entry(flow, kept);
        if entry != before.entry {
            self.shards[of].drop_stale_timers(flows);
            self.update_head(of);
        }
    }

    /// Nothing is pending of a flow that is about to go.
    pub(super) fn forget(
        &mut self,
        flow: FlowId,
        before: PendingEntry,
        clock: Timestamp,
        flows: &mut impl PendingFlows,
    ) {
        if !before.is(&Pending::NOTHING) {
            self.note(flow, before, &Pending::NOTHING, clock, flows);
        }
        if before.entry != Timestamp::MAX {
            let of = self.shard_of(flow);
            self.shards[of].timers.forget();
            flows.set_entry(flow, PendingEntry::default());
            self.shards[of].drop_stale_timers(flows);
            self.update_head(of);
        }
    }

    /// Lets a portion of what is due in each shard be done, out of so much work;
    /// of what is due by now.
    #[cold]
    pub(super) fn begin_portion(&mut self, steps: usize) {
        let each = (steps / Work::OF_AN_END / self.shards.len()).max(1);
        self.left.fill(u32::try_from(each).unwrap_or(u32::MAX));
    }

    /// Calls the flows whose timers have come up, in the order of those, as far as
    /// the portions suffice.
    #[cold]
    pub(super) fn call_due<S, H: CallFlows<S>>(&mut self, until: Until, host: &mut H, out: &mut S) {
        while until.includes(self.next)
            && let Some(of) = self.first_due(until)
        {
            self.left[of] -= 1;
            if self.left[of] == 0 {
                // From here on what is done for a flow of the shard looks at its own timer.
                self.behind[of] = true;
                self.is_behind = true;
            }
            let Some((at, flow)) = self.shards[of].timers.pop(self.heads[of]) else {
                return;
            };
            self.on_entry(of, flow, at, host, out);
            self.update_head(of);
        }
    }

    /// All that a portion sufficed for was done.
    #[cold]
    pub(super) fn end_portion(&mut self, now: Timestamp) {
        if !self.is_behind && self.next > now {
            return;
        }
        for (behind, head) in self.behind.iter_mut().zip(&self.heads) {
            *behind = *head <= now;
        }
        self.is_behind = self.next <= now;
    }

    /// The shard in which the first timer comes up of all that may yet be called.
    fn first_due(&self, until: Until) -> Option<usize> {
        let all = self.heads.iter().zip(&self.left).enumerate();
        let due = all.filter(|(_, (head, left))| until.includes(**head) && **left > 0);
        // At one moment the first flow comes first.
        due.min_by_key(|(of, _)| self.shards[*of].timers.first())
            .map(|(of, _)| of)
    }

    /// An entry among the timers has come up: calls its flow if that has a timer
    /// for this moment.
    fn on_entry<S, H: CallFlows<S>>(
        &mut self,
        of: usize,
        flow: FlowId,
        at: Timestamp,
        host: &mut H,
        out: &mut S,
    ) {
        let Some(pending) = host.entry(flow).filter(|pending| pending.entry == at) else {
            return;
        };
        let timers = &mut self.shards[of].timers;
        timers.forget();
        let entry = if pending.timer > at && pending.timer != Timestamp::MAX {
            timers.add(pending.timer, flow);
            pending.timer
        } else {
            Timestamp::MAX
        };
        host.set_entry(flow, PendingEntry { entry, ..pending });
        if pending.timer <= at {
            host.reach(flow, at, out);
            self.on_timer(flow, at, at, host, out);
        }
    }

    /// Calls a flow whose timer has come up.
    fn on_timer<S, H: CallFlows<S>>(
        &mut self,
        flow: FlowId,
        at: Timestamp,
        clock: Timestamp,
        host: &mut H,
        out: &mut S,
    ) {
        unset_timer(flow, host);
        self.call(flow, at, Call::Timer, clock, host, out);
        // A parser that asks for the same moment again is called with the next
        // packet at the earliest, so that it cannot stop the clock.
        if host.entry(flow).is_some_and(|pending| pending.timer <= at) {
            unset_timer(flow, host);
        }
        // Not with the next packet, of whatever flow: that may be one that is passed by.
        if self.is_under_pressure(flow) {
            self.relieve(flow, clock, host, out);
        }
    }

    fn call<S, H: CallFlows<S>>(
        &mut self,
        flow: FlowId,
        at: Timestamp,
        call: Call,
        clock: Timestamp,
        host: &mut H,
        out: &mut S,
    ) {
        let (found, pending) = host.call(flow, at, call, out);
        if let Some(before) = host.entry(flow).filter(|before| !before.is(&pending)) {
            self.note(flow, before, &pending, clock, host);
        }
        host.report(flow, at, found, out);
    }

    /// Calls a flow for which that is due, if its shard is behind: something of
    /// the flow is next.
    #[cold]
    pub(super) fn catch_up<S, H: CallFlows<S>>(
        &mut self,
        flow: FlowId,
        clock: Timestamp,
        until: Until,
        host: &mut H,
        out: &mut S,
    ) {
        if !self.behind[self.shard_of(flow)] {
            return;
        }
        for _ in 0..MOST_TIMERS {
            let Some(pending) = host.entry(flow) else {
                return;
            };
            let at = pending.timer.max(pending.entry.min(clock));
            if at > clock || !until.includes(at) {
                return;
            }
            self.on_timer(flow, at, clock, host, out);
        }
    }

    /// Has flows give up what they hold, after a packet of `current`, whose shard
    /// holds more than its share.
    #[cold]
    #[inline(never)]
    pub(super) fn relieve<S, H: CallFlows<S>>(
        &mut self,
        current: FlowId,
        clock: Timestamp,
        host: &mut H,
        out: &mut S,
    ) {
        let of = self.shard_of(current);
        while self.shards[of].used > self.share {
            let chosen = match self.pressure {
                Pressure::Oldest => self.shards[of].longest_holder(host),
                Pressure::Current => Some(current),
            };
            let before = chosen.and_then(|flow| host.entry(flow));
            let (Some(flow), Some(before)) = (chosen, before.filter(|it| it.held > 0)) else {
                return;
            };
            self.call(flow, clock, Call::Shed, clock, host, out);
            if let Some(after) = host.entry(flow)
                && after.held >= before.held
            {
                // It gives nothing back. It counts again when it holds more.
                self.shards[of].queue.leave(flow, after.ticket);
                self.change_held(of, after.held, 0);
                host.set_entry(flow, PendingEntry { held: 0, ..after });
            }
        }
    }

    /// Everything has ended.
    pub(super) fn clear(&mut self) {
        for (shard, head) in self.shards.iter_mut().zip(&mut self.heads) {
            shard.timers.clear();
            shard.queue.clear();
            *head = Timestamp::MAX;
        }
        self.next = Timestamp::MAX;
        self.is_behind = false;
        self.behind.fill(false);
    }

    /// What a flow of a shard holds has changed.
    fn change_held(&mut self, of: usize, before: u32, after: u32) {
        if before == after {
            return;
        }
        self.memory.change(before, after);
        let shard = &mut self.shards[of];
        let was_pressed = shard.used > self.share;
        shard.used = shard.used - before as usize + after as usize;
        match (was_pressed, shard.used > self.share) {
            (false, true) => self.pressed += 1,
            (true, false) => self.pressed -= 1,
            (true, true) | (false, false) => {}
        }
    }

    /// The timers of a shard have changed.
    fn update_head(&mut self, of: usize) {
        let head = self.shards[of].timers.next().unwrap_or(Timestamp::MAX);
        let before = core::mem::replace(&mut self.heads[of], head);
        if head <= self.next {
            self.next = head;
        } else if before == self.next {
            self.next = self.heads.iter().copied().min().unwrap_or(Timestamp::MAX);
        }
    }
}

fn unset_timer(flow: FlowId, flows: &mut impl PendingFlows) {
    if let Some(entry) = flows.entry(flow) {
        let timer = Timestamp::MAX;
        flows.set_entry(flow, PendingEntry { timer, ..entry });
    }
}

/// A parser that asks for one moment after the other is called so often at once.
const MOST_TIMERS: usize = 16;
