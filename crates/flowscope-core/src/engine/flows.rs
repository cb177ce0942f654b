//! The flows: found or begun, counted, handed to the consumer, ended.

use core::marker::PhantomData;

use super::flow_ref::Connection;
use super::fragment_store::FragmentStore;
use super::pending::PendingSlot;
use super::shards::{Shards, Until};
use super::syn_queue::SynQueue;
use super::{
    Advance, AnomalyEvents, Consumer, EngineConfig, FlowEnd, FlowRef, OuterFlows, TimestampPolicy,
};
use crate::extract::{Extracted, FlowExtractor, OuterPackets};
use crate::observe::{Ended, EngineCounts, Observer};
use crate::reassemble::StreamStats;
use crate::track::{
    Anomalies, ByAge, ColdState, EndReason, Flow, FlowEvent, FlowId, FlowIndex, FlowState,
    FlowStats, Observed, ReadyQueue, Slot, Table, TrackerStats, Verdict, Work,
};
use crate::wire::{Cause, Layer, Skip, Transport};
use crate::{BySide, FlowSide, PacketView, Sink, Timestamp};

/// The flows of an engine: all of it but its extractor.
pub(super) struct Flows<E: FlowExtractor, C: Consumer<E::Key>> {
    pub(super) consumer: C,
    pub(super) table: Table<E::Key, ConsumerState<C::Flow, C::Pending>>,
    pub(super) config: EngineConfig,
    pub(super) clock: Timestamp,
    pub(super) stats: TrackerStats,
    /// Packets that came in a frame with others, behind the first.
    pub(super) packets_beside: u64,
    pub(super) fragments: FragmentStore,
    pub(super) syn_queue: SynQueue,
    pub(super) shards: Shards,
    pub(super) observer: Observer,
    /// How much is done for one packet of what has nothing to do with it.
    pub(super) portion: usize,
    /// Whether something is due that is not done yet, other than calling flows.
    pub(super) is_behind: bool,
    /// Flows that were due before this moment have ended, if something is due.
    pub(super) ended_before: Timestamp,
    /// The flows that are yet to end, while all of them do.
    pub(super) ending: Option<ReadyQueue<ByAge>>,
    extractor: PhantomData<fn() -> E>,
}

/// What lies in a flow's table entry for its consumer.
#[derive(Debug)]
pub(super) struct ConsumerState<F, P> {
    pub(super) flow: F,
    pub(super) pending: P,
}

/// What came of a packet, or of a datagram put together.
pub(super) struct PacketResult {
    pub(super) flow: FlowId,
    pub(super) at: Timestamp,
    pub(super) found: Anomalies,
    pub(super) has_new_pending: bool,
    /// The state before and after, if it changed.
    pub(super) states: Option<(FlowState, FlowState)>,
}

impl<E: FlowExtractor, C: Consumer<E::Key>> Flows<E, C> {
    pub(super) fn new(consumer: C, config: EngineConfig) -> Self {
        Self {
            consumer,
            table: Table::new(config.idle),
            fragments: FragmentStore::new(config.fragments),
            shards: Shards::new(&config),
            syn_queue: SynQueue::default(),
            config,
            clock: Timestamp::EPOCH,
            stats: TrackerStats::default(),
            packets_beside: 0,
            observer: Observer::default(),
            portion: Work::PORTION,
            is_behind: false,
            ended_before: Timestamp::EPOCH,
            ending: None,
            extractor: PhantomData,
        }
    }

    /// Moves the clock on to a packet's time.
    #[inline(always)]
    pub(super) fn begin_packet(
        &mut self,
        extractor: &E,
        packet: &PacketView<'_>,
        out: &mut impl Sink<C::Event>,
    ) {
        // Captures of several interfaces are not quite in order, and some clocks are set
        // back: an older packet counts with its own time, and the clock stays.
        let before = self.clock;
        self.clock = before.max(packet.timestamp);
        self.stats.packets += 1;
        self.stats.bytes += u64::from(packet.wire_len);
        let advance = Advance::Packet {
            now: self.clock,
            frame: self.frame(),
        };
        self.consumer.advance(advance, out);
        // Whatever is due comes before the packet, so that a packet at the same moment
        // finds the flow ended. One comparison stands for all ends, and one for all
        // timers.
        if self.clock >= self.table.check_at()
            || C::Pending::IS_USED && self.clock >= self.shards.next()
        {
            self.expire_before(extractor, *packet, before, out);
        }
        if Observer::is_due(self.stats.packets) {
            self.publish();
        }
    }

