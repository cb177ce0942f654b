//! Puts data in order: delivers, holds or gives up.

use super::buffered::{BufferedReassembler, Phase, SegmentData};
use super::held::{Content, Incoming, IncomingContent};
use super::{Chunk, OverflowPolicy, StreamNotes};
use crate::Sink;

impl BufferedReassembler {
    /// Adds the part of a segment that lies in the stream.
    pub(super) fn accept(
        &mut self,
        data: &SegmentData<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let (Ok(end), true) = (u64::try_from(data.end()), self.is_open()) else {
            self.out_of_order().counts.dropped += data.end().abs_diff(data.at);
            return StreamNotes::NONE;
        };
        let start = data.at.max(0).cast_unsigned();
        let early = data.at.min(0).unsigned_abs();
        if early > 0 {
            self.out_of_order().counts.dropped += early;
        }
        let hole_end = self
            .out_of_order
            .as_ref()
            .and_then(|out_of_order| out_of_order.hole_end());
        let ends_in_order =
            data.fin && start <= self.next && end >= self.next && self.has_nothing_held();
        if data.fin && !ends_in_order {
            self.note_fin(end, data);
        }

        let limit = self.fin().unwrap_or(end).max(start).min(end);
        if limit < end {
            self.out_of_order().counts.dropped += end - limit;
        }
        let captured = usize::try_from(early)
            .ok()
            .and_then(|early| data.bytes.get(early..))
            .unwrap_or_default();
        let data = Incoming {
            at: start,
            content: IncomingContent::Bytes(captured),
            segment: (start, end),
            since: data.since,
        };
        let cut = Incoming {
            at: data.end(),
            content: IncomingContent::Cut(end - data.end()),
            ..data
        };
        let mut notes = self.insert(data.within(0..limit), out);
        notes |= self.insert(cut.within(0..limit), out);
        if ends_in_order {
            return notes | self.end();
        }
        // A segment behind the first one that was seen confirms that the stream
        // begins there, unless the receiver lacks something before it.
        if let (Phase::JoinedMidstream, Some(first)) = (self.phase, hole_end)
            && start >= first
            && !(1..first).contains(&self.acked)
        {
            notes |= self.give_up_hole(first, out);
        }
        notes | self.end_if_due()
    }

    /// Delivers or holds part of a segment.
    fn insert(
        &mut self,
        incoming: Incoming<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let (end, next) = (incoming.end(), self.next);
        if !self.is_open() {
            // The first part of the segment made the stream end.
            if incoming.len() > 0 {
                self.out_of_order().counts.dropped += incoming.len();
            }
            return StreamNotes::NONE;
        }
        if incoming.at < next && incoming.len() > 0 {
            self.out_of_order().counts.retransmitted += next.min(end) - incoming.at;
        }
        if incoming.len() == 0 || end <= next {
            return StreamNotes::NONE;
        }
        if incoming.at <= next && !self.holds_everything() {
            if self.phase == Phase::JoinedMidstream {
                // What is earlier cannot be delivered any more.
                self.phase = Phase::Open;
            }
            self.deliver(incoming.within(next..end), out)
        } else {
            self.hold(incoming.within(next..end), out)
        }
    }

    /// Delivers what comes next, with what is held of it and behind it.
    fn deliver(
        &mut self,
        incoming: Incoming<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let end = incoming.end();
        let notes = self.resolve_overlap(&incoming);
        while self.next < end {
            let first = match &self.out_of_order {
                Some(out_of_order) => out_of_order.held.first().map_or(end, |(at, _)| at.min(end)),
                None => end,
            };
            let part = incoming.within(self.next..first);
            match part.content {
                IncomingContent::Bytes([]) | IncomingContent::Cut(0) => {}
                IncomingContent::Bytes(bytes) => out.push(Chunk::Data(bytes)),
                IncomingContent::Cut(len) => self.deliver_missing(len, out),
            }
            self.next = first;
            self.deliver_held(out);
        }
        self.drain(out);
        notes
    }

    /// Holds data that lie behind a hole.
    fn hold(
        &mut self,
        incoming: Incoming<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let mut notes = StreamNotes::NONE;
        while !self.has_room_for(&incoming) {
            notes |= StreamNotes::OVERFLOW;
            if self.holds_everything() {
                self.out_of_order().counts.dropped += incoming.len();
                return notes;
            }
            if self.config.overflow == OverflowPolicy::DropFlow {
                self.drop_stream(&incoming);
                return notes;
            }
            let first = self.out_of_order().held.first();
            let until = first.map_or(incoming.at, |(at, _)| at.min(incoming.at));
            notes |= self.give_up_hole(until, out);
            if incoming.at <= self.next {
                return notes | self.insert(incoming, out);
            }
        }
        let (overlap, is_open) = (self.config.overlap, self.phase == Phase::Open);
        if self.out_of_order().hole_end().is_none() {
            self.out_of_order().since = incoming.since;
        }
        notes |= self.resolve_overlap(&incoming);
        let out_of_order = self.out_of_order();
        out_of_order.held.insert(&incoming, overlap);
        if is_open {
            let peak = &mut out_of_order.counts.held_peak;
            *peak = (*peak).max(out_of_order.held.bytes() as u64);
        }
        notes
    }

