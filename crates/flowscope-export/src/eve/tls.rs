//! `tls` events: one for each handshake.

use flowscope_quic::QuicMessage;
use flowscope_record::{QuicRecord, TlsRecord};
use flowscope_tls::{
    Certificate, CertificateChain, ClientHello, Handshake, Resumption, ServerHello, TlsMessage,
    TlsVersion,
};
use sha1::{Digest, Sha1};

use super::protocols::{FlowFacts, ProtocolEvents, TakesRecord};
use super::{Head, event};
use crate::civil;

/// What is known of a handshake in QUIC, whose end is not seen.
#[derive(Debug, Default)]
pub(super) struct TlsState {
    client: Option<ClientHello>,
    server: Option<ServerHello>,
    is_written: bool,
}

impl TakesRecord<TlsRecord> for TlsState {
    fn take(&mut self, record: &TlsRecord, flow: &mut FlowFacts, text: &mut Vec<u8>) {
        if let TlsMessage::Handshake(it) = &record.message {
            let head = Head {
                at: record.at,
                frame: Some(record.frame),
                flow: record.flow,
                endpoints: &record.endpoints,
                sender: it.client_side(),
                kind: "tls",
                community_id: flow.community_id(&record.endpoints),
            };
            handshake(it, &head, text);
            self.is_written = true;
        }
    }
}

impl TakesRecord<QuicRecord> for TlsState {
    fn take(&mut self, record: &QuicRecord, flow: &mut FlowFacts, _: &mut Vec<u8>) {
        flow.community_id(&record.endpoints);
        match &record.message {
            QuicMessage::ClientHello(hello) => self.client = Some(hello.hello.clone()),
            QuicMessage::ServerHello(hello) => self.server = Some(hello.hello.clone()),
            _ => {}
        }
    }
}

impl ProtocolEvents for TlsState {
    fn finish(&mut self, of: &Head<'_>, _: &mut FlowFacts, text: &mut Vec<u8>) {
        finish(self, of, text);
    }
}

fn handshake(handshake: &Handshake, head: &Head<'_>, text: &mut Vec<u8>) {
    let is_resumed = !matches!(handshake.resumption, Resumption::Unknown | Resumption::Full);
    let certificate = handshake.certificates.as_ref();
    write(
        handshake.client.as_ref(),
        handshake.server.as_ref(),
        certificate.and_then(CertificateChain::first),
        is_resumed,
        head,
        text,
    );
}

/// Writes the handshake of QUIC, at the end of its flow.
fn finish(state: &mut TlsState, of: &Head<'_>, text: &mut Vec<u8>) {
    if state.is_written || state.client.is_none() && state.server.is_none() {
        return;
    }
    state.is_written = true;
    let client_side = state.client.as_ref().map(ClientHello::side);
    let server_side = state.server.as_ref().map(|hello| hello.side().peer());
    let head = Head {
        sender: client_side.or(server_side).unwrap_or(of.sender),
        kind: "tls",
        ..*of
    };
    let (client, server) = (state.client.as_ref(), state.server.as_ref());
    write(client, server, None, false, &head, text);
}

fn write(
    client: Option<&ClientHello>,
    server: Option<&ServerHello>,
    certificate: Option<Certificate<'_>>,
    is_resumed: bool,
    head: &Head<'_>,
    text: &mut Vec<u8>,
) {
    event(text, head, |object| {
        head.write_community_id(object);
        object.object("tls", |object| {
            if let Some(certificate) = certificate
                && let Some(details) = certificate.details()
            {
                object.text("subject", Some(&details.subject));
                object.text("issuerdn", Some(&details.issuer));
                object.text("serial", Some(colons(&details.serial.to_ascii_uppercase())));
                let print: [u8; 20] = Sha1::digest(certificate.der()).into();
                let hex: String = print.iter().map(|byte| format!("{byte:02x}")).collect();
                object.text("fingerprint", Some(colons(&hex)));
                object.texts("subjectaltname", &details.names);
                object.text("notbefore", civil::of_seconds(details.not_before));
                object.text("notafter", civil::of_seconds(details.not_after));
            }
            object.text("sni", client.and_then(ClientHello::sni_bytes));
            let version = server.map(ServerHello::version);
            object.text("version", version.map(version_name));
            object.flag_if("session_resumed", is_resumed);
            if let Some(client) = client {
                object.object("ja3", |object| {
                    object.text("hash", Some(client.ja3().to_string()));
                    object.text("string", Some(client.ja3_raw()));
                });
            }
            if let Some(server) = server {
                object.object("ja3s", |object| {
                    object.text("hash", Some(server.ja3s().to_string()));
                    object.text("string", Some(server.ja3s_raw()));
                });
            }
            if let Some(client) = client {
                object.text("ja4", Some(client.ja4().as_str()));
                object.texts("client_alpns", client.alpn());
            }
            object.texts("server_alpns", server.and_then(ServerHello::alpn));
        });
    });
}

/// Hexadecimal digits with a colon between every two.
fn colons(hex: &str) -> String {
    let pairs: Vec<&str> = (0..hex.len())
        .step_by(2)
        .filter_map(|at| hex.get(at..(at + 2).min(hex.len())))
        .collect();
    pairs.join(":")
}

fn version_name(version: TlsVersion) -> String {
    match version {
        TlsVersion::SSL_2_0 => "SSLv2".into(),
        TlsVersion::SSL_3_0 => "SSLv3".into(),
        TlsVersion::TLS_1_0 => "TLSv1".into(),
        version => version.to_string(),
    }
}
