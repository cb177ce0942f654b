//! When flows expire.
//!
//! Moving a flow in some order on every packet would touch other flows too,
//! and at a million flows each touch is a cache miss. So a packet only writes
//! its own flow's time. The flow stays filed under the deadline it was last
//! armed with, which is at or before its true one, and is filed anew when that
//! comes up.
//!
//! Far deadlines lie in a wheel of buckets, an eighth of a second each, in no
//! order. Near ones, before the *horizon*, lie in exact order. The horizon
//! moves over one bucket at a time and sorts what was in it, so what comes out
//! is in the order of true deadlines, then of flows.

use core::hint::black_box;

use super::FlowId;
use super::bags::{Bags, Handful, PER_BLOCK, Spot};
use super::near::Near;
use crate::Timestamp;

/// Files flows by deadline.
#[derive(Debug)]
pub(super) struct Idle {
    buckets: Bags,
    /// How many flows are in the buckets.
    in_buckets: usize,
    /// The tick the horizon stands at: every near deadline is before it, every
    /// one in the buckets at or after it.
    horizon: u64,
    near: Near<(Timestamp, FlowId)>,
    /// How many entries of `near` still mean something.
    in_near: usize,
    /// Before this moment nothing comes up.
    check_at: Timestamp,
    /// When something else comes up, of which only this is known.
    alarm: Timestamp,
}

/// A flow's place in [`Idle`], kept in the flow's own entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filed {
    /// In its bucket, or one of `NEAR` and `NOWHERE`.
    spot: Spot,
    /// Of the deadline it was armed with: in a bucket the tick, as far as it
    /// fits, which is taken modulo the number of buckets; if it is near the
    /// lowest nanoseconds, by which its entry is known.
    mark: u32,
}

impl Filed {
    pub(super) const fn nowhere() -> Self {
        Self {
            spot: NOWHERE,
            mark: 0,
        }
    }

    /// Something of every cache line it lies in.
    #[inline]
    pub(super) fn warmth(&self) -> u32 {
        self.mark
    }

    fn is_near(&self, deadline: Timestamp) -> bool {
        self.spot == NEAR && self.mark == short(deadline.as_nanos())
    }
}

/// The flows, as far as [`Idle`] needs them.
pub(super) trait Flows {
    /// The place of a flow that exists.
    fn filed(&mut self, index: u32) -> &mut Filed;
    /// The place of the flow with this identifier, if it still exists.
    fn filed_by_id(&mut self, id: FlowId) -> Option<&mut Filed>;
    /// The identifier of a flow that exists.
    fn id(&self, index: u32) -> FlowId;
    /// A flow's true deadline.
    fn deadline(&self, index: u32) -> Timestamp;
    /// Something of the cache line that a deadline is found in.
    fn touch(&self, index: u32) -> u32;
    /// Something of every other cache line that the end of a flow needs.
    fn touch_all(&self, index: u32) -> u64;
    /// Something of what finds the flow by its key.
    fn touch_finder(&self, index: u32) -> u32;
}

impl Idle {
    pub(super) fn new() -> Self {
        Self {
            buckets: Bags::new(BUCKETS as usize),
            in_buckets: 0,
            horizon: 0,
            near: Near::default(),
            in_near: 0,
            check_at: Timestamp::MAX,
            alarm: Timestamp::MAX,
        }
    }

    /// Has [`check_at`](Self::check_at) be no later than a moment.
    pub(super) fn set_alarm(&mut self, at: Timestamp) {
        self.alarm = at;
        self.settle();
    }

    /// Before this moment [`due`](Self::due) has nothing to say.
    #[inline]
    pub(super) fn check_at(&self) -> Timestamp {
        self.check_at
    }

    /// Files a flow that is not filed under its true deadline.
    pub(super) fn arm(&mut self, flows: &mut impl Flows, index: u32) {
        if self.in_buckets == 0 && self.in_near == 0 {
            // Nothing is filed, so the horizon may stand wherever it is useful.
            self.horizon = tick_of(flows.deadline(index));
        }
        self.file(flows, index);
        self.settle();
    }

