//! Which worker has which flow.

use alloc::vec::Vec;

use crate::slab::SlabIndex;
use crate::track::FlowId;

/// Which worker has which flow: each has every so many-th shard.
#[derive(Clone, Debug)]
pub(super) struct Route {
    worker_of: Vec<u16>,
    workers: usize,
}

impl Route {
    /// For so many shards, a power of two, and workers.
    pub(super) fn new(shards: usize, workers: usize) -> Self {
        let workers = workers.clamp(1, shards);
        Self {
            worker_of: (0..shards).map(|shard| (shard % workers) as u16).collect(),
            workers,
        }
    }

    /// How many workers have anything to do.
    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    fn shard(&self, flow: FlowId) -> usize {
        flow.index().number() as usize & (self.worker_of.len() - 1)
    }

    #[inline]
    pub(super) fn worker(&self, flow: FlowId) -> usize {
        self.worker_of[self.shard(flow)].into()
    }

    /// The flow's place among those of its worker.
    #[inline]
    pub(super) fn slot(&self, flow: FlowId) -> usize {
        let shards = self.worker_of.len();
        let round = flow.index().number() as usize / shards;
        round * shards.div_ceil(self.workers) + self.shard(flow) / self.workers
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
