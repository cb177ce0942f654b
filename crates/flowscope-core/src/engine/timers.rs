//! Which flows are to be called, and when; and which hold memory.

use alloc::collections::{BinaryHeap, VecDeque};
use core::cmp::Reverse;

use super::pending::Ticket;
use crate::Timestamp;
use crate::track::FlowId;

/// The timers that consumers asked for, one a flow at most.
///
/// The flow itself knows what its timer is set to. An entry stays when its flow
/// goes or its timer is set to another moment; what it means is found out when
/// it comes up, or when most entries are of this kind.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Timestamp, FlowId)>>,
    /// How many flows have a timer.
    set: usize,
}

impl Timers {
    /// When the first entry comes up.
    #[inline]
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// A flow has a timer that it had not before.
    pub(super) fn set(&mut self, at: Timestamp, flow: FlowId) {
        self.heap.push(Reverse((at, flow)));
        self.set += 1;
    }

    /// A flow has no timer any more.
    pub(super) fn unset(&mut self) {
        self.set -= 1;
    }

    /// Takes the first entry out, if it is for `now` or earlier.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<(Timestamp, FlowId)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    /// Puts an entry back that came up before its flow's timer.
    pub(super) fn defer(&mut self, at: Timestamp, flow: FlowId) {
        self.heap.push(Reverse((at, flow)));
    }

    /// Leaves one entry for each flow for which `timer_of` gives a moment, once
    /// most entries are others.
    pub(super) fn drop_stale(&mut self, mut timer_of: impl FnMut(FlowId) -> Option<Timestamp>) {
        if self.heap.len() <= 2 * self.set + MIN_STALE {
            return;
        }
        let mut entries = core::mem::take(&mut self.heap).into_vec();
        entries.retain_mut(|Reverse((at, flow))| {
            timer_of(*flow).is_some_and(|timer| {
                *at = timer;
                true
            })
        });
        // Few are left to be sorted: most are of flows without a timer.
        entries.sort_unstable_by_key(|Reverse((_, flow))| *flow);
        entries.dedup_by_key(|Reverse((_, flow))| *flow);
        self.heap = entries.into();
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Flows that hold memory, in the order in which they began to.
///
/// An entry is valid if its flow holds something and has the same ticket. Others
/// stay until they are the first, or until they are the most.
#[derive(Debug, Default)]
pub(super) struct PressureQueue {
    queue: VecDeque<(FlowId, Ticket)>,
    last_ticket: Ticket,
    /// How many entries are valid.
    held: usize,
}

impl PressureQueue {
    /// Adds a flow that begins to hold something, and returns its ticket.
    pub(super) fn push(&mut self, flow: FlowId) -> Ticket {
        self.last_ticket = self.last_ticket.next();
        self.queue.push_back((flow, self.last_ticket));
        self.held += 1;
        self.last_ticket
    }

    /// A flow that is in the queue holds nothing any more.
    pub(super) fn leave(&mut self, flow: FlowId, ticket: Ticket) {
        self.held -= 1;
        // Most let go before another begins to hold.
        let last = self.queue.back();
        if last.is_some_and(|(last, of)| *last == flow && ticket.is_of(*of)) {
            self.queue.pop_back();
        }
    }

    /// The first entry. It may not be valid.
    pub(super) fn first(&self) -> Option<(FlowId, Ticket)> {
        self.queue.front().copied()
    }

    /// Moves the first entry behind all others.
    pub(super) fn rotate(&mut self) {
        self.queue.rotate_left(1);
    }

    /// Takes the first entry out.
    pub(super) fn drop_first(&mut self) {
        self.queue.pop_front();
    }

    /// Removes entries that are not valid, once they are the most.
    pub(super) fn drop_stale(&mut self, mut ticket_of: impl FnMut(FlowId) -> Option<Ticket>) {
        if self.queue.len() > 2 * self.held + MIN_STALE {
            self.queue
                .retain(|(flow, ticket)| ticket_of(*flow).is_some_and(|of| of.is_of(*ticket)));
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// So few entries are not worth looking through.
const MIN_STALE: usize = 1024;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::slab::SlabIndex;
    use crate::track::FlowIndex;

    fn at(nanos: u64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    fn flow(number: u64) -> FlowId {
        FlowId::new(number, FlowIndex::NONE)
    }

    #[test]
    fn timers_come_up_in_order_and_not_before_their_time() {
        let mut timers = Timers::default();
        for nanos in [30, 10, 20] {
            timers.set(at(nanos), flow(nanos));
        }
        assert_eq!(timers.pop(at(9)), None);
        assert_eq!(timers.pop(at(25)), Some((at(10), flow(10))));
        assert_eq!(timers.pop(at(25)), Some((at(20), flow(20))));
        assert_eq!(timers.pop(at(25)), None);
        assert_eq!(timers.next(), Some(at(30)));
    }

    #[test]
    fn one_entry_a_flow_is_left_when_stale_ones_go() {
        let mut timers = Timers::default();
        for nanos in 0..10_000 {
            timers.set(at(nanos), flow(nanos % 10));
            timers.unset();
        }
        timers.drop_stale(|flow| (flow.number() < 3).then(|| at(9_990 + flow.number())));
        let left: Vec<_> = core::iter::from_fn(|| timers.pop(Timestamp::MAX)).collect();
        assert_eq!(left, [0, 1, 2].map(|n| (at(9_990 + n), flow(n))));
    }

    #[test]
    fn flows_that_hold_stay_in_order_when_stale_ones_go() {
        let mut queue = PressureQueue::default();
        let kept: Vec<_> = [5, 3, 7]
            .into_iter()
            .map(|number| (flow(number), queue.push(flow(number))))
            .collect();
        for number in 100..10_000 {
            let ticket = queue.push(flow(number));
            queue.push(flow(1));
            // Another came behind it, so the entry is left where it is.
            queue.leave(flow(number), ticket);
            queue.leave(flow(1), Ticket::default());
        }
        queue.drop_stale(|flow| kept.iter().find(|it| it.0 == flow).map(|it| it.1));
        assert_eq!(queue.held, 3);
        assert_eq!(Vec::from(queue.queue), kept);
    }

    #[test]
    fn a_flow_that_holds_again_has_another_ticket() {
        let mut queue = PressureQueue::default();
        let first = queue.push(flow(1));
        queue.push(flow(2));
        queue.leave(flow(1), first);
        let second = queue.push(flow(1));
        assert_ne!(first, second);
        assert_eq!(queue.first(), Some((flow(1), first)));
        assert_eq!(queue.held, 2);
        // The last one is taken out at once.
        queue.leave(flow(1), second);
        assert_eq!(queue.queue.len(), 2);
    }
}
