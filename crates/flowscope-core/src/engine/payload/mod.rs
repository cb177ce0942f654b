//! The payload of flows: TCP put in order, everything else as it comes.

mod delivery;
mod limits;
mod recent_data;
mod segments;
mod state;

use alloc::sync::Arc;

use self::delivery::{Progress, StreamDelivery};
use self::recent_data::RecentByShard;
use self::segments::settles_without_data;
pub use self::state::PayloadState;
use self::state::StreamSide;
use super::config::{EngineConfig, PayloadConfig};
use super::reader::{PayloadReader, ReadResult, ReadState};
use super::reassembly::stream_anomalies;
use super::{Consumer, FlowEnd, FlowRef, Pending, PendingEntry, Reaction};
use crate::extract::Extracted;
use crate::reassemble::{
    BufferedReassembler, Chunk, Reassembler, Segment, StreamConfig, StreamNote, StreamNotes,
    StreamStats,
};
use crate::session::{Close, Datagram};
use crate::track::{Anomalies, AnomalyKind, Effect, EndReason, FlowEvent};
use crate::wire::Transport;
use crate::{BySide, FlowSide, Sink, Timestamp};

/// Gives the payload of flows to a [`PayloadReader`]: streams of bytes in order for
/// TCP connections, datagrams for everything else.
#[derive(Debug)]
pub struct PayloadConsumer<R> {
    reader: R,
    streams: Arc<StreamConfig>,
    config: PayloadConfig,
    /// What was delivered lately, by shards.
    recent_data: RecentByShard,
}

impl<R> PayloadConsumer<R> {
    /// For a reader.
    pub fn new(reader: R) -> Self {
        let config = PayloadConfig::default();
        Self {
            reader,
            streams: Arc::new(config.streams),
            config,
            recent_data: RecentByShard::new(1),
        }
    }

    /// Who is given the payload.
    #[must_use]
    pub(crate) const fn reader(&self) -> &R {
        &self.reader
    }

    /// Who is given the payload.
    #[must_use]
    pub const fn reader_mut(&mut self) -> &mut R {
        &mut self.reader
    }
}

impl<R> PayloadConsumer<R> {
    /// Lets one direction's reassembler act, and tells the reader what comes of
    /// it.
    #[inline]
    fn step<K, O: Sink<R::Event>>(
        &mut self,
        state: &mut PayloadState<R::Stream>,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        out: &mut O,
        act: impl FnOnce(&mut BufferedReassembler, &mut StreamDelivery<'_, '_, K, R, O>) -> StreamNotes,
    ) -> Anomalies
    where
        R: PayloadReader<K>,
    {
        let Some(sides) = &mut state.sides else {
            return Anomalies::NONE;
        };
        let was = state.progress.session;
        let direction = &mut sides[side];
        let mut delivery = StreamDelivery {
            delivery: state.progress.to(&mut self.reader, flow, side, out),
            recent_data: self.recent_data.of(flow.id),
            recent: &mut direction.recent,
            speaker: &mut state.speaker,
        };
        let notes = act(&mut direction.reassembler, &mut delivery);
        if notes.contains(StreamNote::Finished) {
            let mut delivery = delivery.delivery;
            direction.close(&mut delivery, Close::Fin);
        }
        let mut found = Anomalies::NONE;
        if !notes.is_empty() {
            found |= stream_anomalies(side, notes);
        }
        if state.session() != was && state.session() == ReadState::Failed {
            found.insert(side, AnomalyKind::ParseError);
        }
        found
    }

    /// Delivers what comes next in a stream when nothing is held of either side.
    /// This is the way of nearly every packet.
    #[inline(always)]
    fn deliver_in_order<K, O: Sink<R::Event>>(
        &mut self,
        state: &mut PayloadState<R::Stream>,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        bytes: &[u8],
        out: &mut O,
    ) -> Reaction
    where
        R: PayloadReader<K>,
    {
        if bytes.is_empty() {
            return Reaction::NONE;
        }
        // A parser may change its timer with any byte. To compare it before and after is
        // cheaper than to ask for everything that is pending after each packet.
        let was = self.next_tick(state);
        let Some(sides) = &mut state.sides else {
            return Reaction::NONE;
        };
        let mut delivery = StreamDelivery {
            delivery: state.progress.to(&mut self.reader, flow, side, out),
            recent_data: self.recent_data.of(flow.id),
            recent: &mut sides[side].recent,
            speaker: &mut state.speaker,
        };
        delivery.push(Chunk::Data(bytes));
        let held = self.parser_memory(state);
        let is_same = held == state.parser_memory && self.next_tick(state) == was;
        if state.session() == ReadState::Open && is_same {
            return Reaction::NONE;
        }
        state.parser_memory = held;
        let mut found = Anomalies::NONE;
        if state.session() == ReadState::Failed {
            found.insert(side, AnomalyKind::ParseError);
        }
        if state.session() != ReadState::Open {
            self.bound(state, flow, &mut found, out);
        }
        Reaction::changed(found)
    }

