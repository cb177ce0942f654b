//! One loop for every driver.
//!
//! An [`Engine`] extracts, tracks and expires. What is done with the packets
//! of a flow is a [`Consumer`]'s, and is all in which drivers differ.

mod alarms;
mod contenders;
mod flows;
mod fragments;
mod lifecycle;
mod messages;
mod packet_filter;
mod payload;
mod payload_config;
mod reader;
mod streams;

pub use fragments::Fragment;
pub use lifecycle::Lifecycle;
pub use messages::{Datagrams, Messages, Reading, Sessions};
pub use payload::{Payload, PayloadFlow};
pub use payload_config::{PayloadConfig, Pressure};
pub use reader::{Outcome, Reader, Session};
pub use streams::Streams;

use alloc::boxed::Box;
use core::time::Duration;
use core::{array, fmt};

use crate::extract::{Extracted, FlowExtractor};
use crate::reassemble::StreamStats;
use crate::track::{
    Anomalies, ColdState, Config, Effect, EndReason, Fin, Flow, FlowEvent, FlowId, FlowState,
    FlowStats, TrackerStats,
};
use crate::wire::{Checksums, Subframes};
use crate::{BySide, Dedup, FlowSide, LinkType, PacketView, SeqNumber, Sink, Timestamp};
use flows::{Flows, Timestamps};
use packet_filter::PacketFilter;

/// What a driver does with the packets of its flows.
///
/// The state of a flow lives in the flow's own table entry, so that it costs no
/// second lookup and goes when the flow goes.
///
/// A consumer may want to be called when a flow is silent, or when it holds too
/// much. The engine asks what is [`pending`](Self::pending) after every call but
/// [`packet`](Self::packet), which says itself whether that has changed.
pub trait Consumer<K> {
    /// What is kept for each flow.
    type Flow;
    /// What is reported, besides what becomes of the flows themselves.
    type Event: From<FlowEvent<K>>;

    /// A flow begins with `packet`, which is yet to be counted.
    fn open(&mut self, flow: FlowRef<'_, K>, packet: &Extracted<'_, K>) -> Self::Flow;

    /// A packet was counted on its flow; or the fragments of one were, and it
    /// was put together from them.
    fn packet(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        packet: &Extracted<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) -> Reaction;

    /// A fragment was counted on its flow. What it carries comes with the whole
    /// datagram to [`packet`](Self::packet), if that ever comes.
    fn fragment(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        fragment: &Fragment<'_, K>,
    ) {
        let _ = (state, flow, side, fragment);
    }

    /// A flow ended. Its end is reported next.
    fn close(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        reason: EndReason,
        out: &mut impl Sink<Self::Event>,
    ) -> Anomalies;

    /// How the end of a flow is reported. It is [`FlowEvent::Ended`].
    fn ended(&mut self, state: Self::Flow, event: FlowEvent<K>) -> Self::Event {
        let _ = state;
        event.into()
    }

    /// What of a flow is to be attended to later.
    #[inline]
    fn pending(&self, state: &Self::Flow) -> Pending {
        let _ = state;
        Pending::NOTHING
    }

    /// The moment that [`Pending::alarm`] asked for has come: it is `flow.at`.
    fn wake(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) -> Anomalies {
        let _ = (state, flow, out);
        Anomalies::NONE
    }

    /// Whether it holds more than it may, over all flows.
    #[inline]
    fn is_pressed(&self) -> bool {
        false
    }

    /// Holds less of a flow: it has held for the longest time.
    fn shed(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) -> Anomalies {
        let _ = (state, flow, out);
        Anomalies::NONE
    }

    /// What the streams of a flow amount to so far, if it puts them in order.
    #[inline]
    fn streams(&self, state: &Self::Flow) -> Option<BySide<StreamStats>> {
        let _ = state;
        None
    }

    /// Bytes of memory that it holds now, over all flows.
    #[inline]
    fn memory(&self) -> usize {
        0
    }

    /// The most bytes of memory that it held at once.
    #[inline]
    fn memory_peak(&self) -> usize {
        0
    }

    /// Adds what it knows of a flow to the flow's statistics.
    #[inline]
    fn amend(&self, state: &Self::Flow, stats: &mut FlowStats) {
        let _ = (state, stats);
    }
}

/// What of a flow is to be attended to later.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pending {
    /// When [`Consumer::wake`] is to be called.
    pub alarm: Option<Timestamp>,
    /// Whether it holds anything that [`Consumer::shed`] could do without.
    pub holds: bool,
}