    fn has_room_for(&self, incoming: &Incoming<'_>) -> bool {
        let (held, known) = match &self.out_of_order {
            Some(out_of_order) => (
                (out_of_order.held.bytes(), out_of_order.held.pieces()),
                out_of_order.held.within(incoming.at..incoming.end()),
            ),
            None => Default::default(),
        };
        let new = match incoming.content {
            IncomingContent::Bytes(bytes) => held.0 + bytes.len() - known.0,
            IncomingContent::Cut(_) => 0,
        };
        // It may add a piece before and behind each piece that it overlaps.
        let pieces = held.1 + known.1 + 1;
        new <= self.config.max_held && pieces <= self.config.max_ranges
    }

    /// Decides by the overlap policy which bytes stay where data are held already.
    fn resolve_overlap(&mut self, incoming: &Incoming<'_>) -> StreamNotes {
        let overlap = self.config.overlap;
        let Some(out_of_order) = &mut self.out_of_order else {
            return StreamNotes::NONE;
        };
        let resolve_overlap = out_of_order.held.resolve_overlap(incoming, overlap);
        out_of_order.counts.retransmitted += resolve_overlap.known;
        out_of_order.counts.conflicts += resolve_overlap.conflicts;
        if resolve_overlap.conflicts > 0 {
            StreamNotes::CONFLICT
        } else {
            StreamNotes::NONE
        }
    }

    /// Gives up the hole before `end`, and delivers what is held behind it.
    pub(super) fn give_up_hole(
        &mut self,
        end: u64,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let mut notes = StreamNotes::NONE;
        let len = end.saturating_sub(self.next);
        self.next = self.next.max(end);
        if self.phase == Phase::JoinedMidstream {
            // The stream was joined here: what came before is no gap. The offset
            // is below `ROOM`, so it fits.
            self.first_offset = self.next as u32;
            self.phase = Phase::Open;
        } else if len > 0 {
            let counts = &mut self.out_of_order().counts;
            counts.holes = counts.holes.saturating_add(1);
            counts.missing += len;
            out.push(Chunk::Gap(len));
            notes |= StreamNotes::GAP;
        }
        self.drain(out);
        notes | self.end_if_due()
    }

    /// Delivers what is held, up to the next hole, which is then the first.
    pub(super) fn drain(&mut self, out: &mut impl for<'c> Sink<Chunk<'c>>) {
        self.deliver_held(out);
        if let Some(out_of_order) = &mut self.out_of_order {
            out_of_order.update_first_hole();
        }
    }

    /// Delivers what is held without a hole before it.
    fn deliver_held(&mut self, out: &mut impl for<'c> Sink<Chunk<'c>>) {
        while !self.holds_everything()
            && let Some(out_of_order) = &mut self.out_of_order
            && let Some(piece) = out_of_order.held.take(self.next)
        {
            self.next += piece.len();
            match piece.content {
                Content::Bytes(bytes) => out.push(Chunk::Data(&bytes)),
                Content::Cut(len) => self.deliver_missing(len, out),
            }
        }
    }

    /// Reports what was on the wire and is not in the capture.
    fn deliver_missing(&mut self, len: u64, out: &mut impl for<'c> Sink<Chunk<'c>>) {
        let counts = &mut self.out_of_order().counts;
        counts.missing += len;
        counts.cut += len;
        out.push(Chunk::Gap(len));
    }

    /// Where the stream ends, if its FIN lies behind a hole.
    fn fin(&self) -> Option<u64> {
        Some(self.out_of_order.as_ref()?.fin?.0)
    }

    /// Notes a FIN at `end`, behind which data are dropped. Only the first FIN
    /// counts, and none before what was delivered.
    fn note_fin(&mut self, end: u64, data: &SegmentData<'_>) {
        if end < self.next || self.fin().is_some() {
            return;
        }
        let out_of_order = self.out_of_order();
        if out_of_order.hole_end().is_none() {
            out_of_order.since = data.since;
        }
        out_of_order.fin = Some((end, data.since));
        out_of_order.counts.dropped += out_of_order.held.truncate(end);
    }

