//! One shard of flows: their timers, and which hold memory.

use super::pending::{PendingEntry, Ticket};
use super::shards::PendingFlows;
use super::timers::{PressureQueue, Timers};
use crate::Timestamp;
use crate::track::FlowId;

/// What is pending of the flows of one shard.
#[derive(Debug, Default)]
pub(super) struct Shard {
    pub(super) timers: Timers,
    pub(super) queue: PressureQueue,
    /// Bytes that its flows hold.
    pub(super) used: usize,
}

impl Shard {
    /// Adds a flow to those that hold memory.
    pub(super) fn push_holder(&mut self, flow: FlowId, flows: &impl PendingFlows) -> Ticket {
        self.queue.drop_stale(|flow| {
            let entry = flows.entry(flow)?;
            (entry.held > 0).then_some(entry.ticket)
        });
        self.queue.push(flow)
    }

    /// When the entry of a flow among the timers comes up, once its timer is set
    /// to `timer`.
    ///
    /// A timer that moves to a later moment, or to none, keeps its entry: it is
    /// put back when it comes up.
    pub(super) fn entry_for(
        &mut self,
        flow: FlowId,
        entry: Timestamp,
        timer: Timestamp,
        clock: Timestamp,
    ) -> Timestamp {
        let at = timer.max(clock);
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

    pub(super) fn drop_stale_timers(&mut self, flows: &impl PendingFlows) {
        self.timers.drop_stale(|flow, at| {
            let found = flows.entry(flow);
            found.is_some_and(|entry| entry.entry == at)
        });
    }

    /// The flow that has held something for the longest time without getting on.
    ///
    /// One that has given some of it back since it came into the queue, or was
    /// last passed over here, is passed over and goes to the end.
    /// But not more of them than a packet can wait for.
    pub(super) fn longest_holder(&mut self, flows: &mut impl PendingFlows) -> Option<FlowId> {
        let mut passed_over = 0;
        while let Some((flow, ticket)) = self.queue.first() {
            let entry = flows.entry(flow);
            match entry.filter(|it| it.held > 0 && it.ticket.is_of(ticket)) {
                None => self.queue.drop_first(),
                Some(entry) if entry.ticket.has_progress() && passed_over < MOST_PASSED_OVER => {
                    passed_over += 1;
                    self.queue.rotate();
                    flows.set_entry(flow, PendingEntry { ticket, ..entry });
                }
                Some(_) => return Some(flow),
            }
        }
        None
    }
}

/// So many flows that get on are passed over for one that does not.
const MOST_PASSED_OVER: usize = 1024;