impl Pending {
    /// Nothing.
    pub const NOTHING: Self = Self {
        alarm: None,
        holds: false,
    };
}

/// What a [`Consumer`] made of a packet.
///
/// It says whether what is pending has changed, as for most packets it has not
/// and asking would cost more than they do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct Reaction {
    /// What was odd.
    pub found: Anomalies,
    /// What was pending before, and is now, where that is not the same.
    pub pending: Option<(Pending, Pending)>,
}

impl Reaction {
    /// Nothing odd, and nothing that is to be attended to otherwise than before.
    pub const NONE: Self = Self {
        found: Anomalies::NONE,
        pending: None,
    };

    /// What was odd, and what was pending before and is now.
    #[inline]
    pub fn new(found: Anomalies, was: Pending, is: Pending) -> Self {
        Self {
            found,
            pending: (was != is).then_some((was, is)),
        }
    }
}

/// A flow as a [`Consumer`] sees it.
#[derive(Debug)]
pub struct FlowRef<'a, K> {
    /// Its identifier.
    pub id: FlowId,
    /// What it is told apart by, seen from its initiator.
    pub key: &'a K,
    /// The time of what happens: of the packet, the alarm or the end.
    pub at: Timestamp,
    /// Which of the frames that the engine was given it came in, counted from 1;
    /// of what happens without a packet, the latest.
    ///
    /// It is not always the latest: a SYN that met another connection is
    /// counted when it is known whose it is.
    pub packet: u64,
    flow: &'a Flow,
    cold: &'a ColdState,
    effect: Effect,
}

impl<K> FlowRef<'_, K> {
    /// What it amounts to so far, without what its consumer knows of it.
    #[must_use]
    pub fn stats(&self) -> FlowStats {
        self.flow.stats(self.cold)
    }

    /// What it is doing.
    #[must_use]
    pub fn state(&self) -> FlowState {
        self.flow.state
    }

    /// What the packet does to its connection.
    #[inline]
    fn effect(&self) -> Effect {
        self.effect
    }

    /// The first number of a side's stream, once that is settled.
    #[inline]
    fn stream_begin(&self, side: FlowSide) -> Option<SeqNumber> {
        self.flow.stream_begin(side)
    }

    /// Whether the other side has taken the SYN of a side without its data.
    fn has_refused_early_data(&self, side: FlowSide) -> bool {
        self.flow.has_refused_early_data(side)
    }

    /// Whether a SYN of a side has another number than its first.
    fn is_other_syn(&self, side: FlowSide, seq: SeqNumber) -> bool {
        self.flow.is_other_syn(side, seq)
    }

    /// Whether a side's stream has ended.
    #[inline]
    fn fin(&self, side: FlowSide) -> Fin {
        self.flow.fin(side)
    }
}

impl<K> Clone for FlowRef<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for FlowRef<'_, K> {}

/// Turns packets into events: extracts, tracks, hands to its consumer, expires.
///
/// The names to use it by are [`FlowTracker`](crate::FlowTracker) and its
/// siblings.
pub struct Engine<E: FlowExtractor, C: Consumer<E::Key>> {
    extractor: E,
    flows: Flows<E, C>,
    /// In a box, as most have none and it is large.
    filter: Option<Box<PacketFilter>>,
}

impl<E: FlowExtractor, C: Consumer<E::Key>> Engine<E, C> {
    /// An engine for flows as `extractor` tells them apart.
    pub fn with_consumer(extractor: E, consumer: C, config: Config) -> Self {
        Self {
            extractor,
            flows: Flows::new(consumer, config),
            filter: None,
        }
    }

    /// Lets `timeout` choose the idle timeout of a flow by its key and state;
    /// `None` leaves the usual one.
    ///
    /// It is asked when a flow's deadline comes up and when its state changes,
    /// not for every packet, and should always answer the same.
    #[must_use]
    pub fn with_idle_timeout_fn(
        mut self,
        timeout: impl Fn(&E::Key, FlowState) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        self.flows.table.set_timeout_fn(Box::new(timeout));
        self
    }

    /// If `monotonic`, a packet older than the latest counts as being of the
    /// latest's time, so that no event is older than the one before it.
    ///
    /// Otherwise, as by default, it keeps its own time; it never moves the
    /// clock that flows expire by.
    #[must_use]
    pub fn with_monotonic_timestamps(mut self, monotonic: bool) -> Self {
        self.flows.timestamps = if monotonic {
            Timestamps::Monotonic
        } else {
            Timestamps::AsCaptured
        };
        self
    }