    /// Pushes any segment. It is a copy of what is of interest in the packet: so
    /// the packet itself is never written to memory.
    #[inline(never)]
    fn push_segment<K>(
        &mut self,
        state: &mut PayloadState<R::Stream>,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        segment: Segment<'_>,
        out: &mut impl Sink<R::Event>,
    ) -> Reaction
    where
        R: PayloadReader<K>,
    {
        Reaction::changed(self.segment(state, flow, side, &segment, out))
    }

    fn passes<K>(&self, stream: Option<&R::Stream>, payload: &[u8]) -> bool
    where
        R: PayloadReader<K>,
    {
        stream.is_some_and(|stream| self.reader.passes(stream, payload))
    }

    #[inline(never)]
    fn read_datagram<K>(
        &mut self,
        state: &mut PayloadState<R::Stream>,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        bytes: &[u8],
        missing: u32,
        out: &mut impl Sink<R::Event>,
    ) -> Reaction
    where
        R: PayloadReader<K>,
    {
        let datagram = Datagram {
            missing,
            ..Datagram::new(side, flow.at, bytes)
        };
        let found = self.act(state, flow, side, out, |reader, stream, flow, out| {
            reader.datagram(stream, flow, datagram, out)
        });
        Reaction::changed(found)
    }

    fn next_tick<K>(&self, state: &PayloadState<R::Stream>) -> Option<Timestamp>
    where
        R: PayloadReader<K>,
    {
        self.reader.next_tick(state.stream()?)
    }

    /// Hands on what is held of a stream, and closes it.
    #[cold]
    fn end_stream<K>(
        &mut self,
        state: &mut PayloadState<R::Stream>,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        how: Close,
        out: &mut impl Sink<R::Event>,
    ) -> Anomalies
    where
        R: PayloadReader<K>,
    {
        let mut found = Anomalies::NONE;
        found |= self.step(state, flow, side, out, |reassembler, delivery| {
            reassembler.finish(delivery)
        });
        let was = state.session();
        if let Some(sides) = &mut state.sides {
            let mut delivery = state.progress.to(&mut self.reader, flow, side, out);
            sides[side].close(&mut delivery, how);
        }
        if was == ReadState::Open && state.session() == ReadState::Failed {
            found.insert(side, AnomalyKind::ParseError);
        }
        found
    }
}

impl<K, R: PayloadReader<K>> Consumer<K> for PayloadConsumer<R> {
    type Flow = PayloadState<R::Stream>;
    type Event = R::Event;
    type Pending = PendingEntry;

    fn configure(&mut self, config: &EngineConfig) {
        self.config = config.payload;
        self.streams = Arc::new(config.payload.streams);
        self.recent_data = RecentByShard::new(config.shard_count());
    }

    fn open(
        &mut self,
        flow: FlowRef<'_, K>,
        packet: &Extracted<'_, K>,
        _: &mut impl Sink<Self::Event>,
    ) -> Self::Flow {
        let transport = packet.tracked_transport();
        let stream = self.reader.open(flow, &transport);
        let session = match stream {
            Some(_) => ReadState::Open,
            None => ReadState::Left,
        };
        // A flow that nobody reads has no reassemblers, which are most of what a flow of
        // TCP costs.
        let has_streams = stream.is_some() && transport.is_tcp();
        PayloadState {
            progress: Progress { stream, session },
            speaker: FlowSide::Initiator,
            parser_memory: 0,
            sides: has_streams.then(|| BySide::from_fn(|_| StreamSide::new(&self.streams))),
        }
    }