    fn file(&mut self, flows: &mut impl Flows, index: u32) {
        let deadline = flows.deadline(index);
        self.file_under(deadline, flows, index);
    }

    fn file_under(&mut self, deadline: Timestamp, flows: &mut impl Flows, index: u32) {
        // One too far away to be told apart is filed early, and once more then.
        let tick = tick_of(deadline).min(self.horizon + u64::from(u32::MAX));
        *flows.filed(index) = if tick < self.horizon {
            self.near.push((deadline, flows.id(index)));
            self.near_as(deadline)
        } else {
            self.in_buckets += 1;
            Filed {
                spot: self.buckets.insert(bucket(tick), index),
                mark: short(tick),
            }
        };
    }

    /// The place of one more flow that is near.
    fn near_as(&mut self, deadline: Timestamp) -> Filed {
        self.in_near += 1;
        Filed {
            spot: NEAR,
            mark: short(deadline.as_nanos()),
        }
    }

    /// Files a flow anew if its true deadline has moved ahead of the one it is
    /// filed under. One that moved back is noticed when the old one comes up.
    #[inline]
    pub(super) fn rearm(&mut self, flows: &mut impl Flows, index: u32) {
        let deadline = flows.deadline(index);
        let filed = *flows.filed(index);
        let moves_ahead = match filed.spot {
            // One that is near is in exact order, and is so but shortly.
            NEAR => !filed.is_near(deadline),
            // One in a bucket is at or after the horizon, by less than 2³² ticks.
            _ => {
                let tick = tick_of(deadline);
                let filed_after = filed.mark.wrapping_sub(short(self.horizon));
                tick < self.horizon || tick - self.horizon < filed_after.into()
            }
        };
        if moves_ahead {
            self.disarm(flows, index);
            self.arm(flows, index);
        }
    }

    /// Takes a flow out, because it ends or because its deadline moved ahead.
    pub(super) fn disarm(&mut self, flows: &mut impl Flows, index: u32) {
        let Filed { spot, mark } = core::mem::replace(flows.filed(index), Filed::nowhere());
        match spot {
            NOWHERE => return,
            NEAR => {
                // The entry that is left is passed over when it comes up.
                self.in_near -= 1;
                self.sweep(flows);
            }
            spot => {
                self.in_buckets -= 1;
                if let Some(moved) = self.buckets.remove(bucket(mark.into()), spot) {
                    flows.filed(moved).spot = spot;
                }
            }
        }
        self.settle();
    }

    /// Takes out the flow with the earliest true deadline, if that is not
    /// after `until`.
    pub(super) fn due(&mut self, flows: &mut impl Flows, until: Timestamp) -> Option<u32> {
        loop {
            match self.near.peek() {
                Some(&(deadline, id)) => {
                    if deadline > until {
                        break;
                    }
                    self.near.pop();
                    let stands = flows
                        .filed_by_id(id)
                        .is_some_and(|filed| filed.is_near(deadline));
                    if !stands {
                        continue;
                    }
                    *flows.filed(id.index()) = Filed::nowhere();
                    self.in_near -= 1;
                    if flows.deadline(id.index()) <= deadline {
                        self.settle();
                        return Some(id.index());
                    }
                    self.file(flows, id.index());
                }
                None if self.in_buckets > 0 && start_of(self.horizon) <= until => {
                    self.advance(flows, tick_of(until));
                }
                None => break,
            }
        }
        self.settle();
        None
    }

    /// Takes out the flow with the earliest true deadline.
    pub(super) fn nearest(&mut self, flows: &mut impl Flows) -> Option<u32> {
        let turned = self.horizon + BUCKETS;
        // One bucket at a time: the horizon should stay near the clock.
        while let Some(until) = self.next() {
            if let Some(index) = self.due(flows, until) {
                return Some(index);
            }
            if self.in_near == 0 && self.horizon >= turned {
                // A whole turn had none, and a thousand more might not.
                let nearest = self.buckets.flows().map(|flow| flows.deadline(flow)).min();
                self.advance(flows, tick_of(nearest?).max(self.horizon));
            }
        }
        None
    }

