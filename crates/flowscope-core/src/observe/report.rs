//! What the engine has to report.

use crate::Timestamp;
use crate::track::{EndReason, FlowId, FlowStats, TrackerStats};

/// What an engine has counted, and holds.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "metrics"),
    expect(dead_code, reason = "nobody is told of it")
)]
pub(crate) struct EngineCounts<'a> {
    pub(crate) stats: &'a TrackerStats,
    pub(crate) stream_memory: usize,
    pub(crate) stream_memory_peak: usize,
    pub(crate) fragment_memory: usize,
}

/// A flow that ended.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "tracing"),
    expect(dead_code, reason = "nobody is told of it")
)]
pub(crate) struct Ended<'a> {
    pub(crate) flow: FlowId,
    pub(crate) at: Timestamp,
    pub(crate) reason: EndReason,
    pub(crate) stats: &'a FlowStats,
}
