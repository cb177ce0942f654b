//! The fields that hellos have in QUIC besides those of TLS, and those of what is
//! said before them.

use core::net::IpAddr;

use flowscope_core::FlowSide;
use flowscope_core::track::AnomalyKind;
use flowscope_quic::{
    ConnectionId, GoogleHello, QuicHello, QuicMessage, QuicVersion, Retry, TransportParameter,
    TransportParameters, VersionNegotiation,
};
use flowscope_tls::{ServerHello, TlsTransport};

use super::event::Anomaly;
use super::{MessageRecord, RecordedMessage, tls};
use crate::names::{AskedIn, NameRequest};
use crate::schema::{self, Schema};
use crate::visit::{FieldVisitor, Visit};

impl RecordedMessage for QuicMessage {
    const SCHEMA: &'static Schema = &schema::TLS;

    fn kind(&self) -> Option<&'static str> {
        match self {
            Self::ClientHello(_) => Some("tls_client_hello"),
            Self::ServerHello(_) => Some("tls_server_hello"),
            Self::Retry(_) => Some("quic_retry"),
            Self::VersionNegotiation(_) => Some("quic_version_negotiation"),
            Self::GoogleHello(_) => Some("gquic_client_hello"),
            _ => None,
        }
    }

    fn visit(record: &MessageRecord<Self>, fields: &mut impl FieldVisitor) {
        fields.plain_text("side", Some(record.message.side().as_str()));
        match &record.message {
            Self::ClientHello(client) => tls::visit_client_hello(
                &client.hello,
                Some(&PacketFields::of(client)),
                Some((client.token_len, client.transport_parameters())),
                fields,
            ),
            Self::ServerHello(server) => visit_server_hello(server, fields),
            Self::Retry(retry) => visit_retry(retry, fields),
            Self::VersionNegotiation(offer) => visit_negotiation(offer, fields),
            Self::GoogleHello(hello) => visit_google_hello(hello, fields),
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
        let name = match self {
            Self::ClientHello(client) => client.hello.sni_bytes(),
            Self::GoogleHello(hello) => hello.server_name.as_deref(),
            _ => None,
        };
        NameRequest::of_host(name?, AskedIn::Tls)
    }

    fn addresses(record: &MessageRecord<Self>, found: &mut impl FnMut(IpAddr, &[u8])) {
        if let Self::ClientHello(client) = &record.message {
            tls::give_address(&client.hello, &record.endpoints, found);
        }
    }
}

fn visit_server_hello(server: &QuicHello<ServerHello>, fields: &mut impl FieldVisitor) {
    tls::visit_server_hello(&server.hello, Some(&PacketFields::of(server)), fields);
}

fn visit_retry(retry: &Retry, fields: &mut impl FieldVisitor) {
    visit_transport(fields);
    fields.text("quic_version", Some(retry.version.to_string()));
    visit_ids(&retry.destination_id, &retry.source_id, fields);
    fields.number("token_bytes", Some(retry.token_len.into()));
}

fn visit_negotiation(offer: &VersionNegotiation, fields: &mut impl FieldVisitor) {
    visit_transport(fields);
    visit_ids(&offer.destination_id, &offer.source_id, fields);
    fields.texts(
        "versions",
        offer.versions.iter().map(QuicVersion::to_string),
    );
}

fn visit_google_hello(hello: &GoogleHello, fields: &mut impl FieldVisitor) {
    visit_transport(fields);
    fields.text("sni", hello.server_name.as_deref());
    fields.text("quic_version", Some(hello.version.to_string()));
    fields.text("dcid", Some(hello.connection_id.to_string()));
    fields.text("user_agent", hello.user_agent.as_deref());
}

fn visit_transport(fields: &mut impl FieldVisitor) {
    fields.plain_text("transport", Some(TlsTransport::Quic.as_str()));
}

fn visit_ids(destination: &ConnectionId, source: &ConnectionId, fields: &mut impl FieldVisitor) {
    fields.text("dcid", Some(destination.to_string()));
    fields.text("scid", Some(source.to_string()));
}

/// What the packet says that a hello came in.
pub(super) struct PacketFields {
    version: QuicVersion,
    destination_id: String,
    source_id: String,
}

impl PacketFields {
    fn of<H>(hello: &QuicHello<H>) -> Self {
        Self {
            version: hello.version,
            destination_id: hello.destination_id.to_string(),
            source_id: hello.source_id.to_string(),
        }
    }
}

/// The fields of the packet, absent where it was none of QUIC.
pub(super) fn visit_packet(packet: Option<&PacketFields>, fields: &mut impl FieldVisitor) {
    fields.text(
        "quic_version",
        packet.map(|packet| packet.version.to_string()),
    );
    fields.text("dcid", packet.map(|packet| &packet.destination_id));
    fields.text("scid", packet.map(|packet| &packet.source_id));
}

/// The fields of a client's packet and of its transport parameters.
pub(super) fn visit_client(
    client: Option<(u32, TransportParameters<'_>)>,
    fields: &mut impl FieldVisitor,
) {
    let (token_len, parameters) = client.unzip();
    fields.number("token_bytes", token_len.map(u64::from));
    let parameters = parameters.into_iter().flatten();
    fields.structures("transport_parameters", parameters.map(ParameterEntry));
}

/// A transport parameter.
struct ParameterEntry<'a>(TransportParameter<'a>);

impl Visit for ParameterEntry<'_> {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        let Self(parameter) = self;
        fields.number("id", Some(parameter.id));
        fields.plain_text("name", parameter.name());
        fields.number("value", parameter.number());
        fields.flag("grease", parameter.is_grease().then_some(true));
    }
}
