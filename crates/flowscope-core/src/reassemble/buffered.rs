//! The reassembler that holds data until holes are filled.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::out_of_order::OutOfOrder;
use super::{Chunk, Reassembler, Segment, StreamConfig, StreamNotes, StreamState, StreamStats};
use crate::wire::TcpFlags;
use crate::{SeqNumber, Sink, Timestamp};

/// Puts one side's segments back in order.
///
/// Bytes that come in order go straight through, uncopied. Early ones are held
/// until the hole before them fills, or is given up as a [`Chunk::Gap`]. A
/// stream of which only in-order segments were seen takes 48 bytes.
///
/// ```
/// use flowscope_core::Timestamp;
/// use flowscope_core::reassemble::{BufferedReassembler, Chunk, Reassembler, Segment};
/// use flowscope_core::wire::TcpFlags;
///
/// let mut stream = BufferedReassembler::default();
/// let mut text = String::new();
/// let mut keep = |chunk: Chunk<'_>| match chunk {
///     Chunk::Data(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
///     Chunk::Gap(len) => text.push_str(&format!("[{len} missing]")),
/// };
/// let segment = |seq, bytes| Segment::data(seq, bytes, Timestamp::EPOCH);
///
/// stream.push(&segment(99, b"").with_flags(TcpFlags::SYN), &mut keep);
/// stream.push(&segment(106, b"world"), &mut keep); // early: held
/// stream.push(&segment(100, b"hello "), &mut keep); // fills the hole
/// stream.push(&segment(100, b"hello "), &mut keep); // a retransmission: ignored
/// stream.push(&segment(113, b"!"), &mut keep);
/// stream.finish(&mut keep);
///
/// assert_eq!(text, "hello world[2 missing]!");
/// assert_eq!(stream.stats().delivered, 12);
/// assert_eq!(stream.stats().retransmitted, 6);
/// ```
///
/// **Where a stream begins.** Behind its SYN, or where the answer to the SYN
/// says. Joined in its middle, with what was acknowledged before, or else with
/// the earliest of its first segments: the first is held until another goes on
/// from there, the receiver acknowledges it, or `ack_grace` has passed.
///
/// **Where it ends.** At its first FIN, unless it has gone on behind that.
/// Nothing before its beginning, behind its end or with an RST is part of it,
/// nor is the byte of a keep-alive.
///
/// **When a hole is given up.** When an ACK that covers it is as old as
/// `ack_grace`; when it is as old as `hole_timeout`, counted from the arrival
/// of the first byte behind it; when what is held does not fit the caps; at the
/// end. What a snap length cut is a gap at once, unless another copy is held.
///
/// **Strays.** A segment or an ACK further ahead than `reach` of everything seen
/// and acknowledged may be forged. Such an ACK is ignored. Such a segment waits
/// until another one near it, or an ACK of it, confirms that the stream is there.
#[derive(Debug)]
pub struct BufferedReassembler {
    pub(super) config: Arc<StreamConfig>,
    pub(super) out_of_order: Option<Box<OutOfOrder>>,
    /// The offset of the next byte to be handed on.
    pub(super) next: u64,
    /// The highest offset that the receiver acknowledged.
    pub(super) acked: u64,
    /// The sequence number of offset zero; in [`Phase::AckSeen`] the last ACK.
    pub(super) origin: SeqNumber,
    /// The offset of the stream's first byte.
    pub(super) first_offset: u32,
    pub(super) phase: Phase,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    /// No segment was seen.
    Unseen,
    /// Only an ACK of the other side was seen.
    AckSeen,
    /// A SYN with data says where it begins. Everything is held until the other
    /// side confirms that.
    BeginUnconfirmed,
    /// Its SYN was not seen. Segments may have been captured out of order, so the
    /// first ones are held for a moment.
    JoinedMidstream,
    Open,
    /// A FIN came where the stream has got to, and is not acknowledged. What
    /// comes behind it is held until it is known whether the FIN is accepted.
    EndUnconfirmed,
    Finished,
    Stopped,
}

/// A segment's data, by offsets.
#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentData<'a> {
    pub(super) at: i64,
    pub(super) bytes: &'a [u8],
    pub(super) cut: u32,
    pub(super) fin: bool,
    pub(super) since: Timestamp,
}

impl SegmentData<'_> {
    pub(super) fn end(&self) -> i64 {
        self.at
            .saturating_add(self.bytes.len() as i64)
            .saturating_add(self.cut.into())
    }
}

impl BufferedReassembler {
    /// A reassembler for one side of a connection of which nothing was seen.
    #[must_use]
    pub fn new(config: Arc<StreamConfig>) -> Self {
        Self {
            config,
            out_of_order: None,
            next: 0,
            acked: 0,
            origin: SeqNumber(0),
            first_offset: 0,
            phase: Phase::Unseen,
        }
    }
}

