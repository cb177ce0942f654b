//! The reassembler.

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
/// **What is doubted.** A segment or an ACK further ahead than `reach` of
/// everything seen and acknowledged. An ACK is ignored. A segment waits until
/// another one near it, or an ACK of it, confirms that the stream is there.
#[derive(Debug)]
pub struct BufferedReassembler {
    pub(super) config: Arc<StreamConfig>,
    pub(super) out_of_order: Option<Box<OutOfOrder>>,
    /// The offset of the next byte to be handed on.
    pub(super) next: u64,
    /// The highest offset that the receiver acknowledged.
    pub(super) acked: u64,
    /// The sequence number of offset zero; in [`Phase::Acked`] the last ACK.
    pub(super) anchor: SeqNumber,
    /// The offset of the stream's first byte.
    pub(super) base: u32,
    pub(super) phase: Phase,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    /// Nothing was seen of it.
    Waiting,
    /// The receiver acknowledged something.
    Acked,
    /// A SYN with data claims where it begins. All is held until it is known
    /// whether it does.
    Claimed,
    /// It was joined in its middle: what comes first may not be the first, and
    /// is held a moment.
    Settling,
    Open,
    /// A FIN is claimed where the stream has got to. What comes behind it is
    /// held until it is known which of the two counts.
    Ending,
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
            anchor: SeqNumber(0),
            base: 0,
            phase: Phase::Waiting,
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
        if self.goes_on(segment) {
            if !segment.payload.bytes.is_empty() {
                out.push(Chunk::Data(segment.payload.bytes));
            }
            return StreamNotes::NONE;
        }
        self.take_in_time(segment, out)
    }

    #[inline]
    fn acknowledge(
        &mut self,
        segment: &Segment<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        if self.hears(segment) || !segment.acknowledges() {
            return StreamNotes::NONE;
        }
        self.take_ack_in_time(segment, out)
    }

    fn expire(&mut self, now: Timestamp, out: &mut impl for<'c> Sink<Chunk<'c>>) -> StreamNotes {
        let (mut notes, mut moment) = (StreamNotes::NONE, now);
        if self.is_paused() {
            return notes;
        }
        while let Some(out_of_order) = &mut self.out_of_order {
            out_of_order.note(self.acked, moment);
            let end = out_of_order.hole_end();
            let Some((due, end)) = self.next_expiry().zip(end) else {
                break;
            };
            let is_settled = self.phase == Phase::Settling && self.acked >= end;
            if now < due && !is_settled {
                break;
            }
            // As if it had been noticed at once.
            moment = due.min(now);
            notes |= self.skip_to(end, out);
        }
        notes
    }

    fn next_expiry(&self) -> Option<Timestamp> {
        let out_of_order = self.out_of_order.as_ref()?;
        let due = out_of_order.deadline(&self.config)?;
        match self.phase {
            Phase::Settling => Some(due.min(out_of_order.since + self.config.ack_grace)),
            // Time does not tell.
            Phase::Claimed | Phase::Ending => None,
            Phase::Waiting | Phase::Acked | Phase::Open | Phase::Finished | Phase::Stopped => {
                Some(due)
            }
        }
    }

    fn shed(&mut self, now: Timestamp, out: &mut impl for<'c> Sink<Chunk<'c>>) -> StreamNotes {
        if self.is_paused() {
            return self.drop_paused();
        }
        let mut notes = self.expire(now, out);
        match self
            .out_of_order
            .as_ref()
            .and_then(|out_of_order| out_of_order.held.first())
        {
            Some((at, _)) => {
                notes |= StreamNotes::OVERFLOW | self.skip_to(at, out);
                notes |= self.expire(now, out);
            }
            None => self.drop_suspect(),
        }
        notes
    }

    fn finish(&mut self, out: &mut impl for<'c> Sink<Chunk<'c>>) -> StreamNotes {
        if self.phase == Phase::Ending {
            // Nothing has said otherwise.
            return self.end();
        }
        let mut notes = StreamNotes::NONE;
        if self.phase == Phase::Claimed {
            self.phase = Phase::Open;
            self.drain(out);
        }
        while let Some(end) = self
            .out_of_order
            .as_ref()
            .and_then(|out_of_order| out_of_order.hole_end())
        {
            notes |= self.skip_to(end, out);
        }
        self.stop();
        notes
    }

    fn stop(&mut self) {
        self.drop_suspect();
        if let Some(out_of_order) = &mut self.out_of_order {
            out_of_order.counts.dropped += out_of_order.held.truncate(0);
            out_of_order.fin = None;
            out_of_order.next_hole();
        }
        if self.phase != Phase::Finished {
            self.phase = Phase::Stopped;
        }
    }

    fn state(&self) -> StreamState {
        match self.phase {
            Phase::Waiting
            | Phase::Acked
            | Phase::Claimed
            | Phase::Settling
            | Phase::Open
            | Phase::Ending => StreamState::Open,
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
                .saturating_sub(u64::from(self.base) + counts.missing),
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
    /// Takes a segment of this side of which nothing comes but that its data, if
    /// it has any, is what comes next in the stream; and says whether it was one.
    #[inline(always)]
    pub(crate) fn goes_on(&mut self, segment: &Segment<'_>) -> bool {
        if !segment.is_plain() || !self.is_clear() {
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

    /// Takes an ACK of the other side of which nothing comes, if it is one.
    #[inline(always)]
    pub(crate) fn hears(&mut self, segment: &Segment<'_>) -> bool {
        if !segment.acknowledges() || !self.is_clear() {
            return false;
        }
        match self.phase {
            Phase::Claimed | Phase::Open | Phase::Ending => self.hear(segment.ack),
            // Of captures that see one side only.
            Phase::Acked if !segment.flags.contains(TcpFlags::SYN) => {
                self.anchor = self.anchor.later(segment.ack);
            }
            Phase::Finished | Phase::Stopped => {}
            Phase::Waiting | Phase::Acked | Phase::Settling => return false,
        }
        true
    }

    /// What of its memory is there for bytes that are held, and given back
    /// with them.
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

    /// Whether it is not known whether the stream begins where its SYN says.
    pub(crate) fn is_claimed(&self) -> bool {
        self.phase == Phase::Claimed
    }

    /// Whether all that comes is held.
    #[inline]
    pub(super) fn is_paused(&self) -> bool {
        matches!(self.phase, Phase::Claimed | Phase::Ending)
    }

    /// Whether nothing is held or waited for.
    #[inline]
    pub(crate) fn is_clear(&self) -> bool {
        self.out_of_order
            .as_ref()
            .is_none_or(|out_of_order| out_of_order.is_over() && out_of_order.stray.is_none())
    }

    #[inline]
    fn seq_of_next(&self) -> SeqNumber {
        // The low half is what sequence numbers are made of.
        self.anchor + self.next as u32
    }

    /// The offset of `seq`, taken to be near the next one.
    ///
    /// A window is a gigabyte at most (RFC 7323, section 2.3). What seems to
    /// lie further behind lies ahead: the capture missed much.
    #[inline]
    pub(super) fn offset(&self, seq: SeqNumber) -> i64 {
        const FURTHEST_BEHIND: i32 = -(1 << 30);
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

    /// The furthest offset at which a segment may begin, or an ACK lie, without
    /// being suspected.
    #[inline]
    pub(super) fn horizon(&self) -> u64 {
        self.known_end().max(self.acked) + u64::from(self.config.reach)
    }

    pub(super) fn out_of_order(&mut self) -> &mut OutOfOrder {
        self.out_of_order.get_or_insert_default()
    }

    /// Takes any segment of this side, after what should have been done before.
    #[inline(never)]
    fn take_in_time(
        &mut self,
        segment: &Segment<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let overdue = self.expire(segment.at, out);
        overdue | self.take(segment, out) | self.expire(segment.at, out)
    }

    /// Takes any segment of the other side, likewise.
    #[inline(never)]
    fn take_ack_in_time(
        &mut self,
        segment: &Segment<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let overdue = self.expire(segment.at, out);
        overdue | self.take_ack(segment, out) | self.expire(segment.at, out)
    }

    fn take(
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
        if len == 0 && !fin || self.is_probe(seq, len, fin) {
            return notes;
        }
        if self.phase == Phase::Settling && self.offset(seq) + i64::from(len) < 0 {
            // Either this is not of the stream, or what came first was not. A
            // stream can jump ahead, and not back, so believe this.
            self.stop();
            self.phase = Phase::Waiting;
        }
        match self.phase {
            Phase::Waiting | Phase::Acked => self.join(seq),
            Phase::Claimed | Phase::Settling | Phase::Open | Phase::Ending => {}
            Phase::Finished | Phase::Stopped => {
                self.refuse(segment);
                return notes;
            }
        }
        let run = SegmentData {
            at: self.offset(seq),
            bytes: segment.payload.bytes,
            cut: segment.payload.missing,
            fin,
            since: segment.at,
        };
        notes
            | match u64::try_from(run.at) {
                Ok(at) if at > self.horizon() => self.stray(at, &run, out),
                _ => self.admit(&run, out),
            }
    }

    /// Begins the stream at `start`, behind a SYN; `None` if the SYN is not
    /// this stream's.
    pub(super) fn begin(
        &mut self,
        start: SeqNumber,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> Option<StreamNotes> {
        let offset = self.offset(start);
        match self.phase {
            Phase::Waiting | Phase::Acked => self.anchor_at(start, 0),
            // Nothing came of the first attempt.
            Phase::Open if self.next == 0 && offset != 0 && self.is_clear() => {
                self.anchor_at(start, 0);
            }
            Phase::Settling => {
                let first = self.out_of_order.as_ref()?.hole_end()?;
                self.base = u32::try_from(offset).ok()?;
                if u64::from(self.base) > first {
                    self.base = 0;
                    return None;
                }
                self.next = self.base.into();
                self.phase = Phase::Open;
                self.drain(out);
                return Some(self.end_if_due());
            }
            Phase::Claimed | Phase::Open | Phase::Ending | Phase::Finished | Phase::Stopped => {
                return (offset == i64::from(self.base)).then_some(StreamNotes::NONE);
            }
        }
        Some(StreamNotes::NONE)
    }

    /// Whether [`begin_at`](Self::begin_at) has something to do.
    #[inline]
    pub(crate) fn may_begin_at(&self, start: SeqNumber) -> bool {
        match self.phase {
            Phase::Waiting | Phase::Acked | Phase::Claimed | Phase::Settling => true,
            Phase::Open => self.next == 0 && self.anchor != start,
            Phase::Ending | Phase::Finished | Phase::Stopped => false,
        }
    }

    /// Begins the stream at `start` if nothing comes of that; says whether it
    /// has begun there.
    #[inline]
    pub(crate) fn begins_quietly(&mut self, start: SeqNumber) -> bool {
        match self.phase {
            Phase::Waiting | Phase::Acked => self.anchor_at(start, 0),
            Phase::Claimed | Phase::Settling => return false,
            Phase::Open => return self.next != 0 || self.anchor == start,
            Phase::Ending | Phase::Finished | Phase::Stopped => {}
        }
        true
    }

    /// Whether the stream's end is not to be looked at.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Finished | Phase::Stopped)
    }

    /// Whether a FIN is claimed where the stream has got to.
    #[inline]
    pub(crate) fn is_ending(&self) -> bool {
        self.phase == Phase::Ending
    }

    /// Begins the stream at `start`, which is settled by more than its SYN.
    pub(crate) fn begin_at(
        &mut self,
        start: SeqNumber,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let offset = self.offset(start);
        match self.phase {
            Phase::Claimed if offset == 0 => {
                self.phase = Phase::Open;
                self.drain(out);
                return StreamNotes::NONE;
            }
            Phase::Settling if (0..=self.first_held()).contains(&offset) => {}
            Phase::Claimed | Phase::Settling => {
                // What came before is of nothing.
                self.stop();
                self.phase = Phase::Waiting;
            }
            Phase::Waiting
            | Phase::Acked
            | Phase::Open
            | Phase::Ending
            | Phase::Finished
            | Phase::Stopped => {}
        }
        self.begin(start, out).unwrap_or_default()
    }

    /// Takes `start` for the stream's beginning until more is known, and says
    /// whether nothing speaks against it.
    pub(crate) fn claim_begin(&mut self, start: SeqNumber) -> bool {
        match self.phase {
            Phase::Waiting | Phase::Acked => {
                self.anchor_at(start, 0);
                self.phase = Phase::Claimed;
                true
            }
            Phase::Claimed => self.offset(start) == 0,
            Phase::Settling | Phase::Open | Phase::Ending | Phase::Finished | Phase::Stopped => {
                false
            }
        }
    }

    /// Where what is held begins.
    fn first_held(&self) -> i64 {
        let first = self
            .out_of_order
            .as_ref()
            .and_then(|out_of_order| out_of_order.hole_end());
        first.map_or(i64::MAX, |first| i64::try_from(first).unwrap_or(i64::MAX))
    }

    /// Takes a FIN at `number` for the stream's end until more is known.
    ///
    /// Behind a hole nothing is handed on anyway.
    pub(crate) fn claim_end(&mut self, number: SeqNumber) {
        if self.phase == Phase::Open && self.is_clear() && number == self.seq_of_next() {
            self.phase = Phase::Ending;
        }
    }

    /// The FIN that was claimed is the stream's end.
    pub(crate) fn settle_end(
        &mut self,
        number: SeqNumber,
        at: Timestamp,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        if number != self.seq_of_next() {
            self.reopen(out);
        }
        match self.phase {
            Phase::Ending => self.end(),
            Phase::Finished | Phase::Stopped => StreamNotes::NONE,
            Phase::Waiting | Phase::Acked | Phase::Claimed | Phase::Settling | Phase::Open => {
                let fin = Segment::data(number.0, &[], at).with_flags(TcpFlags::FIN);
                self.push(&fin, out)
            }
        }
    }

    /// How many bytes of the stream were handed on or given up from where a
    /// segment begins, if there are any. It has data and is no keep-alive.
    pub(crate) fn delivered_since(&self, segment: &Segment<'_>) -> Option<u64> {
        let len = segment.payload.wire_len();
        if len == 0 || self.is_probe(segment.seq, len, false) {
            return None;
        }
        match self.phase {
            Phase::Open | Phase::Ending | Phase::Finished => {}
            Phase::Waiting | Phase::Acked | Phase::Claimed | Phase::Settling | Phase::Stopped => {
                return None;
            }
        }
        let at = u64::try_from(self.offset(segment.seq)).ok()?;
        (at >= self.base.into() && at < self.next).then(|| self.next - at)
    }

    /// Counts bytes that were handed on of which a second copy says otherwise.
    pub(crate) fn note_conflicts(&mut self, bytes: u64) -> StreamNotes {
        if bytes == 0 {
            return StreamNotes::NONE;
        }
        self.out_of_order().counts.conflicts += bytes;
        StreamNotes::CONFLICT
    }

    /// The FIN that was claimed was none: the stream goes on.
    pub(crate) fn reopen(&mut self, out: &mut impl for<'c> Sink<Chunk<'c>>) {
        if self.phase == Phase::Ending {
            self.phase = Phase::Open;
            self.drain(out);
        }
    }

    /// Opens the stream at `start`, of which the receiver has acknowledged
    /// `acked` bytes.
    fn anchor_at(&mut self, start: SeqNumber, acked: u64) {
        self.anchor = start;
        (self.next, self.base, self.acked) = (0, 0, acked);
        self.phase = Phase::Open;
    }

    /// Joins the stream in its middle, with a segment at `seq`.
    fn join(&mut self, seq: SeqNumber) {
        let beyond = match self.phase {
            Phase::Acked => i64::from(self.anchor.distance_from(seq)),
            _ => i64::MIN,
        };
        if (0..=i64::from(self.config.reach)).contains(&beyond) {
            // All before it was received: nothing earlier is to be expected.
            return self.anchor_at(seq, beyond.cast_unsigned());
        }
        let room = ROOM.min(self.config.reach);
        let acked = beyond.saturating_add(room.into());
        let is_near = (0..i64::from(room)).contains(&acked);
        let acked = if is_near { acked.cast_unsigned() } else { 0 };
        self.anchor_at(seq + room.wrapping_neg(), acked);
        self.phase = Phase::Settling;
    }

    /// Whether a segment of at most one byte only asks for an answer: it
    /// repeats the last sequence number, with any byte (RFC 9293, section
    /// 3.8.4).
    fn is_probe(&self, seq: SeqNumber, len: u32, fin: bool) -> bool {
        if fin || len > 1 {
            return false;
        }
        match self.phase {
            Phase::Waiting => false,
            Phase::Acked => seq + 1 == self.anchor,
            Phase::Claimed
            | Phase::Settling
            | Phase::Open
            | Phase::Ending
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

/// How much earlier than the first segment seen a stream may begin.
const ROOM: u32 = 64 << 10;
