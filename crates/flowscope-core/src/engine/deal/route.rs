//! Which worker has which flow.

use alloc::vec::Vec;

use crate::slab::SlabIndex;
use crate::track::FlowId;

/// Which worker has which flow: each has every so many-th shard.
#[derive(Clone, Debug)]
pub(super) struct Route {
    /// The worker that has a shard, and which of its shards that is.
    places: Vec<(u16, u16)>,
    workers: usize,
    /// The shards are so many bits of an index.
    bits: u32,
    /// The most shards that a worker has.
    most: usize,
}

impl Route {
    /// For so many shards, a power of two, and workers.
    pub(super) fn new(shards: usize, workers: usize) -> Self {
        let workers = workers.clamp(1, shards);
        let place = |shard| ((shard % workers) as u16, (shard / workers) as u16);
        Self {
            places: (0..shards).map(place).collect(),
            workers,
            bits: shards.ilog2(),
            most: shards.div_ceil(workers),
        }
    }

    /// How many workers have anything to do.
    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    #[inline]
    fn place(&self, flow: FlowId) -> (u16, u16) {
        self.places[flow.index().number() as usize & (self.places.len() - 1)]
    }

    #[inline]
    pub(super) fn worker(&self, flow: FlowId) -> usize {
        self.place(flow).0.into()
    }

    /// The flow's place among those of its worker.
    #[inline]
    pub(super) fn slot(&self, flow: FlowId) -> usize {
        let round = flow.index().number() as usize >> self.bits;
        round * self.most + usize::from(self.place(flow).1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::track::FlowIndex;

    #[test]
    fn every_flow_has_a_slot_of_its_own_and_few_are_empty() {
        for workers in [1, 2, 3, 8, 100] {
            let route = Route::new(64, workers);
            let mut taken = BTreeSet::new();
            for n in 0..1000 {
                let flow = FlowId::new(n.into(), FlowIndex::from_number(n));
                let place = (route.worker(flow), route.slot(flow));
                assert!(place.0 < route.workers() && place.1 < 1100 / route.workers() + 64);
                assert!(taken.insert(place));
            }
        }
    }
}
