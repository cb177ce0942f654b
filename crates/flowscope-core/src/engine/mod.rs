//! One loop for every driver.
//!
//! An [`Engine`] extracts, tracks and expires. What is done with the packets
//! of a flow is a [`Consumer`]'s, and is all in which drivers differ.

mod lifecycle;

pub use lifecycle::Lifecycle;

use alloc::boxed::Box;
use core::time::Duration;
use core::{array, fmt};

use crate::extract::{Extracted, FlowExtractor, Grain};
use crate::track::{
    AnomalyKind, Config, EndReason, Flow, FlowEvent, FlowId, FlowState, FlowStats, Observed, Slot,
    Table, TrackerStats, Verdict,
};
use crate::wire::Transport;
use crate::{FlowSide, PacketView, Sink, Timestamp};

/// What a driver does with the packets of its flows.
///
/// The state of a flow lives in the flow's own table entry, so that it costs no
/// second lookup and goes when the flow goes.
pub trait Consumer<K> {
    /// What is kept for each flow.
    type Flow;
    /// What is reported, besides what becomes of the flows themselves.
    type Event: From<FlowEvent<K>>;

    /// A flow begins.
    fn open(&mut self, flow: FlowRef<'_, K>) -> Self::Flow;

    /// A packet was counted on its flow.
    fn packet(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        packet: &Extracted<'_, K>,
        out: &mut impl Sink<Self::Event>,
    );

    /// A flow ended.
    fn close(
        &mut self,
        state: Self::Flow,
        flow: FlowRef<'_, K>,
        end: End,
        out: &mut impl Sink<Self::Event>,
    );
}

/// A flow as a [`Consumer`] sees it.
#[derive(Debug)]
pub struct FlowRef<'a, K> {
    /// Its identifier.
    pub id: FlowId,
    /// What it is told apart by, seen from its initiator.
    pub key: &'a K,
    flow: &'a Flow,
}

impl<K> FlowRef<'_, K> {
    /// What it amounts to so far.
    #[must_use]
    pub fn stats(&self) -> FlowStats {
        self.flow.stats()
    }

    /// What it is doing.
    #[must_use]
    pub fn state(&self) -> FlowState {
        self.flow.state
    }
}

impl<K> Clone for FlowRef<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for FlowRef<'_, K> {}

/// How a flow ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: EndReason,
}

/// Turns packets into events: extracts, tracks, hands to its consumer, expires.
///
/// The names to use it by are [`FlowTracker`](crate::FlowTracker) and its
/// siblings.
pub struct Engine<E: FlowExtractor, C: Consumer<E::Key>> {
    extractor: E,
    consumer: C,
    table: Table<E::Key, C::Flow>,
    config: Config,
    clock: Timestamp,
    timestamps: Timestamps,
    stats: TrackerStats,
}

/// What is done about a packet older than the one before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Timestamps {
    AsCaptured,
    Monotonic,
}

