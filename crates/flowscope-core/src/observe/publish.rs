//! Publishing through the crate `metrics`.
//!
//! What a tracker counts anyway is not counted again: what it has grown by is
//! published now and then. Recorders are looked up each time, so one that is
//! installed late misses only what was published before.

use alloc::boxed::Box;
use alloc::vec::Vec;

use metrics::{Key, Label, Level, Metadata};

use super::EngineCounts;
use super::names::{self, METRICS, Metric, MetricKind, Unit, labels};
use crate::defrag::Loss;
use crate::reassemble::StreamStats;
use crate::track::{AnomalyKind, EndReason, TrackerStats};
use crate::{BySide, FlowSide};

/// Tells the installed recorder the unit and the meaning of every metric.
///
/// Once, by the program, after it installed its recorder.
pub fn describe() {
    for Metric {
        name,
        kind,
        unit,
        description,
        ..
    } in METRICS.iter().copied()
    {
        let unit = match unit {
            Unit::Count => metrics::Unit::Count,
            Unit::Bytes => metrics::Unit::Bytes,
        };
        match kind {
            MetricKind::Counter => metrics::describe_counter!(name, unit, description),
            MetricKind::Gauge => metrics::describe_gauge!(name, unit, description),
            MetricKind::Histogram => metrics::describe_histogram!(name, unit, description),
        }
    }
}

/// What was counted here, and what was published of what others count.
#[derive(Debug, Default)]
pub(super) struct MetricsPublisher {
    packets: BySide<[u64; PACKETS.len()]>,
    streams: BySide<[u64; STREAMS.len()]>,
    published: Box<Published>,
}

/// What was published so far.
#[derive(Debug, Default)]
struct Published {
    stats: TrackerStats,
    /// The values of [`gauges`], of all of which it is this engine's share.
    gauges: [u64; GAUGES],
}

impl MetricsPublisher {
    #[inline(always)]
    pub(super) fn packet(&mut self, side: FlowSide, wire_len: u32, payload_len: u32) {
        let [packets, bytes, payload_bytes] = &mut self.packets[side];
        *packets += 1;
        *bytes += u64::from(wire_len);
        *payload_bytes += u64::from(payload_len);
    }

