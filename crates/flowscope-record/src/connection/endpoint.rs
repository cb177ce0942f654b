//! One end of a TCP connection, in the terms of Zeek's connection log.

use super::content::Content;
use super::history::Repeats;

/// What an end has done so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum EndState {
    /// Nothing was seen of it.
    #[default]
    Inactive,
    /// It sent a SYN.
    SynSent,
    /// It sent a SYN-ACK, and is the originator nevertheless.
    SynAckSent,
    /// It is part of a connection that nobody saw the beginning of.
    Partial,
    /// It is part of a connection.
    Established,
    /// It sent a FIN.
    Closed,
    /// It sent an RST.
    Reset,
}

impl EndState {
    pub(super) fn is_handshake(self) -> bool {
        matches!(self, Self::Inactive | Self::SynSent | Self::SynAckSent)
    }

    /// Whether it said nothing that made it part of a connection.
    pub(super) fn is_unconfirmed(self) -> bool {
        matches!(self, Self::Inactive | Self::Partial)
    }
}

/// What is kept of an end.
#[derive(Clone, Debug, Default)]
pub(super) struct End {
    pub(super) state: EndState,
    /// The state before.
    pub(super) before: EndState,
    /// The number of its SYN, or what it would have been.
    pub(super) start: u32,
    pub(super) last: Unwrapped,
    pub(super) acked: Unwrapped,
    pub(super) fins: u32,
    /// The relative number behind its FIN.
    pub(super) fin_at: u64,
    /// Whether its close was taken note of.
    pub(super) is_closed: bool,
    /// Relative numbers of its latest SYN, FIN and RST.
    pub(super) last_syn: u64,
    pub(super) last_fin: u64,
    pub(super) last_rst: u64,
    pub(super) gaps: Repeats,
    pub(super) retransmissions: Repeats,
    pub(super) zero_windows: Repeats,
    pub(super) content: Content,
}

/// A sequence number, and how often it wrapped.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unwrapped {
    pub(super) seq: u32,
    wraps: u32,
}

impl Unwrapped {
    /// Begins anew at `seq`.
    pub(super) fn begin(&mut self, seq: u32) {
        self.seq = seq;
    }

    /// Goes on to `seq`.
    pub(super) fn advance(&mut self, seq: u32) {
        if seq < self.seq {
            self.wraps = self.wraps.wrapping_add(1);
        }
        self.seq = seq;
    }

    fn whole(self) -> u64 {
        u64::from(self.wraps) << 32 | u64::from(self.seq)
    }
}

impl End {
    pub(super) fn set_state(&mut self, state: EndState) {
        if state != self.state {
            self.before = self.state;
            self.state = state;
        }
    }

    /// Begins its numbers at a SYN, or at one that is thought of.
    pub(super) fn begin(&mut self, start: u32, last: u32) {
        self.start = start;
        self.acked.begin(start);
        self.last.begin(last);
    }

    /// A number as counted from its SYN; `Err` where it lies before.
    pub(super) fn relative(&self, seq: u32, to: Unwrapped) -> Result<u64, u64> {
        let mut wraps = to.wraps;
        let delta = distance(seq, to.seq);
        if delta < 0 && wraps > 0 && seq > to.seq {
            wraps -= 1;
        } else if delta > 0 && seq < to.seq {
            wraps = wraps.wrapping_add(1);
        }
        if wraps == 0 {
            let delta = i64::from(distance(seq, self.start));
            let relative = delta.cast_unsigned();
            return if delta < 0 {
                Err(relative)
            } else {
                Ok(relative)
            };
        }
        let whole = u64::from(wraps) << 32 | u64::from(seq);
        Ok(whole.wrapping_sub(self.start.into()))
    }

    /// The relative number that its peer has acknowledged.
    pub(super) fn relative_ack(&self) -> u64 {
        self.acked.whole().wrapping_sub(self.start.into())
    }

    pub(super) fn has_no_ack(&self) -> bool {
        let (acked, start) = (self.acked.whole(), u64::from(self.start));
        acked == start || acked == start + 1
    }

    /// The bytes that it sent, by its sequence numbers.
    pub(super) fn size(&self, peer: EndState) -> u64 {
        if self.before == EndState::SynSent
            && self.state == EndState::Reset
            && peer == EndState::Inactive
            && !self.has_no_ack()
        {
            // A half-open connection that was found and aborted.
            return 0;
        }
        let upper = self.last.whole().max(self.acked.whole());
        let mut size = upper.wrapping_sub(self.start.into());
        // Its SYN, and its FIN.
        size = size.saturating_sub(1);
        if self.fins > 0 {
            size = size.saturating_sub(1);
        }
        // Numbers before the first one seen are no size.
        if size > MAX_SIZE { 0 } else { size }
    }

    /// Whether some of what it sent is yet to come, or to be acknowledged.
    pub(super) fn is_pending(&self, peer: &Self) -> bool {
        if self.content.is_given_up() {
            return false;
        }
        let delivered = self.content.delivered().wrapping_add(self.start.into());
        let last = self.last.whole();
        if last < delivered {
            return false;
        }
        if delivered != last.wrapping_sub(1) && delivered != last {
            return true;
        }
        self.state != EndState::Reset && peer.content.is_waiting()
    }

    fn is_clean(&self) -> bool {
        self.state == EndState::Established
            || self.state == EndState::Closed && self.before == EndState::Established
    }
}

/// Whether bytes that are missing say that the capture lost them.
pub(super) fn are_clean(one: &End, other: &End) -> bool {
    one.is_clean() && other.is_clean()
}

/// How far one sequence number lies behind another.
pub(super) fn distance(seq: u32, from: u32) -> i32 {
    seq.wrapping_sub(from).cast_signed()
}

const MAX_SIZE: u64 = 1 << 62;
