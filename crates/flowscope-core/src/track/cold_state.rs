//! What a usual packet leaves alone of its flow.

use alloc::boxed::Box;

use super::connection::Unconfirmed;
use super::history::PackedLetters;
use crate::{FlowSide, Timestamp};

/// The rest of a live flow, aligned so as to lie in one cache line.
#[derive(Debug)]
#[repr(align(32))]
pub(crate) struct ColdState {
    /// Packet times, which may run backwards.
    pub(super) first: Timestamp,
    /// The latest one, unless the flow says that it is [`Flow::last_active`].
    pub(super) last: Timestamp,
    /// Letters that found no room in the flow.
    pub(super) history: PackedLetters,
    /// Few flows have any of it.
    pub(super) rare: Option<Box<RareState>>,
}

/// What is counted of few flows, by side.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RareState {
    /// Late TCP segments that filled a hole.
    pub(super) out_of_order: [u32; 2],
    /// Packets that were fragments.
    pub(super) fragments: [u32; 2],
    /// Datagrams put together from them.
    pub(super) reassembled: [u32; 2],
    /// Packets that were skipped because their checksum is wrong.
    pub(super) bad_checksums: [u32; 2],
    /// So often were 2^16 packets cut.
    pub(super) cut: [u32; 2],
    /// What is not confirmed of its connection.
    pub(super) unconfirmed: Unconfirmed,
}

impl ColdState {
    /// Counts a packet that is counted otherwise as a fragment.
    pub(crate) fn count_fragment(&mut self, side: FlowSide) {
        self.count(side, |rare| &mut rare.fragments);
    }

    /// Adds one to a counter that few flows use, and gives what it is then.
    #[cold]
    #[inline(never)]
    pub(super) fn count(&mut self, side: FlowSide, of: fn(&mut RareState) -> &mut [u32; 2]) -> u32 {
        let counts = of(self.rare.get_or_insert_default());
        let count = &mut counts[side as usize];
        *count = count.saturating_add(1);
        *count
    }

    /// What is not confirmed of its connection.
    #[inline]
    pub(super) fn unconfirmed(&self) -> Unconfirmed {
        self.rare
            .as_ref()
            .map_or_else(Unconfirmed::default, |rare| rare.unconfirmed)
    }

    /// Whether a FIN waits to be acknowledged.
    #[inline]
    pub(super) fn has_unconfirmed_fin(&self) -> bool {
        self.rare
            .as_ref()
            .is_some_and(|rare| rare.unconfirmed.fin != [None; 2])
    }

    /// Frees the memory it holds, when its flow has ended.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.rare = None;
    }

    /// A word of the cache line it lies in.
    #[inline]
    pub(super) fn prefetch_word(&self) -> u64 {
        self.first.as_nanos()
    }
}