    /// Turns away copies of packets, which are counted as skipped for
    /// `Cause::Duplicate`: for captures that see each packet twice.
    #[must_use]
    pub fn with_dedup(mut self, dedup: Dedup) -> Self {
        self.filter.get_or_insert_default().dedup = Some(dedup);
        self
    }

    /// Whether packets with wrong checksums are turned away, and counted as
    /// skipped for `Cause::BadChecksum`. By default checksums are ignored.
    #[must_use]
    pub fn with_checksums(mut self, checksums: Checksums) -> Self {
        self.filter.get_or_insert_default().checksums = checksums;
        self
    }

    /// What turns copies of packets away, if anything does.
    #[must_use]
    pub fn dedup(&self) -> Option<&Dedup> {
        self.filter.as_ref()?.dedup.as_ref()
    }

    /// Whether [`FlowEvent::Anomaly`] is reported, as by default. Anomalies are
    /// counted either way.
    #[must_use]
    pub fn with_anomalies(mut self, reported: bool) -> Self {
        self.flows.reports_anomalies = reported;
        self
    }

    /// Takes one packet.
    #[inline]
    pub fn track(&mut self, packet: PacketView<'_>, out: &mut impl Sink<C::Event>) {
        self.take(packet, out);
    }

    /// Compiled into the loop of [`track_batch`](Self::track_batch): so a packet
    /// is not written to memory for a call and read back.
    #[inline(always)]
    fn take(&mut self, packet: PacketView<'_>, out: &mut impl Sink<C::Event>) {
        if packet.link != LinkType::ETHERNET
            && let Some(packets) = Subframes::of(packet)
        {
            return self.take_several(packet, packets, out);
        }
        self.take_one(packet, out);
    }

    /// Takes a frame that carries several packets: each counts as one. If there
    /// is none in it, the frame does.
    #[cold]
    #[inline(never)]
    fn take_several(
        &mut self,
        frame: PacketView<'_>,
        mut packets: Subframes<'_>,
        out: &mut impl Sink<C::Event>,
    ) {
        self.take_one(packets.next().unwrap_or(frame), out);
        for packet in packets {
            self.flows.packets_beside += 1;
            self.take_one(packet, out);
        }
    }

    #[inline(always)]
    fn take_one(&mut self, packet: PacketView<'_>, out: &mut impl Sink<C::Event>) {
        let flows = &mut self.flows;
        flows.admit(&self.extractor, &packet, out);
        if let Some(filter) = &mut self.filter
            && let Some(skip) = filter.rejects(packet, &self.extractor)
        {
            return flows.stats.count_skip(skip);
        }
        let extracted = match self.extractor.extract(packet) {
            Ok(extracted) => extracted,
            Err(skip) => return flows.take_apart(&self.extractor, packet, Some(skip), out),
        };
        if extracted.is_fragment {
            return flows.take_apart(&self.extractor, packet, None, out);
        }
        flows.deliver(&self.extractor, &extracted, out);
        if let Some(outer) = self.extractor.outer(&extracted) {
            flows.deliver_outer(&self.extractor, &outer, out);
        }
    }