    /// The number of the latest frame, counted from 1.
    #[inline]
    pub(super) const fn frame(&self) -> u64 {
        self.stats.packets - self.packets_beside
    }

    /// Publishes what is counted, where that is asked for.
    #[inline]
    pub(super) fn publish(&mut self) {
        self.observer.publish(&EngineCounts {
            stats: &self.stats,
            stream_memory: self.shards.memory.used,
            stream_memory_peak: self.shards.memory.peak,
            fragment_memory: self.fragments.memory(),
        });
    }

    /// Compiled into where packets go by: a call costs one packet in thirty.
    ///
    /// What goes wrong or happens but once is given a copy of the packet: then
    /// the packet itself is never written to memory.
    #[inline(always)]
    pub(super) fn deliver(
        &mut self,
        extractor: &E,
        extracted: &Extracted<'_, E::Key>,
        out: &mut impl Sink<C::Event>,
    ) {
        let observed = self.observe(extracted);
        // The hash is made once: a new flow is put in the table with the same one.
        let hash = self.table.hash(&extracted.key);
        let index = match self.table.find(hash, &extracted.key) {
            Some(index) => index,
            None => self.start(hash, &extracted.clone(), observed.at, out),
        };
        let number = self.frame();
        let (slot, cold) = self.table.get_mut(index);
        // A port may be used again at once. This is asked before anything is counted,
        // because what is counted on the wrong flow cannot be moved.
        let verdict = match &observed.transport {
            Transport::Tcp(header) if slot.flow.is_plain(header) => {
                slot.flow.count_plain(header, &observed, self.clock, cold)
            }
            Transport::Tcp(_) if slot.flow.may_be_replaced_by(&observed) => {
                return self.deliver_to_owner(extractor, index, &extracted.clone(), out);
            }
            _ => slot.flow.count_other(&observed, self.clock, cold),
        };
        let packet = CountedPacket {
            extracted,
            observed: &observed,
            number,
        };
        let (observer, consumer) = (&mut self.observer, &mut self.consumer);
        let result = deliver_packet(
            observer,
            consumer,
            (index, slot, cold),
            packet,
            verdict,
            out,
        );
        self.report_result(result, out);
    }

    /// A packet's time as events tell it.
    #[inline]
    pub(super) fn time(&self, at: Timestamp) -> Timestamp {
        match self.config.timestamps {
            TimestampPolicy::AsCaptured => at,
            TimestampPolicy::Monotonic => self.clock,
        }
    }

    /// What of a packet is counted.
    #[inline(always)]
    pub(super) fn observe(&self, extracted: &Extracted<'_, E::Key>) -> Observed {
        let packet = &extracted.packet;
        Observed {
            at: self.time(packet.timestamp),
            orientation: extracted.orientation,
            transport: extracted.tracked_transport(),
            wire_len: packet.wire_len,
            ip_len: extracted.ip_len,
            payload_len: extracted.payload.wire_len(),
            is_cut: packet.missing() > 0,
        }
    }

    /// Counts a packet on its flow, as of a moment of the clock, and hands it to
    /// the consumer.
    #[inline(never)]
    pub(super) fn count(
        &mut self,
        index: FlowIndex,
        extracted: &Extracted<'_, E::Key>,
        clock: Timestamp,
        number: u64,
        out: &mut impl Sink<C::Event>,
    ) {
        let observed = self.observe(extracted);
        let now = self.clock;
        self.catch_up_timers(self.table.id(index), now, Until::With(now), out);
        let (slot, cold) = self.table.get_mut(index);
        let verdict = slot.flow.count(&observed, clock, cold);
        let packet = CountedPacket {
            extracted,
            observed: &observed,
            number,
        };
        let (observer, consumer) = (&mut self.observer, &mut self.consumer);
        let result = deliver_packet(
            observer,
            consumer,
            (index, slot, cold),
            packet,
            verdict,
            out,
        );
        self.report_result(result, out);
    }

