//! The records of messages.

use flowscope_core::Timestamp;
use flowscope_core::track::FlowId;
use flowscope_dns::DnsMessage;
use flowscope_http::HttpMessage;
use flowscope_quic::QuicMessage;
use flowscope_tls::TlsMessage;

use super::endpoints::Endpoints;
use super::{dns, http, quic, tls};
use crate::visit::{FieldVisitor, Visit};

/// A message that was sent on a flow.
#[derive(Clone, Debug)]
pub struct MessageRecord<M> {
    /// When it was complete, or when its end was known not to come.
    pub at: Timestamp,
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

impl<M> MessageRecord<M> {
    fn visit_flow(&self, kind: &'static str, fields: &mut impl FieldVisitor) {
        fields.plain_text("type", Some(kind));
        fields.time("ts", Some(self.at));
        fields.number("flow", Some(self.flow.number()));
        self.endpoints.visit(None, fields);
    }
}

impl Visit for HttpRecord {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        self.visit_flow(http::kind(&self.message), fields);
        http::visit(&self.message, fields);
    }
}

impl Visit for TlsRecord {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        self.visit_flow(tls::kind(&self.message), fields);
        tls::visit(&self.message, fields);
    }
}

impl Visit for QuicRecord {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        self.visit_flow(quic::kind(&self.message), fields);
        quic::visit(&self.message, fields);
    }
}

impl Visit for DnsRecord {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        self.visit_flow(dns::kind(&self.message), fields);
        dns::visit(&self.message, self.endpoints.protocol, fields);
    }
}
