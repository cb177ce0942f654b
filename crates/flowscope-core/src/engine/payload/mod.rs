//! The payload of flows: TCP put in order, everything else as it comes.

mod delivery;
mod recent_data;

use alloc::sync::Arc;

use self::delivery::{Delivery, Progress, StreamDelivery};
use self::recent_data::{RecentData, RecentOfStream};
use super::config::{EngineConfig, PayloadConfig};
use super::reader::{PayloadReader, ReadResult, ReadState};
use super::reassembly::stream_anomalies;
use super::{Consumer, FlowRef, Pending, PendingEntry, Reaction};
use crate::extract::Extracted;
use crate::reassemble::{
    BufferedReassembler, Chunk, OverflowPolicy, Reassembler, Segment, StreamConfig, StreamNotes,
    StreamStats,
};
use crate::session::{Close, Datagram, StreamEnd};
use crate::track::{Anomalies, AnomalyKind, Effect, EndReason, Fin, FlowEvent};
use crate::wire::{TcpFlags, Transport};
use crate::{BySide, FlowSide, Sink, Timestamp};

/// Gives the payload of flows to a [`PayloadReader`]: streams of bytes in order for
/// TCP connections, datagrams for everything else.
#[derive(Debug)]
pub struct PayloadConsumer<R> {
    reader: R,
    streams: Arc<StreamConfig>,
    config: PayloadConfig,
    /// What was delivered lately.
    recent_data: RecentData,
}

impl<R> PayloadConsumer<R> {
    /// For a reader.
    pub fn new(reader: R) -> Self {
        let config = PayloadConfig::default();
        Self {
            reader,
            streams: Arc::new(config.streams),
            config,
            recent_data: RecentData::default(),
        }
    }

    /// Who is given the payload.
    #[must_use]
    pub const fn reader(&self) -> &R {
        &self.reader
    }

    /// Who is given the payload.
    #[must_use]
    pub const fn reader_mut(&mut self) -> &mut R {
        &mut self.reader
    }
}

/// What is kept of a flow's payload.
///
/// What every packet needs comes first: a cache line for each side of a TCP
/// connection, and then what its reader keeps.
#[derive(Debug)]
#[repr(C)]
pub struct PayloadState<S> {
    /// Of a TCP connection.
    sides: Option<BySide<StreamSide>>,
    progress: Progress<S>,
    /// Who spoke last on it.
    speaker: FlowSide,
    /// Bytes of memory that the reader held when it was last fed in order.
    parser_memory: u32,
}

/// One direction of a TCP connection, in 64 bytes.
#[derive(Debug)]
struct StreamSide {
    reassembler: BufferedReassembler,
    /// Where the latest of its data are remembered.
    recent: RecentOfStream,
}

impl<S> PayloadState<S> {
    /// What the reader keeps for the flow, such as its parser, unless it let
    /// the flow go.
    #[must_use]
    pub const fn stream(&self) -> Option<&S> {
        self.progress.stream.as_ref()
    }

    /// How far the flow's payload is read.
    #[must_use]
    pub const fn session(&self) -> ReadState {
        self.progress.session
    }

    /// What the streams of a TCP connection amount to so far.
    #[must_use]
    pub fn streams(&self) -> Option<BySide<StreamStats>> {
        let sides = self.sides.as_ref()?;
        Some(BySide::from_fn(|side| sides[side].reassembler.stats()))
    }

    /// Not what a stream that was once out of order keeps for good: that can
    /// not be given back, and must not take the place of what others hold.
    fn memory(&self) -> usize {
        self.sides.as_ref().map_or(0, |sides| {
            let [a, b] = FlowSide::BOTH.map(|side| sides[side].reassembler.held_memory());
            a + b
        })
    }

    /// Puts its streams together no more.
    fn stop(&mut self) {
        if let Some(sides) = &mut self.sides {
            for side in FlowSide::BOTH {
                sides[side].reassembler.stop();
            }
        }
    }

    fn holds(&self) -> bool {
        self.sides.as_ref().is_some_and(|sides| {
            FlowSide::BOTH
                .iter()
                .any(|side| sides[*side].reassembler.holds())
        })
    }
}

impl StreamSide {
    fn new(streams: &Arc<StreamConfig>) -> Self {
        Self {
            reassembler: BufferedReassembler::new(Arc::clone(streams)),
            recent: RecentOfStream::NEW,
        }
    }

