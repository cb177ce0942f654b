//! When flows expire.
//!
//! Moving a flow in some order on every packet would touch other flows too,
//! and at a million flows each touch is a cache miss. So a packet only writes
//! its own flow's time. The flow's timer stays at the deadline it was last set
//! to, which is at or before the true one, and is set again when that comes
//! up.
//!
//! Far deadlines lie in a wheel of buckets, an eighth of a second each, in no
//! order. Near ones, before the *horizon*, lie in exact order. The horizon
//! moves over one bucket at a time and sorts what was in it, so what comes out
//! is in the order of true deadlines, then of flows.
//!
//! A bucket may hold every flow there is. So it is emptied in portions, and
//! until that is done nothing of its time comes out.

use super::prefetch::prefetch;
use super::ready_queue::ReadyQueue;
use super::timer_wheel::{Batch, PER_BLOCK, TimerWheel, Turn, WheelSlot};
use super::{FlowId, FlowIndex, Work};
use crate::Timestamp;
use crate::slab::SlabIndex;

/// The timers of all flows, one each, ordered by deadline.
#[derive(Debug)]
pub(super) struct ExpiryTimers {
    wheel: TimerWheel,
    /// How many timers are in the wheel.
    in_wheel: usize,
    /// The tick the horizon stands at: the deadlines in `ready` are before it,
    /// those in the wheel at or after it.
    horizon: u64,
    /// The tick before which `ready` is complete. It is the horizon, or buckets
    /// from this one on are being emptied.
    settled: u64,
    /// The tick up to which they are.
    last_to_empty: u64,
    /// When each bucket will have been emptied since `least_set` was begun.
    turn_end: u64,
    /// The earliest tick for which a timer was put into the wheel since then.
    least_set: u64,
    /// Of the timers that were put back into the wheel since it was last asked for
    /// the nearest, the one that comes up first.
    nearest_put_back: (Timestamp, FlowIndex),
    ready: ReadyQueue<(Timestamp, FlowId)>,
    /// How many entries of `ready` are still valid: one of a flow that has ended
    /// stays until it comes up.
    in_ready: usize,
    /// How many flows are looked at to find the nearest.
    portion: usize,
    /// Before this moment nothing comes up.
    check_at: Timestamp,
    /// When something other than a flow's end comes up.
    other_due: Timestamp,
}

/// Where a flow's timer is in [`ExpiryTimers`], kept in the flow's own entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimerHandle {
    /// In its bucket, or one of `READY` and `UNSET`.
    slot: WheelSlot,
    /// The low bits of the deadline it was set to. In a bucket they are those
    /// of the tick, which name the bucket, and below them the turn that the bucket
    /// had. In `ready` they are those of the nanoseconds, which tell its entry from
    /// older ones of the same flow.
    mark: u32,
}

impl TimerHandle {
    pub(super) const fn unset() -> Self {
        Self {
            slot: UNSET,
            mark: 0,
        }
    }

    /// A word of the cache line it lies in.
    #[inline]
    pub(super) fn prefetch_word(&self) -> u64 {
        self.mark.into()
    }

    fn is_ready(&self, deadline: Timestamp) -> bool {
        self.slot == READY && self.mark == short(deadline.as_nanos())
    }

    const fn in_bucket(slot: WheelSlot, tick: u64, turn: Turn) -> Self {
        Self {
            slot,
            mark: short(tick) << 1 | turn as u32,
        }
    }

    /// Where in a bucket it is.
    const fn bucket(&self) -> (usize, Turn) {
        let turn = if self.mark & 1 == 0 {
            Turn::Even
        } else {
            Turn::Odd
        };
        (bucket((self.mark >> 1) as u64), turn)
    }

    /// How many ticks its bucket is ahead of a horizon, if it is.
    const fn ticks_ahead(&self, horizon: u64) -> u32 {
        (self.mark >> 1).wrapping_sub(short(horizon)) & MAX_TICKS
    }
}

