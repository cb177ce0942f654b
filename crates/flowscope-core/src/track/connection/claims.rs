//! What is not settled of a connection.

use crate::{FlowSide, SeqNumber};

/// What is claimed of a connection and not settled, where it is more than most
/// connections leave open.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Claims {
    /// A second number for a side's SYN.
    pub(super) isn: [Option<SeqNumber>; 2],
    /// A FIN ahead of what was sent.
    pub(in crate::track) fin: [Option<SeqNumber>; 2],
    /// Another connection on the same ports, by who called.
    pub(super) contender: [Option<Contender>; 2],
}

/// A connection that may have taken the place of a flow's own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Contender {
    /// Who sent its SYN.
    pub(crate) opener: FlowSide,
    /// The number of the SYN.
    pub(crate) isn: SeqNumber,
    /// How many bytes the SYN carried.
    pub(crate) len: u32,
    /// The number of the SYN-ACK, where that was seen.
    pub(crate) answer: Option<SeqNumber>,
}

impl Contender {
    /// Whether this acknowledges its SYN, with all that it carried or nothing.
    pub(super) fn is_acked_by(&self, ack: SeqNumber) -> bool {
        (1..=i64::from(self.len) + 1).contains(&i64::from(ack.distance_from(self.isn)))
    }
}

/// How far ahead of what was seen an ACK is believed: beyond it is more likely
/// forged than of a part that the capture lacks.
pub(super) const REACH: i32 = 1 << 20;
