//! Segments and ACKs from so far ahead that they may not be of the stream.

use alloc::boxed::Box;

use super::buffered::{BufferedReassembler, Phase, SegmentData};
use super::out_of_order::StraySegment;
use super::{Chunk, Segment, StreamNotes};
use crate::wire::TcpFlags;
use crate::{SeqNumber, Sink};

impl BufferedReassembler {
    /// Holds a segment from so far ahead, at `at`, that it may be of another
    /// connection or forged.
    ///
    /// It is delivered only when another segment near it, or an ACK of it,
    /// confirms that the stream has got there.
    pub(super) fn stray(
        &mut self,
        at: u64,
        data: &SegmentData<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let passed = self.known_end();
        let reach = u64::from(self.config.reach);
        let end = data.end().max(0).cast_unsigned();
        let out_of_order = self.out_of_order();
        out_of_order.counts.strays = out_of_order.counts.strays.saturating_add(1);
        let other = out_of_order.stray.take_if(|other| {
            let is_copy = (other.at, other.end()) == (at, end);
            let is_near = at <= other.end() + reach && other.at <= end + reach;
            other.at >= passed && is_near && !is_copy
        });
        if let Some(other) = other {
            return StreamNotes::STRAY | self.accept_stray(&other, out) | self.accept(data, out);
        }
        self.drop_stray();
        self.out_of_order().stray = Some(Box::new(StraySegment {
            at,
            bytes: data.bytes.to_vec(),
            cut: data.cut,
            fin: data.fin,
            since: data.since,
        }));
        StreamNotes::STRAY
    }

    /// Processes a segment of the other side with an ACK that may change
    /// something.
    pub(super) fn process_ack(
        &mut self,
        segment: &Segment<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let answers_syn = segment.flags.contains(TcpFlags::SYN);
        match self.phase {
            Phase::Unseen | Phase::AckSeen | Phase::JoinedMidstream if answers_syn => {
                return self.begin(segment.ack, out).unwrap_or_default();
            }
            Phase::Unseen => {
                self.origin = segment.ack;
                self.phase = Phase::AckSeen;
            }
            Phase::AckSeen => self.origin = self.origin.later(segment.ack),
            Phase::BeginUnconfirmed
            | Phase::JoinedMidstream
            | Phase::Open
            | Phase::EndUnconfirmed => {
                let stray = self.take_acked_stray(segment.ack);
                let notes = stray.map(|stray| self.accept_stray(&stray, out));
                self.note_ack(segment.ack);
                return notes.unwrap_or_default();
            }
            Phase::Finished | Phase::Stopped => {}
        }
        StreamNotes::NONE
    }

    /// Notes an ACK, unless it is too far ahead of what is known.
    #[inline]
    pub(super) fn note_ack(&mut self, ack: SeqNumber) {
        if ack == self.origin + self.acked as u32 {
            return;
        }
        if let Ok(acked) = u64::try_from(self.offset(ack))
            && acked > self.acked
            && acked <= self.max_expected()
        {
            self.acked = acked;
        }
    }

    fn take_acked_stray(&mut self, ack: SeqNumber) -> Option<Box<StraySegment>> {
        let (ack, reach) = (self.offset(ack), u64::from(self.config.reach));
        let (ack, passed) = (u64::try_from(ack).ok()?, self.known_end());
        let out_of_order = self.out_of_order.as_mut()?;
        out_of_order
            .stray
            .take_if(|stray| stray.at >= passed && stray.at < ack && ack <= stray.end() + reach)
    }

    fn accept_stray(
        &mut self,
        stray: &StraySegment,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        let data = SegmentData {
            at: i64::try_from(stray.at).unwrap_or(i64::MAX),
            bytes: &stray.bytes,
            cut: stray.cut,
            fin: stray.fin,
            since: stray.since,
        };
        self.accept(&data, out)
    }

    pub(super) fn drop_stray(&mut self) {
        if let Some(out_of_order) = &mut self.out_of_order
            && let Some(stray) = out_of_order.stray.take()
        {
            out_of_order.counts.dropped += stray.len();
        }
    }
}
