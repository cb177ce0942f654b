//! The buckets of a timer wheel, which share their memory.
//!
//! Linked lists through the flows would be smaller, but each step along such a
//! list waits for the flow before it. A [`Bucket`] holds the indices of flows
//! side by side, so that many flows can be fetched before any is used.

use alloc::boxed::Box;
use alloc::vec;

use super::FlowIndex;
use crate::slab::{Slab, SlabIndex, slab_index};

/// A fixed number of buckets, in blocks out of one pool.
///
/// One bucket at a time is emptied, a block after the other. What is put into it
/// meanwhile is kept apart. So that it is known of each flow which of the two it
/// is in, a bucket has one of two [`Turn`]s, which changes when it is taken.
///
/// A block that is emptied goes to the next bucket that needs one, so buckets
/// that fill and empty in turn allocate nothing.
#[derive(Debug)]
pub(super) struct TimerWheel {
    buckets: Box<[Bucket]>,
    /// What is left of the bucket that is emptied.
    taken: Bucket,
    blocks: Slab<Block, BlockIndex>,
}

/// One bucket: its first block is filled from the front, all others are full.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    first: BlockIndex,
    len_of_first: u16,
    turn: Turn,
}

/// Whether a bucket was taken an even number of times, or an odd one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Turn {
    Even,
    Odd,
}

/// Where in a bucket a flow is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct WheelSlot(pub(super) u32);

/// Some flows of a bucket; 128 bytes.
#[derive(Clone, Copy, Debug)]
struct Block {
    flows: [FlowIndex; PER_BLOCK],
    next: BlockIndex,
}

slab_index! {
    /// Where a block is in the pool.
    struct BlockIndex;
}

impl TimerWheel {
    /// With this many buckets, all empty.
    pub(super) fn new(count: usize) -> Self {
        Self {
            buckets: vec![Bucket::empty(Turn::Even); count].into_boxed_slice(),
            taken: Bucket::empty(Turn::Odd),
            blocks: Slab::new(),
        }
    }

    pub(super) fn is_empty(&self, bucket: usize) -> bool {
        self.buckets[bucket].first == BlockIndex::NONE
    }

    /// Puts a flow into a bucket, which has this turn.
    pub(super) fn insert(&mut self, bucket: usize, flow: FlowIndex) -> (WheelSlot, Turn) {
        let bucket = &mut self.buckets[bucket];
        if bucket.first == BlockIndex::NONE || usize::from(bucket.len_of_first) == PER_BLOCK {
            *bucket = Bucket {
                first: self.blocks.insert(Block {
                    flows: [FlowIndex::NONE; PER_BLOCK],
                    next: bucket.first,
                }),
                len_of_first: 0,
                turn: bucket.turn,
            };
        }
        let at = bucket.len_of_first;
        bucket.len_of_first += 1;
        let Bucket { first, turn, .. } = *bucket;
        self.block(first).flows[usize::from(at)] = flow;
        (WheelSlot::new(first, at), turn)
    }

    /// Takes the flow at `slot` out of its bucket, which had this turn when it was
    /// put there. Says which other flow is at that slot now, if one is.
    pub(super) fn remove(
        &mut self,
        bucket: usize,
        turn: Turn,
        slot: WheelSlot,
    ) -> Option<FlowIndex> {
        let is_taken = self.buckets[bucket].turn != turn;
        let list = match is_taken {
            true => self.taken,
            false => self.buckets[bucket],
        };
        let last = WheelSlot::new(list.first, list.len_of_first - 1);
        let moved = *self.flow_at(last);
        let left = if list.len_of_first > 1 {
            Bucket {
                len_of_first: list.len_of_first - 1,
                ..list
            }
        } else {
            self.without_first(list)
        };
        match is_taken {
            true => self.taken = left,
            false => self.buckets[bucket] = left,
        }
        if slot == last {
            return None;
        }
        *self.flow_at(slot) = moved;
        Some(moved)
    }

    /// Takes everything out of a bucket, to be had by [`drain`](Self::drain). The
    /// bucket itself is empty at once, and may be put into meanwhile.
    ///
    /// What was taken before has to be drained.
    pub(super) fn take(&mut self, bucket: usize) {
        let bucket = &mut self.buckets[bucket];
        self.taken = *bucket;
        *bucket = Bucket::empty(bucket.turn.other());
    }

    /// Some more of the flows of the bucket that was taken, until there are none.
    pub(super) fn drain(&mut self) -> Option<Batch> {
        if self.taken.first == BlockIndex::NONE {
            return None;
        }
        let batch = Batch {
            flows: self.block(self.taken.first).flows,
            len: self.taken.len_of_first.into(),
        };
        self.taken = self.without_first(self.taken);
        Some(batch)
    }

    /// Gives the first block back; what is left is the bucket of the others.
    fn without_first(&mut self, bucket: Bucket) -> Bucket {
        let block = self.blocks.remove(bucket.first);
        Bucket {
            first: block.map_or(BlockIndex::NONE, |block| block.next),
            len_of_first: PER_BLOCK as u16,
            turn: bucket.turn,
        }
    }