impl<E: FlowExtractor, C: Consumer<E::Key>> Engine<E, C> {
    /// An engine for flows as `extractor` tells them apart.
    pub fn with_consumer(extractor: E, consumer: C, config: Config) -> Self {
        Self {
            extractor,
            consumer,
            table: Table::new(config.idle),
            config,
            clock: Timestamp::EPOCH,
            timestamps: Timestamps::AsCaptured,
            stats: TrackerStats::default(),
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
        self.table.set_timeout_fn(Box::new(timeout));
        self
    }

    /// If `monotonic`, a packet older than the latest counts as being of the
    /// latest's time, so that no event is older than the one before it.
    ///
    /// Otherwise, as by default, it keeps its own time; it never moves the
    /// clock that flows expire by.
    #[must_use]
    pub fn with_monotonic_timestamps(mut self, monotonic: bool) -> Self {
        self.timestamps = if monotonic {
            Timestamps::Monotonic
        } else {
            Timestamps::AsCaptured
        };
        self
    }

    /// Takes one packet.
    #[inline]
    pub fn track(&mut self, packet: PacketView<'_>, out: &mut impl Sink<C::Event>) {
        self.clock = self.clock.max(packet.timestamp);
        self.stats.packets += 1;
        self.stats.bytes += u64::from(packet.wire_len);
        if self.clock >= self.table.check_at() {
            self.expire_due(out);
        }
        match self.extractor.extract(packet) {
            Ok(extracted) => self.deliver(&extracted, out),
            Err(skip) => self.stats.count_skip(skip),
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
        loop {
            let group: [Option<PacketView<'_>>; GROUP] = array::from_fn(|_| packets.next());
            if self.table.len() >= WORTH_WARMING {
                self.warm(&group);
            }
            for packet in &group {
                let Some(packet) = packet else { return };
                self.track(*packet, out);
            }
        }
    }

    /// Ends the flows that have been silent for too long at `now`.
    ///
    /// Packets do this by their own times; a live source calls it when it has
    /// been quiet. See [`next_expiry`](Self::next_expiry).
    pub fn expire(&mut self, now: Timestamp, out: &mut impl Sink<C::Event>) {
        self.clock = self.clock.max(now);
        self.expire_due(out);
    }

    /// When [`expire`](Self::expire) may next have something to do: no flow
    /// expires before. `None` without flows.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.table.next_expiry()
    }

    /// Ends every flow that is still open, in the order of their first packets.
    ///
    /// The engine is then as new, but for its statistics and its clock.
    pub fn finish(&mut self, out: &mut impl Sink<C::Event>) {
        for (id, slot) in self.table.drain() {
            self.close(id, slot, EndReason::EndOfInput, self.clock, out);
        }
    }

    /// What was seen so far.
    #[must_use]
    pub fn stats(&self) -> &TrackerStats {
        &self.stats
    }

    /// How many flows are live.
    #[must_use]
    pub fn active_flows(&self) -> usize {
        self.table.len()
    }

    /// The statistics of every live flow, in no particular order.
    pub fn snapshot_flow_stats(&self) -> impl Iterator<Item = (&E::Key, FlowStats)> {
        self.table
            .iter()
            .map(|(_, slot)| (&slot.key, slot.flow.stats()))
    }

    /// What a flow is told apart by, while it lives, seen from its initiator.
    #[must_use]
    pub fn flow_key(&self, flow: FlowId) -> Option<&E::Key> {
        Some(&self.table.by_id(flow)?.key)
    }

    /// The statistics of one flow, while it lives.
    #[must_use]
    pub fn flow_stats(&self, flow: FlowId) -> Option<FlowStats> {
        Some(self.table.by_id(flow)?.flow.stats())
    }

    /// What the consumer keeps for a flow, while it lives.
    #[must_use]
    pub fn flow_state(&self, flow: FlowId) -> Option<&C::Flow> {
        Some(&self.table.by_id(flow)?.state)
    }

    /// What the consumer keeps for a flow, while it lives.
    #[must_use]
    pub fn flow_state_mut(&mut self, flow: FlowId) -> Option<&mut C::Flow> {
        Some(&mut self.table.by_id_mut(flow)?.state)
    }

    /// The consumer.
    #[must_use]
    pub fn consumer(&self) -> &C {
        &self.consumer
    }

    /// The consumer.
    #[must_use]
    pub fn consumer_mut(&mut self) -> &mut C {
        &mut self.consumer
    }

    /// Brings the flows of these packets into the cache.
    ///
    /// Extracting a packet again later is cheaper than keeping what was found.
    #[inline(never)]
    fn warm(&self, packets: &[Option<PacketView<'_>>; GROUP]) {
        // One level of the table at a time: within a level no access waits for
        // another.
        let hashes = packets.map(|packet| {
            let extracted = self.extractor.extract(packet?).ok()?;
            Some(self.table.hash(&extracted.key))
        });
        let places = hashes.map(|hash| self.table.candidate(hash?));
        for place in places.into_iter().flatten() {
            self.table.warm(place);
        }
    }

    #[inline]
    fn deliver(&mut self, extracted: &Extracted<'_, E::Key>, out: &mut impl Sink<C::Event>) {
        let packet = &extracted.packet;
        let at = match self.timestamps {
            Timestamps::AsCaptured => packet.timestamp,
            Timestamps::Monotonic => self.clock,
        };
        let observed = Observed {
            at,
            orientation: extracted.orientation,
            transport: match extracted.grain {
                Grain::Connection => &extracted.transport,
                Grain::Ends => &Transport::None,
            },
            wire_len: packet.wire_len,
            ip_len: extracted.ip_len,
            payload_len: extracted.payload.wire_len(),
            is_cut: packet.missing() > 0,
        };
        let hash = self.table.hash(&extracted.key);
        let mut index = match self.table.find(hash, &extracted.key) {
            Some(index) => index,
            None => self.start(hash, &extracted.key, &observed, out),
        };
        let (clock, reuse_after) = (self.clock, self.config.reuse_after);
        let mut slot = self.table.slot_mut(index);
        if slot.flow.is_replaced_by(&observed, clock, reuse_after) {
            self.end(index, EndReason::IdleTimeout, clock, out);
            index = self.start(hash, &extracted.key, &observed, out);
            slot = self.table.slot_mut(index);
        }

        let flow = &mut slot.flow;
        let id = FlowId::new(flow.number, index);
        let before = flow.state;
        let verdict = flow.count(&observed, clock);
        let side = flow.side_of(observed.orientation);
        out.push(
            FlowEvent::Packet {
                flow: id,
                side,
                at,
                wire_len: observed.wire_len,
                payload_len: observed.payload_len,
            }
            .into(),
        );
        let after = flow.state;
        let flow = FlowRef {
            id,
            key: &slot.key,
            flow,
        };
        self.consumer
            .packet(&mut slot.state, flow, side, extracted, out);
        let kind = match verdict {
            Verdict::Expected | Verdict::Retransmission | Verdict::OutOfOrder => None,
            Verdict::RstOutOfWindow => Some(AnomalyKind::RstOutOfWindow),
            Verdict::SynInConnection => Some(AnomalyKind::SynInConnection),
        };
        if let Some(kind) = kind {
            self.stats.anomalies += 1;
            let event = FlowEvent::Anomaly {
                flow: id,
                side,
                at,
                kind,
            };
            out.push(event.into());
        }
        if before != after {
            self.changed(id, before, after, at, out);
        }
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
        let event = match to {
            FlowState::Established => FlowEvent::Established { flow, at },
            to => FlowEvent::StateChange { flow, at, from, to },
        };
        out.push(event.into());
        self.table.rearm(flow.index());
    }

    #[cold]
    fn start(
        &mut self,
        hash: u64,
        key: &E::Key,
        observed: &Observed<'_>,
        out: &mut impl Sink<C::Event>,
    ) -> u32 {
        if self.table.len() >= self.config.max_flows.clamp(1, MAX_FLOWS)
            && let Some(nearest) = self.table.nearest()
        {
            self.end(nearest, EndReason::Evicted, self.clock, out);
        }
        let flow = Flow::new(self.table.next_number(), observed, self.clock);
        let key = E::seen_from(key.clone(), flow.initiator());
        let index = self.table.insert(hash, key, flow, |id, key, flow| {
            self.consumer.open(FlowRef { id, key, flow })
        });
        let slot = self.table.slot_mut(index);
        let event = FlowEvent::Started {
            flow: FlowId::new(slot.flow.number, index),
            key: slot.key.clone(),
            at: observed.at,
            state: slot.flow.state,
        };
        self.stats.count_start();
        out.push(event.into());
        index
    }

    #[cold]
    fn expire_due(&mut self, out: &mut impl Sink<C::Event>) {
        while let Some(index) = self.table.due(self.clock) {
            let at = self.table.deadline(index);
            self.end(index, EndReason::IdleTimeout, at, out);
        }
    }

    /// Ends a flow of the table.
    #[cold]
    fn end(&mut self, index: u32, reason: EndReason, at: Timestamp, out: &mut impl Sink<C::Event>) {
        let id = self.table.id(index);
        let slot = self.table.remove(index);
        self.close(id, slot, reason, at, out);
    }

    /// Reports the end of a flow that is no longer in the table, for the reason
    /// its own state gives or else for `reason`.
    fn close(
        &mut self,
        id: FlowId,
        slot: Slot<E::Key, C::Flow>,
        reason: EndReason,
        at: Timestamp,
        out: &mut impl Sink<C::Event>,
    ) {
        let Slot {
            key, flow, state, ..
        } = slot;
        let reason = match flow.state {
            FlowState::Closing | FlowState::Closed => EndReason::Fin,
            FlowState::Reset => EndReason::Rst,
            _ => reason,
        };
        let ended = FlowRef {
            id,
            key: &key,
            flow: &flow,
        };
        self.consumer.close(state, ended, End { at, reason }, out);
        self.stats.count_end(reason);
        let event = FlowEvent::Ended {
            flow: id,
            key,
            at,
            reason,
            stats: flow.stats(),
        };
        out.push(event.into());
    }
}

impl<E: FlowExtractor, C: Consumer<E::Key>> fmt::Debug for Engine<E, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("config", &self.config)
            .field("clock", &self.clock)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

/// Packets looked up together: enough to keep memory busy.
const GROUP: usize = 32;

/// In smaller tables, what traffic comes back to is in the cache anyway.
const WORTH_WARMING: usize = 65_536;

/// More would not fit the 32 bits that places are numbered in.
const MAX_FLOWS: usize = 1 << 31;
