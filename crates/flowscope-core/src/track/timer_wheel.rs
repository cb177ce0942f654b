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
/// A block that is emptied goes to the next bucket that needs one, so buckets
/// that fill and empty in turn allocate nothing.
#[derive(Debug)]
pub(super) struct TimerWheel {
    buckets: Box<[Bucket]>,
    blocks: Slab<Block, BlockIndex>,
}

/// One bucket: its first block is filled from the front, all others are full.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    first: BlockIndex,
    len_of_first: u32,
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
            buckets: vec![Bucket::EMPTY; count].into_boxed_slice(),
            blocks: Slab::new(),
        }
    }

    pub(super) fn is_empty(&self, bucket: usize) -> bool {
        self.buckets[bucket].first == BlockIndex::NONE
    }

    /// Puts a flow into a bucket.
    pub(super) fn insert(&mut self, bucket: usize, flow: FlowIndex) -> WheelSlot {
        let bucket = &mut self.buckets[bucket];
        if bucket.first == BlockIndex::NONE || bucket.len_of_first as usize == PER_BLOCK {
            *bucket = Bucket {
                first: self.blocks.insert(Block {
                    flows: [FlowIndex::NONE; PER_BLOCK],
                    next: bucket.first,
                }),
                len_of_first: 0,
            };
        }
        let at = bucket.len_of_first;
        bucket.len_of_first += 1;
        let first = bucket.first;
        self.block(first).flows[at as usize] = flow;
        WheelSlot::new(first, at)
    }

    /// Takes the flow at `slot` out of its bucket. Says which other flow is at
    /// that slot now, if one is.
    pub(super) fn remove(&mut self, bucket: usize, slot: WheelSlot) -> Option<FlowIndex> {
        let Bucket {
            first,
            len_of_first,
        } = self.buckets[bucket];
        let last = WheelSlot::new(first, len_of_first - 1);
        let moved = *self.flow_at(last);
        self.buckets[bucket] = if len_of_first > 1 {
            Bucket {
                first,
                len_of_first: len_of_first - 1,
            }
        } else {
            self.without_first(first)
        };
        if slot == last {
            return None;
        }
        *self.flow_at(slot) = moved;
        Some(moved)
    }

    /// Takes everything out of a bucket, to be had by [`drain`](Self::drain). The
    /// bucket itself is empty at once, and may be put into meanwhile.
    pub(super) fn take(&mut self, bucket: usize) -> Bucket {
        core::mem::replace(&mut self.buckets[bucket], Bucket::EMPTY)
    }

    /// Some more of the flows of a bucket that was taken, until there are none.
    pub(super) fn drain(&mut self, taken: &mut Bucket) -> Option<Batch> {
        if taken.first == BlockIndex::NONE {
            return None;
        }
        let batch = Batch {
            flows: self.block(taken.first).flows,
            len: taken.len_of_first as usize,
        };
        *taken = self.without_first(taken.first);
        Some(batch)
    }

    /// The flows of all buckets.
    pub(super) fn flows(&self) -> impl Iterator<Item = FlowIndex> {
        self.buckets.iter().flat_map(move |bucket| {
            let mut rest = *bucket;
            let blocks = core::iter::from_fn(move || {
                let block = self.blocks.get(rest.first)?;
                let len = rest.len_of_first as usize;
                rest = Bucket {
                    first: block.next,
                    len_of_first: PER_BLOCK as u32,
                };
                Some(&block.flows[..len])
            });
            blocks.flatten().copied()
        })
    }

    /// Gives a first block back; what is left is the bucket of the others.
    fn without_first(&mut self, first: BlockIndex) -> Bucket {
        let block = self.blocks.remove(first);
        Bucket {
            first: block.map_or(BlockIndex::NONE, |block| block.next),
            len_of_first: PER_BLOCK as u32,
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
    fn new(block: BlockIndex, at: u32) -> Self {
        Self(block.number() * SLOTS_PER_BLOCK + at)
    }
}

impl Bucket {
    const EMPTY: Self = Self {
        first: BlockIndex::NONE,
        len_of_first: 0,
    };
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
        let mut taken = wheel.take(bucket);
        let mut flows = Vec::new();
        while let Some(batch) = wheel.drain(&mut taken) {
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
        assert_eq!(wheel.flows().count(), 100);
        assert_eq!(
            drain_all(&mut wheel, 1),
            (1..100).step_by(2).collect::<Vec<_>>()
        );
        assert!(wheel.is_empty(1));
        assert!(wheel.flows().all(|flow| flow.number() % 2 == 0));
        assert!(!wheel.is_empty(0));
    }

    #[test]
    fn removal_keeps_every_other_flow_where_it_is_said_to_be() {
        let mut wheel = TimerWheel::new(1);
        let mut slots: BTreeMap<u32, WheelSlot> = (0..200)
            .map(|flow| (flow, wheel.insert(0, FlowIndex::from_number(flow))))
            .collect();
        for flow in (0..200).filter(|flow| flow % 3 != 0) {
            let slot = slots.remove(&flow).expect("it was put in");
            if let Some(moved) = wheel.remove(0, slot) {
                slots.insert(moved.number(), slot);
            }
            for (flow, slot) in &slots {
                assert_eq!(wheel.flow_at(*slot).number(), *flow);
            }
        }
        assert_eq!(
            drain_all(&mut wheel, 0),
            (0..200).step_by(3).collect::<Vec<_>>()
        );
    }

    #[test]
    fn blocks_are_used_again() {
        let mut wheel = TimerWheel::new(3);
        let mut highest = 0;
        for round in 0..50 {
            for flow in 0..1000 {
                let WheelSlot(slot) = wheel.insert(round % 3, FlowIndex::from_number(flow));
                highest = highest.max(slot / SLOTS_PER_BLOCK);
            }
            assert_eq!(drain_all(&mut wheel, round % 3).len(), 1000);
        }
        assert_eq!(highest as usize, 1000usize.div_ceil(PER_BLOCK) - 1);
    }
}