    /// Takes several packets: the same as [`track`](Self::track) for each in
    /// turn, and faster where there are many flows.
    ///
    /// Each packet of a large table waits for memory. Here the flows of the
    /// next packets are looked up together, so that they wait together.
    pub fn track_batch<'a>(
        &mut self,
        packets: impl IntoIterator<Item = PacketView<'a>>,
        out: &mut impl Sink<C::Event>,
    ) {
        let mut packets = packets.into_iter().fuse();
        let mut group = Group::default();
        // One loop for tables of any size, so that what takes a packet is
        // compiled once and into it.
        loop {
            if group.is_empty() && self.flows.table.len() >= PREFETCH_FROM {
                group.fill(&mut packets);
                self.prefetch(&group.packets);
            }
            let next = if group.is_empty() {
                packets.next()
            } else {
                group.next()
            };
            let Some(packet) = next else { return };
            self.take(packet, out);
        }
    }

    /// Does what is due at `now`: ends flows that have been silent for too long,
    /// gives up holes, lets parsers do what they wait for.
    ///
    /// Packets do this by their own times; a live source calls it when it has
    /// been quiet. See [`next_expiry`](Self::next_expiry).
    pub fn expire(&mut self, now: Timestamp, out: &mut impl Sink<C::Event>) {
        self.flows.clock = self.flows.clock.max(now);
        self.flows.expire_due(&self.extractor, out);
        self.flows.publish();
    }

    /// When [`expire`](Self::expire) may next have something to do: no flow
    /// expires before, no fragment, hole or unanswered SYN is given up and no
    /// parser is due. `None` without flows and fragments.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Timestamp> {
        let flows = &self.flows;
        let all = [
            flows.table.next_expiry(),
            flows.alarms.next(),
            flows.fragments.next_deadline(),
            flows.contenders.next_deadline(),
        ];
        all.into_iter().flatten().min()
    }

    /// Ends every flow that is still open, in the order of their first packets.
    ///
    /// The engine is then as new, but for its statistics and its clock.
    pub fn finish(&mut self, out: &mut impl Sink<C::Event>) {
        self.flows.finish(&self.extractor, out);
        self.flows.publish();
    }

    /// What was seen so far.
    #[must_use]
    pub fn stats(&self) -> &TrackerStats {
        &self.flows.stats
    }

    /// How many flows are live.
    #[must_use]
    pub fn active_flows(&self) -> usize {
        self.flows.table.len()
    }

    /// The statistics of every live flow, in no particular order.
    pub fn snapshot_flow_stats(&self) -> impl Iterator<Item = (&E::Key, FlowStats)> {
        let flows = &self.flows;
        let slots = flows.table.iter();
        slots.map(|(slot, cold)| (&slot.key, flows.stats_of(slot, cold)))
    }

    /// What a flow is told apart by, while it lives, seen from its initiator.
    #[must_use]
    pub fn flow_key(&self, flow: FlowId) -> Option<&E::Key> {
        Some(&self.flows.table.by_id(flow)?.0.key)
    }

    /// The statistics of one flow, while it lives.
    #[must_use]
    pub fn flow_stats(&self, flow: FlowId) -> Option<FlowStats> {
        let (slot, cold) = self.flows.table.by_id(flow)?;
        Some(self.flows.stats_of(slot, cold))
    }

    /// What the consumer keeps for a flow, while it lives.
    #[must_use]
    pub fn flow_state(&self, flow: FlowId) -> Option<&C::Flow> {
        Some(&self.flows.table.by_id(flow)?.0.state)
    }

    /// What the consumer keeps for a flow, while it lives.
    #[must_use]
    pub fn flow_state_mut(&mut self, flow: FlowId) -> Option<&mut C::Flow> {
        Some(&mut self.flows.table.by_id_mut(flow)?.state)
    }

    /// The consumer.
    #[must_use]
    pub fn consumer(&self) -> &C {
        &self.flows.consumer
    }

    /// The consumer.
    #[must_use]
    pub fn consumer_mut(&mut self) -> &mut C {
        &mut self.flows.consumer
    }

    /// Brings the flows of these packets into the cache.
    ///
    /// Extracting a packet again later is cheaper than keeping what was found.
    #[inline(never)]
    fn prefetch(&self, packets: &[Option<PacketView<'_>>; GROUP]) {
        // One level of the table at a time: within a level no access waits for
        // another.
        let hashes = packets.map(|packet| {
            let extracted = self.extractor.extract(packet?).ok()?;
            Some(self.flows.table.hash(&extracted.key))
        });
        let places = hashes.map(|hash| self.flows.table.candidate(hash?));
        for place in places.into_iter().flatten() {
            self.flows.table.prefetch(place);
        }
    }
}

impl<E: FlowExtractor, C: Consumer<E::Key>> fmt::Debug for Engine<E, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("config", &self.flows.config)
            .field("clock", &self.flows.clock)
            .field("stats", &self.flows.stats)
            .finish_non_exhaustive()
    }
}

/// Packets that were looked up together, and are yet to be taken.
#[derive(Debug, Default)]
struct Group<'a> {
    packets: [Option<PacketView<'a>>; GROUP],
    taken: usize,
    len: usize,
}

impl<'a> Group<'a> {
    #[inline]
    fn is_empty(&self) -> bool {
        self.taken == self.len
    }

    #[inline(never)]
    fn fill(&mut self, packets: &mut impl Iterator<Item = PacketView<'a>>) {
        self.packets = array::from_fn(|_| packets.next());
        self.taken = 0;
        self.len = self.packets.iter().flatten().count();
    }

    /// The next one; there is none only if the group is empty.
    #[inline]
    fn next(&mut self) -> Option<PacketView<'a>> {
        let next = *self.packets.get(self.taken)?;
        self.taken += 1;
        next
    }
}

/// Packets looked up together: enough to keep memory busy.
const GROUP: usize = 32;

/// In smaller tables, what traffic comes back to is in the cache anyway.
const PREFETCH_FROM: usize = 65_536;