    /// Before this moment no flow expires.
    pub(super) fn next(&self) -> Option<Timestamp> {
        if let Some((deadline, _)) = self.near.peek() {
            return Some(*deadline);
        }
        (self.in_buckets > 0).then(|| {
            let first = (self.horizon..self.horizon + BUCKETS)
                .find(|tick| !self.buckets.is_empty(bucket(*tick)));
            start_of(first.unwrap_or(self.horizon))
        })
    }

    /// Moves the horizon over one bucket, or over all of them if `until` is
    /// that far away, and files what was in them anew.
    fn advance(&mut self, flows: &mut impl Flows, until: u64) {
        let (from, count) = (self.horizon, BUCKETS.min(until - self.horizon + 1));
        if count == BUCKETS {
            self.horizon = until + 1;
        } else {
            // Empty buckets are passed over at once.
            let filled = (from..from + count).position(|tick| !self.buckets.is_empty(bucket(tick)));
            let Some(passed) = filled else {
                self.horizon = from + count;
                return;
            };
            self.horizon = from + passed as u64 + 1;
        }
        let emptied = self.horizon.saturating_sub(BUCKETS).max(from)..self.horizon;
        for tick in emptied {
            let mut taken = self.buckets.take(bucket(tick));
            while let Some(handful) = self.buckets.pour(&mut taken) {
                self.file_anew(flows, &handful);
            }
        }
        self.near.sort();
    }

    /// Files flows that were in a bucket.
    fn file_anew(&mut self, flows: &mut impl Flows, handful: &Handful) {
        let handful = handful.flows();
        // First a look at each with nothing to decide, then the filing: so the
        // flows, which nobody has touched for a while, are fetched together. A
        // branch that was guessed wrong would wait for its flow.
        black_box(
            handful
                .iter()
                .fold(0, |seen, index| seen ^ flows.touch(*index)),
        );
        let mut deadlines = [Timestamp::EPOCH; PER_BLOCK];
        for (deadline, index) in deadlines.iter_mut().zip(handful) {
            *deadline = flows.deadline(*index);
        }
        // Most that come up soon will end soon. What their ends need is fetched
        // in two rounds, so that as much as possible is on its way at once.
        let soon = || {
            let deadlines = deadlines.iter().zip(handful);
            deadlines.filter(|(deadline, _)| tick_of(**deadline) < self.horizon)
        };
        black_box(soon().fold(0, |seen, (_, index)| seen ^ flows.touch_all(*index)));
        black_box(soon().fold(0, |seen, (_, index)| seen ^ flows.touch_finder(*index)));
        self.in_buckets -= handful.len();
        for (deadline, index) in deadlines.into_iter().zip(handful) {
            if tick_of(deadline) < self.horizon {
                self.near.push_unsorted((deadline, flows.id(*index)));
                *flows.filed(*index) = self.near_as(deadline);
            } else {
                self.file_under(deadline, flows, *index);
            }
        }
    }

    /// Throws out entries of flows that are gone, once they are the most.
    fn sweep(&mut self, flows: &mut impl Flows) {
        if self.near.len() > 2 * self.in_near + MIN_SWEEP {
            self.near.retain(|(deadline, id)| {
                flows
                    .filed_by_id(*id)
                    .is_some_and(|filed| filed.is_near(*deadline))
            });
        }
    }

    #[inline]
    fn settle(&mut self) {
        if self.in_near == 0 {
            self.near.clear();
        }
        let near = match self.near.peek() {
            Some((deadline, _)) => *deadline,
            None => Timestamp::MAX,
        };
        self.check_at = if self.in_buckets > 0 {
            near.min(start_of(self.horizon))
        } else {
            near
        };
        self.check_at = self.check_at.min(self.alarm);
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
const NEAR: Spot = Spot(u32::MAX);
const NOWHERE: Spot = Spot(u32::MAX - 1);
/// So few entries are not worth sweeping.
const MIN_SWEEP: usize = 64;
