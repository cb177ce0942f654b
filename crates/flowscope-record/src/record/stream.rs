//! The record of what one side of a TCP connection sent.

use flowscope_core::reassemble::StreamStats;
use flowscope_core::track::FlowId;
use flowscope_core::{FlowSide, Timestamp};

use super::RecordKind;
use super::endpoints::Endpoints;
use crate::plain_text::Hex;
use crate::schema::{self, Schema};
use crate::visit::{FieldVisitor, Visit};

/// A direction of a TCP connection that carried data, when it is over.
#[derive(Clone, Debug)]
pub struct StreamRecord {
    /// When it was over.
    pub at: Timestamp,
    /// The flow's identifier.
    pub flow: FlowId,
    /// Who talks to whom.
    pub endpoints: Endpoints,
    /// Who sent it.
    pub side: FlowSide,
    /// The SHA-256 of its bytes as put back in order, holes left out.
    pub sha256: [u8; 32],
    /// Bytes that were delivered, missing, sent again or dropped.
    pub stats: StreamStats,
}

impl RecordKind for StreamRecord {
    fn schema(&self) -> &'static Schema {
        &schema::STREAM
    }

    fn at(&self) -> Option<Timestamp> {
        Some(self.at)
    }

    fn flow(&self) -> Option<(FlowId, &Endpoints)> {
        Some((self.flow, &self.endpoints))
    }
}

impl Visit for StreamRecord {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        fields.plain_text("type", Some("stream"));
        fields.time("ts", Some(self.at));
        fields.number("flow", Some(self.flow.number()));
        self.endpoints.visit(None, fields);
        fields.plain_text("side", Some(self.side.as_str()));
        fields.number("bytes", Some(self.stats.delivered));
        fields.plain_text("sha256", Some(Hex(&self.sha256)));
        fields.number("holes", Some(self.stats.holes.into()));
        fields.number("missing_bytes", Some(self.stats.missing));
        fields.number("retransmitted_bytes", Some(self.stats.retransmitted));
        fields.number("overlap_conflicts", Some(self.stats.conflicts));
        fields.number("dropped_bytes", Some(self.stats.dropped));
    }
}