    fn flow_at(&mut self, WheelSlot(slot): WheelSlot) -> &mut FlowIndex {
        let at = (slot % SLOTS_PER_BLOCK) as usize;
        &mut self
            .block(BlockIndex::from_number(slot / SLOTS_PER_BLOCK))
            .flows[at]
    }

    fn block(&mut self, index: BlockIndex) -> &mut Block {
        self.blocks
            .get_mut(index)
            .expect("buckets and slots name blocks in use only")
    }
}

impl WheelSlot {
    fn new(block: BlockIndex, at: u16) -> Self {
        Self(block.number() * SLOTS_PER_BLOCK + u32::from(at))
    }
}

impl Bucket {
    const fn empty(turn: Turn) -> Self {
        Self {
            first: BlockIndex::NONE,
            len_of_first: 0,
            turn,
        }
    }
}

impl Turn {
    const fn other(self) -> Self {
        match self {
            Self::Even => Self::Odd,
            Self::Odd => Self::Even,
        }
    }
}

/// A few flows.
pub(super) struct Batch {
    flows: [FlowIndex; PER_BLOCK],
    len: usize,
}

impl Batch {
    pub(super) fn flows(&self) -> &[FlowIndex] {
        &self.flows[..self.len]
    }
}

/// Flows that fill a block.
pub(super) const PER_BLOCK: usize = 31;
/// Slots are numbered as if there were one more.
const SLOTS_PER_BLOCK: u32 = 32;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::vec::Vec;

    use super::*;

    fn drain_all(wheel: &mut TimerWheel, bucket: usize) -> Vec<u32> {
        wheel.take(bucket);
        drain(wheel)
    }

    fn drain(wheel: &mut TimerWheel) -> Vec<u32> {
        let mut flows = Vec::new();
        while let Some(batch) = wheel.drain() {
            flows.extend(batch.flows().iter().map(|flow| flow.number()));
        }
        flows.sort_unstable();
        flows
    }

    #[test]
    fn what_goes_in_comes_out() {
        let mut wheel = TimerWheel::new(2);
        for flow in 0..100 {
            wheel.insert(flow as usize % 2, FlowIndex::from_number(flow));
        }
        let odd: Vec<_> = (1..100).step_by(2).collect();
        assert_eq!(drain_all(&mut wheel, 1), odd);
        assert!(wheel.is_empty(1));
        assert!(!wheel.is_empty(0));
        let even: Vec<_> = (0..100).step_by(2).collect();
        assert_eq!(drain_all(&mut wheel, 0), even);
    }

    #[test]
    fn removal_keeps_every_other_flow_where_it_is_said_to_be() {
        let mut wheel = TimerWheel::new(1);
        let mut slots: BTreeMap<u32, (WheelSlot, Turn)> = (0..200)
            .map(|flow| (flow, wheel.insert(0, FlowIndex::from_number(flow))))
            .collect();
        for flow in (0..200).filter(|flow| flow % 3 != 0) {
            let (slot, turn) = slots.remove(&flow).expect("it was put in");
            if let Some(moved) = wheel.remove(0, turn, slot) {
                slots.insert(moved.number(), (slot, turn));
            }
            for (flow, (slot, _)) in &slots {
                assert_eq!(wheel.flow_at(*slot).number(), *flow);
            }
        }
        assert_eq!(
            drain_all(&mut wheel, 0),
            (0..200).step_by(3).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_bucket_can_be_put_into_while_it_is_emptied() {
        let mut wheel = TimerWheel::new(1);
        let insert = |wheel: &mut TimerWheel, flows: core::ops::Range<u32>| {
            flows
                .map(|flow| wheel.insert(0, FlowIndex::from_number(flow)))
                .collect::<Vec<_>>()
        };
        let before = insert(&mut wheel, 0..100);
        wheel.take(0);
        let after = insert(&mut wheel, 100..200);
        // The first of each was put in first, and is in the block that goes last.
        for (slot, turn) in [before[0], after[0]] {
            assert!(wheel.remove(0, turn, slot).is_some());
        }
        assert_eq!(drain(&mut wheel), (1..100).collect::<Vec<_>>());
        assert_eq!(drain_all(&mut wheel, 0), (101..200).collect::<Vec<_>>());
    }

    #[test]
    fn blocks_are_used_again() {
        let mut wheel = TimerWheel::new(3);
        let mut highest = 0;
        for round in 0..50 {
            for flow in 0..1000 {
                let (WheelSlot(slot), _) = wheel.insert(round % 3, FlowIndex::from_number(flow));
                highest = highest.max(slot / SLOTS_PER_BLOCK);
            }
            assert_eq!(drain_all(&mut wheel, round % 3).len(), 1000);
        }
        assert_eq!(highest as usize, 1000usize.div_ceil(PER_BLOCK) - 1);
    }
}