    /// Reports what came of a packet beside its own event.
    ///
    /// Compiled into its callers, so that what never happens with a consumer is
    /// not even looked for. Whatever may happen is out of the way.
    #[inline(always)]
    pub(super) fn report_result(&mut self, result: PacketResult, out: &mut impl Sink<C::Event>) {
        let PacketResult { flow, at, .. } = result;
        if !result.found.is_empty() {
            self.report(flow, at, result.found, out);
        }
        if result.has_new_pending {
            self.note_pending(flow);
        }
        if let Some((before, after)) = result.states {
            self.changed(flow, before, after, at, out);
        }
        if self.is_under_pressure(flow) {
            self.relieve(flow, out);
        }
    }

    /// [`deliver`](Self::deliver) where a call does not matter.
    #[inline(never)]
    pub(super) fn deliver_out_of_line(
        &mut self,
        extractor: &E,
        extracted: &Extracted<'_, E::Key>,
        out: &mut impl Sink<C::Event>,
    ) {
        self.deliver(extractor, extracted, out);
    }

    /// Counts a packet that was rejected. A wrong checksum of TCP or UDP is noted on
    /// the flow, if it is live.
    #[cold]
    pub(super) fn skip_rejected(
        &mut self,
        extractor: &E,
        packet: PacketView<'_>,
        skip: Skip,
        out: &mut impl Sink<C::Event>,
    ) {
        self.stats.count_skip(skip);
        if skip.cause == Cause::BadChecksum
            && let Ok(extracted) = extractor.extract(packet)
            && matches!(
                (skip.layer, extracted.transport),
                (Layer::Tcp, Transport::Tcp(_))
                    | (Layer::Udp, Transport::Udp)
                    | (Layer::UdpLite, Transport::UdpLite)
            )
            && let Some(index) =
                self.find_live(self.table.hash(&extracted.key), &extracted.key, out)
        {
            let (slot, cold) = self.table.get_mut(index);
            slot.flow.note_bad_checksum(extracted.orientation, cold);
        }
    }

    /// Counts a packet on the flows outside of tunnels, if it is in any and that
    /// is asked for. `inner` is what it is in the tunnel, if it is known.
    #[cold]
    #[inline(never)]
    pub(super) fn deliver_outer(
        &mut self,
        extractor: &E,
        packet: PacketView<'_>,
        inner: Option<&Extracted<'_, E::Key>>,
        out: &mut impl Sink<C::Event>,
    ) {
        if self.config.outer_flows == OuterFlows::Ignored {
            return;
        }
        let Some(mut packets) = OuterPackets::of(packet, inner) else {
            return;
        };
        while let Some(outer) = packets.next(extractor, inner) {
            self.stats.packets_outer += 1;
            if self.is_behind || self.shards.is_behind() {
                self.find_live(self.table.hash(&outer.key), &outer.key, out);
            }
            self.deliver_out_of_line(extractor, &outer, out);
        }
    }

    /// Reports what was odd, each as an event of its own.
    #[cold]
    #[inline(never)]
    pub(super) fn report(
        &mut self,
        flow: FlowId,
        at: Timestamp,
        found: Anomalies,
        out: &mut impl Sink<C::Event>,
    ) {
        let counts = (&mut self.stats, &mut self.observer);
        report_all(counts, self.config.anomalies, (flow, at), found, out);
    }

    /// The statistics of a flow, with what the consumer knows.
    pub(super) fn stats_of(
        &self,
        slot: &Slot<E::Key, ConsumerState<C::Flow, C::Pending>>,
        cold: &ColdState,
    ) -> FlowStats {
        let mut stats = slot.flow.stats(cold);
        add_streams(&mut stats, self.consumer.streams(&slot.state.flow));
        stats
    }

    /// Reports a change of state, which may bring a shorter timeout.
    #[inline(never)]
    fn changed(
        &mut self,
        flow: FlowId,
        from: FlowState,
        to: FlowState,
        at: Timestamp,
        out: &mut impl Sink<C::Event>,
    ) {
        let event = match (from, to) {
            // The end of a handshake has an event of its own, since most users wait for it.
            (FlowState::SynSent | FlowState::SynReceived, FlowState::Established) => {
                FlowEvent::Established { flow, at }
            }
            _ => FlowEvent::StateChange { flow, at, from, to },
        };
        out.push(event.into());
        self.table.rearm(flow.index(), from, to);
    }

