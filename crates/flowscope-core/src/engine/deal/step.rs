//! What a dealer has a worker do.

use core::num::NonZeroU32;

use crate::engine::Advance;
use crate::engine::flow_ref::ConnectionNote;
use crate::extract::{DetachedHeaders, Extracted};
use crate::track::{Anomalies, Effect, EndReason, FlowId, FlowState, FlowStats};
use crate::{FlowEvent, FlowSide, Timestamp};

/// A step, and where it stands.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) flow: FlowId,
    /// Which mark of the batch it comes with.
    pub(super) mark: u32,
    /// Which of the steps of all workers since that mark.
    pub(super) number: u32,
    /// See [`Place`](super::Place).
    pub(super) moment: Timestamp,
    /// The time of what happens.
    pub(super) at: Timestamp,
    /// Which frame it came in.
    pub(super) packet: u64,
    pub(super) kind: StepKind,
}

#[derive(Debug)]
pub(super) enum StepKind {
    Open {
        state: FlowState,
        /// Its key: its place in the batch.
        key: u32,
        packet: DealtPacket,
    },
    Packet {
        side: FlowSide,
        state: FlowState,
        effect: Effect,
        /// What else is known of its connection: its place in the batch.
        note: Option<NonZeroU32>,
        /// Whether it was counted on its flow: a datagram that was put together was
        /// with its fragments.
        is_counted: bool,
        found: Anomalies,
        changed: Option<Changed>,
        packet: DealtPacket,
    },
    Fragment {
        side: FlowSide,
        wire_len: u32,
        /// What of the datagram's payload counts with it.
        payload_len: u32,
        first: Option<DealtPacket>,
    },
    Close {
        reason: EndReason,
        cause: EndReason,
        state: FlowState,
        /// Its statistics: their place in the batch.
        stats: u32,
    },
    /// Something odd that came with no packet.
    Report { found: Anomalies },
}

/// How a flow's state changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Changed {
    Established,
    State(FlowState, FlowState),
}

/// A packet whose bytes lie in the batch.
#[derive(Clone, Debug)]
pub(super) struct DealtPacket {
    pub(super) headers: DetachedHeaders,
    pub(super) frame: (u32, u32),
    pub(super) payload: (u32, u32),
}

impl DealtPacket {
    /// The packet as it was extracted, with the bytes of the batch.
    #[inline]
    pub(super) fn view<'b, K>(&self, key: K, block: &'b [u8]) -> Extracted<'b, K> {
        self.headers
            .attach(key, slice(block, self.frame), slice(block, self.payload))
    }
}

#[inline]
fn slice(block: &[u8], (start, end): (u32, u32)) -> &[u8] {
    block.get(start as usize..end as usize).unwrap_or_default()
}

/// What the engine of a dealer reports: what its consumer makes of it, and the
/// engine's own events.
#[derive(Debug)]
pub(super) enum Dealt<K> {
    Event(FlowEvent<K>),
    Advance(Advance),
    Step(DealtStep<K>),
}

/// A step of a flow, with what goes beside the steps.
#[derive(Debug)]
pub(super) struct DealtStep<K> {
    pub(super) flow: FlowId,
    pub(super) at: Timestamp,
    pub(super) packet: u64,
    pub(super) kind: StepKind,
    pub(super) key: Option<K>,
    pub(super) note: Option<ConnectionNote>,
    pub(super) stats: Option<FlowStats>,
}

impl<K> From<FlowEvent<K>> for Dealt<K> {
    #[inline]
    fn from(event: FlowEvent<K>) -> Self {
        Self::Event(event)
    }
}
