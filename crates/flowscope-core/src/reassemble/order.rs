//! Putting in order: what is handed on, held, given up.

use super::buffered::{BufferedReassembler, Phase, SegmentData};
use super::held::{Content, Incoming, IncomingContent};
use super::{Chunk, OverflowPolicy, StreamNotes};
use crate::Sink;

impl BufferedReassembler {
    /// Takes part in the stream what of a segment belongs there.
    pub(super) fn admit(
        &mut self,
        run: &SegmentData<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let (Ok(end), true) = (u64::try_from(run.end()), self.is_open()) else {
            self.out_of_order().counts.dropped += run.end().abs_diff(run.at);
            return StreamNotes::NONE;
        };
        let start = run.at.max(0).cast_unsigned();
        let early = run.at.min(0).unsigned_abs();
        if early > 0 {
            self.out_of_order().counts.dropped += early;
        }
        let hole_end = self
            .out_of_order
            .as_ref()
            .and_then(|out_of_order| out_of_order.hole_end());
        let ends_in_order = run.fin && start <= self.next && end >= self.next && self.is_clear();
        if run.fin && !ends_in_order {
            self.foresee_end(end, run);
        }

        let limit = self.fin().unwrap_or(end).max(start).min(end);
        if limit < end {
            self.out_of_order().counts.dropped += end - limit;
        }
        let captured = usize::try_from(early)
            .ok()
            .and_then(|early| run.bytes.get(early..))
            .unwrap_or_default();
        let data = Incoming {
            at: start,
            content: IncomingContent::Bytes(captured),
            segment: (start, end),
            since: run.since,
        };
        let cut = Incoming {
            at: data.end(),
            content: IncomingContent::Cut(end - data.end()),
            ..data
        };
        let mut notes = self.put(data.within(0..limit), out);
        notes |= self.put(cut.within(0..limit), out);
        if ends_in_order {
            return notes | self.end();
        }
        // Whoever goes on from the first that was seen says that it was the
        // first; unless the receiver lacks something before it.
        if let (Phase::Settling, Some(first)) = (self.phase, hole_end)
            && start >= first
            && !(1..first).contains(&self.acked)
        {
            notes |= self.skip_to(first, out);
        }
        notes | self.end_if_due()
    }

    /// Hands on or holds part of a segment.
    fn put(
        &mut self,
        incoming: Incoming<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let (end, next) = (incoming.end(), self.next);
        if !self.is_open() {
            // Dropped since the segment's first part.
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
        if incoming.at <= next && !self.is_paused() {
            if self.phase == Phase::Settling {
                // Nothing earlier would be taken.
                self.phase = Phase::Open;
            }
            self.pass(incoming.within(next..end), out)
        } else {
            self.hold(incoming.within(next..end), out)
        }
    }

    /// Hands on what comes next, with what is held of it and behind it.
    fn pass(
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
                IncomingContent::Cut(len) => self.lack(len, out),
            }
            self.next = first;
            self.hand_on(out);
        }
        self.drain(out);
        notes
    }

    /// Holds what comes early.
    fn hold(
        &mut self,
        incoming: Incoming<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let mut notes = StreamNotes::NONE;
        while !self.has_room_for(&incoming) {
            notes |= StreamNotes::OVERFLOW;
            if self.is_paused() {
                self.out_of_order().counts.dropped += incoming.len();
                return notes;
            }
            if self.config.overflow == OverflowPolicy::DropFlow {
                self.drop_stream(&incoming);
                return notes;
            }
            let first = self.out_of_order().held.first();
            let until = first.map_or(incoming.at, |(at, _)| at.min(incoming.at));
            notes |= self.skip_to(until, out);
            if incoming.at <= self.next {
                return notes | self.put(incoming, out);
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
        // It may lie between and around all that is there, or split one.
        let pieces = held.1 + known.1 + 1;
        new <= self.config.max_held && pieces <= self.config.max_ranges
    }

    /// Lets a segment and what is held of its places settle which is to stay.
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

    /// Gives up the hole before `end`, and hands on what is held behind it.
    pub(super) fn skip_to(
        &mut self,
        end: u64,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let mut notes = StreamNotes::NONE;
        let len = end.saturating_sub(self.next);
        self.next = self.next.max(end);
        if self.phase == Phase::Settling {
            // What came before the first that was seen was never expected. It
            // is within the room.
            self.base = self.next as u32;
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

    /// Hands on what is held, up to the next hole, which is then the first.
    pub(super) fn drain(&mut self, out: &mut impl for<'c> Sink<Chunk<'c>>) {
        self.hand_on(out);
        if let Some(out_of_order) = &mut self.out_of_order {
            out_of_order.next_hole();
        }
    }

    /// Hands on what is held without a hole before it.
    fn hand_on(&mut self, out: &mut impl for<'c> Sink<Chunk<'c>>) {
        while !self.is_paused()
            && let Some(out_of_order) = &mut self.out_of_order
            && let Some(piece) = out_of_order.held.take(self.next)
        {
            self.next += piece.len();
            match piece.content {
                Content::Bytes(bytes) => out.push(Chunk::Data(&bytes)),
                Content::Cut(len) => self.lack(len, out),
            }
        }
    }

    /// Reports what was on the wire and is not in the capture.
    fn lack(&mut self, len: u64, out: &mut impl for<'c> Sink<Chunk<'c>>) {
        let counts = &mut self.out_of_order().counts;
        counts.missing += len;
        counts.cut += len;
        out.push(Chunk::Gap(len));
    }

    /// Where the stream ends, if its FIN lies behind a hole.
    fn fin(&self) -> Option<u64> {
        Some(self.out_of_order.as_ref()?.fin?.0)
    }

    /// Notes a FIN at `end`, behind which nothing counts. The first one counts,
    /// unless the stream went on behind it.
    fn foresee_end(&mut self, end: u64, run: &SegmentData<'_>) {
        if end < self.next || self.fin().is_some() {
            return;
        }
        let out_of_order = self.out_of_order();
        if out_of_order.hole_end().is_none() {
            out_of_order.since = run.since;
        }
        out_of_order.fin = Some((end, run.since));
        out_of_order.counts.dropped += out_of_order.held.truncate(end);
    }

    fn is_open(&self) -> bool {
        matches!(
            self.phase,
            Phase::Claimed | Phase::Settling | Phase::Open | Phase::Ending
        )
    }

    pub(super) fn end_if_due(&mut self) -> StreamNotes {
        if self.phase == Phase::Open && self.fin() == Some(self.next) {
            self.end()
        } else {
            StreamNotes::NONE
        }
    }

    /// Drops what is held while all is.
    pub(crate) fn drop_paused(&mut self) -> StreamNotes {
        self.drop_suspect();
        if let Some(out_of_order) = &mut self.out_of_order
            && !out_of_order.held.is_empty()
        {
            out_of_order.counts.dropped += out_of_order.held.truncate(0);
            out_of_order.next_hole();
            return StreamNotes::OVERFLOW;
        }
        StreamNotes::NONE
    }

    /// The stream is over.
    pub(super) fn end(&mut self) -> StreamNotes {
        self.drop_suspect();
        let next = self.next;
        if let Some(out_of_order) = &mut self.out_of_order {
            out_of_order.counts.dropped += out_of_order.held.truncate(next);
            out_of_order.fin = None;
            out_of_order.next_hole();
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
