//! What an engine may hold, for how long, and what it does with odd packets.

use crate::dedup::DedupConfig;
use crate::defrag::FragmentPolicy;
use crate::reassemble::StreamConfig;
use crate::track::IdleTimeouts;
use crate::wire::Checksums;

/// The settings of an [`Engine`](super::Engine): of every driver.
///
/// ```
/// use core::time::Duration;
/// use flowscope_core::EngineConfig;
/// use flowscope_core::extract::FiveTuple;
/// use flowscope_core::track::IdleTimeouts;
/// use flowscope_core::FlowTracker;
///
/// let config = EngineConfig {
///     max_flows: 2_000_000,
///     idle: IdleTimeouts { udp: Duration::from_secs(30), ..IdleTimeouts::default() },
///     ..EngineConfig::default()
/// };
/// let tracker = FlowTracker::new(FiveTuple::bidirectional()).with_config(config);
/// assert_eq!((tracker.stats().active, config.max_memory), (0, 256 << 20));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EngineConfig {
    /// Live flows at the most. At the cap a new flow evicts the one that is
    /// nearest to its idle timeout. One million by default, at least one.
    pub max_flows: usize,
    /// Bytes of memory that may be held for all flows: 256 MiB by default.
    ///
    /// Streams out of order count, and what parsers say that they hold. The table
    /// itself does not: it is bounded by `max_flows`. Nor does what every
    /// connection with a stream out of order needs beside what it holds, some 250
    /// bytes a side.
    pub max_memory: usize,
    /// Into how many shards flows are dealt, rounded up to a power of two and at
    /// most 256: one by default.
    ///
    /// Each has its share of `max_memory`, and what is done for a flow depends on
    /// the flows of its shard alone. So work that is divided among threads by
    /// shards gives the same as on one thread, if that has as many shards.
    pub shards: u16,
    /// Which flow gives up what it holds when `max_memory`, or its shard's share of
    /// it, is used up.
    pub pressure: Pressure,
    /// How long a flow may be silent before it ends.
    pub idle: IdleTimeouts,
    /// What is done about IP fragments. They are put together by default.
    pub fragments: FragmentPolicy,
    /// How the payload of flows is put in order.
    pub payload: PayloadConfig,
    /// Whether packets with wrong checksums are rejected, and counted as skipped
    /// for `Cause::BadChecksum`. By default checksums are ignored.
    pub checksums: Checksums,
    /// Whether copies of packets are rejected, and counted as skipped for
    /// `Cause::Duplicate`: for captures that see each packet twice. By default
    /// they are not looked for.
    pub dedup: Option<DedupConfig>,
    /// The time of a packet that is older than the one before it.
    pub timestamps: TimestampPolicy,
    /// Whether anomalies are events. They are counted in any case.
    pub anomalies: AnomalyEvents,
    /// Whether a packet in a tunnel counts on the flows outside, too.
    pub outer_flows: OuterFlows,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            max_flows: 1_000_000,
            max_memory: 256 << 20,
            shards: 1,
            pressure: Pressure::default(),
            idle: IdleTimeouts::default(),
            fragments: FragmentPolicy::default(),
            payload: PayloadConfig::default(),
            checksums: Checksums::default(),
            dedup: None,
            timestamps: TimestampPolicy::default(),
            anomalies: AnomalyEvents::default(),
            outer_flows: OuterFlows::default(),
        }
    }
}

impl EngineConfig {
    /// How many shards there are.
    pub(super) fn shard_count(&self) -> usize {
        usize::from(self.shards.clamp(1, 256)).next_power_of_two()
    }
}

/// How the payload of flows is put in order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PayloadConfig {
    /// For each side of a connection.
    pub streams: StreamConfig,
    /// Bytes of memory for both sides of a connection: 2 MiB by default. Beyond
    /// it, [`StreamConfig::overflow`] says what is done.
    pub max_memory_per_flow: usize,
}

impl Default for PayloadConfig {
    fn default() -> Self {
        Self {
            streams: StreamConfig::default(),
            max_memory_per_flow: 2 << 20,
        }
    }
}

/// Which flow gives up what it holds when the memory for all flows is used up.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Pressure {
    /// The flow that has held something for the longest time: nobody can fill
    /// the memory and keep it.
    #[default]
    Oldest,
    /// The flow that needs more: nobody else is disturbed.
    Current,
}

/// The time of a packet that is older than the one before it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum TimestampPolicy {
    /// It keeps its own time in events and statistics. It never moves the clock
    /// that flows expire by.
    #[default]
    AsCaptured,
    /// It counts as being of the latest packet's time, so that no event is older
    /// than the one before it.
    Monotonic,
}

/// Whether anomalies are events.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum AnomalyEvents {
    /// Each is a [`FlowEvent::Anomaly`](crate::FlowEvent::Anomaly).
    #[default]
    Reported,
    /// They are only counted.
    Counted,
}

/// Whether a packet in a tunnel counts on the flows outside, too.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum OuterFlows {
    /// It counts on the flow that the extractor names.
    #[default]
    Ignored,
    /// It counts on that of each packet that carries it as well: of tunnels in each
    /// other, on all, the innermost first.
    Counted,
}
