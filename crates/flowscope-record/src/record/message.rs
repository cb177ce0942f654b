//! The records of messages.

use core::net::IpAddr;

use flowscope_core::track::FlowId;
use flowscope_core::{FlowSide, Timestamp};
use flowscope_dns::DnsMessage;
use flowscope_http::HttpMessage;
use flowscope_quic::QuicMessage;
use flowscope_tls::TlsMessage;

use super::RecordKind;
use super::endpoints::Endpoints;
use super::event::Anomaly;
use crate::config::NameFilter;
use crate::names::NameRequest;
use crate::schema::Schema;
use crate::visit::{FieldVisitor, Visit};

/// A message that was sent on a flow.
#[derive(Clone, Debug)]
pub struct MessageRecord<M> {
    /// When it was complete, or when its end was known not to come.
    pub at: Timestamp,
    /// The number of the latest frame then, counted from 1 over all captures.
    pub frame: u64,
    /// The flow's identifier.
    pub flow: FlowId,
    /// Who talks to whom. The message itself says which side sent it.
    pub endpoints: Endpoints,
    /// The message.
    pub message: M,
}

/// A request or response of HTTP/1 (RFC 9112). What is odd about them is an
/// [`EventRecord`](super::EventRecord).
pub type HttpRecord = MessageRecord<HttpMessage>;

/// A hello, certificate message or alert of TLS (RFC 8446), or a
/// HelloVerifyRequest of DTLS (RFC 6347). What is odd about them is an
/// [`EventRecord`](super::EventRecord).
pub type TlsRecord = MessageRecord<TlsMessage>;

/// A hello of TLS in QUIC (RFC 9001), or what is said before: a Retry, a Version
/// Negotiation, a hello of Google's QUIC. What is odd about them is an
/// [`EventRecord`](super::EventRecord).
pub type QuicRecord = MessageRecord<QuicMessage>;

/// A message of DNS (RFC 1035), or a question that nobody answered.
pub type DnsRecord = MessageRecord<DnsMessage>;

/// What a protocol's file says of its messages.
pub(crate) trait RecordedMessage: Sized {
    /// The fields that its records have.
    const SCHEMA: &'static Schema;

    /// The type of its record; `None` if it has none.
    fn kind(&self) -> Option<&'static str>;

    /// Gives the fields that come behind those of the flow.
    fn visit(record: &MessageRecord<Self>, fields: &mut impl FieldVisitor);

    /// What is odd, by whom, where it says that and is no record.
    fn anomaly(&self) -> Option<(Anomaly, FlowSide)> {
        None
    }

    /// The name that it asks for.
    fn name(&self) -> Option<NameRequest> {
        None
    }

    /// Whether it says that a name which is wanted was asked for. An answer may
    /// say it, too.
    fn is_about(&self, names: &NameFilter) -> bool {
        self.name().is_some_and(|it| names.takes(it.name()))
    }

    /// Gives the names that it has for addresses.
    fn addresses(record: &MessageRecord<Self>, found: &mut impl FnMut(IpAddr, &[u8])) {
        let _ = (record, found);
    }
}

impl<M: RecordedMessage> RecordKind for MessageRecord<M>
where
    Self: Visit,
{
    fn schema(&self) -> &'static Schema {
        M::SCHEMA
    }

    fn kind(&self) -> &'static str {
        self.message.kind().unwrap_or(M::SCHEMA.name)
    }

    fn at(&self) -> Option<Timestamp> {
        Some(self.at)
    }

    fn flow(&self) -> Option<(FlowId, &Endpoints)> {
        Some((self.flow, &self.endpoints))
    }
}

/// Gives the fields of the record of a message.
pub(super) fn visit_message<M: RecordedMessage>(
    record: &MessageRecord<M>,
    fields: &mut impl FieldVisitor,
) {
    let kind = record.message.kind().unwrap_or(M::SCHEMA.name);
    fields.plain_text("type", Some(kind));
    fields.time("ts", Some(record.at));
    fields.number("flow", Some(record.flow.number()));
    record.endpoints.visit(None, fields);
    M::visit(record, fields);
}
