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

use super::prefetch::prefetch;
use super::ready_queue::ReadyQueue;
use super::timer_wheel::{Batch, PER_BLOCK, TimerWheel, WheelSlot};
use super::{FlowId, FlowIndex};
use crate::Timestamp;

/// The timers of all flows, one each, ordered by deadline.
#[derive(Debug)]
pub(super) struct ExpiryTimers {
    wheel: TimerWheel,
    /// How many timers are in the wheel.
    in_wheel: usize,
    /// The tick the horizon stands at: the deadlines in `ready` are before it,
    /// those in the wheel at or after it.
    horizon: u64,
    ready: ReadyQueue<(Timestamp, FlowId)>,
    /// How many entries of `ready` are still valid: one of a flow that has ended
    /// stays until it comes up.
    in_ready: usize,
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
    /// of the tick, which name the bucket. In `ready` they are those of the
    /// nanoseconds, which tell its entry from older ones of the same flow.
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
            ready: ReadyQueue::default(),
            in_ready: 0,
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
            self.horizon = tick_of(flows.deadline(index));
        }
        self.schedule(flows, index);
        self.update_check_at();
    }

    fn schedule(&mut self, flows: &mut impl TimedFlows, index: FlowIndex) {
        let deadline = flows.deadline(index);
        self.schedule_at(deadline, flows, index);
    }

    fn schedule_at(&mut self, deadline: Timestamp, flows: &mut impl TimedFlows, index: FlowIndex) {
        // A tick too far away for 32 bits is set early, and set again then.
        let tick = tick_of(deadline).min(self.horizon + u64::from(u32::MAX));
        *flows.timer(index) = if tick < self.horizon {
            self.ready.push((deadline, flows.id(index)));
            self.ready_at(deadline)
        } else {
            self.in_wheel += 1;
            TimerHandle {
                slot: self.wheel.insert(bucket(tick), index),
                mark: short(tick),
            }
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
            // A bucket's tick is at or after the horizon, by less than 2³² ticks.
            _ => {
                let tick = tick_of(deadline);
                let ticks_ahead = timer.mark.wrapping_sub(short(self.horizon));
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
        let TimerHandle { slot, mark } =
            core::mem::replace(flows.timer(index), TimerHandle::unset());
        match slot {
            UNSET => return,
            READY => {
                // Its entry stays, and is skipped when it comes up.
                self.in_ready -= 1;
                self.drop_stale(flows);
            }
            slot => {
                self.in_wheel -= 1;
                if let Some(moved) = self.wheel.remove(bucket(mark.into()), slot) {
                    flows.timer(moved).slot = slot;
                }
            }
        }
        self.update_check_at();
    }

    /// Takes out the flow with the earliest true deadline, if that is not
    /// after `until`.
    pub(super) fn due(
        &mut self,
        flows: &mut impl TimedFlows,
        until: Timestamp,
    ) -> Option<FlowIndex> {
        loop {
            match self.ready.peek() {
                Some(&(deadline, id)) => {
                    if deadline > until {
                        break;
                    }
                    self.ready.pop();
                    let is_valid = flows
                        .timer_by_id(id)
                        .is_some_and(|timer| timer.is_ready(deadline));
                    if !is_valid {
                        continue;
                    }
                    *flows.timer(id.index()) = TimerHandle::unset();
                    self.in_ready -= 1;
                    if flows.deadline(id.index()) <= deadline {
                        self.update_check_at();
                        return Some(id.index());
                    }
                    self.schedule(flows, id.index());
                }
                None if self.in_wheel > 0 && start_of(self.horizon) <= until => {
                    self.advance(flows, tick_of(until));
                }
                None => break,
            }
        }
        self.update_check_at();
        None
    }

    /// Takes out the flow with the earliest true deadline.
    pub(super) fn nearest(&mut self, flows: &mut impl TimedFlows) -> Option<FlowIndex> {
        let turned = self.horizon + BUCKETS;
        // One bucket at a time: the horizon should stay near the clock.
        while let Some(until) = self.next() {
            if let Some(index) = self.due(flows, until) {
                return Some(index);
            }
            if self.in_ready == 0 && self.horizon >= turned {
                // A whole turn had none, and a thousand more might not.
                let nearest = self.wheel.flows().map(|flow| flows.deadline(flow)).min();
                self.advance(flows, tick_of(nearest?).max(self.horizon));
            }
        }
        None
    }

    /// Before this moment no flow expires.
    pub(super) fn next(&self) -> Option<Timestamp> {
        if let Some((deadline, _)) = self.ready.peek() {
            return Some(*deadline);
        }
        (self.in_wheel > 0).then(|| {
            let first = (self.horizon..self.horizon + BUCKETS)
                .find(|tick| !self.wheel.is_empty(bucket(*tick)));
            start_of(first.unwrap_or(self.horizon))
        })
    }

    /// Moves the horizon over one bucket, or over all of them if `until` is
    /// that far away, and sets the timers that were in them again.
    fn advance(&mut self, flows: &mut impl TimedFlows, until: u64) {
        let (from, count) = (self.horizon, BUCKETS.min(until - self.horizon + 1));
        if count == BUCKETS {
            self.horizon = until + 1;
        } else {
            // Empty buckets are skipped at once.
            let first = (from..from + count).position(|tick| !self.wheel.is_empty(bucket(tick)));
            let Some(passed) = first else {
                self.horizon = from + count;
                return;
            };
            self.horizon = from + passed as u64 + 1;
        }
        let emptied = self.horizon.saturating_sub(BUCKETS).max(from)..self.horizon;
        for tick in emptied {
            let mut taken = self.wheel.take(bucket(tick));
            while let Some(batch) = self.wheel.drain(&mut taken) {
                self.reschedule(flows, &batch);
            }
        }
        self.ready.sort();
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

    /// Removes entries that are no longer valid, once they are the most.
    fn drop_stale(&mut self, flows: &mut impl TimedFlows) {
        if self.ready.len() > 2 * self.in_ready + MIN_STALE {
            self.ready.retain(|(deadline, id)| {
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
        let near = match self.ready.peek() {
            Some((deadline, _)) => *deadline,
            None => Timestamp::MAX,
        };
        self.check_at = if self.in_wheel > 0 {
            near.min(start_of(self.horizon))
        } else {
            near
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
/// So few entries are not worth looking through.
const MIN_STALE: usize = 64;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::slab::SlabIndex;

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
            let due = core::iter::from_fn(|| timers.due(self, at(millis)));
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