    /// Counts the streams of a flow that ended.
    pub(super) fn streams(&mut self, streams: &BySide<StreamStats>) {
        for (side, stats) in streams.iter() {
            let totals = self.streams[side].iter_mut();
            for (total, (_, count)) in totals.zip(STREAMS) {
                *total += count(stats);
            }
            if stats.held_peak > 0 {
                let name = names::STREAM_HELD_PEAK_BYTES;
                let key = Key::from_static_labels(name, of_side(side));
                metrics::with_recorder(|recorder| recorder.register_histogram(&key, &METADATA))
                    .record(stats.held_peak as f64);
            }
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn publish(&mut self, account: &EngineCounts<'_>) {
        for side in FlowSide::BOTH {
            let packets = PACKETS.iter().zip(&mut self.packets[side]);
            let streams = STREAMS.iter().map(|(name, _)| name);
            let streams = streams.zip(&mut self.streams[side]);
            for (name, count) in packets.chain(streams) {
                let count = core::mem::take(count);
                add_to(Key::from_static_labels(*name, of_side(side)), count);
            }
        }
        self.published.publish(account);
    }
}

impl Published {
    fn publish(&mut self, account: &EngineCounts<'_>) {
        let (now, before) = (account.stats, &self.stats);
        let add = |name, count| add_to(Key::from_static_name(name), count);
        add(names::PACKETS, now.packets - before.packets);
        add(names::BYTES, now.bytes - before.bytes);
        add(
            names::PACKETS_OUTER,
            now.packets_outer - before.packets_outer,
        );
        add(names::FLOWS_CREATED, now.flows - before.flows);
        add(
            names::FRAGMENTS_REFUSED,
            now.fragments_refused - before.fragments_refused,
        );
        add(
            names::DATAGRAMS_REASSEMBLED,
            now.reassembled - before.reassembled,
        );
        for (skip, packets) in now.skipped() {
            let packets = packets - before.skipped_for(skip);
            if packets > 0 {
                let labels = Vec::from([
                    Label::from_static_parts(labels::LAYER, skip.layer.as_str()),
                    Label::from_static_parts(labels::CAUSE, skip.cause.as_str()),
                ]);
                add_to(Key::from_parts(names::PACKETS_SKIPPED, labels), packets);
            }
        }
        for reason in EndReason::ALL.iter().copied() {
            let flows = now.ended(reason) - before.ended(reason);
            add_by(names::FLOWS_ENDED, labels::REASON, reason.as_str(), flows);
        }
        for kind in AnomalyKind::ALL.iter().copied() {
            let times = now.anomalies_of(kind) - before.anomalies_of(kind);
            add_by(names::ANOMALIES, labels::KIND, kind.as_str(), times);
            if kind == AnomalyKind::ParseError {
                add(names::PARSER_ERRORS, times);
            }
        }
        for why in Loss::ALL.iter().copied() {
            let datagrams = now.datagrams_lost(why) - before.datagrams_lost(why);
            add_by(
                names::DATAGRAMS_LOST,
                labels::REASON,
                why.as_str(),
                datagrams,
            );
        }
        self.set_gauges([
            now.active,
            now.peak,
            now.packets_held,
            account.stream_memory as u64,
            account.fragment_memory as u64,
            account.stream_memory_peak as u64,
        ]);
        self.stats.clone_from(account.stats);
    }

    /// Moves the gauges by what this engine's share of them has changed by, so
    /// that they hold for all engines of the program together.
    fn set_gauges(&mut self, values: [u64; GAUGES]) {
        let changed = GAUGES_OF.iter().zip(self.gauges.iter_mut().zip(values));
        for ((name, labels), (before, now)) in changed {
            if now != *before {
                let key = Key::from_static_labels(*name, labels);
                metrics::with_recorder(|recorder| recorder.register_gauge(&key, &METADATA))
                    .increment(now as f64 - *before as f64);
                *before = now;
            }
        }
    }
}

/// An engine that is gone has no share in the gauges.
impl Drop for Published {
    fn drop(&mut self) {
        self.set_gauges([0; GAUGES]);
    }
}

/// Counters of a flow's packets, by side: packets, bytes, payload.
const PACKETS: [&str; 3] = [
    names::FLOW_PACKETS,
    names::FLOW_BYTES,
    names::FLOW_PAYLOAD_BYTES,
];

/// Counters of a flow's streams, by side, and where they are in its
/// statistics.
const STREAMS: [(&str, OfStream); 7] = [
    (names::STREAM_DELIVERED_BYTES, |it| it.delivered),
    (names::STREAM_HOLES, |it| u64::from(it.holes)),
    (names::STREAM_MISSING_BYTES, |it| it.missing),
    (names::STREAM_CUT_BYTES, |it| it.cut),
    (names::STREAM_RETRANSMITTED_BYTES, |it| it.retransmitted),
    (names::STREAM_CONFLICT_BYTES, |it| it.conflicts),
    (names::STREAM_DROPPED_BYTES, |it| it.dropped),
];

/// Where a stream's statistics have a count.
type OfStream = fn(&StreamStats) -> u64;

/// The gauges, in the order of their values.
const GAUGES_OF: [(&str, &[Label]); GAUGES] = [
    (names::FLOWS_ACTIVE, &[]),
    (names::FLOWS_PEAK, &[]),
    (names::FRAGMENTS_HELD, &[]),
    (names::MEMORY, &STREAM_MEMORY),
    (names::MEMORY, &FRAGMENT_MEMORY),
    (names::MEMORY_PEAK, &STREAM_MEMORY),
];

const GAUGES: usize = 6;

// What changes with every packet has labels that need not be put together, so
// that a packet of a known flow allocates nothing when it is published.
static INITIATOR: [Label; 1] = [side(FlowSide::Initiator)];
static RESPONDER: [Label; 1] = [side(FlowSide::Responder)];
static STREAM_MEMORY: [Label; 1] = [Label::from_static_parts(labels::OF, labels::STREAMS)];
static FRAGMENT_MEMORY: [Label; 1] = [Label::from_static_parts(labels::OF, labels::FRAGMENTS)];

static METADATA: Metadata<'static> = Metadata::new("flowscope", Level::INFO, Some(module_path!()));

const fn side(side: FlowSide) -> Label {
    Label::from_static_parts(labels::SIDE, side.as_str())
}

const fn of_side(side: FlowSide) -> &'static [Label] {
    match side {
        FlowSide::Initiator => &INITIATOR,
        FlowSide::Responder => &RESPONDER,
    }
}

fn add_to(key: Key, count: u64) {
    if count > 0 {
        metrics::with_recorder(|recorder| recorder.register_counter(&key, &METADATA))
            .increment(count);
    }
}

fn add_by(name: &'static str, label: &'static str, value: &'static str, count: u64) {
    if count > 0 {
        let labels = Vec::from([Label::from_static_parts(label, value)]);
        add_to(Key::from_parts(name, labels), count);
    }
}
