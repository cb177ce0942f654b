//! One loop for every driver.
//!
//! An [`Engine`] extracts, tracks and expires. What is done with the packets
//! of a flow is a [`Consumer`]'s, and is all in which drivers differ.

mod batch;
pub(crate) mod config;
mod consumer;
pub mod deal;
mod flow_ref;
mod flows;
mod fragment;
mod fragment_owner;
mod fragment_push;
mod fragment_store;
mod fragments;
mod held_memory;
mod lifecycle;
mod new_connection;
mod packet_filter;
mod parsers;
mod payload;
mod pending;
mod reader;
mod reassembly;
mod scheduling;
mod shard;
mod shards;
mod stream_callbacks;
mod syn_queue;
mod timers;

pub(crate) use config::EngineConfig;
pub use config::{AnomalyEvents, OuterFlows, PayloadConfig, Pressure, TimestampPolicy};
pub use consumer::{Advance, Consumer, Reaction};
pub use flow_ref::{FlowEnd, FlowRef};
pub use fragment::Fragment;
pub use lifecycle::Lifecycle;
pub(crate) use parsers::{Datagrams, Sessions};
pub use parsers::{FlowParser, Parsers};
pub use payload::{PayloadConsumer, PayloadState};
pub use pending::{Pending, PendingEntry, PendingSlot};
pub use reader::{PayloadReader, ReadResult, ReadState};
pub use reassembly::{ReassemblerFactory, Reassembly};
pub use shards::Until;
pub use stream_callbacks::StreamCallbacks;

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use crate::extract::FlowExtractor;
use crate::track::{FlowId, FlowState, FlowStats, TrackerStats, Work};
use crate::wire::Subframes;
use crate::{Dedup, LinkType, PacketView, Sink, Timestamp};
use flows::Flows;
use packet_filter::PacketFilter;

/// Turns packets into events: extracts, tracks, hands to its consumer, expires.
///
/// The names to use it by are [`FlowTracker`](crate::FlowTracker) and its
/// siblings.
pub struct Engine<E: FlowExtractor, C: Consumer<E::Key>> {
    extractor: E,
    flows: Flows<E, C>,
    filter: PacketFilter,
    /// Whether packets are neither filtered nor counted on outer flows: one test
    /// for every packet.
    is_plain: bool,
}

impl<E: FlowExtractor, C: Consumer<E::Key>> Engine<E, C> {
    /// An engine for flows as `extractor` tells them apart, with the settings of
    /// `config`.
    pub fn with_consumer(extractor: E, mut consumer: C, config: EngineConfig) -> Self {
        consumer.configure(&config);
        let filter = PacketFilter {
            dedup: config.dedup.map(Dedup::new),
            checksums: config.checksums,
        };
        Self {
            extractor,
            flows: Flows::new(consumer, config),
            is_plain: filter.is_open() && config.outer_flows == OuterFlows::Ignored,
            filter,
        }
    }

    /// Begins anew with other settings.
    #[must_use]
    pub fn with_config(self, config: EngineConfig) -> Self {
        Self::with_consumer(self.extractor, self.flows.consumer, config)
    }

    /// Begins anew with another consumer.
    pub(crate) fn with_consumer_of<D: Consumer<E::Key>>(self, consumer: D) -> Engine<E, D> {
        Engine::with_consumer(self.extractor, consumer, self.flows.config)
    }