/// The flows, as far as [`ExpiryTimers`] needs them.
pub(super) trait TimedFlows {
    /// The timer of a flow that exists.
    fn timer(&mut self, index: FlowIndex) -> &mut TimerHandle;
    /// The timer of the flow with this identifier, if it still exists.
    fn timer_by_id(&mut self, id: FlowId) -> Option<&mut TimerHandle>;
    /// The identifier of a flow that exists.
    fn id(&self, index: FlowIndex) -> FlowId;
    /// A flow's true deadline.
    fn deadline(&self, index: FlowIndex) -> Timestamp;
    /// A word of the cache line that a deadline is read from.
    fn deadline_word(&self, index: FlowIndex) -> u64;
    /// A word of every other cache line that the end of a flow needs.
    fn end_words(&self, index: FlowIndex) -> u64;
    /// A word of the hash table's entry for the flow.
    fn key_word(&self, index: FlowIndex) -> u64;
}

impl ExpiryTimers {
    pub(super) fn new() -> Self {
        Self {
            wheel: TimerWheel::new(BUCKETS as usize),
            in_wheel: 0,
            horizon: 0,
            settled: 0,
            last_to_empty: 0,
            turn_end: 0,
            least_set: u64::MAX,
            nearest_put_back: NONE_PUT_BACK,
            ready: ReadyQueue::default(),
            in_ready: 0,
            portion: Work::PORTION,
            check_at: Timestamp::MAX,
            other_due: Timestamp::MAX,
        }
    }

    /// Keeps [`check_at`](Self::check_at) from being later than `at`.
    pub(super) fn set_other_due(&mut self, at: Timestamp) {
        self.other_due = at;
        self.update_check_at();
    }

    /// Before this moment [`due`](Self::due) returns nothing.
    #[inline]
    pub(super) fn check_at(&self) -> Timestamp {
        self.check_at
    }

    /// Sets the timer of a flow that has none to the flow's true deadline.
    pub(super) fn arm(&mut self, flows: &mut impl TimedFlows, index: FlowIndex) {
        if self.in_wheel == 0 && self.in_ready == 0 {
            // No timer is set, so the horizon may move to wherever it is useful.
            self.ready.clear();
            self.move_to(tick_of(flows.deadline(index)));
        }
        self.schedule(flows, index);
        self.update_check_at();
    }

    fn schedule(&mut self, flows: &mut impl TimedFlows, index: FlowIndex) {
        let deadline = flows.deadline(index);
        self.schedule_at(deadline, flows, index);
    }

    fn schedule_at(&mut self, deadline: Timestamp, flows: &mut impl TimedFlows, index: FlowIndex) {
        // A tick too far away for the bits there are is set early, and set again
        // then.
        let tick = tick_of(deadline).min(self.horizon + u64::from(MAX_TICKS));
        *flows.timer(index) = if tick < self.horizon {
            self.ready.push((deadline, flows.id(index)));
            self.ready_at(deadline)
        } else {
            self.in_wheel += 1;
            self.least_set = self.least_set.min(tick);
            if deadline < self.nearest_put_back.0 {
                self.nearest_put_back = (deadline, index);
            }
            let (slot, turn) = self.wheel.insert(bucket(tick), index);
            TimerHandle::in_bucket(slot, tick, turn)
        };
    }

    /// The timer of one more flow with an entry in `ready`.
    fn ready_at(&mut self, deadline: Timestamp) -> TimerHandle {
        self.in_ready += 1;
        TimerHandle {
            slot: READY,
            mark: short(deadline.as_nanos()),
        }
    }

    /// Sets a flow's timer again if the flow's true deadline is now earlier than
    /// what it was set to. One that is later is noticed when the timer comes up.
    #[inline]
    pub(super) fn rearm(&mut self, flows: &mut impl TimedFlows, index: FlowIndex) {
        let deadline = flows.deadline(index);
        let timer = *flows.timer(index);
        let moves_ahead = match timer.slot {
            // It is in exact order already, and about to come up.
            READY => !timer.is_ready(deadline),
            // A bucket's tick is at or after the horizon, by less than 2³¹ ticks; or
            // it is being emptied, and all that is in it set again.
            _ => {
                let tick = tick_of(deadline);
                let ticks_ahead = timer.ticks_ahead(self.horizon);
                tick < self.horizon || tick - self.horizon < ticks_ahead.into()
            }
        };
        if moves_ahead {
            self.disarm(flows, index);
            self.arm(flows, index);
        }
    }