    #[inline(always)]
    fn packet(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        packet: &Extracted<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) -> Reaction {
        if state.session() != ReadState::Open {
            return Reaction::NONE;
        }
        let payload = packet.payload;
        match (&packet.transport, &mut state.sides) {
            (Transport::Tcp(header), Some(sides)) => {
                let segment = Segment::new(header, payload, flow.at);
                if flow.effect() == Effect::Plain
                    && sides[side.peer()]
                        .reassembler
                        .acknowledge_in_order(&segment)
                    && sides[side].reassembler.push_in_order(&segment)
                {
                    self.deliver_in_order(state, flow, side, payload.bytes, out)
                } else if flow.effect() == Effect::Confirming
                    && payload.wire_len() == 0
                    && settles_without_data(sides, flow, side, segment)
                {
                    Reaction::NONE
                } else {
                    self.push_segment(state, flow, side, segment, out)
                }
            }
            (transport, _) if transport.is_tcp() => Reaction::NONE,
            // An empty datagram is no message: some hosts send them to keep their
            // mapping in a NAT.
            _ if payload.wire_len() == 0 => Reaction::NONE,
            _ if self.passes(state.progress.stream.as_ref(), payload.bytes) => Reaction::NONE,
            _ => self.read_datagram(state, flow, side, payload.bytes, payload.missing, out),
        }
    }

    fn close(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        end: FlowEnd<'_>,
        out: &mut impl Sink<Self::Event>,
    ) -> Anomalies {
        let how = match end.reason {
            // A FIN has closed its side long before, by what was acknowledged. What is left
            // open here was reset, or nobody saw it end.
            EndReason::Rst => Close::Reset,
            _ => Close::Lost,
        };
        let mut found = Anomalies::NONE;
        for side in FlowSide::BOTH {
            found |= self.end_stream(state, flow, side, how, out);
        }
        if let Some(stream) = state.progress.stream.take() {
            self.reader.end(stream, flow, out);
        }
        found
    }

    fn ended(&mut self, state: Self::Flow, event: FlowEvent<K>) -> Self::Event {
        self.reader.ended(event, state.session())
    }

    #[inline]
    fn pending(&self, state: &Self::Flow) -> Pending {
        if state.session() != ReadState::Open {
            return Pending::NOTHING;
        }
        let mut timer = self.next_tick(state);
        for side in FlowSide::BOTH {
            if let Some(sides) = &state.sides
                && !sides[side].reassembler.has_nothing_held()
            {
                let expiry = sides[side].reassembler.next_expiry();
                timer = [timer, expiry].into_iter().flatten().min();
            }
        }
        let held = state.memory() + self.parser_memory(state) as usize;
        Pending { timer, held }
    }

    fn on_timer(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) -> Anomalies {
        let mut found = Anomalies::NONE;
        for side in FlowSide::BOTH {
            found |= self.step(state, flow, side, out, |reassembler, delivery| {
                reassembler.expire(flow.at, delivery)
            });
        }
        let tick = self.next_tick(state);
        // The timer may have been that of a hole. A parser is called at the moment that
        // it asked for, and not before.
        if tick.is_some_and(|tick| tick <= flow.at) {
            let side = FlowSide::Initiator;
            found |= self.act(state, flow, side, out, R::tick);
        }
        self.bound(state, flow, &mut found, out);
        found
    }

    fn shed(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) -> Anomalies {
        let mut found = Anomalies::NONE;
        if self.parser_memory(state) as usize > state.memory() {
            self.give_up(state, flow, out);
            found.insert(state.speaker, AnomalyKind::ParserOverflow);
        } else {
            self.reduce(state, flow, &mut found, out);
        }
        self.bound(state, flow, &mut found, out);
        found
    }

    fn streams(&self, state: &Self::Flow) -> Option<BySide<StreamStats>> {
        state.streams()
    }

    #[inline]
    fn prefetch_word(&self, state: &Self::Flow) -> u64 {
        let sides = state.sides.as_ref().map_or(0, |sides| {
            let [a, b] = FlowSide::BOTH.map(|side| sides[side].reassembler.prefetch_word());
            a ^ b
        });
        sides ^ u64::from(state.parser_memory)
    }
}

impl<R> PayloadConsumer<R> {
    /// Lets the reader do something that is no matter of streams.
    #[inline]
    fn act<K, O: Sink<R::Event>>(
        &mut self,
        state: &mut PayloadState<R::Stream>,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        out: &mut O,
        act: impl FnOnce(&mut R, &mut R::Stream, FlowRef<'_, K>, &mut O) -> ReadResult,
    ) -> Anomalies
    where
        R: PayloadReader<K>,
    {
        state
            .progress
            .to(&mut self.reader, flow, side, out)
            .give(act);
        let mut found = Anomalies::NONE;
        if state.session() == ReadState::Failed {
            found.insert(side, AnomalyKind::ParseError);
        }
        found
    }
}