    /// What it was made of, so that another kind of driver can be made of it.
    #[must_use]
    pub fn into_parts(self) -> (E, C, EngineConfig) {
        (self.extractor, self.flows.consumer, self.flows.config)
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

    /// A packet older than the latest counts as being of the latest's time: see
    /// [`TimestampPolicy::Monotonic`].
    #[must_use]
    pub fn with_monotonic_timestamps(mut self) -> Self {
        self.flows.config.timestamps = TimestampPolicy::Monotonic;
        self
    }

    /// Rejects copies of packets: see [`EngineConfig::dedup`].
    #[must_use]
    pub fn with_dedup(mut self, dedup: Dedup) -> Self {
        self.filter.dedup = Some(dedup);
        self.is_plain = false;
        self
    }

    /// Tracks one packet.
    #[inline]
    pub fn track(&mut self, packet: PacketView<'_>, out: &mut impl Sink<C::Event>) {
        self.track_inline(packet, out);
    }

    /// Compiled into the loop of [`track_batch`](Self::track_batch): so a packet
    /// is not written to memory for a call and read back.
    #[inline(always)]
    fn track_inline(&mut self, packet: PacketView<'_>, out: &mut impl Sink<C::Event>) {
        if packet.link != LinkType::ETHERNET
            && let Some(packets) = Subframes::of(packet)
        {
            return self.track_subframes(packet, packets, out);
        }
        self.track_one(packet, out);
    }

    /// Tracks a frame that carries several packets: each counts as one. If there
    /// is none in it, the frame does.
    #[cold]
    #[inline(never)]
    fn track_subframes(
        &mut self,
        frame: PacketView<'_>,
        mut packets: Subframes<'_>,
        out: &mut impl Sink<C::Event>,
    ) {
        self.track_one(packets.next().unwrap_or(frame), out);
        for packet in packets {
            self.flows.packets_beside += 1;
            self.track_one(packet, out);
        }
    }

    #[inline(always)]
    fn track_one(&mut self, packet: PacketView<'_>, out: &mut impl Sink<C::Event>) {
        self.flows.begin_packet(&self.extractor, &packet, out);
        if !self.is_plain {
            return self.track_checked(packet, out);
        }
        let flows = &mut self.flows;
        match self.extractor.extract(packet) {
            Ok(extracted) if !extracted.is_fragment => {
                flows.deliver(&self.extractor, &extracted, out);
            }
            Ok(_) => flows.track_partial(&self.extractor, packet, None, out),
            Err(skip) => flows.track_partial(&self.extractor, packet, Some(skip), out),
        }
    }

    /// Does the same where packets are filtered, or count on outer flows.
    #[inline(never)]
    fn track_checked(&mut self, packet: PacketView<'_>, out: &mut impl Sink<C::Event>) {
        let flows = &mut self.flows;
        if let Some(skip) = self.filter.rejects(packet, &self.extractor) {
            return flows.skip_rejected(&self.extractor, packet, skip, out);
        }
        match self.extractor.extract(packet) {
            Ok(extracted) if !extracted.is_fragment => {
                flows.deliver_out_of_line(&self.extractor, &extracted, out);
                if !extracted.is_bare() {
                    flows.deliver_outer(&self.extractor, packet, Some(&extracted), out);
                }
            }
            Ok(_) => flows.track_partial(&self.extractor, packet, None, out),
            Err(skip) => flows.track_partial(&self.extractor, packet, Some(skip), out),
        }
    }

    /// Does what is due at `now`: ends flows that have been silent for too long,
    /// gives up holes, lets parsers do what they wait for.
    ///
    /// Packets do this by their own times; a live source calls it when it has
    /// been quiet. See [`next_expiry`](Self::next_expiry).
    pub fn expire(&mut self, now: Timestamp, out: &mut impl Sink<C::Event>) {
        let flows = &mut self.flows;
        let before = flows.clock;
        flows.clock = before.max(now);
        flows.consumer.advance(Advance::Expire(flows.clock), out);
        let work = Some(Work::all());
        flows.expire_due(&self.extractor, work, usize::MAX, before, out);
        flows.publish();
    }

    /// When [`expire`](Self::expire) may next have something to do: no flow
    /// expires before, no fragment, hole or unanswered SYN is given up and no
    /// parser is due. `None` without flows and fragments.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Timestamp> {
        let flows = &self.flows;
        let all = [
            flows.table.next_expiry(),
            Some(flows.shards.next()).filter(|next| *next != Timestamp::MAX),
            flows.fragments.next_deadline(),
            flows.syn_queue.next_deadline(),
        ];
        all.into_iter().flatten().min()
    }

    /// Ends every flow that is still open, in the order of their first packets.
    ///
    /// The engine is then as new, but for its statistics and its clock.
    pub fn finish(&mut self, out: &mut impl Sink<C::Event>) {
        while self.finish_some(usize::MAX, out) {}
    }

    /// Ends some of the flows; `true` if there are more.
    pub(crate) fn finish_some(&mut self, most: usize, out: &mut impl Sink<C::Event>) -> bool {
        let has_more = self.flows.finish(&self.extractor, most, out);
        self.flows.publish();
        has_more
    }

    /// What was seen so far.
    #[must_use]
    pub fn stats(&self) -> &TrackerStats {
        &self.flows.stats
    }

    /// The statistics of every live flow, in no particular order.
    pub fn snapshot_flow_stats(&self) -> impl Iterator<Item = (FlowId, &E::Key, FlowStats)> {
        let flows = &self.flows;
        let slots = flows.table.iter();
        slots.map(|(id, slot, cold)| (id, &slot.key, flows.stats_of(slot, cold)))
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
        Some(&self.flows.table.by_id(flow)?.0.state.flow)
    }

    /// What the consumer keeps for a flow, while it lives.
    #[must_use]
    pub fn flow_state_mut(&mut self, flow: FlowId) -> Option<&mut C::Flow> {
        Some(&mut self.flows.table.by_id_mut(flow)?.state.flow)
    }

    /// Bytes of memory that are held now for all flows: see
    /// [`EngineConfig::max_memory`].
    #[must_use]
    pub const fn held_memory(&self) -> usize {
        self.flows.shards.memory.used
    }

    /// The most bytes of memory that were held at once.
    #[must_use]
    pub const fn held_memory_peak(&self) -> usize {
        self.flows.shards.memory.peak
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