    /// Unsets a flow's timer, because the flow ends or its deadline moved ahead.
    pub(super) fn disarm(&mut self, flows: &mut impl TimedFlows, index: FlowIndex) {
        let timer = core::mem::replace(flows.timer(index), TimerHandle::unset());
        match timer.slot {
            UNSET => return,
            READY => {
                // Its entry stays, and is skipped when it comes up.
                self.in_ready -= 1;
                self.drop_stale(flows);
            }
            slot => {
                self.in_wheel -= 1;
                let (bucket, turn) = timer.bucket();
                if let Some(moved) = self.wheel.remove(bucket, turn, slot) {
                    flows.timer(moved).slot = slot;
                }
            }
        }
        self.update_check_at();
    }

    /// Takes out the flow with the earliest true deadline, if that is not
    /// after `until`, and if the work suffices to find it.
    pub(super) fn due(
        &mut self,
        flows: &mut impl TimedFlows,
        until: Timestamp,
        work: &mut Work,
    ) -> Option<FlowIndex> {
        while !work.is_done() {
            match self.first_ready() {
                Some((deadline, id)) => {
                    if deadline > until {
                        break;
                    }
                    work.spend(1);
                    self.ready.pop();
                    if self.take_ready(flows, deadline, id) {
                        self.update_check_at();
                        return Some(id.index());
                    }
                }
                None if !self.is_over() && start_of(self.settled) <= until => {
                    self.advance(flows, tick_of(until), work);
                }
                None => break,
            }
        }
        self.update_check_at();
        None
    }

    /// Takes an entry out of `ready`, and says whether its flow is due by then. If
    /// not, and if there is such a flow, its timer is set again.
    fn take_ready(&mut self, flows: &mut impl TimedFlows, deadline: Timestamp, id: FlowId) -> bool {
        let is_valid = flows
            .timer_by_id(id)
            .is_some_and(|timer| timer.is_ready(deadline));
        if !is_valid {
            return false;
        }
        *flows.timer(id.index()) = TimerHandle::unset();
        self.in_ready -= 1;
        let is_due = flows.deadline(id.index()) <= deadline;
        if !is_due {
            self.schedule(flows, id.index());
        }
        is_due
    }

    /// Takes out the flow with the earliest true deadline.
    ///
    /// Where that lies behind more flows than a packet can wait for, it is the
    /// first of those that were looked at; the next call goes on from there.
    pub(super) fn nearest(&mut self, flows: &mut impl TimedFlows) -> Option<FlowIndex> {
        self.look_ahead(flows);
        self.nearest_put_back = NONE_PUT_BACK;
        let mut work = Work::steps(self.portion);
        // One bucket at a time: the horizon should stay near the clock.
        while let Some(until) = self.next() {
            if let Some(index) = self.due(flows, until, &mut work) {
                return Some(index);
            }
            if work.is_done() {
                if let Some(index) = self.nearest_seen(flows) {
                    return Some(index);
                }
                work = Work::steps(self.portion);
            }
            if self.horizon >= self.turn_end && self.settled == self.horizon {
                // All timers in the wheel were set since the last turn began. A
                // whole turn may have had none to come up, and a thousand more
                // might not.
                let has_none_ready = self.in_ready == 0 && self.in_wheel > 0;
                let least = if has_none_ready { self.least_set } else { 0 };
                self.move_to(self.horizon.max(least));
            }
        }
        None
    }

    /// The first of those that were looked at.
    #[cold]
    fn nearest_seen(&mut self, flows: &mut impl TimedFlows) -> Option<FlowIndex> {
        self.ready.sort();
        for _ in 0..self.portion {
            let Some((deadline, id)) = self.ready.pop() else {
                break;
            };
            if self.take_ready(flows, deadline, id) {
                self.update_check_at();
                return Some(id.index());
            }
        }
        let (deadline, index) = self.nearest_put_back;
        if deadline == Timestamp::MAX {
            return None;
        }
        self.disarm(flows, index);
        Some(index)
    }