    #[cold]
    pub(super) fn start(
        &mut self,
        hash: u64,
        extracted: &Extracted<'_, E::Key>,
        at: Timestamp,
        out: &mut impl Sink<C::Event>,
    ) -> FlowIndex {
        // The flow nearest its timeout gives way: it is the one that is most likely
        // over. The table is never grown beyond what was asked for.
        let most = self.config.max_flows.clamp(1, MAX_FLOWS);
        if self.table.len() >= most - most / 8 {
            self.make_room_for_one(most, out);
        }
        let observed = Observed {
            at,
            ..self.observe(extracted)
        };
        let flow = Flow::new(self.table.next_number(), &observed, self.clock);
        // The key in the table is the one that events show, so that it is turned round
        // once for each flow and not for each event.
        let key = E::seen_from(extracted.key.clone(), flow.0.initiator());
        let frame = self.frame();
        let open = |id, key: &_, flow: &_, _: &_| {
            let flow = FlowRef::of_live(id, key, flow, at, frame);
            ConsumerState {
                flow: self.consumer.open(flow, extracted, out),
                pending: C::Pending::default(),
            }
        };
        let index = self.table.insert(hash, key, flow, open);
        let (slot, _) = self.table.get_mut(index);
        let id = FlowId::new(slot.flow.number(), index);
        let event = FlowEvent::Started {
            flow: id,
            key: slot.key.clone(),
            at,
            state: slot.flow.state,
        };
        self.stats.count_start();
        self.observer.started(id, at);
        out.push(event.into());
        self.note_pending(id);
        index
    }

    /// Evicts a flow if there are as many as there may be, or else prepares for
    /// that.
    #[cold]
    #[inline(never)]
    fn make_room_for_one(&mut self, most: usize, out: &mut impl Sink<C::Event>) {
        if self.table.len() < most {
            return self.table.look_ahead();
        }
        let Some(nearest) = self.table.nearest() else {
            return;
        };
        let deadline = self.table.deadline(nearest);
        if deadline <= self.clock {
            // It was due, and is the next to be ended.
            self.end(nearest, EndReason::IdleTimeout, deadline, out);
        } else {
            self.end(nearest, EndReason::Evicted, self.clock, out);
        }
    }

    /// Ends a flow of the table.
    #[cold]
    pub(super) fn end(
        &mut self,
        index: FlowIndex,
        reason: EndReason,
        at: Timestamp,
        out: &mut impl Sink<C::Event>,
    ) {
        self.table.unlink(index);
        self.close(index, reason, at, out);
    }

    /// Reports the end of a flow that is found no more, for the reason its own
    /// state gives or else for `reason`, and takes it out of the table.
    pub(super) fn close(
        &mut self,
        index: FlowIndex,
        reason: EndReason,
        at: Timestamp,
        out: &mut impl Sink<C::Event>,
    ) {
        let frame = self.frame();
        let id = self.table.id(index);
        // A flow that was silent for long enough ends before it is called at that moment.
        let until = match reason {
            EndReason::IdleTimeout => Until::Before(at),
            _ => Until::With(at),
        };
        self.catch_up_timers(id, at, until, out);
        let (slot, cold) = self.table.get_mut(index);
        let awaits_proof = slot.flow.awaits_proof();
        // What the connection said last is the reason, whoever removes the flow: one that
        // was reset and then expires has ended by the reset.
        let cause = reason;
        let reason = match slot.flow.state {
            FlowState::Closing | FlowState::Closed => EndReason::Fin,
            FlowState::Reset => EndReason::Rst,
            _ => reason,
        };
        let mut stats = slot.flow.stats(cold);
        let ended = FlowRef::of_live(id, &slot.key, &slot.flow, at, frame);
        let end = FlowEnd {
            reason,
            stats: &stats,
            cause,
        };
        let found = (self.consumer).close(&mut slot.state.flow, ended, end, out);
        let streams = self.consumer.streams(&slot.state.flow);
        add_streams(&mut stats, streams);
        self.forget_pending(id);
        if !found.is_empty() {
            self.report(id, at, found, out);
        }
        if awaits_proof {
            self.syn_queue.orphan(id);
            self.update_check_at();
        }
        self.stats.count_end(reason);
        let (key, state) = self.table.take(index);
        let ended = Ended {
            flow: id,
            at,
            reason,
            stats: &stats,
        };
        self.observer.ended(&ended, || streams);
        let event = FlowEvent::Ended {
            flow: id,
            key,
            at,
            reason,
            stats,
        };
        out.push(self.consumer.ended(state.flow, event));
    }
}

