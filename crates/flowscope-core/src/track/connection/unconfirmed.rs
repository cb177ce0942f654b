//! What is not confirmed of a connection.

use crate::{FlowSide, SeqNumber};

/// What segments said about a connection and the other side has not confirmed.
///
/// Only what few connections have is here: the numbers of the first SYN and of a
/// FIN in sequence are kept by [`Sender`](crate::track::sender::Sender).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unconfirmed {
    /// The initial sequence numbers of other SYNs of the same side.
    ///
    /// Those of the initiator are kept until the handshake is complete, also
    /// when a SYN-ACK has answered one of them: if that attempt fails, the
    /// others are still to be answered.
    pub(super) isns: [OtherIsns; 2],
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

/// Initial sequence numbers besides the one that a [`Sender`] has.
///
/// [`Sender`]: crate::track::sender::Sender
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct OtherIsns([Option<SeqNumber>; 2]);

impl OtherIsns {
    /// None at all.
    pub(super) const NONE: Self = Self([None; 2]);

    pub(super) fn is_empty(self) -> bool {
        self == Self::NONE
    }

    pub(super) fn contains(self, isn: SeqNumber) -> bool {
        self.0.contains(&Some(isn))
    }

    /// The one of a stream that begins at `first`.
    pub(super) fn beginning_at(self, first: SeqNumber) -> Option<SeqNumber> {
        let mut isns = self.0.into_iter().flatten();
        isns.find(|isn| *isn + 1 == first)
    }

    /// Adds a number. There is room for two, so that a forged SYN does not
    /// displace that of an attempt to connect; of three the oldest goes.
    pub(super) fn add(&mut self, isn: SeqNumber) {
        if !self.contains(isn) {
            self.0 = [self.0[1], Some(isn)];
        }
    }

    /// Puts the number `by` in the place of `isn`.
    pub(super) fn replace(&mut self, isn: SeqNumber, by: SeqNumber) {
        for it in self.0.iter_mut().filter(|it| **it == Some(isn)) {
            *it = Some(by);
        }
    }

    /// The one that was added last.
    pub(super) fn latest(self) -> Option<SeqNumber> {
        self.0[1].or(self.0[0])
    }
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