    /// Looks at some flows of the next bucket, before the nearest is asked for or
    /// while those of the bucket before are taken out one by one: so none of them
    /// has to wait for all of it.
    pub(super) fn look_ahead(&mut self, flows: &mut impl TimedFlows) {
        if self.in_wheel < self.portion && self.settled == self.horizon {
            return;
        }
        let mut work = Work::steps(LOOK_AHEAD);
        if self.settled < self.horizon {
            self.advance(flows, self.settled, &mut work);
        } else if self.ready.len() < self.portion
            && let Some(tick) = self.first_bucket()
        {
            self.advance(flows, tick, &mut work);
        }
        self.update_check_at();
    }

    /// Before this moment no flow expires.
    pub(super) fn next(&self) -> Option<Timestamp> {
        if let Some((deadline, _)) = self.first_ready() {
            return Some(deadline);
        }
        if self.settled < self.horizon {
            return Some(start_of(self.settled));
        }
        (self.in_wheel > 0).then(|| start_of(self.first_bucket().unwrap_or(self.horizon)))
    }

    /// The tick of the first bucket that has flows.
    fn first_bucket(&self) -> Option<u64> {
        (self.horizon..self.horizon + BUCKETS).find(|tick| !self.wheel.is_empty(bucket(*tick)))
    }

    /// The first entry in exact order, if it is known that no other comes before
    /// it.
    #[inline]
    fn first_ready(&self) -> Option<(Timestamp, FlowId)> {
        let first = self.ready.peek()?;
        (tick_of(first.0) < self.settled).then_some(*first)
    }

    /// Whether no timer is behind those that `ready` has in order.
    #[inline]
    fn is_over(&self) -> bool {
        self.in_wheel == 0 && self.settled == self.horizon
    }

    /// Moves the horizon, between which and `horizon` there are no timers.
    fn move_to(&mut self, horizon: u64) {
        self.horizon = horizon;
        self.settled = horizon;
        self.turn_end = horizon + BUCKETS;
        self.least_set = u64::MAX;
    }

    /// Moves the horizon over one bucket, or over all of them if `until` is
    /// that far away, and sets the timers that were in them again, as far as the
    /// work suffices.
    fn advance(&mut self, flows: &mut impl TimedFlows, until: u64, work: &mut Work) {
        if self.settled == self.horizon {
            self.begin_to_empty(until);
        }
        while self.settled < self.horizon && !work.is_done() {
            match self.wheel.drain() {
                Some(batch) => {
                    work.spend(batch.flows().len());
                    self.reschedule(flows, &batch);
                }
                None => self.settle_tick(),
            }
        }
    }

    fn begin_to_empty(&mut self, until: u64) {
        let (from, count) = (self.horizon, BUCKETS.min(until - self.horizon + 1));
        if count == BUCKETS {
            self.horizon = until + 1;
            self.last_to_empty = from + BUCKETS;
        } else {
            // Empty buckets are skipped at once.
            let first = (from..from + count).find(|tick| !self.wheel.is_empty(bucket(*tick)));
            let Some(first) = first else {
                self.horizon = from + count;
                self.settled = self.horizon;
                return;
            };
            self.settled = first;
            self.horizon = first + 1;
            self.last_to_empty = self.horizon;
        }
        self.wheel.take(bucket(self.settled));
    }

    /// The bucket of a tick is empty: what it had is in order, and the next one
    /// that has flows is taken.
    fn settle_tick(&mut self) {
        self.ready.sort();
        let next =
            (self.settled + 1..self.last_to_empty).find(|tick| !self.wheel.is_empty(bucket(*tick)));
        match next {
            Some(tick) => {
                self.settled = tick;
                self.wheel.take(bucket(tick));
            }
            None => self.settled = self.horizon,
        }
    }

