//! One place for the engine to report to, whichever features there are.

#[cfg(feature = "tracing")]
use super::events;
#[cfg(feature = "metrics")]
use super::publish;
use super::{Ended, EngineCounts};
use crate::reassemble::StreamStats;
use crate::track::{AnomalyKind, FlowId};
use crate::{BySide, FlowSide, Timestamp};

/// What is told of one engine. Without features it has neither size nor code.
#[derive(Debug, Default)]
pub(crate) struct Observer {
    #[cfg(feature = "metrics")]
    metrics: publish::MetricsPublisher,
}

#[cfg_attr(
    not(all(feature = "metrics", feature = "tracing")),
    allow(
        clippy::needless_pass_by_ref_mut,
        unused_variables,
        reason = "what is off does nothing"
    )
)]
impl Observer {
    /// Counts a packet of a flow.
    #[inline(always)]
    pub(crate) fn packet(&mut self, side: FlowSide, wire_len: u32, payload_len: u32) {
        #[cfg(feature = "metrics")]
        self.metrics.packet(side, wire_len, payload_len);
    }

    /// Whether [`publish`](Self::publish) is due when so many packets have come.
    #[inline(always)]
    pub(crate) const fn is_due(packets: u64) -> bool {
        cfg!(feature = "metrics") && packets.is_multiple_of(PUBLISH_EVERY)
    }

    /// Publishes what was counted since the last time.
    #[inline]
    pub(crate) fn publish(&mut self, account: &EngineCounts<'_>) {
        #[cfg(feature = "metrics")]
        self.metrics.publish(account);
    }

    /// Tells of a flow's start.
    #[inline]
    pub(crate) fn started(&self, flow: FlowId, at: Timestamp) {
        #[cfg(feature = "tracing")]
        events::started(flow, at);
    }

    /// Tells of a flow's end.
    #[inline]
    pub(crate) fn ended(
        &mut self,
        ended: &Ended<'_>,
        streams: impl FnOnce() -> Option<BySide<StreamStats>>,
    ) {
        #[cfg(feature = "metrics")]
        if let Some(streams) = streams() {
            self.metrics.streams(&streams);
        }
        #[cfg(feature = "tracing")]
        events::ended(ended);
    }

    /// Tells of an anomaly. It is counted already.
    #[inline]
    pub(crate) fn anomaly(&self, flow: FlowId, side: FlowSide, at: Timestamp, kind: AnomalyKind) {
        #[cfg(feature = "tracing")]
        events::anomaly(flow, side, at, kind);
    }
}

/// Tells of a message of type `M`.
#[inline(always)]
#[cfg_attr(
    not(feature = "tracing-messages"),
    expect(unused_variables, reason = "what is off does nothing")
)]
pub(crate) fn message<M>(flow: FlowId, side: FlowSide, at: Timestamp) {
    #[cfg(feature = "tracing-messages")]
    events::message::<M>(flow, side, at);
}

/// Packets between two publications. A registry is asked for each metric that
/// changed, which costs about as much as a packet; so spread, it is not felt.
const PUBLISH_EVERY: u64 = 1024;
