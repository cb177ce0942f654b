//! What is in a record.

mod connection;
mod dns;
mod endpoints;
mod event;
mod flow;
mod http;
mod message;
mod quic;
mod stream;
mod summary;
mod tls;

pub use connection::{ConnectionRecord, PacketRecord, ParentConnection};
pub use endpoints::Endpoints;
pub(crate) use endpoints::KeyEndpoints;
pub use event::{Anomaly, EventKind, EventRecord};
pub use flow::FlowRecord;
pub use message::{DnsRecord, HttpRecord, MessageRecord, QuicRecord, TlsRecord};
pub use stream::StreamRecord;
pub use summary::{
    HostTraffic, NameCounts, NameRequests, SkippedRecord, SummaryRecord, TimeSpan, Traffic,
};

use flowscope_core::Timestamp;
use flowscope_core::track::FlowId;

use crate::schema::{self, Schema};
use crate::visit::{FieldVisitor, Visit};

/// A record of any kind.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "records are handed on one by one; boxing them would allocate for each"
)]
pub enum Record {
    /// A flow that ended.
    Flow(FlowRecord),
    /// The same as the last of the events of a flow, where these were asked for.
    Ended(FlowRecord),
    /// A connection by Zeek's rules, where these were asked for.
    Connection(ConnectionRecord),
    /// A packet of a flow, where these were asked for.
    Packet(PacketRecord),
    /// Something that happened to a flow before its end.
    Event(EventRecord),
    /// A request or response of HTTP/1.
    Http(HttpRecord),
    /// A hello, certificate message or alert of TLS or DTLS.
    Tls(TlsRecord),
    /// A hello of TLS in QUIC, which has the fields of one of TLS, or what is said
    /// before it.
    Quic(QuicRecord),
    /// A message of DNS, or a question without an answer.
    Dns(DnsRecord),
    /// One side of a TCP connection, when it has sent everything.
    Stream(StreamRecord),
    /// A whole capture.
    Summary(Box<SummaryRecord>),
    /// The packets of a capture that belong to no flow.
    Skipped(SkippedRecord),
}

impl Record {
    /// The value of its field `type`, such as `flow` or `http_request`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Flow(_) => "flow",
            Self::Ended(_) => "ended",
            Self::Connection(_) => "connection",
            Self::Packet(_) => "packet",
            Self::Event(event) => event.kind.as_str(),
            Self::Http(record) => http::kind(&record.message),
            Self::Tls(record) => tls::kind(&record.message),
            Self::Quic(record) => quic::kind(&record.message),
            Self::Dns(record) => dns::kind(&record.message),
            Self::Stream(_) => "stream",
            Self::Summary(_) => "summary",
            Self::Skipped(_) => "skipped",
        }
    }

    /// When it happened; `None` for a capture without packets.
    #[must_use]
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Flow(flow) | Self::Ended(flow) => Some(flow.at),
            Self::Connection(connection) => Some(connection.start),
            Self::Packet(packet) => Some(packet.at),
            Self::Event(event) => Some(event.at),
            Self::Http(record) => Some(record.at),
            Self::Tls(record) => Some(record.at),
            Self::Quic(record) => Some(record.at),
            Self::Dns(record) => Some(record.at),
            Self::Stream(stream) => Some(stream.at),
            Self::Summary(summary) => summary.span.map(|span| span.end),
            Self::Skipped(skipped) => skipped.at,
        }
    }

    /// The flow that it is about, and its two ends; `None` for records about a
    /// whole capture.
    #[must_use]
    pub fn flow(&self) -> Option<(FlowId, &Endpoints)> {
        match self {
            Self::Flow(flow) | Self::Ended(flow) => Some((flow.flow, &flow.endpoints)),
            Self::Connection(connection) => Some((connection.flow, &connection.endpoints)),
            Self::Packet(packet) => Some((packet.flow, &packet.endpoints)),
            Self::Event(event) => Some((event.flow, &event.endpoints)),
            Self::Http(record) => Some((record.flow, &record.endpoints)),
            Self::Tls(record) => Some((record.flow, &record.endpoints)),
            Self::Quic(record) => Some((record.flow, &record.endpoints)),
            Self::Dns(record) => Some((record.flow, &record.endpoints)),
            Self::Stream(stream) => Some((stream.flow, &stream.endpoints)),
            Self::Summary(_) | Self::Skipped(_) => None,
        }
    }

    /// The fields that records of its kind have.
    #[must_use]
    pub fn schema(&self) -> &'static Schema {
        match self {
            Self::Flow(_) | Self::Ended(_) => &schema::FLOW,
            Self::Connection(_) => &schema::CONNECTION,
            Self::Packet(_) => &schema::PACKET,
            Self::Event(_) => &schema::EVENT,
            Self::Http(_) => &schema::HTTP,
            Self::Tls(_) | Self::Quic(_) => &schema::TLS,
            Self::Dns(_) => &schema::DNS,
            Self::Stream(_) => &schema::STREAM,
            Self::Summary(_) => &schema::SUMMARY,
            Self::Skipped(_) => &schema::SKIPPED,
        }
    }
}

impl Visit for Record {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        match self {
            Self::Flow(flow) => flow.visit_as("flow", fields),
            Self::Ended(flow) => flow.visit_as("ended", fields),
            Self::Connection(connection) => connection.visit(fields),
            Self::Packet(packet) => packet.visit(fields),
            Self::Event(event) => event.visit(fields),
            Self::Http(record) => record.visit(fields),
            Self::Tls(record) => record.visit(fields),
            Self::Quic(record) => record.visit(fields),
            Self::Dns(record) => record.visit(fields),
            Self::Stream(stream) => stream.visit(fields),
            Self::Summary(summary) => summary.visit(fields),
            Self::Skipped(skipped) => skipped.visit(fields),
        }
    }
}
