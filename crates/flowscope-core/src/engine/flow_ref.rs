//! A flow as consumers see it.

use crate::track::{ColdState, Effect, Fin, Flow, FlowId, FlowState, FlowStats};
use crate::{FlowSide, SeqNumber, Timestamp};

/// A flow as a [`Consumer`](super::Consumer) sees it.
#[derive(Debug)]
pub struct FlowRef<'a, K> {
    /// Its identifier.
    pub id: FlowId,
    /// What it is told apart by, seen from its initiator.
    pub key: &'a K,
    /// The time of what happens: of the packet, the alarm or the end.
    pub at: Timestamp,
    /// Which of the frames that the engine was given it came in, counted from 1;
    /// of what happens without a packet, the latest.
    ///
    /// It is not always the latest: a SYN on the ports of a connection is
    /// counted when it is known whose it is.
    pub packet: u64,
    pub(super) flow: &'a Flow,
    pub(super) cold: &'a ColdState,
    pub(super) effect: Effect,
}

impl<K> FlowRef<'_, K> {
    /// What it amounts to so far, without what its consumer knows of it.
    #[must_use]
    pub fn stats(&self) -> FlowStats {
        self.flow.stats(self.cold)
    }

    /// What it is doing.
    #[must_use]
    pub fn state(&self) -> FlowState {
        self.flow.state
    }

    /// What the packet does to its connection.
    #[inline]
    pub(super) fn effect(&self) -> Effect {
        self.effect
    }

    /// The first number of a side's stream, once that is settled.
    #[inline]
    pub(super) fn stream_begin(&self, side: FlowSide) -> Option<SeqNumber> {
        self.flow.stream_begin(side)
    }

    /// Whether the other side has taken the SYN of a side without its data.
    pub(super) fn has_refused_early_data(&self, side: FlowSide) -> bool {
        self.flow.has_refused_early_data(side)
    }

    /// Whether a SYN of a side has another number than its first.
    pub(super) fn is_other_syn(&self, side: FlowSide, seq: SeqNumber) -> bool {
        self.flow.is_other_syn(side, seq)
    }

    /// Whether a side's stream has ended.
    #[inline]
    pub(super) fn fin(&self, side: FlowSide) -> Fin {
        self.flow.fin(side)
    }
}

impl<K> Clone for FlowRef<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for FlowRef<'_, K> {}
