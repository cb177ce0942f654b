//! Telling through the crate `tracing`.
//!
//! A flow is named by its number: what a key looks like is its extractor's
//! matter. Times are the packets'.

use super::{Ended, targets};
use crate::track::{AnomalyKind, FlowId};
use crate::{FlowSide, Timestamp};

pub(super) fn started(flow: FlowId, at: Timestamp) {
    tracing::debug!(target: targets::FLOW, flow = flow.number(), %at, "flow started");
}

pub(super) fn ended(ended: &Ended<'_>) {
    let Ended {
        flow,
        at,
        reason,
        stats,
    } = *ended;
    tracing::debug!(
        target: targets::FLOW,
        flow = flow.number(),
        %at,
        reason = reason.as_str(),
        packets_initiator = stats.packets.initiator,
        packets_responder = stats.packets.responder,
        bytes_initiator = stats.bytes.initiator,
        bytes_responder = stats.bytes.responder,
        missing_bytes = stats.missing_bytes.total(),
        "flow ended"
    );
}

pub(super) fn anomaly(flow: FlowId, side: FlowSide, at: Timestamp, kind: AnomalyKind) {
    // The level is part of what is compiled in.
    macro_rules! events {
        ($level:ident) => {
            tracing::$level!(
                target: targets::ANOMALY,
                flow = flow.number(),
                %at,
                side = side.as_str(),
                kind = kind.as_str(),
                "anomaly"
            )
        };
    }
    match kind {
        AnomalyKind::RstOutOfWindow
        | AnomalyKind::RefusedRst
        | AnomalyKind::RefusedFin
        | AnomalyKind::MissingAck
        | AnomalyKind::OverlappingFragments
        | AnomalyKind::OverlapConflict
        | AnomalyKind::StreamOverflow
        | AnomalyKind::ParserOverflow => events!(warn),
        AnomalyKind::SynInConnection
        | AnomalyKind::IncompleteDatagram
        | AnomalyKind::StreamGap
        | AnomalyKind::StraySegment
        | AnomalyKind::UrgentData
        | AnomalyKind::ParseError => events!(info),
    }
}

#[cfg(feature = "tracing-messages")]
pub(super) fn message<M>(flow: FlowId, side: FlowSide, at: Timestamp) {
    tracing::debug!(
        target: targets::MESSAGE,
        flow = flow.number(),
        %at,
        side = side.as_str(),
        message_type = core::any::type_name::<M>(),
        "message"
    );
}