/// A packet that is counted.
struct CountedPacket<'p, 'a, K> {
    extracted: &'p Extracted<'a, K>,
    observed: &'p Observed,
    number: u64,
}

/// Reports a packet that was counted on a flow, and gives it to the consumer.
#[inline(always)]
fn deliver_packet<K, C: Consumer<K>>(
    observer: &mut Observer,
    consumer: &mut C,
    (index, slot, cold): TableEntry<'_, K, C>,
    packet: CountedPacket<'_, '_, K>,
    verdict: Verdict,
    out: &mut impl Sink<C::Event>,
) -> PacketResult {
    let observed = packet.observed;
    let side = slot.flow.side_of(observed.orientation);
    observer.packet(side, observed.wire_len, observed.payload_len);
    out.push(
        FlowEvent::Packet {
            flow: FlowId::new(slot.flow.number(), index),
            side,
            at: observed.at,
            wire_len: observed.wire_len,
            payload_len: observed.payload_len,
        }
        .into(),
    );
    let delivered = ConsumerPacket {
        extracted: packet.extracted,
        at: observed.at,
        number: packet.number,
        side,
    };
    call_consumer(consumer, (index, slot, cold), delivered, verdict, out)
}

/// A flow in the table.
pub(super) type TableEntry<'t, K, C> = (
    FlowIndex,
    &'t mut Slot<K, ConsumerState<<C as Consumer<K>>::Flow, <C as Consumer<K>>::Pending>>,
    &'t ColdState,
);

/// A packet for the consumer.
pub(super) struct ConsumerPacket<'p, 'a, K> {
    pub(super) extracted: &'p Extracted<'a, K>,
    pub(super) at: Timestamp,
    /// Which of the frames it came in.
    pub(super) number: u64,
    pub(super) side: FlowSide,
}

/// Calls the consumer for a packet that came whole, or was put together.
#[inline(always)]
pub(super) fn call_consumer<K, C: Consumer<K>>(
    consumer: &mut C,
    (index, slot, _): TableEntry<'_, K, C>,
    packet: ConsumerPacket<'_, '_, K>,
    verdict: Verdict,
    out: &mut impl Sink<C::Event>,
) -> PacketResult {
    let id = FlowId::new(slot.flow.number(), index);
    let flow = FlowRef {
        id,
        key: &slot.key,
        at: packet.at,
        packet: packet.number,
        connection: Connection::Live(&slot.flow),
        effect: verdict.effect,
    };
    let state = &mut slot.state.flow;
    let reaction = consumer.packet(state, flow, packet.side, packet.extracted, out);
    let mut found = verdict.found;
    found |= reaction.found;
    PacketResult {
        flow: id,
        at: packet.at,
        found,
        has_new_pending: reaction.has_new_pending,
        states: verdict.states,
    }
}

/// Adds to a flow's statistics those of its streams.
pub(super) fn add_streams(stats: &mut FlowStats, streams: Option<BySide<StreamStats>>) {
    if let Some(streams) = streams {
        stats.missing_bytes = BySide::from_fn(|side| streams[side].missing);
        stats.dropped_bytes = BySide::from_fn(|side| streams[side].dropped);
        stats.held_peak = BySide::from_fn(|side| streams[side].held_peak);
    }
}

/// Reports what was odd with a flow, each as an event of its own.
pub(super) fn report_all<K, T: From<FlowEvent<K>>>(
    (stats, observer): (&mut TrackerStats, &mut Observer),
    events: AnomalyEvents,
    (flow, at): (FlowId, Timestamp),
    found: Anomalies,
    out: &mut impl Sink<T>,
) {
    for (side, kind) in found.iter() {
        stats.count_anomaly(kind);
        observer.anomaly(flow, side, at, kind);
        if events == AnomalyEvents::Reported {
            let event = FlowEvent::Anomaly {
                flow,
                side,
                at,
                kind,
            };
            out.push(event.into());
        }
    }
}

/// More would not fit the 32 bits that places are numbered in.
const MAX_FLOWS: usize = 1 << 31;