impl Default for BufferedReassembler {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl Reassembler for BufferedReassembler {
    #[inline]
    fn push(
        &mut self,
        segment: &Segment<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        if self.push_in_order(segment) {
            if !segment.payload.bytes.is_empty() {
                out.push(Chunk::Data(segment.payload.bytes));
            }
            return StreamNotes::NONE;
        }
        self.push_and_expire(segment, out)
    }

    #[inline]
    fn acknowledge(
        &mut self,
        segment: &Segment<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        if self.acknowledge_in_order(segment) || !segment.acknowledges() {
            return StreamNotes::NONE;
        }
        self.acknowledge_and_expire(segment, out)
    }

    fn expire(&mut self, now: Timestamp, out: &mut impl for<'c> Sink<Chunk<'c>>) -> StreamNotes {
        let (mut notes, mut moment) = (StreamNotes::NONE, now);
        if self.holds_everything() {
            return notes;
        }
        while let Some(out_of_order) = &mut self.out_of_order {
            out_of_order.note_ack(self.acked, moment);
            let end = out_of_order.hole_end();
            let Some((due, end)) = self.next_expiry().zip(end) else {
                break;
            };
            let is_settled = self.phase == Phase::JoinedMidstream && self.acked >= end;
            if now < due && !is_settled {
                break;
            }
            // The hole is given up by the time at which it was due, so that the
            // result does not depend on when this is called.
            moment = due.min(now);
            notes |= self.give_up_hole(end, out);
        }
        notes
    }

    fn next_expiry(&self) -> Option<Timestamp> {
        let out_of_order = self.out_of_order.as_ref()?;
        let due = out_of_order.deadline(&self.config)?;
        match self.phase {
            Phase::JoinedMidstream => Some(due.min(out_of_order.since + self.config.ack_grace)),
            // Only the other side can confirm these.
            Phase::BeginUnconfirmed | Phase::EndUnconfirmed => None,
            Phase::Unseen | Phase::AckSeen | Phase::Open | Phase::Finished | Phase::Stopped => {
                Some(due)
            }
        }
    }

    fn shed(&mut self, now: Timestamp, out: &mut impl for<'c> Sink<Chunk<'c>>) -> StreamNotes {
        if self.holds_everything() {
            return self.drop_held();
        }
        let mut notes = self.expire(now, out);
        match self
            .out_of_order
            .as_ref()
            .and_then(|out_of_order| out_of_order.held.first())
        {
            Some((at, _)) => {
                notes |= StreamNotes::OVERFLOW | self.give_up_hole(at, out);
                notes |= self.expire(now, out);
            }
            None => self.drop_stray(),
        }
        notes
    }

    fn finish(&mut self, out: &mut impl for<'c> Sink<Chunk<'c>>) -> StreamNotes {
        if self.phase == Phase::EndUnconfirmed {
            // Nothing contradicts the FIN.
            return self.end();
        }
        let mut notes = StreamNotes::NONE;
        if self.phase == Phase::BeginUnconfirmed {
            self.phase = Phase::Open;
            self.drain(out);
        }
        while let Some(end) = self
            .out_of_order
            .as_ref()
            .and_then(|out_of_order| out_of_order.hole_end())
        {
            notes |= self.give_up_hole(end, out);
        }
        self.stop();
        notes
    }

    fn stop(&mut self) {
        self.drop_stray();
        if let Some(out_of_order) = &mut self.out_of_order {
            out_of_order.counts.dropped += out_of_order.held.truncate(0);
            out_of_order.fin = None;
            out_of_order.update_first_hole();
        }
        if self.phase != Phase::Finished {
            self.phase = Phase::Stopped;
        }
    }

    fn state(&self) -> StreamState {
        match self.phase {
            Phase::Unseen
            | Phase::AckSeen
            | Phase::BeginUnconfirmed
            | Phase::JoinedMidstream
            | Phase::Open
            | Phase::EndUnconfirmed => StreamState::Open,
            Phase::Finished => StreamState::Finished,
            Phase::Stopped => StreamState::Stopped,
        }
    }

    fn stats(&self) -> StreamStats {
        let (counts, held) = match &self.out_of_order {
            Some(out_of_order) => (out_of_order.counts, out_of_order.held.bytes()),
            None => (StreamStats::default(), 0),
        };
        StreamStats {
            delivered: self
                .next
                .saturating_sub(u64::from(self.first_offset) + counts.missing),
            held: held as u64,
            ..counts
        }
    }

    #[inline]
    fn memory(&self) -> usize {
        self.out_of_order
            .as_ref()
            .map_or(0, |out_of_order| out_of_order.memory())
    }
}

impl BufferedReassembler {
    /// Accepts a segment whose data, if it has any, are next in the stream, and
    /// which changes nothing else. Returns whether it is one.
    ///
    /// This is the fast path: the caller delivers the data itself.
    #[inline(always)]
    pub(crate) fn push_in_order(&mut self, segment: &Segment<'_>) -> bool {
        if !segment.is_plain() || !self.has_nothing_held() {
            return false;
        }
        if segment.payload.wire_len() == 0 {
            return true;
        }
        let is_next = self.phase == Phase::Open
            && segment.seq == self.seq_of_next()
            && segment.payload.missing == 0;
        if is_next {
            self.next += segment.payload.bytes.len() as u64;
        }
        is_next
    }

