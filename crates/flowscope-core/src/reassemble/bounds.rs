//! Where a stream begins and ends.

use super::buffered::{BufferedReassembler, Phase};
use super::{Chunk, Reassembler, Segment, StreamNotes};
use crate::wire::TcpFlags;
use crate::{SeqNumber, Sink, Timestamp};

impl BufferedReassembler {
    /// Begins the stream at `start`, behind a SYN; `None` if the SYN is not
    /// this stream's.
    pub(super) fn begin(
        &mut self,
        start: SeqNumber,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> Option<StreamNotes> {
        let offset = self.offset(start);
        match self.phase {
            Phase::Unseen | Phase::AckSeen => self.set_origin(start, 0),
            // The first SYN was not answered, and this is another attempt.
            Phase::Open if self.next == 0 && offset != 0 && self.has_nothing_held() => {
                self.set_origin(start, 0);
            }
            Phase::JoinedMidstream => {
                let first = self.out_of_order.as_ref()?.hole_end()?;
                self.first_offset = u32::try_from(offset).ok()?;
                if u64::from(self.first_offset) > first {
                    self.first_offset = 0;
                    return None;
                }
                self.next = self.first_offset.into();
                self.phase = Phase::Open;
                self.drain(out);
                return Some(self.end_if_due());
            }
            Phase::BeginUnconfirmed
            | Phase::Open
            | Phase::EndUnconfirmed
            | Phase::Finished
            | Phase::Stopped => {
                return (offset == i64::from(self.first_offset)).then_some(StreamNotes::NONE);
            }
        }
        Some(StreamNotes::NONE)
    }

    /// Whether [`begin_at`](Self::begin_at) has something to do.
    #[inline]
    pub(crate) fn may_begin_at(&self, start: SeqNumber) -> bool {
        match self.phase {
            Phase::Unseen | Phase::AckSeen | Phase::BeginUnconfirmed | Phase::JoinedMidstream => {
                true
            }
            Phase::Open => self.next == 0 && self.origin != start,
            Phase::EndUnconfirmed | Phase::Finished | Phase::Stopped => false,
        }
    }

    /// Begins the stream at `start` if that delivers nothing. Returns whether it
    /// begins there.
    #[inline]
    pub(crate) fn try_begin_at(&mut self, start: SeqNumber) -> bool {
        match self.phase {
            Phase::Unseen | Phase::AckSeen => self.set_origin(start, 0),
            Phase::BeginUnconfirmed | Phase::JoinedMidstream => return false,
            Phase::Open => return self.next != 0 || self.origin == start,
            Phase::EndUnconfirmed | Phase::Finished | Phase::Stopped => {}
        }
        true
    }

    /// Whether the stream has ended.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Finished | Phase::Stopped)
    }

    /// Whether there is an unconfirmed FIN where the stream has got to.
    #[inline]
    pub(crate) fn has_unconfirmed_end(&self) -> bool {
        self.phase == Phase::EndUnconfirmed
    }

    /// Begins the stream at `start`, which the other side confirmed.
    pub(crate) fn begin_at(
        &mut self,
        start: SeqNumber,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let offset = self.offset(start);
        match self.phase {
            Phase::BeginUnconfirmed if offset == 0 => {
                self.phase = Phase::Open;
                self.drain(out);
                return StreamNotes::NONE;
            }
            Phase::JoinedMidstream if (0..=self.first_held()).contains(&offset) => {}
            Phase::BeginUnconfirmed | Phase::JoinedMidstream => {
                // What came before is not of this stream.
                self.stop();
                self.phase = Phase::Unseen;
            }
            Phase::Unseen
            | Phase::AckSeen
            | Phase::Open
            | Phase::EndUnconfirmed
            | Phase::Finished
            | Phase::Stopped => {}
        }
        self.begin(start, out).unwrap_or_default()
    }

    /// Begins the stream at `start`, to be confirmed. Returns whether that is
    /// possible.
    pub(crate) fn begin_unconfirmed(&mut self, start: SeqNumber) -> bool {
        match self.phase {
            Phase::Unseen | Phase::AckSeen => {
                self.set_origin(start, 0);
                self.phase = Phase::BeginUnconfirmed;
                true
            }
            Phase::BeginUnconfirmed => self.offset(start) == 0,
            Phase::JoinedMidstream
            | Phase::Open
            | Phase::EndUnconfirmed
            | Phase::Finished
            | Phase::Stopped => false,
        }
    }

    /// The offset at which held data begin.
    fn first_held(&self) -> i64 {
        let first = self
            .out_of_order
            .as_ref()
            .and_then(|out_of_order| out_of_order.hole_end());
        first.map_or(i64::MAX, |first| i64::try_from(first).unwrap_or(i64::MAX))
    }

    /// Ends the stream at a FIN at `number`, to be confirmed.
    ///
    /// Behind a hole nothing is delivered anyway, so there is nothing to do.
    pub(crate) fn end_unconfirmed(&mut self, number: SeqNumber) {
        if self.phase == Phase::Open && self.has_nothing_held() && number == self.seq_of_next() {
            self.phase = Phase::EndUnconfirmed;
        }
    }

    /// Ends the stream at a FIN that the other side acknowledged.
    pub(crate) fn confirm_end(
        &mut self,
        number: SeqNumber,
        at: Timestamp,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        if number != self.seq_of_next() {
            self.reopen(out);
        }
        match self.phase {
            Phase::EndUnconfirmed => self.end(),
            Phase::Finished | Phase::Stopped => StreamNotes::NONE,
            Phase::Unseen
            | Phase::AckSeen
            | Phase::BeginUnconfirmed
            | Phase::JoinedMidstream
            | Phase::Open => {
                let fin = Segment::data(number.0, &[], at).with_flags(TcpFlags::FIN);
                self.push(&fin, out)
            }
        }
    }

    /// Continues the stream after an unconfirmed FIN that was not accepted.
    pub(crate) fn reopen(&mut self, out: &mut impl for<'c> Sink<Chunk<'c>>) {
        if self.phase == Phase::EndUnconfirmed {
            self.phase = Phase::Open;
            self.drain(out);
        }
    }

    /// Opens the stream at `start`, of which the receiver has acknowledged
    /// `acked` bytes.
    fn set_origin(&mut self, start: SeqNumber, acked: u64) {
        self.origin = start;
        (self.next, self.first_offset, self.acked) = (0, 0, acked);
        self.phase = Phase::Open;
    }

    /// Begins in the middle of the stream, with a segment at `seq`.
    pub(super) fn join(&mut self, seq: SeqNumber) {
        let beyond = match self.phase {
            Phase::AckSeen => i64::from(self.origin.distance_from(seq)),
            _ => i64::MIN,
        };
        if (0..=i64::from(self.config.reach)).contains(&beyond) {
            // The other side acknowledged everything before it, so nothing earlier
            // will come.
            return self.set_origin(seq, beyond.cast_unsigned());
        }
        let room = ROOM.min(self.config.reach);
        let acked = beyond.saturating_add(room.into());
        let is_near = (0..i64::from(room)).contains(&acked);
        let acked = if is_near { acked.cast_unsigned() } else { 0 };
        self.set_origin(seq + room.wrapping_neg(), acked);
        self.phase = Phase::JoinedMidstream;
    }
}

/// How much earlier than the first segment seen a stream may begin.
const ROOM: u32 = 64 << 10;