    /// Sets the timers of flows that were in a bucket again.
    fn reschedule(&mut self, flows: &mut impl TimedFlows, batch: &Batch) {
        let batch = batch.flows();
        // These flows were not used for a while, so they are not in the cache.
        // They are fetched together, before a branch depends on one of them.
        prefetch(batch.iter().map(|index| flows.deadline_word(*index)));
        let mut deadlines = [Timestamp::EPOCH; PER_BLOCK];
        for (deadline, index) in deadlines.iter_mut().zip(batch) {
            *deadline = flows.deadline(*index);
        }
        // Most of those before the horizon are about to end. What that needs is
        // fetched in two rounds, as the second reads what the first fetched.
        let soon = || {
            let deadlines = deadlines.iter().zip(batch);
            deadlines.filter(|(deadline, _)| tick_of(**deadline) < self.horizon)
        };
        prefetch(soon().map(|(_, index)| flows.end_words(*index)));
        prefetch(soon().map(|(_, index)| flows.key_word(*index)));
        self.in_wheel -= batch.len();
        for (deadline, index) in deadlines.into_iter().zip(batch) {
            if tick_of(deadline) < self.horizon {
                self.ready.push_unsorted((deadline, flows.id(*index)));
                *flows.timer(*index) = self.ready_at(deadline);
            } else {
                self.schedule_at(deadline, flows, *index);
            }
        }
    }

    /// Removes some entries that are no longer valid, once they are the most.
    fn drop_stale(&mut self, flows: &mut impl TimedFlows) {
        if self.ready.len() > 2 * self.in_ready + MIN_STALE {
            self.ready.drop_stale(|(deadline, id)| {
                flows
                    .timer_by_id(*id)
                    .is_some_and(|timer| timer.is_ready(*deadline))
            });
        }
    }

    #[inline]
    fn update_check_at(&mut self) {
        if self.in_ready == 0 {
            self.ready.clear();
        }
        let near = match self.first_ready() {
            Some((deadline, _)) => deadline,
            None => Timestamp::MAX,
        };
        self.check_at = if self.is_over() {
            near
        } else {
            near.min(start_of(self.settled))
        };
        self.check_at = self.check_at.min(self.other_due);
    }
}

const fn tick_of(deadline: Timestamp) -> u64 {
    deadline.as_nanos() >> TICK_BITS
}

const fn start_of(tick: u64) -> Timestamp {
    Timestamp::from_nanos(tick.saturating_mul(1 << TICK_BITS))
}

/// The bits that are kept with a flow.
const fn short(number: u64) -> u32 {
    number as u32
}

/// The bucket that a tick's deadlines lie in.
const fn bucket(tick: u64) -> usize {
    (tick % BUCKETS) as usize
}

