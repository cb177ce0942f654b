//! What flows are called.

use core::fmt;

use crate::slab::slab_index;

slab_index! {
    /// Where a live flow is in the table.
    pub(crate) struct FlowIndex;
}

/// Identifies one flow of one tracker.
///
/// Ordered by the flows' first packets. The number is never used again, so an
/// identifier that was kept too long finds nothing rather than a stranger.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct FlowId {
    number: u64,
    index: FlowIndex,
}

impl FlowId {
    pub(crate) const fn new(number: u64, index: FlowIndex) -> Self {
        Self { number, index }
    }

    /// The flow's place in the order of first packets, starting at 1.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.number
    }

    pub(crate) const fn index(self) -> FlowIndex {
        self.index
    }
}

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}
