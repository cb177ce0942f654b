//! What a tracker reports.

use super::{AnomalyKind, EndReason, FlowId, FlowState, FlowStats};
use crate::{FlowSide, Timestamp};

/// Something that happened to a flow.
///
/// Per flow, [`Started`](Self::Started) comes first and
/// [`Ended`](Self::Ended) last, each once.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "events are handed on one by one; boxing the last would allocate per flow"
)]
pub enum FlowEvent<K> {
    /// A flow's first packet was seen.
    #[non_exhaustive]
    Started {
        /// The flow.
        flow: FlowId,
        /// What it is told apart by, seen from its initiator.
        key: K,
        /// The packet's time.
        at: Timestamp,
        /// The state the packet put it in.
        state: FlowState,
    },
    /// A packet was counted on a flow, the first one included.
    ///
    /// Fragments are told when it is known whose they are, each with its own
    /// time, and the payload of a datagram with the last of its fragments.
    #[non_exhaustive]
    Packet {
        /// The flow.
        flow: FlowId,
        /// Who sent the packet.
        side: FlowSide,
        /// The packet's time.
        at: Timestamp,
        /// The frame's length on the wire.
        wire_len: u32,
        /// The length of the transport's payload on the wire.
        payload_len: u32,
    },
    /// A TCP handshake was completed.
    #[non_exhaustive]
    Established {
        /// The flow.
        flow: FlowId,
        /// The time of the packet that completed it.
        at: Timestamp,
    },
    /// A TCP connection changed its state otherwise.
    #[non_exhaustive]
    StateChange {
        /// The flow.
        flow: FlowId,
        /// The time of the packet that changed it.
        at: Timestamp,
        /// The state before.
        from: FlowState,
        /// The state now.
        to: FlowState,
    },
    /// A packet was not what its flow leads to expect.
    #[non_exhaustive]
    Anomaly {
        /// The flow.
        flow: FlowId,
        /// Who sent the packet.
        side: FlowSide,
        /// The packet's time.
        at: Timestamp,
        /// What was odd.
        kind: AnomalyKind,
    },
    /// A flow is over, and forgotten by the tracker.
    #[non_exhaustive]
    Ended {
        /// The flow.
        flow: FlowId,
        /// What it is told apart by, seen from its initiator.
        key: K,
        /// When it ended: for an idle timeout or a closed connection's last
        /// wait the moment it ran out, otherwise the tracker's time.
        at: Timestamp,
        /// Why it ended.
        reason: EndReason,
        /// Its final statistics.
        stats: FlowStats,
    },
}

impl<K> FlowEvent<K> {
    /// The flow it happened to.
    #[must_use]
    pub fn flow(&self) -> FlowId {
        match self {
            Self::Started { flow, .. }
            | Self::Packet { flow, .. }
            | Self::Established { flow, .. }
            | Self::StateChange { flow, .. }
            | Self::Anomaly { flow, .. }
            | Self::Ended { flow, .. } => *flow,
        }
    }

    /// When it happened.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Started { at, .. }
            | Self::Packet { at, .. }
            | Self::Established { at, .. }
            | Self::StateChange { at, .. }
            | Self::Anomaly { at, .. }
            | Self::Ended { at, .. } => *at,
        }
    }
}
