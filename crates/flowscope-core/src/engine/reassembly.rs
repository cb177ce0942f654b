//! Reassemblers of the user's own, one for each side of a connection.

use super::{Consumer, FlowEnd, FlowRef, Pending, PendingEntry, Reaction};
use crate::extract::Extracted;
use crate::reassemble::{Chunk, Reassembler, Segment, StreamNote, StreamNotes, StreamStats};
use crate::track::{Anomalies, AnomalyKind, Effect, FlowEvent};
use crate::wire::Transport;
use crate::{BySide, FlowSide, Sink, Timestamp};

/// Makes the reassemblers of TCP connections, and is given what they put in
/// order.
pub trait ReassemblerFactory<K> {
    /// What puts one side's segments in order.
    type Reassembler: Reassembler;

    /// A connection begins: the reassembler of one of its sides.
    fn open(&mut self, key: &K, side: FlowSide) -> Self::Reassembler;

    /// The next piece of what one side sends.
    fn chunk(&mut self, key: &K, side: FlowSide, at: Timestamp, chunk: Chunk<'_>);
}

/// Shows the segments of TCP connections to reassemblers out of a
/// [`ReassemblerFactory`], and reports what becomes of the flows.
///
/// For a [`Reassembler`] of your own. Segments that their receiver drops are not
/// shown. See [`FlowReassemblyDriver`](crate::FlowReassemblyDriver).
#[derive(Debug)]
pub struct Reassembly<F> {
    factory: F,
}

/// The reassemblers of a flow; `None` if it is no TCP connection.
type Sides<R> = Option<BySide<R>>;

impl<F> Reassembly<F> {
    /// Reassemblers made by `factory`.
    pub(crate) const fn new(factory: F) -> Self {
        Self { factory }
    }

    /// What makes the reassemblers.
    pub(crate) const fn factory(&self) -> &F {
        &self.factory
    }

    /// Lets one side's reassembler act.
    fn act<K>(
        &mut self,
        sides: &mut BySide<F::Reassembler>,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        act: impl FnOnce(&mut F::Reassembler, &mut dyn FnMut(Chunk<'_>)) -> StreamNotes,
    ) -> Anomalies
    where
        F: ReassemblerFactory<K>,
    {
        let factory = &mut self.factory;
        let mut give = |chunk: Chunk<'_>| factory.chunk(flow.key, side, flow.at, chunk);
        let notes = act(&mut sides[side], &mut give);
        stream_anomalies(side, notes)
    }
}

impl<K, F: ReassemblerFactory<K>> Consumer<K> for Reassembly<F> {
    type Flow = Sides<F::Reassembler>;
    type Event = FlowEvent<K>;
    type Pending = PendingEntry;

    fn open(
        &mut self,
        flow: FlowRef<'_, K>,
        packet: &Extracted<'_, K>,
        _: &mut impl Sink<Self::Event>,
    ) -> Self::Flow {
        match packet.tracked_transport() {
            it if it.is_tcp() => Some(BySide::from_fn(|side| self.factory.open(flow.key, side))),
            _ => None,
        }
    }

    fn packet(
        &mut self,
        sides: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        packet: &Extracted<'_, K>,
        _: &mut impl Sink<Self::Event>,
    ) -> Reaction {
        let (Transport::Tcp(header), Some(sides)) = (&packet.transport, sides) else {
            return Reaction::NONE;
        };
        if flow.effect() == Effect::Refused {
            return Reaction::NONE;
        }
        let segment = Segment::new(header, packet.payload, flow.at);
        let mut found = self.act(sides, flow, side.peer(), |receiver, mut out| {
            receiver.acknowledge(&segment, &mut out)
        });
        found |= self.act(sides, flow, side, |sender, mut out| {
            sender.push(&segment, &mut out)
        });
        Reaction::changed(found)
    }

    fn pending(&self, sides: &Self::Flow) -> Pending {
        let mut pending = Pending::NOTHING;
        for (_, side) in sides.iter().flat_map(BySide::iter) {
            pending.timer = [pending.timer, side.next_expiry()]
                .into_iter()
                .flatten()
                .min();
            pending.held += side.memory();
        }
        pending
    }

    fn on_timer(
        &mut self,
        sides: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        _: &mut impl Sink<Self::Event>,
    ) -> Anomalies {
        let mut found = Anomalies::NONE;
        if let Some(sides) = sides {
            for side in FlowSide::BOTH {
                found |= self.act(sides, flow, side, |it, mut out| {
                    it.expire(flow.at, &mut out)
                });
            }
        }
        found
    }

    /// The side that holds more gives up its first hole.
    fn shed(
        &mut self,
        sides: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        _: &mut impl Sink<Self::Event>,
    ) -> Anomalies {
        let Some(sides) = sides else {
            return Anomalies::NONE;
        };
        let [initiator, responder] = FlowSide::BOTH.map(|side| sides[side].memory());
        let side = if initiator >= responder {
            FlowSide::Initiator
        } else {
            FlowSide::Responder
        };
        self.act(sides, flow, side, |it, mut out| it.shed(flow.at, &mut out))
    }

    fn close(
        &mut self,
        sides: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        _: FlowEnd<'_>,
        _: &mut impl Sink<Self::Event>,
    ) -> Anomalies {
        let mut found = Anomalies::NONE;
        if let Some(sides) = sides {
            for side in FlowSide::BOTH {
                found |= self.act(sides, flow, side, |it, mut out| it.finish(&mut out));
            }
        }
        found
    }

    fn streams(&self, sides: &Self::Flow) -> Option<BySide<StreamStats>> {
        let sides = sides.as_ref()?;
        Some(BySide::from_fn(|side| sides[side].stats()))
    }
}

/// What is odd about a stream of which these notes were made.
pub(super) fn stream_anomalies(side: FlowSide, notes: StreamNotes) -> Anomalies {
    let mut found = Anomalies::NONE;
    for (note, kind) in [
        (StreamNote::Conflict, AnomalyKind::OverlapConflict),
        (StreamNote::Gap, AnomalyKind::StreamGap),
        (StreamNote::Overflow, AnomalyKind::StreamOverflow),
        (StreamNote::Stray, AnomalyKind::StraySegment),
    ] {
        if notes.contains(note) {
            found.insert(side, kind);
        }
    }
    found
}
