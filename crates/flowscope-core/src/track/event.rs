//! What a tracker reports.

use core::ops::BitOrAssign;

use super::{FlowId, FlowState, FlowStats};
use crate::{FlowSide, Timestamp};

/// Something that happened to a flow.
///
/// Per flow, [`Started`](Self::Started) comes first and
/// [`Ended`](Self::Ended) last, each once.
#[derive(Clone, Debug)]
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
        /// What it amounted to.
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

/// Why a flow ended.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum EndReason {
    /// Both sides of a TCP connection sent a FIN.
    Fin,
    /// A TCP connection was reset.
    Rst,
    /// It was silent for longer than its idle timeout.
    IdleTimeout,
    /// The table was full and this flow was the nearest to its timeout.
    Evicted,
    /// Another connection took its place: the same ports, and a SYN that was
    /// answered.
    Replaced,
    /// The input ended while it was open.
    EndOfInput,
    /// Its parser could not go on: what a driver of parsers says of a flow that
    /// ended later. Why the flow itself ended is then told by its state.
    ParseError,
}

impl EndReason {
    /// Every reason, in order.
    pub const ALL: &'static [Self] = &[
        Self::Fin,
        Self::Rst,
        Self::IdleTimeout,
        Self::Evicted,
        Self::Replaced,
        Self::EndOfInput,
        Self::ParseError,
    ];

    /// The word for it in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::IdleTimeout => "idle_timeout",
            Self::Evicted => "evicted",
            Self::Replaced => "replaced",
            Self::EndOfInput => "end_of_input",
            Self::ParseError => "parse_error",
        }
    }
}

/// What was odd about a packet.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum AnomalyKind {
    /// An RST whose sequence number its receiver would refuse. It does not
    /// reset the flow.
    RstOutOfWindow,
    /// A SYN with a new sequence number on a connection that is in use, which
    /// was not answered. It changes nothing.
    SynInConnection,
    /// An RST that lies in the window and not where its receiver would obey it,
    /// one with a signature on a connection without, or one after which the
    /// receiver went on. It does not reset the flow.
    RefusedRst,
    /// A FIN after which the receiver took more. It does not end the stream.
    RefusedFin,
    /// Fragments of a datagram that claim the same bytes of it, and are not the
    /// same. Over IPv6 it is dropped (RFC 5722).
    OverlappingFragments,
    /// Fragments of a datagram came, but never the whole.
    IncompleteDatagram,
    /// Two copies of the same bytes of a stream differ.
    OverlapConflict,
    /// Bytes of a stream were given up as missing from the capture.
    StreamGap,
    /// More of a stream would have had to be held back than may be.
    StreamOverflow,
    /// A segment came from far outside the window.
    StraySegment,
    /// A parser could not go on: the bytes are not what it reads.
    ParseError,
    /// What the flow's parser held was given up, as all flows together held too
    /// much.
    ParserOverflow,
}

impl AnomalyKind {
    /// Every kind, in order.
    pub const ALL: &'static [Self] = &[
        Self::RstOutOfWindow,
        Self::SynInConnection,
        Self::RefusedRst,
        Self::RefusedFin,
        Self::OverlappingFragments,
        Self::IncompleteDatagram,
        Self::OverlapConflict,
        Self::StreamGap,
        Self::StreamOverflow,
        Self::StraySegment,
        Self::ParseError,
        Self::ParserOverflow,
    ];

    /// The word for it in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RstOutOfWindow => "rst_out_of_window",
            Self::SynInConnection => "syn_in_connection",
            Self::RefusedRst => "refused_rst",
            Self::RefusedFin => "refused_fin",
            Self::OverlappingFragments => "overlapping_fragments",
            Self::IncompleteDatagram => "incomplete_datagram",
            Self::OverlapConflict => "overlap_conflict",
            Self::StreamGap => "stream_gap",
            Self::StreamOverflow => "stream_overflow",
            Self::StraySegment => "stray_segment",
            Self::ParseError => "parse_error",
            Self::ParserOverflow => "parser_overflow",
        }
    }
}

/// What was odd on both sides of a flow in one step: each kind once a side.
///
/// ```
/// use flowscope_core::FlowSide;
/// use flowscope_core::track::{Anomalies, AnomalyKind};
///
/// let mut found = Anomalies::NONE;
/// found.insert(FlowSide::Responder, AnomalyKind::StreamGap);
/// found.insert(FlowSide::Responder, AnomalyKind::StreamGap);
/// let found: Vec<_> = found.iter().collect();
/// assert_eq!(found, [(FlowSide::Responder, AnomalyKind::StreamGap)]);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[must_use]
pub struct Anomalies([u16; 2]);

impl Anomalies {
    /// Nothing odd.
    pub const NONE: Self = Self([0; 2]);

    /// Adds a kind on one side.
    pub fn insert(&mut self, side: FlowSide, kind: AnomalyKind) {
        self.0[side as usize] |= 1 << kind as u8;
    }

    /// Whether there is nothing odd.
    #[inline]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0[0] | self.0[1] == 0
    }

    /// What there is, initiator first.
    pub fn iter(self) -> impl Iterator<Item = (FlowSide, AnomalyKind)> {
        FlowSide::BOTH.into_iter().flat_map(move |side| {
            let has = move |kind: &AnomalyKind| self.0[side as usize] & 1 << *kind as u8 != 0;
            AnomalyKind::ALL
                .iter()
                .copied()
                .filter(has)
                .map(move |kind| (side, kind))
        })
    }
}

impl BitOrAssign for Anomalies {
    fn bitor_assign(&mut self, Self([a, b]): Self) {
        self.0[0] |= a;
        self.0[1] |= b;
    }
}
