//! What is not confirmed of a connection.

use crate::{FlowSide, SeqNumber};

/// What segments said about a connection and the other side has not confirmed.
///
/// Only what few connections have is here: the numbers of the first SYN and of a
/// FIN in sequence are kept by [`Sender`](crate::track::sender::Sender).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unconfirmed {
    /// A second initial sequence number, of another SYN of the same side.
    pub(super) isn: [Option<SeqNumber>; 2],
    /// The number of a FIN ahead of what was sent.
    pub(in crate::track) fin: [Option<SeqNumber>; 2],
    /// Another connection on the same ports, by the side that sent its SYN.
    pub(super) new_connection: [Option<NewConnection>; 2],
}

/// A connection on the same ports that may have replaced the flow's own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct NewConnection {
    /// Who sent its SYN.
    pub(crate) opener: FlowSide,
    /// The number of the SYN.
    pub(crate) isn: SeqNumber,
    /// How many bytes the SYN carried.
    pub(crate) len: u32,
    /// The number of the SYN-ACK, where that was seen.
    pub(crate) answer: Option<SeqNumber>,
}

impl NewConnection {
    /// Whether `ack` acknowledges its SYN, with all, some or none of its data.
    pub(super) fn is_acked_by(&self, ack: SeqNumber) -> bool {
        (1..=i64::from(self.len) + 1).contains(&i64::from(ack.distance_from(self.isn)))
    }
}

/// How many bytes ahead of what was seen an ACK is accepted. One further ahead
/// is more likely forged than of data that the capture lacks.
pub(super) const MAX_ACK_LEAD: i32 = 1 << 20;