    fn is_open(&self) -> bool {
        matches!(
            self.phase,
            Phase::BeginUnconfirmed | Phase::JoinedMidstream | Phase::Open | Phase::EndUnconfirmed
        )
    }

    pub(super) fn end_if_due(&mut self) -> StreamNotes {
        if self.phase == Phase::Open && self.fin() == Some(self.next) {
            self.end()
        } else {
            StreamNotes::NONE
        }
    }

    /// Drops what is held while everything is.
    pub(crate) fn drop_held(&mut self) -> StreamNotes {
        self.drop_stray();
        if let Some(out_of_order) = &mut self.out_of_order
            && !out_of_order.held.is_empty()
        {
            out_of_order.counts.dropped += out_of_order.held.truncate(0);
            out_of_order.update_first_hole();
            return StreamNotes::OVERFLOW;
        }
        StreamNotes::NONE
    }

    /// Ends the stream at its FIN.
    pub(super) fn end(&mut self) -> StreamNotes {
        self.drop_stray();
        let next = self.next;
        if let Some(out_of_order) = &mut self.out_of_order {
            out_of_order.counts.dropped += out_of_order.held.truncate(next);
            out_of_order.fin = None;
            out_of_order.update_first_hole();
        }
        self.phase = Phase::Finished;
        StreamNotes::FINISHED
    }

    /// Stops for want of room for `incoming`.
    #[cold]
    fn drop_stream(&mut self, incoming: &Incoming<'_>) {
        use super::Reassembler;
        self.out_of_order().counts.dropped += incoming.len();
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;
    use std::format;
    use std::string::String;

    use super::*;
    use crate::Timestamp;
    use crate::reassemble::{OverlapPolicy, Reassembler, Segment, StreamConfig};
    use crate::wire::TcpFlags;

    /// What becomes of segments behind a SYN, each with the offset of its first
    /// byte. A gap is written as its length in brackets.
    fn stream(overlap: OverlapPolicy, segments: &[(u32, &str)]) -> String {
        let config = StreamConfig {
            overlap,
            ..StreamConfig::default()
        };
        let mut stream = BufferedReassembler::new(Arc::new(config));
        let mut text = String::new();
        let mut out = |chunk: Chunk<'_>| match chunk {
            Chunk::Data(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
            Chunk::Gap(len) => text.push_str(&format!("[{len}]")),
        };
        let segment = |seq, bytes| Segment::data(seq, bytes, Timestamp::EPOCH);
        let syn = segment(99, &[][..]).with_flags(TcpFlags::SYN);
        let _ = stream.push(&syn, &mut out);
        for (offset, bytes) in segments {
            let _ = stream.push(&segment(100 + offset, bytes.as_bytes()), &mut out);
        }
        let _ = stream.finish(&mut out);
        assert_eq!(
            stream.memory(),
            stream.out_of_order.as_ref().map_or(0, |it| it.memory())
        );
        assert_eq!(stream.held_memory(), 0, "all was delivered");
        text
    }

    #[test]
    fn data_come_out_in_order_however_they_came() {
        let cases: [(&[(u32, &str)], &str); 7] = [
            (&[(0, "ab"), (2, "cd"), (4, "ef")], "abcdef"),
            (&[(4, "ef"), (2, "cd"), (0, "ab")], "abcdef"),
            (&[(2, "cd"), (0, "ab"), (4, "ef")], "abcdef"),
            (&[(0, "ab"), (0, "ab"), (2, "cd")], "abcd"),
            (&[(0, "abc"), (1, "bcd")], "abcd"),
            (&[(3, "d"), (1, "b"), (0, "abcd")], "abcd"),
            (&[(0, "ab"), (4, "ef"), (7, "h")], "ab[2]ef[1]h"),
        ];
        for (segments, expected) in cases {
            for overlap in OverlapPolicy::ALL {
                assert_eq!(stream(*overlap, segments), expected, "{segments:?}");
            }
        }
    }

    #[test]
    fn the_policy_decides_between_two_copies_that_are_held() {
        // The second segment covers the first and the hole before it.
        let segments = [(2, "OLD"), (1, "newer"), (0, ">")];
        assert_eq!(stream(OverlapPolicy::First, &segments), ">nOLDr");
        assert_eq!(stream(OverlapPolicy::Last, &segments), ">newer");
        assert_eq!(stream(OverlapPolicy::Bsd, &segments), ">newer");
    }

    #[test]
    fn delivered_data_are_not_replaced() {
        let segments = [(0, "old"), (0, "newer")];
        for overlap in OverlapPolicy::ALL {
            assert_eq!(stream(*overlap, &segments), "older");
        }
    }
}
