//! What there is to see at one moment.

use flowscope::Timestamp;
use flowscope::extract::FiveTupleKey;
use flowscope::track::{FlowId, FlowStats};

/// What a screen shows.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// The time of the latest packet.
    pub(super) at: Option<Timestamp>,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    /// Flows that are live.
    pub(super) flows: u64,
    /// Packets that belong to no flow.
    pub(super) skipped: u64,
    /// Packets a second, the latest last.
    pub(super) packet_rates: Vec<u64>,
    /// Bits a second.
    pub(super) bit_rates: Vec<u64>,
    pub(super) rows: Vec<Row>,
    /// The names asked for most often, with how often that was.
    pub(super) names: Vec<(String, u64)>,
    /// Bytes by protocol.
    pub(super) protocols: Vec<(&'static str, u64)>,
}

/// A flow.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) flow: FlowId,
    pub(super) key: FiveTupleKey,
    /// The protocol it speaks; empty where that is not known.
    pub(super) app: &'static str,
    /// The name it asked for last.
    pub(super) name: Option<String>,
    pub(super) stats: FlowStats,
    /// Bits a second.
    pub(super) rate: u64,
    /// What that was, the latest last.
    pub(super) rates: Vec<u64>,
}
