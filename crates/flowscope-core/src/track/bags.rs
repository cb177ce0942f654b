//! Many bags of flows that share their memory.
//!
//! Lists through the flows would be smaller, but each step along such a list
//! waits for the flow before it. A [`Bags`] holds numbers side by side, so
//! that whoever empties one knows the next flows before touching any.

use alloc::boxed::Box;
use alloc::vec;

use super::slab::Slab;

/// A fixed number of bags, in blocks out of one pool.
///
/// A block that is emptied is used again by whichever bag needs one next: bags
/// that fill and empty in turn allocate nothing.
#[derive(Debug)]
pub(super) struct Bags {
    bags: Box<[Bag]>,
    blocks: Slab<Block>,
}

/// One bag: its first block is filled from the front, all others are full.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bag {
    first: u32,
    len_of_first: u32,
}

/// Where in the bags a flow is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Spot(pub(super) u32);

/// Some flows of a bag; 128 bytes.
#[derive(Clone, Copy, Debug)]
struct Block {
    flows: [u32; PER_BLOCK],
    next: u32,
}

impl Bags {
    /// This many empty bags.
    pub(super) fn new(count: usize) -> Self {
        Self {
            bags: vec![Bag::EMPTY; count].into_boxed_slice(),
            blocks: Slab::new(),
        }
    }

    pub(super) fn is_empty(&self, bag: usize) -> bool {
        self.bags[bag].first == NONE
    }

    /// Puts a flow into a bag.
    pub(super) fn insert(&mut self, bag: usize, flow: u32) -> Spot {
        let bag = &mut self.bags[bag];
        if bag.first == NONE || bag.len_of_first as usize == PER_BLOCK {
            *bag = Bag {
                first: self.blocks.insert(Block {
                    flows: [NONE; PER_BLOCK],
                    next: bag.first,
                }),
                len_of_first: 0,
            };
        }
        let at = bag.len_of_first;
        bag.len_of_first += 1;
        let first = bag.first;
        self.block(first).flows[at as usize] = flow;
        Spot(first * SPOTS_PER_BLOCK + at)
    }

    /// Takes the flow at `spot` out of its bag. Says which other flow is at
    /// that spot now, if one is.
    pub(super) fn remove(&mut self, bag: usize, spot: Spot) -> Option<u32> {
        let Bag {
            first,
            len_of_first,
        } = self.bags[bag];
        let last = Spot(first * SPOTS_PER_BLOCK + len_of_first - 1);
        let moved = *self.flow_at(last);
        self.bags[bag] = if len_of_first > 1 {
            Bag {
                first,
                len_of_first: len_of_first - 1,
            }
        } else {
            self.without_first(first)
        };
        if spot == last {
            return None;
        }
        *self.flow_at(spot) = moved;
        Some(moved)
    }

    /// Takes everything out of a bag, to be had by [`pour`](Self::pour). The
    /// bag itself is empty at once, and may be put into meanwhile.
    pub(super) fn take(&mut self, bag: usize) -> Bag {
        core::mem::replace(&mut self.bags[bag], Bag::EMPTY)
    }

    /// Some more of the flows of a bag that was taken, until there are none.
    pub(super) fn pour(&mut self, taken: &mut Bag) -> Option<Handful> {
        if taken.first == NONE {
            return None;
        }
        let handful = Handful {
            flows: self.block(taken.first).flows,
            len: taken.len_of_first as usize,
        };
        *taken = self.without_first(taken.first);
        Some(handful)
    }

    /// The flows of all bags.
    pub(super) fn flows(&self) -> impl Iterator<Item = u32> {
        self.bags.iter().flat_map(move |bag| {
            let mut rest = *bag;
            let blocks = core::iter::from_fn(move || {
                let block = self.blocks.get(rest.first)?;
                let len = rest.len_of_first as usize;
                rest = Bag {
                    first: block.next,
                    len_of_first: PER_BLOCK as u32,
                };
                Some(&block.flows[..len])
            });
            blocks.flatten().copied()
        })
    }

    /// Gives a first block back; what is left is the bag of the others.
    fn without_first(&mut self, first: u32) -> Bag {
        let block = self.blocks.remove(first);
        Bag {
            first: block.map_or(NONE, |block| block.next),
            len_of_first: PER_BLOCK as u32,
        }
    }

    fn flow_at(&mut self, Spot(spot): Spot) -> &mut u32 {
        let at = (spot % SPOTS_PER_BLOCK) as usize;
        &mut self.block(spot / SPOTS_PER_BLOCK).flows[at]
    }

    fn block(&mut self, index: u32) -> &mut Block {
        self.blocks
            .get_mut(index)
            .expect("bags and spots name blocks in use only")
    }
}

impl Bag {
    const EMPTY: Self = Self {
        first: NONE,
        len_of_first: 0,
    };
}

/// A few flows.
pub(super) struct Handful {
    flows: [u32; PER_BLOCK],
    len: usize,
}

impl Handful {
    pub(super) fn flows(&self) -> &[u32] {
        &self.flows[..self.len]
    }
}

/// Flows that fill a block.
pub(super) const PER_BLOCK: usize = 31;
/// Spots are numbered as if there were one more.
const SPOTS_PER_BLOCK: u32 = 32;
const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::vec::Vec;

    use super::*;

    fn pour_all(bags: &mut Bags, bag: usize) -> Vec<u32> {
        let mut taken = bags.take(bag);
        let mut flows = Vec::new();
        while let Some(handful) = bags.pour(&mut taken) {
            flows.extend_from_slice(handful.flows());
        }
        flows.sort_unstable();
        flows
    }

    #[test]
    fn what_goes_in_comes_out() {
        let mut bags = Bags::new(2);
        for flow in 0..100 {
            bags.insert(flow as usize % 2, flow);
        }
        assert_eq!(bags.flows().count(), 100);
        assert_eq!(
            pour_all(&mut bags, 1),
            (1..100).step_by(2).collect::<Vec<_>>()
        );
        assert!(bags.is_empty(1));
        assert!(bags.flows().all(|flow| flow % 2 == 0));
        assert!(!bags.is_empty(0));
    }

    #[test]
    fn removal_keeps_every_other_flow_where_it_is_said_to_be() {
        let mut bags = Bags::new(1);
        let mut spots: BTreeMap<u32, Spot> =
            (0..200).map(|flow| (flow, bags.insert(0, flow))).collect();
        for flow in (0..200).filter(|flow| flow % 3 != 0) {
            let spot = spots.remove(&flow).expect("it was put in");
            if let Some(moved) = bags.remove(0, spot) {
                spots.insert(moved, spot);
            }
            for (flow, spot) in &spots {
                assert_eq!(*bags.flow_at(*spot), *flow);
            }
        }
        assert_eq!(
            pour_all(&mut bags, 0),
            (0..200).step_by(3).collect::<Vec<_>>()
        );
    }

    #[test]
    fn blocks_are_used_again() {
        let mut bags = Bags::new(3);
        let mut highest = 0;
        for round in 0..50 {
            for flow in 0..1000 {
                let Spot(spot) = bags.insert(round % 3, flow);
                highest = highest.max(spot / SPOTS_PER_BLOCK);
            }
            assert_eq!(pour_all(&mut bags, round % 3).len(), 1000);
        }
        assert_eq!(highest as usize, 1000usize.div_ceil(PER_BLOCK) - 1);
    }
}
