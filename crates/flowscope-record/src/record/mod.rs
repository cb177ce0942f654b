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
#[macro_use]
mod table;
mod tls;

pub use connection::{ConnectionRecord, PacketRecord, ParentConnection};
pub use endpoints::Endpoints;
pub(crate) use endpoints::KeyEndpoints;
pub use event::{Anomaly, EventKind, EventRecord};
pub use flow::FlowRecord;
pub(crate) use message::RecordedMessage;
pub use message::{DnsRecord, HttpRecord, MessageRecord, QuicRecord, TlsRecord};
pub use stream::StreamRecord;
pub use summary::{
    HostTraffic, NameCounts, NameRequests, SkippedRecord, SummaryRecord, TimeSpan, Traffic,
};

use core::net::IpAddr;

use flowscope_core::Timestamp;
use flowscope_core::track::FlowId;
use flowscope_detect::Message;
use flowscope_dns::DnsMessage;
use flowscope_http::HttpMessage;
use flowscope_quic::QuicMessage;
use flowscope_tls::TlsMessage;

use self::message::visit_message;
use crate::config::NameFilter;
use crate::names::NameRequest;
use crate::schema::Schema;
use crate::visit::{FieldVisitor, Visit};

records! {
    kinds: {
        /// A flow that ended.
        Flow(FlowRecord),
        /// The same as the last of the events of a flow, where these were asked for.
        Ended(FlowRecord) called "ended",
        /// A connection by Zeek's rules, where these were asked for.
        Connection(ConnectionRecord),
        /// A packet of a flow, where these were asked for.
        Packet(PacketRecord),
        /// Something that happened to a flow before its end.
        Event(EventRecord),
        /// One side of a TCP connection, when it has sent everything.
        Stream(StreamRecord),
        /// A whole capture.
        Summary(Box<SummaryRecord>),
        /// The packets of a capture that belong to no flow.
        Skipped(SkippedRecord),
    }
    messages: {
        /// A request or response of HTTP/1.
        Http(HttpMessage),
        /// A hello, certificate message or alert of TLS or DTLS.
        Tls(TlsMessage),
        /// A hello of TLS in QUIC, which has the fields of one of TLS, or what is said
        /// before it.
        Quic(QuicMessage),
        /// A message of DNS, or a question without an answer.
        Dns(DnsMessage),
    }
}

/// Takes messages of each protocol.
pub(crate) trait MessageTaker {
    fn take<M: RecordedMessage>(&mut self, message: M)
    where
        Record: From<MessageRecord<M>>;
}

/// What each kind of record says of itself.
trait RecordKind: Visit {
    /// The fields that it has.
    fn schema(&self) -> &'static Schema;

    /// The value of its field `type`.
    fn kind(&self) -> &'static str {
        self.schema().name
    }

    /// When it happened; `None` for a capture without packets.
    fn at(&self) -> Option<Timestamp>;

    /// The flow that it is about, and its two ends, if it is about one.
    fn flow(&self) -> Option<(FlowId, &Endpoints)>;

    /// Gives its fields, with another type than its own.
    fn visit_as(&self, kind: &'static str, fields: &mut impl FieldVisitor) {
        let _ = kind;
        self.visit(fields);
    }
}
