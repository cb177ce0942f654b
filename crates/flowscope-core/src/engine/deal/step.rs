//! What a dealer has a worker do.

use core::ops::Range;

use crate::engine::Advance;
use crate::engine::flow_ref::ConnectionNote;
use crate::extract::Extracted;
use crate::track::{Anomalies, Effect, EndReason, FlowId, FlowState, FlowStats};
use crate::{FlowEvent, FlowSide, Timestamp};

/// A step, and where it stands.
#[derive(Debug)]
pub(super) struct Step<K> {
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
    pub(super) kind: StepKind<K>,
}

#[derive(Debug)]
pub(super) enum StepKind<K> {
    Open {
        key: K,
        state: FlowState,
        packet: DealtPacket,
    },
    Packet {
        side: FlowSide,
        state: FlowState,
        effect: Effect,
        /// What else is known of its connection: its place in the batch.
        note: Option<u32>,
        /// What it counted on its flow, if it did: a datagram that was put together
        /// did with its fragments.
        counted: Option<Counted>,
        found: Anomalies,
        changed: Option<Changed>,
        packet: DealtPacket,
    },
    Fragment {
        side: FlowSide,
        wire_len: u32,
        counted: Option<Counted>,
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

/// What a packet counted on its flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) wire_len: u32,
    pub(super) payload_len: u32,
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
    /// Without its key and its bytes.
    pub(super) headers: Extracted<'static, ()>,
    pub(super) frame: Range<u32>,
    pub(super) payload: Range<u32>,
}

impl DealtPacket {
    /// The packet as it was extracted, with the bytes of the batch.
    #[inline]
    pub(super) fn view<'b, K>(&self, key: K, block: &'b [u8]) -> Extracted<'b, K> {
        self.headers
            .attach(key, slice(block, &self.frame), slice(block, &self.payload))
    }
}

#[inline]
fn slice<'b>(block: &'b [u8], range: &Range<u32>) -> &'b [u8] {
    block
        .get(range.start as usize..range.end as usize)
        .unwrap_or_default()
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
    pub(super) kind: StepKind<K>,
    pub(super) note: Option<ConnectionNote>,
    pub(super) stats: Option<FlowStats>,
}

impl<K> From<FlowEvent<K>> for Dealt<K> {
    #[inline]
    fn from(event: FlowEvent<K>) -> Self {
        Self::Event(event)
    }
}
