//! The flows of a worker.

use alloc::vec::Vec;
use core::fmt;

use super::route::Route;
use crate::engine::Consumer;
use crate::engine::pending::{PendingEntry, PendingSlot};
use crate::engine::shards::PendingFlows;
use crate::track::{FlowId, FlowState, prefetch};

/// The flows of a worker that live.
pub struct WorkerFlows<K, C: Consumer<K>> {
    route: Route,
    /// In chunks, so that no flow is moved when there are more.
    chunks: Vec<Vec<Option<WorkerFlow<K, C>>>>,
    len: usize,
}

/// A flow of a worker.
pub(super) struct WorkerFlow<K, C: Consumer<K>> {
    pub(super) id: FlowId,
    pub(super) key: K,
    pub(super) state: FlowState,
    /// Whether it needs no more of its packets, and the dealer is told.
    pub(super) is_passed_by: bool,
    pub(super) flow: C::Flow,
    pub(super) pending: C::Pending,
}

impl<K, C: Consumer<K>> WorkerFlows<K, C> {
    pub(super) fn new(route: Route) -> Self {
        Self {
            route,
            chunks: Vec::new(),
            len: 0,
        }
    }

    /// What a flow is told apart by, seen from its initiator, and what the consumer
    /// keeps for it, while it lives.
    #[must_use]
    pub fn flow(&self, flow: FlowId) -> Option<(&K, &C::Flow)> {
        let found = self.get(flow)?;
        Some((&found.key, &found.flow))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn get(&self, flow: FlowId) -> Option<&WorkerFlow<K, C>> {
        let slot = self.route.slot(flow);
        let found = self.chunks.get(slot / CHUNK)?.get(slot % CHUNK)?.as_ref();
        found.filter(|found| found.id == flow)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, flow: FlowId) -> Option<&mut WorkerFlow<K, C>> {
        let slot = self.route.slot(flow);
        let chunk = self.chunks.get_mut(slot / CHUNK)?;
        let found = chunk.get_mut(slot % CHUNK)?.as_mut();
        found.filter(|found| found.id == flow)
    }

    pub(super) fn insert(&mut self, flow: WorkerFlow<K, C>) {
        let slot = self.route.slot(flow.id);
        while self.chunks.len() <= slot / CHUNK {
            self.chunks.push(Vec::new());
        }
        let chunk = &mut self.chunks[slot / CHUNK];
        if chunk.is_empty() {
            chunk.reserve_exact(CHUNK);
        }
        while chunk.len() <= slot % CHUNK {
            chunk.push(None);
        }
        chunk[slot % CHUNK] = Some(flow);
        self.len += 1;
    }

    pub(super) fn remove(&mut self, flow: FlowId) -> Option<WorkerFlow<K, C>> {
        let slot = self.route.slot(flow);
        let place = self.chunks.get_mut(slot / CHUNK)?.get_mut(slot % CHUNK)?;
        let removed = place.take_if(|found| found.id == flow)?;
        self.len -= 1;
        Some(removed)
    }

    /// Fetches flows into the cache.
    pub(super) fn prefetch(&self, flows: impl Iterator<Item = FlowId>, consumer: &C) {
        prefetch(flows.map(|flow| {
            let found = self.get(flow);
            // Its number is compared with every step, and lies far from the rest.
            found.map_or(0, |found| {
                found.id.number() ^ consumer.prefetch_word(&found.flow)
            })
        }));
    }
}

impl<K, C: Consumer<K>> PendingFlows for WorkerFlows<K, C> {
    fn entry(&self, flow: FlowId) -> Option<PendingEntry> {
        Some(self.get(flow)?.pending.get())
    }

    fn set_entry(&mut self, flow: FlowId, entry: PendingEntry) {
        if let Some(found) = self.get_mut(flow) {
            found.pending.set(entry);
        }
    }
}

impl<K, C: Consumer<K>> fmt::Debug for WorkerFlows<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerFlows")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

/// Flows of a chunk.
const CHUNK: usize = 256;
