//! What a worker is given at a time.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::step::{BlockNumber, DealtPacket, Odd, PacketNote, Step};
use crate::Timestamp;
use crate::engine::Until;
use crate::track::{FlowId, FlowStats};

/// What a worker is given at a time: what is to be done for its flows, and the
/// bytes of their packets.
///
/// One that a worker is done with is best given back to the
/// [`FlowDealer`](super::FlowDealer), which fills it again, and learns from it
/// which flows need no more of their packets.
#[derive(Debug)]
pub struct FlowBatch<K> {
    pub(super) steps: Vec<Step>,
    pub(super) odd: Vec<Odd>,
    pub(super) attached: Attachments<K>,
    pub(super) shared: Arc<Shared>,
    /// Flows whose packets may be passed by from now on, as the worker says.
    pub(super) passing: Vec<FlowId>,
}

/// What goes beside the steps.
#[derive(Debug)]
pub(super) struct Attachments<K> {
    /// Bytes that lie in no block that was lent.
    pub(super) copied: Vec<u8>,
    pub(super) keys: Vec<K>,
    pub(super) notes: Vec<PacketNote>,
    pub(super) stats: Vec<FlowStats>,
}

/// What the batches of all workers have in common.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) marks: Marks,
    /// Blocks that were lent, with the packets of all workers.
    pub(super) blocks: Vec<Vec<u8>>,
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
    /// The block in which a packet lies.
    #[inline]
    pub(super) fn block(&self, packet: &DealtPacket) -> &[u8] {
        match packet.block {
            COPIED => &self.attached.copied,
            number => {
                let block = self.shared.blocks.get(usize::from(number) - 1);
                block.map_or(&[], |block| block)
            }
        }
    }

    /// Nothing, but memory to use again. Gives back what it had in common with
    /// others, if it was the last of them.
    pub(super) fn clear(&mut self) -> Option<Shared> {
        self.steps.clear();
        self.odd.clear();
        self.attached.clear();
        self.passing.clear();
        Arc::into_inner(core::mem::take(&mut self.shared))
    }
}

impl<K> Attachments<K> {
    fn clear(&mut self) {
        self.copied.clear();
        self.keys.clear();
        self.notes.clear();
        self.stats.clear();
        if self.copied.capacity() > MOST_KEPT {
            self.copied = Vec::new();
        }
    }
}

impl<K> Default for FlowBatch<K> {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            odd: Vec::new(),
            attached: Attachments::default(),
            shared: Arc::default(),
            passing: Vec::new(),
        }
    }
}

impl<K> Default for Attachments<K> {
    fn default() -> Self {
        Self {
            copied: Vec::new(),
            keys: Vec::new(),
            notes: Vec::new(),
            stats: Vec::new(),
        }
    }
}

/// Of a packet that was copied.
pub(super) const COPIED: BlockNumber = 0;

/// A block that has grown beyond this is not kept.
const MOST_KEPT: usize = 1 << 20;
