//! The fields that hellos have in QUIC besides those of TLS.

use flowscope_quic::{
    QuicHello, QuicMessage, QuicVersion, TransportParameter, TransportParameters,
};
use flowscope_tls::ServerHello;

use super::tls;
use crate::visit::{FieldVisitor, Visit};

pub(super) fn kind(message: &QuicMessage) -> &'static str {
    match message {
        QuicMessage::ClientHello(_) => "tls_client_hello",
        QuicMessage::ServerHello(_) => "tls_server_hello",
        _ => "quic",
    }
}

pub(super) fn visit(message: &QuicMessage, fields: &mut impl FieldVisitor) {
    fields.plain_text("side", Some(message.side().as_str()));
    match message {
        QuicMessage::ClientHello(client) => tls::visit_client_hello(
            &client.hello,
            Some(&PacketFields::of(client)),
            Some((client.token_len, client.transport_parameters())),
            fields,
        ),
        QuicMessage::ServerHello(server) => visit_server_hello(server, fields),
        _ => {}
    }
}

fn visit_server_hello(server: &QuicHello<ServerHello>, fields: &mut impl FieldVisitor) {
    tls::visit_server_hello(&server.hello, Some(&PacketFields::of(server)), fields);
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
