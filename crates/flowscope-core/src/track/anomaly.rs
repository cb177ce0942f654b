//! What is odd about packets and streams.

#[cfg(feature = "serde")]
use alloc::vec::Vec;
use core::ops::BitOrAssign;

use crate::FlowSide;
use crate::words::words;

words! {
    /// What was odd about a packet.
    pub enum AnomalyKind {
        /// An RST whose sequence number its receiver would refuse. It does not
        /// reset the flow.
        RstOutOfWindow => "rst_out_of_window",
        /// A SYN with a new sequence number on a connection that is in use, which
        /// was not answered. It changes nothing.
        SynInConnection => "syn_in_connection",
        /// An RST that lies in the window and not where its receiver would obey it,
        /// one with a signature on a connection without, or one after which the
        /// receiver went on. It does not reset the flow.
        RefusedRst => "refused_rst",
        /// A FIN after which the receiver took more. It does not end the stream.
        RefusedFin => "refused_fin",
        /// A segment without ACK, SYN and RST, which its receiver drops. It changes
        /// nothing.
        MissingAck => "missing_ack",
        /// Data that are marked as urgent. They are read as part of the stream, as
        /// RFC 6093 has it; some receivers take the last urgent byte out of it.
        UrgentData => "urgent_data",
        /// Fragments of a datagram that claim the same bytes of it, and are not the
        /// same. Over IPv6 it is dropped (RFC 5722).
        OverlappingFragments => "overlapping_fragments",
        /// Fragments of a datagram came, but never the whole.
        IncompleteDatagram => "incomplete_datagram",
        /// Two copies of the same bytes of a stream differ.
        OverlapConflict => "overlap_conflict",
        /// Bytes of a stream were given up as missing from the capture.
        StreamGap => "stream_gap",
        /// More of a stream would have had to be held back than may be.
        StreamOverflow => "stream_overflow",
        /// A segment came from far outside the window.
        StraySegment => "stray_segment",
        /// A parser could not go on: the bytes are not what it reads.
        ParseError => "parse_error",
        /// What the flow's parser held was given up, as all flows together held too
        /// much.
        ParserOverflow => "parser_overflow",
    }
}

/// What was odd on both sides of a flow in one step: each kind once a side.
///
/// ```
/// use flowscope_core::FlowSide;
/// use flowscope_core::track::{Anomalies, AnomalyKind};
///
/// let mut found = Anomalies::default();
/// found.insert(FlowSide::Responder, AnomalyKind::StreamGap);
/// found.insert(FlowSide::Responder, AnomalyKind::StreamGap);
/// let found: Vec<_> = found.iter().collect();
/// assert_eq!(found, [(FlowSide::Responder, AnomalyKind::StreamGap)]);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        from = "Vec<(FlowSide, AnomalyKind)>",
        into = "Vec<(FlowSide, AnomalyKind)>"
    )
)]
#[must_use]
pub struct Anomalies([u16; 2]);

impl Anomalies {
    /// Nothing odd.
    pub(crate) const NONE: Self = Self([0; 2]);

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

#[cfg(feature = "serde")]
impl From<Anomalies> for Vec<(FlowSide, AnomalyKind)> {
    fn from(anomalies: Anomalies) -> Self {
        anomalies.iter().collect()
    }
}

#[cfg(feature = "serde")]
impl From<Vec<(FlowSide, AnomalyKind)>> for Anomalies {
    fn from(found: Vec<(FlowSide, AnomalyKind)>) -> Self {
        let mut anomalies = Self::NONE;
        for (side, kind) in found {
            anomalies.insert(side, kind);
        }
        anomalies
    }
}

impl BitOrAssign for Anomalies {
    fn bitor_assign(&mut self, Self([a, b]): Self) {
        self.0[0] |= a;
        self.0[1] |= b;
    }
}
