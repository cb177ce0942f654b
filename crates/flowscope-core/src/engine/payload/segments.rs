//! What a segment of a TCP connection does to its streams.

use super::PayloadConsumer;
use super::recent_data::{RecentData, RecentOfStream};
use super::state::{PayloadState, StreamSide};
use crate::engine::FlowRef;
use crate::engine::reader::{PayloadReader, ReadState};
use crate::reassemble::{BufferedReassembler, Reassembler, Segment, StreamNotes};
use crate::track::{Anomalies, Effect, Fin};
use crate::wire::TcpFlags;
use crate::{BySide, FlowSide, Sink};

impl<R> PayloadConsumer<R> {
    /// Shows a segment of a TCP connection to both reassemblers.
    pub(super) fn segment<K>(
        &mut self,
        state: &mut PayloadState<R::Stream>,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        segment: &Segment<'_>,
        out: &mut impl Sink<R::Event>,
    ) -> Anomalies
    where
        R: PayloadReader<K>,
    {
        let before = state.memory();
        let effect = flow.effect();
        if effect == Effect::Refused || segment.flags.contains(TcpFlags::RST) {
            // A reset ends streams with its flow: until then the other side may
            // be seen not to obey it.
            if let Some(sides) = &mut state.sides {
                sides[side].reassembler.refuse(segment);
            }
            return Anomalies::NONE;
        }
        let mut found = Anomalies::NONE;
        if effect == Effect::Confirming {
            found |= self.begin_streams(state, flow, out);
        }
        let data = &segment.without_control();
        if segment.flags.contains(TcpFlags::SYN)
            && segment.payload.wire_len() > 0
            && flow.stream_begin(side).is_none()
            && let Some(sides) = &mut state.sides
            && (flow.is_other_syn(side, segment.seq)
                || !sides[side].reassembler.begin_unconfirmed(data.seq))
        {
            // Data of a SYN that others speak against.
            sides[side].reassembler.refuse(segment);
            return found;
        }
        // The ACK first: a hole that it proves is not filled by anything that comes
        // later, so what this segment brings must not wait for it.
        found |= self.step(state, flow, side.peer(), out, |reassembler, delivery| {
            reassembler.acknowledge(data, delivery)
        });
        found |= self.step(state, flow, side, out, |reassembler, delivery| {
            // Compared before it is pushed: to the reassembler the bytes are sent again, and
            // it no longer has the first copy.
            let notes = compare(reassembler, delivery.recent_data, delivery.recent, data);
            notes | reassembler.push(data, delivery)
        });
        if effect == Effect::Confirming {
            found |= self.end_streams(state, flow, out);
        }
        if state.session() != ReadState::Open || before != state.memory() {
            self.bound(state, flow, &mut found, out);
        }
        found
    }

    /// Begins the streams of which it is settled where they begin.
    pub(super) fn begin_streams<K>(
        &mut self,
        state: &mut PayloadState<R::Stream>,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<R::Event>,
    ) -> Anomalies
    where
        R: PayloadReader<K>,
    {
        let mut found = Anomalies::NONE;
        for side in FlowSide::BOTH {
            if let Some(first) = flow.stream_begin(side)
                && let Some(sides) = &state.sides
                && sides[side].reassembler.may_begin_at(first)
            {
                found |= self.step(state, flow, side, out, |reassembler, delivery| {
                    // A server without TCP Fast Open acknowledges the SYN alone (RFC 7413, section
                    // 3), and its client sends the data again.
                    if reassembler.has_unconfirmed_begin() && flow.has_refused_early_data(side) {
                        reassembler.drop_held();
                    }
                    reassembler.begin_at(first, delivery)
                });
            }
        }
        found
    }

    /// Ends the streams of which it is settled where they end.
    pub(super) fn end_streams<K>(
        &mut self,
        state: &mut PayloadState<R::Stream>,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<R::Event>,
    ) -> Anomalies
    where
        R: PayloadReader<K>,
    {
        let mut found = Anomalies::NONE;
        for side in FlowSide::BOTH {
            let fin = flow.fin(side);
            let Some(sides) = &state.sides else { continue };
            let reassembler = &sides[side].reassembler;
            if reassembler.is_over() || fin == Fin::None && !reassembler.has_unconfirmed_end() {
                continue;
            }
            found |= self.step(state, flow, side, out, |reassembler, delivery| match fin {
                Fin::None => {
                    reassembler.reopen(delivery);
                    StreamNotes::NONE
                }
                Fin::Unconfirmed(number) => {
                    reassembler.end_unconfirmed(number);
                    StreamNotes::NONE
                }
                Fin::Confirmed(number) => reassembler.confirm_end(number, flow.at, delivery),
            });
        }
        found
    }
}

/// Processes a segment without data that does no more than begin streams, or
/// perhaps end them. Returns whether it was one. As far as it goes it does what
/// [`PayloadConsumer::segment`] does, too.
pub(super) fn settles_without_data<K>(
    sides: &mut BySide<StreamSide>,
    flow: FlowRef<'_, K>,
    side: FlowSide,
    segment: Segment<'_>,
) -> bool {
    // The streams end with the flow, if the reset holds.
    if segment.flags.contains(TcpFlags::RST) {
        return true;
    }
    for side in FlowSide::BOTH {
        if let Some(first) = flow.stream_begin(side)
            && !sides[side].reassembler.try_begin_at(first)
        {
            return false;
        }
    }
    let data = segment.without_control();
    if data.acknowledges() && !sides[side.peer()].reassembler.acknowledge_in_order(&data)
        || !sides[side].reassembler.has_nothing_held()
    {
        return false;
    }
    for side in FlowSide::BOTH {
        let reassembler = &mut sides[side].reassembler;
        match flow.fin(side) {
            Fin::None if reassembler.has_unconfirmed_end() => return false,
            Fin::Confirmed(_) if !reassembler.is_over() => return false,
            Fin::None | Fin::Confirmed(_) => {}
            Fin::Unconfirmed(number) => reassembler.end_unconfirmed(number),
        }
    }
    true
}

/// Compares what of a segment was delivered before with what it says now.
pub(super) fn compare(
    reassembler: &mut BufferedReassembler,
    recent_data: &RecentData,
    recent: &RecentOfStream,
    segment: &Segment<'_>,
) -> StreamNotes {
    let Some(behind) = reassembler.delivered_since(segment) else {
        return StreamNotes::NONE;
    };
    let differing = recent_data.differing(recent, behind, segment.payload.bytes);
    reassembler.note_conflicts(differing)
}