    /// Tells the reader, once, that nothing more comes.
    #[cold]
    fn close<K, R: PayloadReader<K>, O: Sink<R::Event>>(
        &mut self,
        delivery: &mut Delivery<'_, K, R, O>,
        how: Close,
    ) {
        if core::mem::replace(&mut self.recent.is_closed, true) {
            return;
        }
        let end = StreamEnd::new(delivery.side, delivery.flow.at, how)
            .with_stats(self.reassembler.stats());
        delivery.give(|reader, stream, flow, out| reader.close(stream, flow, end, out));
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
            recent_data: &mut self.recent_data,
            recent: &mut direction.recent,
            speaker: &mut state.speaker,
        };
        let notes = act(&mut direction.reassembler, &mut delivery);
        if notes.contains(StreamNotes::FINISHED) {
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
    #[inline]
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
        let was = self.next_tick(state);
        let Some(sides) = &mut state.sides else {
            return Reaction::NONE;
        };
        let mut delivery = StreamDelivery {
            delivery: state.progress.to(&mut self.reader, flow, side, out),
            recent_data: &mut self.recent_data,
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
        let datagram = Datagram::new(side, flow.at, bytes).with_missing(missing);
        let found = self.act(state, flow, side, out, |reader, stream, flow, out| {
            reader.datagram(stream, flow, datagram, out)
        });
        Reaction::changed(found)
    }

    /// Bytes of memory that the reader holds for a flow, rounded up: so a small
    /// change, such as a request that waits for its response, is none.
    fn parser_memory<K>(&self, state: &PayloadState<R::Stream>) -> u32
    where
        R: PayloadReader<K>,
    {
        let held = state
            .stream()
            .map_or(0, |stream| self.reader.memory(stream));
        let rounded = held.checked_next_multiple_of(PARSER_MEMORY_UNIT);
        u32::try_from(rounded.unwrap_or(usize::MAX)).unwrap_or(u32::MAX)
    }

    fn next_tick<K>(&self, state: &PayloadState<R::Stream>) -> Option<Timestamp>
    where
        R: PayloadReader<K>,
    {
        self.reader.next_tick(state.stream()?)
    }

    /// Shows a segment of a TCP connection to both reassemblers.
    fn segment<K>(
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
        found |= self.step(state, flow, side.peer(), out, |reassembler, delivery| {
            reassembler.acknowledge(data, delivery)
        });
        found |= self.step(state, flow, side, out, |reassembler, delivery| {
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
    fn begin_streams<K>(
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
    fn end_streams<K>(
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

    /// Keeps what a flow holds within its own limit, and holds nothing of a flow
    /// that is read no more.
    #[cold]
    fn bound<K>(
        &mut self,
        state: &mut PayloadState<R::Stream>,
        flow: FlowRef<'_, K>,
        found: &mut Anomalies,
        out: &mut impl Sink<R::Event>,
    ) where
        R: PayloadReader<K>,
    {
        if state.session() != ReadState::Open {
            state.stop();
        }
        while state.memory() > self.config.max_memory_per_flow && state.holds() {
            self.reduce(state, flow, found, out);
        }
    }

    /// Lets a flow hold less, as its policy says.
    fn reduce<K>(
        &mut self,
        state: &mut PayloadState<R::Stream>,
        flow: FlowRef<'_, K>,
        found: &mut Anomalies,
        out: &mut impl Sink<R::Event>,
    ) where
        R: PayloadReader<K>,
    {
        let Some(sides) = &state.sides else { return };
        let [initiator, responder] =
            FlowSide::BOTH.map(|side| sides[side].reassembler.held_memory());
        let side = if initiator >= responder {
            FlowSide::Initiator
        } else {
            FlowSide::Responder
        };
        match self.config.streams.overflow {
            OverflowPolicy::SlidingWindow => {
                let before = state.memory();
                *found |= self.step(state, flow, side, out, |reassembler, delivery| {
                    reassembler.shed(flow.at, delivery)
                });
                if state.session() != ReadState::Open || state.memory() >= before {
                    state.stop();
                }
            }
            OverflowPolicy::DropFlow => {
                found.insert(side, AnomalyKind::StreamOverflow);
                state.stop();
            }
        }
    }

    /// Reads no more of a flow, as its reader holds too much: what that has read
    /// of each side is the last.
    #[cold]
    fn give_up<K>(
        &mut self,
        state: &mut PayloadState<R::Stream>,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<R::Event>,
    ) where
        R: PayloadReader<K>,
    {
        match &mut state.sides {
            Some(sides) => {
                for side in FlowSide::BOTH {
                    let mut delivery = state.progress.to(&mut self.reader, flow, side, out);
                    sides[side].close(&mut delivery, Close::Lost);
                }
            }
            None => {
                if let Some(stream) = &mut state.progress.stream {
                    self.reader.give_up_datagrams(stream, flow, out);
                }
            }
        }
        if state.session() == ReadState::Open {
            state.progress.session = ReadState::Left;
            self.reader.leave(&mut state.progress.stream);
        }
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
    }

    fn open(&mut self, flow: FlowRef<'_, K>, packet: &Extracted<'_, K>) -> Self::Flow {
        let transport = packet.tracked_transport();
        let stream = self.reader.open(flow, &transport);
        let session = match stream {
            Some(_) => ReadState::Open,
            None => ReadState::Left,
        };
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
            _ if payload.wire_len() == 0 => Reaction::NONE,
            _ => self.read_datagram(state, flow, side, payload.bytes, payload.missing, out),
        }
    }

    fn close(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        reason: EndReason,
        out: &mut impl Sink<Self::Event>,
    ) -> Anomalies {
        let how = match reason {
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

/// What parsers hold is counted in units of so many bytes.
const PARSER_MEMORY_UNIT: usize = 512;

/// Processes a segment without data that does no more than begin streams, or
/// perhaps end them. Returns whether it was one. As far as it goes it does what
/// [`PayloadConsumer::segment`] does, too.
fn settles_without_data<K>(
    sides: &mut BySide<StreamSide>,
    flow: FlowRef<'_, K>,
    side: FlowSide,
    segment: Segment<'_>,
) -> bool {
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
fn compare(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_fills_a_cache_line() {
        assert_eq!(size_of::<StreamSide>(), 64);
        assert_eq!(size_of::<Option<BySide<StreamSide>>>(), 128);
        // With what the engine keeps beside it, and the flow: six lines.
        assert!(size_of::<PayloadState<()>>() + size_of::<PendingEntry>() <= 3 * 64);
    }
}
