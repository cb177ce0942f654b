//! What a worker is given at a time.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::step::Step;
use crate::Timestamp;
use crate::engine::Until;
use crate::engine::flow_ref::ConnectionNote;
use crate::track::FlowStats;

/// What a worker is given at a time: what is to be done for its flows, and the
/// bytes of their packets.
///
/// One that a worker is done with is best given back to the
/// [`FlowDealer`](super::FlowDealer), which fills it again.
#[derive(Debug)]
pub struct FlowBatch<K> {
    pub(super) block: Vec<u8>,
    pub(super) steps: Vec<Step>,
    pub(super) keys: Vec<K>,
    pub(super) notes: Vec<ConnectionNote>,
    pub(super) stats: Vec<FlowStats>,
    pub(super) marks: Arc<Marks>,
}

/// The packets during which a batch was made, of all workers.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// How many there were before.
    pub(super) before: u64,
    pub(super) list: Vec<Mark>,
}

/// A packet, or a call of the dealer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// The clock from then on.
    pub(super) now: Timestamp,
    /// How far timers are called.
    pub(super) until: Until,
    /// Which frame it was.
    pub(super) frame: u64,
    pub(super) kind: MarkKind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum MarkKind {
    Packet,
    /// Everything that is due is done.
    Expire,
    /// Everything has ended.
    Finished,
}

impl<K> FlowBatch<K> {
    /// Nothing, but memory to use again.
    pub(super) fn clear(&mut self) {
        self.block.clear();
        self.steps.clear();
        self.keys.clear();
        self.notes.clear();
        self.stats.clear();
        self.marks = Arc::default();
        if self.block.capacity() > MOST_KEPT {
            self.block = Vec::new();
        }
    }
}

impl<K> Default for FlowBatch<K> {
    fn default() -> Self {
        Self {
            block: Vec::new(),
            steps: Vec::new(),
            keys: Vec::new(),
            notes: Vec::new(),
            stats: Vec::new(),
            marks: Arc::default(),
        }
    }
}

/// A block that has grown beyond this is not kept.
const MOST_KEPT: usize = 4 << 20;
