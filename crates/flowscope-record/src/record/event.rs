//! The records of what happens to a flow before its end.

use flowscope_core::track::{AnomalyKind, FlowId, FlowState};
use flowscope_core::wire::IcmpHeader;
use flowscope_core::{FlowEvent, FlowSide, Timestamp};
use flowscope_http::HttpAnomalyKind;

use super::RecordKind;
use super::endpoints::Endpoints;
use crate::schema::{self, Schema};
use crate::visit::{FieldVisitor, Visit};

/// Something that happened to a flow while it lived.
#[derive(Clone, Copy, Debug)]
pub struct EventRecord {
    /// When it happened.
    pub at: Timestamp,
    /// The flow's identifier.
    pub flow: FlowId,
    /// Who talks to whom.
    pub endpoints: Endpoints,
    /// Type and code, where the flow's first packet is of ICMP.
    pub icmp: Option<IcmpHeader>,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to a flow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// It began, in this state.
    Started(FlowState),
    /// Both sides of a TCP connection know that the other is there (RFC 9293,
    /// section 3.5).
    Established,
    /// The state of a TCP connection changed.
    StateChange {
        /// What it was.
        from: FlowState,
        /// What it is.
        to: FlowState,
    },
    /// Something odd was seen.
    Anomaly {
        /// What it was.
        anomaly: Anomaly,
        /// Who sent it.
        side: FlowSide,
    },
}

/// Something odd.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Anomaly {
    /// In packets and streams, or in what began as one of the protocols and did
    /// not go on as it.
    Flow(AnomalyKind),
    /// In HTTP: what recipients of a message may disagree about.
    Http(HttpAnomalyKind),
}

impl Anomaly {
    /// Its name in records, such as `stream_gap`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flow(kind) => kind.as_str(),
            Self::Http(kind) => kind.as_str(),
        }
    }
}

impl EventKind {
    /// What an event of the core says about a flow that still lives.
    ///
    /// `None` for packets, which are no records, and for ends, which have more
    /// to say.
    pub(crate) fn of<K>(event: &FlowEvent<K>) -> Option<Self> {
        match *event {
            FlowEvent::Started { state, .. } => Some(Self::Started(state)),
            FlowEvent::Established { .. } => Some(Self::Established),
            FlowEvent::StateChange { from, to, .. } => Some(Self::StateChange { from, to }),
            FlowEvent::Anomaly { kind, side, .. } => Some(Self::Anomaly {
                anomaly: Anomaly::Flow(kind),
                side,
            }),
            _ => None,
        }
    }

    /// Its type in records, such as `started`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started(_) => "started",
            Self::Established => "established",
            Self::StateChange { .. } => "state_change",
            Self::Anomaly { .. } => "anomaly",
        }
    }
}

impl RecordKind for EventRecord {
    fn schema(&self) -> &'static Schema {
        &schema::EVENT
    }

    fn kind(&self) -> &'static str {
        self.kind.as_str()
    }

    fn at(&self) -> Option<Timestamp> {
        Some(self.at)
    }

    fn flow(&self) -> Option<(FlowId, &Endpoints)> {
        Some((self.flow, &self.endpoints))
    }
}

impl Visit for EventRecord {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        fields.plain_text("type", Some(self.kind.as_str()));
        fields.time("ts", Some(self.at));
        fields.number("flow", Some(self.flow.number()));
        self.endpoints.visit(self.icmp, fields);
        match self.kind {
            EventKind::Started(state) => fields.plain_text("state", Some(state.as_str())),
            EventKind::Established => {}
            EventKind::StateChange { from, to } => {
                fields.plain_text("from", Some(from.as_str()));
                fields.plain_text("to", Some(to.as_str()));
            }
            EventKind::Anomaly { anomaly, side } => {
                fields.plain_text("kind", Some(anomaly.as_str()));
                fields.plain_text("side", Some(side.as_str()));
            }
        }
    }
}
