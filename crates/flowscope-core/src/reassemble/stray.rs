//! Segments and ACKs that may belong to something else.

use alloc::boxed::Box;

use super::buffered::{BufferedReassembler, Phase, SegmentData};
use super::out_of_order::StraySegment;
use super::{Chunk, Segment, StreamNotes};
use crate::wire::TcpFlags;
use crate::{SeqNumber, Sink};

impl BufferedReassembler {
    /// Takes a segment from so far ahead, at `at`, that it may not belong here.
    ///
    /// It moves nothing until another one near it, or an ACK of it, says that
    /// the stream has really got there.
    pub(super) fn stray(
        &mut self,
        at: u64,
        run: &SegmentData<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let passed = self.known_end();
        let reach = u64::from(self.config.reach);
        let end = run.end().max(0).cast_unsigned();
        let out_of_order = self.out_of_order();
        out_of_order.counts.strays = out_of_order.counts.strays.saturating_add(1);
        let other = out_of_order.stray.take_if(|other| {
            let is_copy = (other.at, other.end()) == (at, end);
            let is_near = at <= other.end() + reach && other.at <= end + reach;
            other.at >= passed && is_near && !is_copy
        });
        if let Some(other) = other {
            return StreamNotes::STRAY
                | self.clear_of_suspicion(&other, out)
                | self.admit(run, out);
        }
        self.drop_suspect();
        self.out_of_order().stray = Some(Box::new(StraySegment {
            at,
            bytes: run.bytes.to_vec(),
            cut: run.cut,
            fin: run.fin,
            since: run.since,
        }));
        StreamNotes::STRAY
    }

    /// Takes a segment of the other side with an ACK, where that may move
    /// something.
    pub(super) fn take_ack(
        &mut self,
        segment: &Segment<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let answers_syn = segment.flags.contains(TcpFlags::SYN);
        match self.phase {
            Phase::Waiting | Phase::Acked | Phase::Settling if answers_syn => {
                return self.begin(segment.ack, out).unwrap_or_default();
            }
            Phase::Waiting => {
                self.anchor = segment.ack;
                self.phase = Phase::Acked;
            }
            Phase::Acked => self.anchor = self.anchor.later(segment.ack),
            Phase::Claimed | Phase::Settling | Phase::Open | Phase::Ending => {
                let stray = self.take_acked_suspect(segment.ack);
                let notes = stray.map(|stray| self.clear_of_suspicion(&stray, out));
                self.hear(segment.ack);
                return notes.unwrap_or_default();
            }
            Phase::Finished | Phase::Stopped => {}
        }
        StreamNotes::NONE
    }

    /// Notes an ACK, if it is near what is known.
    #[inline]
    pub(super) fn hear(&mut self, ack: SeqNumber) {
        if ack == self.anchor + self.acked as u32 {
            return;
        }
        if let Ok(acked) = u64::try_from(self.offset(ack))
            && acked > self.acked
            && acked <= self.horizon()
        {
            self.acked = acked;
        }
    }

    fn take_acked_suspect(&mut self, ack: SeqNumber) -> Option<Box<StraySegment>> {
        let (ack, reach) = (self.offset(ack), u64::from(self.config.reach));
        let (ack, passed) = (u64::try_from(ack).ok()?, self.known_end());
        let out_of_order = self.out_of_order.as_mut()?;
        out_of_order
            .stray
            .take_if(|stray| stray.at >= passed && stray.at < ack && ack <= stray.end() + reach)
    }

    fn clear_of_suspicion(
        &mut self,
        stray: &StraySegment,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let run = SegmentData {
            at: i64::try_from(stray.at).unwrap_or(i64::MAX),
            bytes: &stray.bytes,
            cut: stray.cut,
            fin: stray.fin,
            since: stray.since,
        };
        self.admit(&run, out)
    }

    pub(super) fn drop_suspect(&mut self) {
        if let Some(out_of_order) = &mut self.out_of_order
            && let Some(stray) = out_of_order.stray.take()
        {
            out_of_order.counts.dropped += stray.len();
        }
    }
}
