//! Which flows are to be called, and when; and which hold memory.

use alloc::collections::VecDeque;

use super::pending::Ticket;
use crate::Timestamp;
use crate::track::{FlowId, ReadyQueue};

/// When to look at the flows whose consumers asked for a timer.
///
/// The flow itself knows when its entry comes up, and what its timer is set to.
/// Its entry stays when its timer is set to a later moment, or to none: what it
/// means is found out when it comes up. It is not valid any more when the flow
/// has gone, or has an earlier one. Such entries are dropped when they come up,
/// or when most are of this kind.
#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: ReadyQueue<(Timestamp, FlowId)>,
    /// How many entries are valid.
    valid: usize,
}

impl Timers {
    /// When the first entry comes up.
    #[inline]
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.queue.peek().map(|(at, _)| *at)
    }

    /// The first entry, and whose it is. It may not be valid.
    pub(super) fn first(&self) -> Option<(Timestamp, FlowId)> {
        self.queue.peek().copied()
    }

    /// Adds an entry of a flow that has none.
    pub(super) fn add(&mut self, at: Timestamp, flow: FlowId) {
        self.queue.push((at, flow));
        self.valid += 1;
    }

    /// Adds an earlier entry of a flow that has one.
    pub(super) fn add_earlier(&mut self, at: Timestamp, flow: FlowId) {
        self.queue.push((at, flow));
    }

    /// The entry of a flow is not valid any more.
    pub(super) fn forget(&mut self) {
        self.valid -= 1;
    }

    /// Takes the first entry out, if it is for `now` or earlier. It may not be
    /// valid.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<(Timestamp, FlowId)> {
        if self.next()? > now {
            return None;
        }
        self.queue.pop()
    }

    /// Drops some of the entries that are not valid, once they are the most.
    pub(super) fn drop_stale(&mut self, mut is_valid: impl FnMut(FlowId, Timestamp) -> bool) {
        if self.queue.len() > 2 * self.valid + MIN_STALE {
            self.queue.drop_stale(|(at, flow)| is_valid(*flow, *at));
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Flows that hold memory, in the order in which they began to.
///
/// An entry is valid if its flow holds something and has the same ticket. Others
/// stay until they are the first, or until they are the most.
///
/// They lie in pieces of some thousand, so that none waits until all are moved.
#[derive(Debug, Default)]
pub(super) struct PressureQueue {
    /// None of them is empty.
    pieces: VecDeque<VecDeque<(FlowId, Ticket)>>,
    last_ticket: Ticket,
    /// How many entries there are.
    len: usize,
    /// How many entries are valid.
    held: usize,
    /// The piece that is looked through next.
    next_to_look_through: usize,
}

impl PressureQueue {
    /// Adds a flow that begins to hold something, and returns its ticket.
    pub(super) fn push(&mut self, flow: FlowId) -> Ticket {
        self.last_ticket = self.last_ticket.next();
        self.push_entry((flow, self.last_ticket));
        self.held += 1;
        self.last_ticket
    }

    fn push_entry(&mut self, entry: (FlowId, Ticket)) {
        self.len += 1;
        match self.pieces.back_mut().filter(|piece| piece.len() < PIECE) {
            Some(piece) => piece.push_back(entry),
            None => self.pieces.push_back(VecDeque::from([entry])),
        }
    }

    /// A flow that is in the queue holds nothing any more.
    pub(super) fn leave(&mut self, flow: FlowId, ticket: Ticket) {
        self.held -= 1;
        // Most let go before another begins to hold.
        if let Some(piece) = self.pieces.back_mut()
            && let Some((last, of)) = piece.back()
            && *last == flow
            && ticket.is_of(*of)
        {
            piece.pop_back();
            self.len -= 1;
            if piece.is_empty() {
                self.pieces.pop_back();
            }
        }
    }

    /// The first entry. It may not be valid.
    pub(super) fn first(&self) -> Option<(FlowId, Ticket)> {
        self.pieces.front()?.front().copied()
    }

    /// Moves the first entry behind all others.
    pub(super) fn rotate(&mut self) {
        if let Some(entry) = self.take_first() {
            self.push_entry(entry);
        }
    }

    /// Takes the first entry out.
    pub(super) fn drop_first(&mut self) {
        self.take_first();
    }

    fn take_first(&mut self) -> Option<(FlowId, Ticket)> {
        let piece = self.pieces.front_mut()?;
        let entry = piece.pop_front()?;
        self.len -= 1;
        if piece.is_empty() {
            self.pieces.pop_front();
        }
        Some(entry)
    }

    /// Removes some of the entries that are not valid, once they are the most.
    pub(super) fn drop_stale(&mut self, mut ticket_of: impl FnMut(FlowId) -> Option<Ticket>) {
        if self.len <= 2 * self.held + MIN_STALE {
            return;
        }
        let at = self.next_to_look_through;
        let Some(piece) = self.pieces.get_mut(at) else {
            self.next_to_look_through = 0;
            return;
        };
        let before = piece.len();
        piece.retain(|(flow, ticket)| ticket_of(*flow).is_some_and(|of| of.is_of(*ticket)));
        self.len -= before - piece.len();
        let len = piece.len();
        if let Some(previous) = at.checked_sub(1).and_then(|at| self.pieces.get(at))
            && previous.len() + len <= PIECE
        {
            // So that no memory is lost to pieces that are nearly empty.
            if let Some(mut piece) = self.pieces.remove(at)
                && let Some(previous) = self.pieces.get_mut(at - 1)
            {
                previous.append(&mut piece);
            }
        } else if len == 0 {
            self.pieces.remove(at);
        } else {
            self.next_to_look_through += 1;
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Entries of a piece.
const PIECE: usize = 2048;

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
            timers.add(at(nanos), flow(nanos));
        }
        assert_eq!(timers.pop(at(9)), None);
        assert_eq!(timers.pop(at(25)), Some((at(10), flow(10))));
        assert_eq!(timers.pop(at(25)), Some((at(20), flow(20))));
        assert_eq!(timers.pop(at(25)), None);
        assert_eq!(timers.next(), Some(at(30)));
    }

    #[test]
    fn valid_entries_are_left_when_stale_ones_go() {
        let mut timers = Timers::default();
        let mut longest = 0;
        for nanos in 0..100_000u64 {
            timers.add(at(nanos), flow(nanos % 10));
            if nanos >= 10 {
                timers.forget();
            }
            // The last ten are valid.
            timers.drop_stale(|flow, of| {
                let last = nanos - (nanos + 10 - flow.number()) % 10;
                of == at(last)
            });
            longest = longest.max(timers.queue.len());
        }
        assert!(longest < 10_000, "{longest}");
        let left: Vec<_> = core::iter::from_fn(|| timers.pop(Timestamp::MAX)).collect();
        let last = (99_990..100_000).map(|nanos| (at(nanos), flow(nanos % 10)));
        assert!(last.clone().all(|entry| left.contains(&entry)));
        assert!(left.is_sorted());
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
        let ticket_of = |flow| kept.iter().find(|it| it.0 == flow).map(|it| it.1);
        for _ in 0..20 {
            queue.drop_stale(ticket_of);
        }
        assert_eq!(queue.held, 3);
        assert!(queue.len <= 2 * 3 + MIN_STALE, "{}", queue.len);
        let entries: Vec<_> = queue.pieces.iter().flatten().copied().collect();
        assert_eq!(entries.len(), queue.len);
        let valid = entries
            .iter()
            .filter(|(flow, ticket)| ticket_of(*flow) == Some(*ticket));
        assert!(valid.eq(&kept));
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
        assert_eq!(queue.len, 2);
    }
}
