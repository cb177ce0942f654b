//! Where the sequence numbers of segments lie in a stream.

use super::buffered::{BufferedReassembler, Phase};
use super::{Segment, StreamNotes};
use crate::SeqNumber;
use crate::wire::TcpFlags;

impl BufferedReassembler {
    #[inline]
    pub(super) fn seq_of_next(&self) -> SeqNumber {
        // Sequence numbers are the low 32 bits of offsets from the origin.
        self.origin + self.next as u32
    }

    /// The offset of `seq`, taken to be near the next one.
    ///
    /// A window is a gigabyte at most (RFC 7323, section 2.3). What seems to
    /// lie further behind lies ahead: the capture missed much.
    #[inline]
    pub(super) fn offset(&self, seq: SeqNumber) -> i64 {
        const FURTHEST_BEHIND: i32 = -(1 << 30);
        // Numbers wrap at four gigabytes, and a stream may be longer: an offset is told
        // by the number and by where the stream has got to.
        let distance = seq.distance_from(self.seq_of_next());
        let wrapped = if distance < FURTHEST_BEHIND {
            1 << 32
        } else {
            0
        };
        self.next as i64 + i64::from(distance) + wrapped
    }

    /// Where what was seen of the stream ends.
    #[inline]
    pub(super) fn known_end(&self) -> u64 {
        let held = self
            .out_of_order
            .as_ref()
            .and_then(|out_of_order| out_of_order.held.end());
        held.unwrap_or(self.next)
    }

    /// The furthest offset at which a segment or an ACK is accepted at once.
    #[inline]
    pub(super) fn max_expected(&self) -> u64 {
        self.known_end().max(self.acked) + u64::from(self.config.reach)
    }

    /// How many bytes of the stream were delivered or given up from the beginning
    /// of a segment on, if there are any. `None` for a segment without data and
    /// for a keep-alive.
    pub(crate) fn delivered_since(&self, segment: &Segment<'_>) -> Option<u64> {
        let len = segment.payload.wire_len();
        if len == 0 || self.is_keep_alive(segment.seq, len, false) {
            return None;
        }
        match self.phase {
            Phase::Open | Phase::EndUnconfirmed | Phase::Finished => {}
            Phase::Unseen
            | Phase::AckSeen
            | Phase::BeginUnconfirmed
            | Phase::JoinedMidstream
            | Phase::Stopped => {
                return None;
            }
        }
        let at = u64::try_from(self.offset(segment.seq)).ok()?;
        (at >= self.first_offset.into() && at < self.next).then(|| self.next - at)
    }

    /// Counts delivered bytes of which a second copy differs.
    pub(crate) fn note_conflicts(&mut self, bytes: u64) -> StreamNotes {
        if bytes == 0 {
            return StreamNotes::NONE;
        }
        self.out_of_order().counts.conflicts += bytes;
        StreamNotes::CONFLICT
    }

    /// Whether a segment of at most one byte is a keep-alive: it repeats the last
    /// sequence number, with any byte (RFC 9293, section 3.8.4).
    pub(super) fn is_keep_alive(&self, seq: SeqNumber, len: u32, fin: bool) -> bool {
        if fin || len > 1 {
            return false;
        }
        match self.phase {
            Phase::Unseen => false,
            Phase::AckSeen => seq + 1 == self.origin,
            Phase::BeginUnconfirmed
            | Phase::JoinedMidstream
            | Phase::Open
            | Phase::EndUnconfirmed
            | Phase::Finished
            | Phase::Stopped => {
                let last = i64::try_from(self.known_end()).unwrap_or(i64::MAX);
                self.offset(seq) + 1 == last
            }
        }
    }

    /// Counts the data of a segment that is no part of the stream.
    pub(crate) fn refuse(&mut self, segment: &Segment<'_>) {
        let len = u64::from(segment.payload.wire_len());
        if len == 0 {
            return;
        }
        let at = self.offset(segment.seq);
        let is_old = segment.flags.0 & (TcpFlags::SYN.0 | TcpFlags::RST.0) == 0
            && at >= 0
            && at.saturating_add_unsigned(len) <= self.next as i64;
        let counts = &mut self.out_of_order().counts;
        if is_old {
            counts.retransmitted += len;
        } else {
            counts.dropped += len;
        }
    }
}
