//! Which flows are to be attended to, and when.

use alloc::collections::{BinaryHeap, VecDeque};
use alloc::vec::Vec;
use core::cmp::Reverse;

use hashbrown::HashMap;

use crate::Timestamp;
use crate::track::FlowId;

/// Flows that are to be called at some moment.
///
/// An entry is a reminder and no more: the flow itself knows when it wants to
/// be called, and may have changed its mind or be gone. So that reminders of
/// what is no longer true do not pile up, they are gone through when there are
/// more than twice as many as flows.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    heap: BinaryHeap<Reverse<(Timestamp, FlowId)>>,
}

impl Alarms {
    #[inline]
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Before this moment nothing comes up.
    #[inline]
    pub(super) fn check_at(&self) -> Timestamp {
        self.next().unwrap_or(Timestamp::MAX)
    }

    pub(super) fn set(&mut self, at: Timestamp, flow: FlowId) {
        self.heap.push(Reverse((at, flow)));
    }

    /// Takes the first reminder, if it is for `now` or earlier.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<(Timestamp, FlowId)> {
        if self.check_at() > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    /// Whether there are too many for so many flows.
    pub(super) fn is_crowded(&self, flows: usize) -> bool {
        self.heap.len() > most_for(flows)
    }

    /// Keeps one reminder for each flow for which `alarm` gives a moment.
    pub(super) fn tidy(&mut self, mut alarm: impl FnMut(FlowId) -> Option<Timestamp>) {
        let mut entries = core::mem::take(&mut self.heap).into_vec();
        entries.sort_unstable_by_key(|Reverse((_, flow))| *flow);
        entries.dedup_by_key(|Reverse((_, flow))| *flow);
        entries.retain_mut(|Reverse((at, flow))| {
            alarm(*flow).is_some_and(|true_one| {
                *at = true_one;
                true
            })
        });
        self.heap = entries.into();
    }

    pub(super) fn clear(&mut self) {
        self.heap.clear();
    }
}

/// Flows that hold something, in the order in which they began to.
#[derive(Debug, Default)]
pub(super) struct Holders {
    queue: VecDeque<FlowId>,
    /// How many of a flow's entries, the first ones, are of what it has let go
    /// since.
    over: HashMap<FlowId, u32>,
}

impl Holders {
    pub(super) fn add(&mut self, flow: FlowId) {
        self.queue.push_back(flow);
    }

    /// A flow that was added holds nothing any more.
    pub(super) fn leave(&mut self, flow: FlowId) {
        // Most let go before another begins to hold.
        if self.queue.back() == Some(&flow) {
            self.queue.pop_back();
        } else {
            *self.over.entry(flow).or_default() += 1;
            self.trim();
        }
    }

    /// The flow that has held for the longest time, or is gone.
    pub(super) fn first(&self) -> Option<FlowId> {
        self.queue.front().copied()
    }

    pub(super) fn drop_first(&mut self) {
        self.queue.pop_front();
        self.trim();
    }

    /// Has the first entry be one that still means something.
    fn trim(&mut self) {
        while let Some(first) = self.queue.front()
            && let Some(times) = self.over.get_mut(first)
        {
            *times -= 1;
            if *times == 0 {
                self.over.remove(first);
            }
            self.queue.pop_front();
        }
    }

    /// Whether there are too many for so many flows.
    pub(super) fn is_crowded(&self, flows: usize) -> bool {
        self.queue.len() > most_for(flows)
    }

    /// Keeps one entry for each flow that still holds something.
    ///
    /// A flow that held something twice goes by the second time.
    pub(super) fn tidy(&mut self, mut holds: impl FnMut(FlowId) -> bool) {
        let mut entries: Vec<_> = self.queue.drain(..).zip(0u32..).collect();
        entries.sort_unstable_by_key(|(flow, place)| (*flow, Reverse(*place)));
        entries.dedup_by_key(|(flow, _)| *flow);
        entries.retain(|(flow, _)| holds(*flow));
        entries.sort_unstable_by_key(|(_, place)| *place);
        self.queue.extend(entries.into_iter().map(|(flow, _)| flow));
        self.over.clear();
    }

    pub(super) fn clear(&mut self) {
        self.queue.clear();
        self.over.clear();
    }
}

/// How many reminders are kept for so many flows before they are gone through.
fn most_for(flows: usize) -> usize {
    flows.saturating_mul(2).saturating_add(SPARE)
}

const SPARE: usize = 1024;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn at(nanos: u64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    fn flow(number: u64) -> FlowId {
        FlowId::new(number, 0)
    }

    #[test]
    fn alarms_come_up_in_order_and_not_before_their_time() {
        let mut alarms = Alarms::default();
        for nanos in [30, 10, 20] {
            alarms.set(at(nanos), flow(nanos));
        }
        assert_eq!(alarms.take(at(9)), None);
        assert_eq!(alarms.take(at(25)), Some((at(10), flow(10))));
        assert_eq!(alarms.take(at(25)), Some((at(20), flow(20))));
        assert_eq!(alarms.take(at(25)), None);
        assert_eq!(alarms.next(), Some(at(30)));
    }

    #[test]
    fn tidying_leaves_one_true_reminder_a_flow() {
        let mut alarms = Alarms::default();
        for nanos in 0..10_000 {
            alarms.set(at(nanos), flow(nanos % 10));
        }
        assert!(alarms.is_crowded(10));
        alarms.tidy(|flow| (flow.number() < 3).then(|| at(100 + flow.number())));
        let left: Vec<_> = core::iter::from_fn(|| alarms.take(Timestamp::MAX)).collect();
        assert_eq!(left, [0, 1, 2].map(|n| (at(100 + n), flow(n))));
    }

    #[test]
    fn holders_stay_in_order_when_tidied() {
        let mut holders = Holders::default();
        for number in [5, 3, 9, 3, 7, 5] {
            holders.add(flow(number));
        }
        holders.tidy(|flow| flow.number() != 9);
        assert_eq!(left(holders), [3, 7, 5]);
    }

    fn left(mut holders: Holders) -> Vec<u64> {
        core::iter::from_fn(|| {
            let first = holders.first()?;
            holders.drop_first();
            Some(first.number())
        })
        .collect()
    }

    #[test]
    fn who_lets_go_and_holds_again_goes_by_the_second_time() {
        let mut holders = Holders::default();
        holders.add(flow(1));
        holders.add(flow(2));
        // Twice, with another in between.
        for _ in 0..2 {
            holders.leave(flow(1));
            holders.add(flow(3));
            holders.add(flow(1));
        }
        // The last one is not looked for.
        holders.add(flow(4));
        holders.leave(flow(4));
        assert_eq!(left(holders), [2, 3, 3, 1]);
    }
}