/// A bucket spans 2²⁷ ns, about an eighth of a second: what its flows need to
/// end is fetched when it is emptied, and should still be in the cache then.
const TICK_BITS: u32 = 27;
/// All of them span nine minutes: one turn for the usual timeouts. A power of
/// two, so that a shortened tick finds the same bucket.
const BUCKETS: u64 = 1 << 12;
const READY: WheelSlot = WheelSlot(u32::MAX);
const UNSET: WheelSlot = WheelSlot(u32::MAX - 1);
const NONE_PUT_BACK: (Timestamp, FlowIndex) = (Timestamp::MAX, FlowIndex::NONE);
/// How far ahead a timer can be set: nine years.
const MAX_TICKS: u32 = u32::MAX >> 1;
/// With each flow that comes or goes, so many others are looked at.
const LOOK_AHEAD: usize = 2 * PER_BLOCK;
/// So few entries are not worth looking through.
const MIN_STALE: usize = 64;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// Flows with their deadlines, numbered in the order in which they began.
    #[derive(Default)]
    struct Flows {
        deadlines: Vec<Timestamp>,
        timers: Vec<TimerHandle>,
    }

    impl Flows {
        /// Adds flows with these deadlines, in milliseconds.
        fn add(&mut self, timers: &mut ExpiryTimers, deadlines: &[u64]) {
            for millis in deadlines {
                let index = index(self.deadlines.len());
                self.deadlines.push(at(*millis));
                self.timers.push(TimerHandle::unset());
                timers.arm(self, index);
            }
        }

        /// The flows that expire up to a moment, in order.
        fn expired(&mut self, timers: &mut ExpiryTimers, millis: u64) -> Vec<u32> {
            let due = core::iter::from_fn(|| timers.due(self, at(millis), &mut Work::all()));
            due.map(FlowIndex::number).collect()
        }
    }

    impl TimedFlows for Flows {
        fn timer(&mut self, index: FlowIndex) -> &mut TimerHandle {
            &mut self.timers[index.number() as usize]
        }

        fn timer_by_id(&mut self, id: FlowId) -> Option<&mut TimerHandle> {
            Some(self.timer(id.index()))
        }

        fn id(&self, index: FlowIndex) -> FlowId {
            FlowId::new(u64::from(index.number()) + 1, index)
        }

        fn deadline(&self, index: FlowIndex) -> Timestamp {
            self.deadlines[index.number() as usize]
        }

        fn deadline_word(&self, _: FlowIndex) -> u64 {
            0
        }

        fn end_words(&self, _: FlowIndex) -> u64 {
            0
        }

        fn key_word(&self, _: FlowIndex) -> u64 {
            0
        }
    }

    fn index(number: usize) -> FlowIndex {
        FlowIndex::from_number(number as u32)
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn flows_expire_in_the_order_of_deadlines_and_then_of_their_beginning() {
        // Within one bucket, in buckets apart, and more than a turn away.
        let deadlines = [700, 100, 900_000, 100, 90_000, 701, 2_000_000];
        let (mut timers, mut flows) = (ExpiryTimers::new(), Flows::default());
        flows.add(&mut timers, &deadlines);
        let order = flows.expired(&mut timers, 3_000_000);
        assert_eq!(order, [1, 3, 0, 5, 4, 2, 6]);
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn the_order_does_not_depend_on_when_the_timers_are_asked() {
        let deadlines: Vec<u64> = (0..500).map(|n| 1000 + n * 7919 % 60_000).collect();
        let orders = [1, 17, 1000, 100_000].map(|step| {
            let (mut timers, mut flows) = (ExpiryTimers::new(), Flows::default());
            flows.add(&mut timers, &deadlines);
            let moments = (1..)
                .map(|n| n * step)
                .take_while(|now| *now < 61_000 + step);
            moments
                .flat_map(|now| flows.expired(&mut timers, now))
                .collect::<Vec<_>>()
        });
        assert_eq!(orders[0].len(), deadlines.len());
        assert!(orders.iter().all(|order| *order == orders[0]));
    }

    #[test]
    fn the_order_does_not_depend_on_how_much_is_done_at_a_time() {
        // Many in one bucket, and some in buckets of other turns.
        let deadlines: Vec<u64> = (0..3000)
            .map(|n| match n % 3 {
                0 => 5000,
                1 => 5000 + n * 7919 % 200,
                _ => 1000 + n * 7919 % 2_000_000,
            })
            .collect();
        for now in [5100, 400_000, 3_000_000] {
            let orders = [1, 7, 100, usize::MAX].map(|steps| {
                let (mut timers, mut flows) = (ExpiryTimers::new(), Flows::default());
                flows.add(&mut timers, &deadlines);
                let mut order = Vec::new();
                while timers.next().is_some_and(|next| next <= at(now)) {
                    assert!(timers.check_at() <= at(now), "there is more to do");
                    let mut work = Work::steps(steps);
                    while let Some(index) = timers.due(&mut flows, at(now), &mut work) {
                        order.push(index.number());
                    }
                }
                order
            });
            let mut expected: Vec<_> = deadlines.iter().zip(0..).collect();
            expected.retain(|(deadline, _)| **deadline <= now);
            expected.sort_unstable();
            let expected: Vec<u32> = expected.into_iter().map(|(_, flow)| flow).collect();
            assert!(orders.iter().all(|order| *order == expected), "{now}");
        }
    }

    #[test]
    fn timers_can_be_unset_while_their_bucket_is_emptied() {
        let deadlines: Vec<u64> = (0..2000)
            .map(|n| 90_000 + n % 3 + n % 5 * 600_000)
            .collect();
        let (mut timers, mut flows) = (ExpiryTimers::new(), Flows::default());
        flows.add(&mut timers, &deadlines);
        let (mut left, mut ended) = (deadlines.len(), 0);
        for n in 0.. {
            let gone = index(n * 7919 % deadlines.len());
            if flows.timers[gone.number() as usize].slot != UNSET {
                timers.disarm(&mut flows, gone);
                left -= 1;
            }
            let mut work = Work::steps(5);
            while let Some(index) = timers.due(&mut flows, at(3_000_000), &mut work) {
                assert!(flows.timers[index.number() as usize].slot == UNSET);
                ended += 1;
                left -= 1;
            }
            if timers.next().is_none() {
                break;
            }
        }
        assert_eq!(left, 0);
        assert!(ended > 500, "{ended}");
    }

    #[test]
    fn a_nearest_flow_is_found_without_a_look_at_all() {
        let (mut timers, mut flows) = (ExpiryTimers::new(), Flows::default());
        timers.portion = 100;
        flows.add(&mut timers, &[1000; 1000]);
        // None of them is near any more.
        for (n, deadline) in flows.deadlines.iter_mut().enumerate() {
            *deadline = at(50_000 + n as u64);
        }
        let found: Vec<_> = (0..1000)
            .filter_map(|_| timers.nearest(&mut flows).map(FlowIndex::number))
            .collect();
        let mut all = found.clone();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>(), "each is found once");
        // Once all have been looked at, they come in order.
        assert!(found[20..].is_sorted(), "{found:?}");
    }

    #[test]
    fn a_flow_expires_at_its_deadline_and_not_before() {
        let (mut timers, mut flows) = (ExpiryTimers::new(), Flows::default());
        flows.add(&mut timers, &[500]);
        assert!(timers.check_at() <= at(500));
        assert!(flows.expired(&mut timers, 499).is_empty());
        assert_eq!(flows.expired(&mut timers, 500), [0]);
        assert_eq!(timers.check_at(), Timestamp::MAX);
    }

    #[test]
    fn a_deadline_that_moved_back_is_seen_when_the_timer_comes_up() {
        let (mut timers, mut flows) = (ExpiryTimers::new(), Flows::default());
        flows.add(&mut timers, &[500]);
        flows.deadlines[0] = at(2000);
        assert!(flows.expired(&mut timers, 1999).is_empty());
        assert_eq!(flows.expired(&mut timers, 2000), [0]);
    }

    #[test]
    fn a_deadline_that_moved_ahead_counts_once_the_timer_is_set_again() {
        let (mut timers, mut flows) = (ExpiryTimers::new(), Flows::default());
        flows.add(&mut timers, &[60_000, 70_000]);
        flows.deadlines[1] = at(1000);
        timers.rearm(&mut flows, index(1));
        assert_eq!(flows.expired(&mut timers, 1000), [1]);
        assert_eq!(flows.expired(&mut timers, 60_000), [0]);
    }

    #[test]
    fn a_flow_whose_timer_is_unset_does_not_expire() {
        let (mut timers, mut flows) = (ExpiryTimers::new(), Flows::default());
        flows.add(&mut timers, &[500, 600, 90_000]);
        timers.disarm(&mut flows, index(0));
        timers.disarm(&mut flows, index(2));
        assert_eq!(flows.expired(&mut timers, 100_000), [1]);
    }

    #[test]
    fn the_nearest_flow_is_found_however_far_away_it_is() {
        let (mut timers, mut flows) = (ExpiryTimers::new(), Flows::default());
        flows.add(&mut timers, &[86_400_000, 3_600_000]);
        assert_eq!(timers.nearest(&mut flows), Some(index(1)));
        assert_eq!(timers.nearest(&mut flows), Some(index(0)));
        assert_eq!(timers.nearest(&mut flows), None);
    }
}
