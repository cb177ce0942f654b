//! The fields of TLS messages.

use core::net::IpAddr;

use flowscope_core::FlowSide;
use flowscope_core::track::AnomalyKind;
use flowscope_quic::TransportParameters;
use flowscope_tls::{
    Alert, Certificate, CertificateChain, ClientHello, HelloVerifyRequest, Ja3, Ja4, ServerHello,
    TlsMessage, TlsTransport,
};

use super::endpoints::Endpoints;
use super::event::Anomaly;
use super::quic::{self, PacketFields};
use super::{MessageRecord, RecordedMessage};
use crate::names::{AskedIn, NameRequest};
use crate::plain_text::Hex;
use crate::schema::{self, Schema};
use crate::visit::{FieldVisitor, Visit};

impl RecordedMessage for TlsMessage {
    const SCHEMA: &'static Schema = &schema::TLS;

    fn kind(&self) -> Option<&'static str> {
        match self {
            Self::ClientHello(_) => Some("tls_client_hello"),
            Self::ServerHello(_) => Some("tls_server_hello"),
            Self::Certificate(_) => Some("tls_certificate"),
            Self::Alert(_) => Some("tls_alert"),
            Self::HelloVerifyRequest(_) => Some("tls_hello_verify_request"),
            Self::Handshake(_) => Some("tls_handshake"),
            _ => None,
        }
    }

    fn visit(record: &MessageRecord<Self>, fields: &mut impl FieldVisitor) {
        fields.plain_text("side", Some(record.message.side().as_str()));
        match &record.message {
            Self::ClientHello(hello) => visit_client_hello(hello, None, None, fields),
            Self::ServerHello(hello) => visit_server_hello(hello, None, fields),
            Self::Certificate(chain) => visit_certificate(chain, fields),
            Self::Alert(alert) => visit_alert(alert, fields),
            Self::HelloVerifyRequest(request) => visit_verify_request(request, fields),
            _ => {}
        }
    }

    fn anomaly(&self) -> Option<(Anomaly, FlowSide)> {
        match self {
            Self::Anomaly(odd) => Some((Anomaly::Flow(AnomalyKind::ParseError), odd.side)),
            _ => None,
        }
    }

    fn name(&self) -> Option<NameRequest> {
        match self {
            Self::ClientHello(hello) => NameRequest::of_host(hello.sni_bytes()?, AskedIn::Tls),
            _ => None,
        }
    }

    fn addresses(record: &MessageRecord<Self>, found: &mut impl FnMut(IpAddr, &[u8])) {
        if let Self::ClientHello(hello) = &record.message {
            give_address(hello, &record.endpoints, found);
        }
    }
}

/// Gives the name that a client asks for, for the address of its server.
pub(super) fn give_address(
    hello: &ClientHello,
    endpoints: &Endpoints,
    found: &mut impl FnMut(IpAddr, &[u8]),
) {
    if let (Some(server), Some(name)) = (endpoints.peer_address(hello.side()), hello.sni_bytes()) {
        found(server, name);
    }
}

/// The fields of a ClientHello, with those of the packet that it came in and of
/// what else a client says where it came in QUIC.
pub(super) fn visit_client_hello(
    hello: &ClientHello,
    packet: Option<&PacketFields>,
    client: Option<(u32, TransportParameters<'_>)>,
    fields: &mut impl FieldVisitor,
) {
    let extensions = hello.extensions().map(|it| it.kind.into());
    fields.plain_text("transport", Some(hello.transport().as_str()));
    fields.text("version", Some(hello.version().to_string()));
    fields.text("legacy_version", Some(hello.legacy_version().to_string()));
    fields.text("sni", hello.sni_bytes());
    fields.texts("alpn", hello.alpn());
    fields.numbers("cipher_suites", hello.cipher_suites().map(u64::from));
    fields.numbers("extensions", extensions);
    fields.numbers("supported_groups", hello.supported_groups().map(u64::from));
    fields.numbers(
        "signature_algorithms",
        hello.signature_algorithms().map(u64::from),
    );
    fields.numbers("key_share_groups", hello.key_share_groups().map(u64::from));
    fields.flag("ech", hello.ech().then_some(true));
    fields.number("session_id_bytes", Some(hello.session_id().len() as u64));
    let (ja3_raw, ja4_r) = (hello.ja3_raw(), hello.ja4_r());
    fields.text("ja3", Some(Ja3::of(&ja3_raw).to_string()));
    fields.text("ja3_raw", Some(ja3_raw));
    fields.text("ja4", Some(Ja4::of(&ja4_r).as_str()));
    fields.text("ja4_r", Some(ja4_r));
    quic::visit_packet(packet, fields);
    quic::visit_client(client, fields);
    let has_cookie = hello.transport() == TlsTransport::Dtls;
    let cookie_len = hello.cookie().len() as u64;
    fields.number("cookie_bytes", has_cookie.then_some(cookie_len));
}

pub(super) fn visit_server_hello(
    hello: &ServerHello,
    packet: Option<&PacketFields>,
    fields: &mut impl FieldVisitor,
) {
    let extensions = hello.extensions().map(|it| it.kind.into());
    fields.plain_text("transport", Some(hello.transport().as_str()));
    fields.text("version", Some(hello.version().to_string()));
    fields.number("cipher_suite", Some(hello.cipher_suite().into()));
    fields.text("cipher_suite_name", hello.cipher_suite_name());
    fields.text("alpn", hello.alpn());
    fields.numbers("extensions", extensions);
    let ja3s_raw = hello.ja3s_raw();
    fields.text("ja3s", Some(Ja3::of(&ja3s_raw).to_string()));
    fields.text("ja3s_raw", Some(ja3s_raw));
    fields.flag("hello_retry_request", Some(hello.hello_retry_request()));
    quic::visit_packet(packet, fields);
}

fn visit_certificate(chain: &CertificateChain, fields: &mut impl FieldVisitor) {
    let details = chain.first().and_then(Certificate::details);
    let details = details.as_ref();
    let names = details.map_or(&[][..], |details| &details.names);
    fields.structures("chain", chain.certificates().map(ChainEntry));
    fields.text("subject", details.map(|details| &details.subject));
    fields.text("issuer", details.map(|details| &details.issuer));
    fields.texts("san", names.iter());
}

fn visit_alert(alert: &Alert, fields: &mut impl FieldVisitor) {
    let number = || alert.description().to_string();
    let description = alert.description_name().map_or_else(number, str::to_owned);
    fields.plain_text("level", Some(alert.level_name()));
    fields.text("description", Some(description));
}

fn visit_verify_request(request: &HelloVerifyRequest, fields: &mut impl FieldVisitor) {
    fields.plain_text("transport", Some(TlsTransport::Dtls.as_str()));
    fields.text("version", Some(request.version().to_string()));
    fields.number("cookie_bytes", Some(request.cookie().len() as u64));
}

/// A certificate of a chain.
struct ChainEntry<'a>(Certificate<'a>);

impl Visit for ChainEntry<'_> {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        fields.number("bytes", Some(self.0.der().len() as u64));
        fields.plain_text("sha256", Some(Hex(&self.0.sha256())));
    }
}
