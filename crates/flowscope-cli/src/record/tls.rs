//! What records say of TLS.

use flowscope::tls::{Alert, Certificate, CertificateChain, ClientHello, ServerHello, TlsMessage};

use super::stream::Hex;
use super::{Fields, Record};

pub(super) fn kind(message: &TlsMessage) -> &'static str {
    match message {
        TlsMessage::ClientHello(_) => "tls_client_hello",
        TlsMessage::ServerHello(_) => "tls_server_hello",
        TlsMessage::Certificate(_) => "tls_certificate",
        TlsMessage::Alert(_) => "tls_alert",
        TlsMessage::Anomaly(_) => "anomaly",
        _ => "tls",
    }
}

pub(super) fn tell(message: &TlsMessage, fields: &mut impl Fields) {
    if let TlsMessage::Anomaly(_) = message {
        fields.word("kind", Some("parse_error"));
    }
    fields.word("side", Some(message.side().as_str()));
    match message {
        TlsMessage::ClientHello(hello) => tell_client_hello(hello, fields),
        TlsMessage::ServerHello(hello) => tell_server_hello(hello, fields),
        TlsMessage::Certificate(chain) => tell_certificate(chain, fields),
        TlsMessage::Alert(alert) => tell_alert(alert, fields),
        _ => {}
    }
}

fn tell_client_hello(hello: &ClientHello, fields: &mut impl Fields) {
    let extensions = hello.extensions().map(|it| it.kind.into());
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
    fields.text("ja3", Some(hello.ja3().to_string()));
    fields.text("ja3_raw", Some(hello.ja3_raw()));
    fields.text("ja4", Some(hello.ja4().as_str()));
    fields.text("ja4_r", Some(hello.ja4_r()));
}

fn tell_server_hello(hello: &ServerHello, fields: &mut impl Fields) {
    let extensions = hello.extensions().map(|it| it.kind.into());
    fields.text("version", Some(hello.version().to_string()));
    fields.number("cipher_suite", Some(hello.cipher_suite().into()));
    fields.text("cipher_suite_name", hello.cipher_suite_name());
    fields.text("alpn", hello.alpn());
    fields.numbers("extensions", extensions);
    fields.text("ja3s", Some(hello.ja3s().to_string()));
    fields.text("ja3s_raw", Some(hello.ja3s_raw()));
    fields.flag("hello_retry_request", Some(hello.hello_retry_request()));
}

fn tell_certificate(chain: &CertificateChain, fields: &mut impl Fields) {
    let details = chain.first().and_then(Certificate::details);
    let details = details.as_ref();
    let names = details.map_or(&[][..], |details| &details.names);
    fields.records("chain", chain.certificates().map(Link));
    fields.text("subject", details.map(|details| &details.subject));
    fields.text("issuer", details.map(|details| &details.issuer));
    fields.texts("san", names.iter());
}

fn tell_alert(alert: &Alert, fields: &mut impl Fields) {
    let number = || alert.description().to_string();
    let description = alert.description_name().map_or_else(number, str::to_owned);
    fields.word("level", Some(alert.level_name()));
    fields.text("description", Some(description));
}

/// A certificate of a chain.
struct Link<'a>(Certificate<'a>);

impl Record for Link<'_> {
    fn tell(&self, fields: &mut impl Fields) {
        fields.number("bytes", Some(self.0.der().len() as u64));
        fields.word("sha256", Some(Hex(&self.0.sha256())));
    }
}

/// What a table says about it.
pub(super) fn detail(message: &TlsMessage) -> String {
    match message {
        TlsMessage::ClientHello(hello) => {
            let name = hello.sni().unwrap_or_default();
            format!("{name} {} {}", hello.version(), hello.ja4())
        }
        TlsMessage::ServerHello(hello) => {
            let suite = hello.cipher_suite_name().unwrap_or_default();
            match hello.hello_retry_request() {
                true => format!("{} {suite}, once more", hello.version()),
                false => format!("{} {suite}", hello.version()),
            }
        }
        TlsMessage::Certificate(chain) => match chain.first().and_then(Certificate::details) {
            Some(details) => details.subject,
            None => String::new(),
        },
        TlsMessage::Alert(alert) => alert.to_string(),
        _ => String::new(),
    }
}

/// Every field, in the order in which records tell them.
pub(super) const FIELDS: &[&str] = &[
    "side",
    "version",
    "legacy_version",
    "sni",
    "cipher_suite",
    "cipher_suite_name",
    "alpn",
    "cipher_suites",
    "extensions",
    "supported_groups",
    "signature_algorithms",
    "key_share_groups",
    "ech",
    "session_id_bytes",
    "ja3",
    "ja3_raw",
    "ja4",
    "ja4_r",
    "ja3s",
    "ja3s_raw",
    "hello_retry_request",
    "chain",
    "subject",
    "issuer",
    "san",
    "level",
    "description",
];