    /// Accepts an ACK of the other side that delivers nothing. Returns whether it
    /// is one.
    #[inline(always)]
    pub(crate) fn acknowledge_in_order(&mut self, segment: &Segment<'_>) -> bool {
        if !segment.acknowledges() || !self.has_nothing_held() {
            return false;
        }
        match self.phase {
            Phase::BeginUnconfirmed | Phase::Open | Phase::EndUnconfirmed => {
                self.note_ack(segment.ack)
            }
            // The usual case where a capture has one side only.
            Phase::AckSeen if !segment.flags.contains(TcpFlags::SYN) => {
                self.origin = self.origin.later(segment.ack);
            }
            Phase::Finished | Phase::Stopped => {}
            Phase::Unseen | Phase::AckSeen | Phase::JoinedMidstream => return false,
        }
        true
    }

    /// Bytes of memory that are freed when nothing is held any more.
    #[inline]
    pub(crate) fn held_memory(&self) -> usize {
        self.out_of_order
            .as_ref()
            .map_or(0, |out_of_order| out_of_order.held_memory())
    }

    /// Whether bytes are held, which could be given up.
    pub(crate) fn holds(&self) -> bool {
        self.out_of_order.as_ref().is_some_and(|out_of_order| {
            !out_of_order.held.is_empty() || out_of_order.stray.is_some()
        })
    }

    /// Whether it is not confirmed that the stream begins where its SYN says.
    pub(crate) fn has_unconfirmed_begin(&self) -> bool {
        self.phase == Phase::BeginUnconfirmed
    }

    /// Whether everything that comes is held.
    #[inline]
    pub(super) fn holds_everything(&self) -> bool {
        matches!(self.phase, Phase::BeginUnconfirmed | Phase::EndUnconfirmed)
    }

    /// Whether nothing is held and there is no hole.
    #[inline]
    pub(crate) fn has_nothing_held(&self) -> bool {
        self.out_of_order
            .as_ref()
            .is_none_or(|out_of_order| out_of_order.is_over() && out_of_order.stray.is_none())
    }

    pub(super) fn out_of_order(&mut self) -> &mut OutOfOrder {
        self.out_of_order.get_or_insert_default()
    }

    /// Processes any segment of this side, and gives up what is overdue before and
    /// after.
    #[inline(never)]
    fn push_and_expire(
        &mut self,
        segment: &Segment<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let overdue = self.expire(segment.at, out);
        overdue | self.process(segment, out) | self.expire(segment.at, out)
    }

    /// Processes any segment of the other side in the same way.
    #[inline(never)]
    fn acknowledge_and_expire(
        &mut self,
        segment: &Segment<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let overdue = self.expire(segment.at, out);
        overdue | self.process_ack(segment, out) | self.expire(segment.at, out)
    }

    fn process(
        &mut self,
        segment: &Segment<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let (mut notes, mut seq) = (StreamNotes::NONE, segment.seq);
        if segment.flags.contains(TcpFlags::RST) {
            self.refuse(segment);
            return notes;
        }
        if segment.flags.contains(TcpFlags::SYN) {
            seq = seq + 1;
            let Some(begun) = self.begin(seq, out) else {
                self.refuse(segment);
                return notes;
            };
            notes |= begun;
        }
        let len = segment.payload.wire_len();
        let fin = segment.flags.contains(TcpFlags::FIN);
        if len == 0 && !fin || self.is_keep_alive(seq, len, fin) {
            return notes;
        }
        if self.phase == Phase::JoinedMidstream && self.offset(seq) + i64::from(len) < 0 {
            // Either this segment is not of the stream, or the first one was not. A
            // sender can skip ahead but not back, so this one is accepted.
            self.stop();
            self.phase = Phase::Unseen;
        }
        match self.phase {
            Phase::Unseen | Phase::AckSeen => self.join(seq),
            Phase::BeginUnconfirmed
            | Phase::JoinedMidstream
            | Phase::Open
            | Phase::EndUnconfirmed => {}
            Phase::Finished | Phase::Stopped => {
                self.refuse(segment);
                return notes;
            }
        }
        let data = SegmentData {
            at: self.offset(seq),
            bytes: segment.payload.bytes,
            cut: segment.payload.missing,
            fin,
            since: segment.at,
        };
        notes
            | match u64::try_from(data.at) {
                Ok(at) if at > self.max_expected() => self.stray(at, &data, out),
                _ => self.accept(&data, out),
            }
    }
}
