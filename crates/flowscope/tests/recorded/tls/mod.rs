//! TLS: what is said before encryption begins, and by whom.

mod certificates;
mod clients;
mod handshakes;

use core::fmt::Write as _;

use flowscope::detect::Message;
use flowscope::tls::{
    Certificate, CertificateChain, ClientHello, Handshake, Outcome, ServerHello, TlsMessage,
};

use crate::support::messages;

/// The messages of a capture, a row each and their fingerprints below it. A
/// row with `=` is of both sides.
fn rows(capture: &str) -> String {
    let mut rows = String::new();
    for found in messages(capture) {
        let arrow = found.arrow();
        let Message::Tls(message) = found.message else {
            panic!("{:?}", found.message);
        };
        let _ = match message {
            TlsMessage::ClientHello(it) => writeln!(rows, "{arrow} {}", client_hello(&it)),
            TlsMessage::ServerHello(it) => writeln!(rows, "{arrow} {}", server_hello(&it)),
            TlsMessage::HelloVerifyRequest(it) => {
                writeln!(rows, "{arrow} HelloVerifyRequest {} B", it.cookie().len())
            }
            TlsMessage::Certificate(it) => writeln!(rows, "{arrow} {}", chain(&it)),
            TlsMessage::Alert(it) => writeln!(rows, "{arrow} Alert {it}"),
            TlsMessage::Handshake(it) => writeln!(rows, "{} = {}", found.flow, handshake(&it)),
            other => panic!("{other:?}"),
        };
    }
    rows
}

/// Highest version, name, protocols, and what else is offered.
pub(crate) fn client_hello(hello: &ClientHello) -> String {
    let mut text = format!("ClientHello {}", hello.version());
    if let Some(name) = hello.sni() {
        let _ = write!(text, " {name}");
    }
    for protocol in hello.alpn() {
        let _ = write!(text, " {}", String::from_utf8_lossy(protocol));
    }
    let has_ticket = hello.session_ticket().is_some_and(|it| !it.is_empty());
    let marks = [
        (hello.has_grease(), "GREASE"),
        (hello.ech(), "ECH"),
        (hello.early_data(), "early data"),
        (hello.pre_shared_key(), "PSK"),
        (has_ticket, "ticket"),
    ];
    for (_, mark) in marks.iter().filter(|(is, _)| *is) {
        let _ = write!(text, " +{mark}");
    }
    let _ = write!(text, "\n      ja3 {}", hello.ja3());
    let _ = write!(text, "\n      ja4 {}", hello.ja4());
    text
}

/// Version, cipher suite, protocol, group.
pub(crate) fn server_hello(hello: &ServerHello) -> String {
    let kind = match hello.hello_retry_request() {
        true => "HelloRetryRequest",
        false => "ServerHello",
    };
    let suite = hello.cipher_suite_name().unwrap_or("unknown");
    let mut text = format!("{kind} {} {suite}", hello.version());
    if let Some(protocol) = hello.alpn() {
        let _ = write!(text, " {}", String::from_utf8_lossy(protocol));
    }
    if let Some(group) = hello.key_share_group() {
        let _ = write!(text, " group {group:#06x}");
    }
    let _ = write!(text, "\n      ja3s {}", hello.ja3s());
    text
}

/// The lengths of the certificates, and whose the first is.
fn chain(chain: &CertificateChain) -> String {
    let mut text = "Certificate".to_owned();
    for certificate in chain.certificates() {
        let _ = write!(text, " {} B", certificate.der().len());
    }
    if let Some(details) = chain.first().and_then(Certificate::details) {
        let _ = write!(text, " {} by {}", details.subject, details.issuer);
    }
    text
}

/// How a session is resumed, if at all, and what comes of it.
fn handshake(it: &Handshake) -> String {
    let outcome = match it.outcome {
        Outcome::Encrypted => "encrypted".to_owned(),
        Outcome::Alert(alert) => alert.to_string(),
        other => format!("{other:?}"),
    };
    format!("{}, {outcome}", it.resumption.as_str())
}
