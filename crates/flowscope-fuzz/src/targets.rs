//! The targets by name.

use flowscope::detect::{DetectConfig, Detector};
use flowscope::dns::{DnsConfig, DnsTcpParser, DnsUdpParser, Strictness};
use flowscope::http::{Bodies, HttpConfig, HttpParser};
use flowscope::quic::{QuicConfig, QuicParser, ReadUntil};
use flowscope::tls::{DtlsParser, TlsConfig, TlsParser};

pub use crate::capture::capture;
pub use crate::conversation::conversation;
pub use crate::formats::records;
pub use crate::fragments::fragments;
pub use crate::frames::frames;
use crate::parsers::{datagrams, session};
use crate::script::Script;

/// Something that takes any bytes, and panics where what must hold does not.
pub type Target = fn(&[u8]);

/// All targets, with their names.
pub const TARGETS: &[(&str, Target)] = &[
    ("capture", capture),
    ("frames", frames),
    ("fragments", fragments),
    ("conversation", conversation),
    ("records", records),
    ("http", http),
    ("tls", tls),
    ("dns_stream", dns_stream),
    ("dns_datagrams", dns_datagrams),
    ("quic", quic),
    ("dtls", dtls),
    ("detect_stream", detect_stream),
    ("detect_datagrams", detect_datagrams),
];

/// HTTP in any pieces.
pub fn http(bytes: &[u8]) {
    let Some(script) = Script::read(bytes) else {
        return;
    };
    let config = match script.settings % 3 {
        0 => HttpConfig::default(),
        1 => HttpConfig {
            max_head: 60,
            max_headers: 3,
            max_outstanding: 3,
            bodies: Bodies::Collected { limit: 20 },
            ..HttpConfig::default()
        },
        _ => HttpConfig {
            max_prelude: 30,
            max_resync: 60,
            ..HttpConfig::default()
        },
    };
    session(&HttpParser::new(config), &script);
}

/// TLS in any pieces.
pub fn tls(bytes: &[u8]) {
    if let Some(script) = Script::read(bytes) {
        session(&TlsParser::new(tls_config(&script)), &script);
    }
}

/// DNS over TCP in any pieces.
pub fn dns_stream(bytes: &[u8]) {
    if let Some(script) = Script::read(bytes) {
        session(&DnsTcpParser::new(dns_config(&script)), &script);
    }
}

/// DNS in datagrams: questions and their answers.
pub fn dns_datagrams(bytes: &[u8]) {
    if let Some(script) = Script::read(bytes) {
        datagrams(&DnsUdpParser::new(dns_config(&script)), &script);
    }
}

/// QUIC.
pub fn quic(bytes: &[u8]) {
    let Some(script) = Script::read(bytes) else {
        return;
    };
    let mut config = QuicConfig::default();
    if script.settings & 1 == 1 {
        config.until = ReadUntil::FlowEnd;
        config.max_crypto = 4 << 10;
        config.max_connections = 2;
    }
    datagrams(&QuicParser::new(config), &script);
}

/// DTLS.
pub fn dtls(bytes: &[u8]) {
    if let Some(script) = Script::read(bytes) {
        datagrams(&DtlsParser::new(tls_config(&script)), &script);
    }
}

/// Any protocol on a connection, in any pieces.
pub fn detect_stream(bytes: &[u8]) {
    if let Some(script) = Script::read(bytes) {
        session(&detector(&script), &script);
    }
}

/// Any protocol in datagrams.
pub fn detect_datagrams(bytes: &[u8]) {
    if let Some(script) = Script::read(bytes) {
        datagrams(&detector(&script), &script);
    }
}

fn detector(script: &Script<'_>) -> Detector {
    let mut config = DetectConfig::default();
    // It bounds packets, however little each of them says.
    config.max_search_chunks = u16::MAX;
    if script.settings & 1 == 1 {
        config.max_search = 64;
        config.dns = dns_config(script);
        config.tls = tls_config(script);
    }
    Detector::new(config).with_ports(script.ports)
}

fn tls_config(script: &Script<'_>) -> TlsConfig {
    let mut config = TlsConfig::default();
    if script.settings & 2 == 2 {
        config.max_message = 2 << 10;
        config.max_prelude = 40;
    }
    config
}

fn dns_config(script: &Script<'_>) -> DnsConfig {
    let mut config = DnsConfig::default();
    if script.settings & 2 == 2 {
        config.max_pending = 3;
        config.max_records = 4;
    }
    if script.settings & 4 == 4 {
        config.strictness = Strictness::KnownPort;
    }
    config
}
