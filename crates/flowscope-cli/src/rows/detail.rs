//! What a row says about what happened.

use core::time::Duration;

use flowscope::http::HttpMessage;
use flowscope::quic::QuicMessage;
use flowscope::tls::{Certificate, ClientHello, ServerHello, TlsMessage};
use flowscope_record::{EventKind, FlowRecord, Record};

use super::fields;
use crate::units;

/// All that fits into one cell.
pub(super) fn of(record: &Record) -> String {
    match record {
        Record::Flow(flow) | Record::Ended(flow) => end(flow),
        Record::Event(event) => change(event.kind),
        Record::Http(record) => http(&record.message),
        Record::Tls(record) => tls(&record.message),
        Record::Quic(record) => quic(&record.message),
        Record::Dns(record) => record.message.to_string(),
        other => fields::of(other),
    }
}

pub(super) fn is_alert(message: &TlsMessage) -> bool {
    matches!(message, TlsMessage::Alert(_))
}

fn end(flow: &FlowRecord) -> String {
    format!(
        "{}: {} packets, {} in {}",
        flow.reason.as_str(),
        units::count(flow.stats.packets.total()),
        units::bytes(flow.stats.bytes.total()),
        units::duration(flow.duration_nanos()),
    )
}

fn change(kind: EventKind) -> String {
    match kind {
        EventKind::Started(state) => state.as_str().to_owned(),
        EventKind::StateChange { from, to } => format!("{} → {}", from.as_str(), to.as_str()),
        EventKind::Anomaly { anomaly, side } => {
            format!("{} by {}", anomaly.as_str(), side.as_str())
        }
        _ => String::new(),
    }
}

fn http(message: &HttpMessage) -> String {
    match message {
        HttpMessage::Request(request) => {
            let host = request.host().unwrap_or_default();
            let target = request.target();
            match target.as_bytes().starts_with(b"/") {
                true => format!("{} {host}{target}", request.method()),
                false => format!("{} {target}", request.method()),
            }
        }
        HttpMessage::Response(response) => {
            let mut text = format!("{} {}", response.status, response.reason());
            if let Some(kind) = response.content_type() {
                text.push_str(&format!(" {kind}"));
            }
            text.push_str(&format!(" {}", units::bytes(response.body_bytes)));
            if let Some(request) = &response.request {
                let latency = units::duration(nanos(request.latency));
                let target = request.target();
                text.push_str(&format!(
                    " for {} {target} after {latency}",
                    request.method()
                ));
            }
            text
        }
        _ => String::new(),
    }
}

fn tls(message: &TlsMessage) -> String {
    match message {
        TlsMessage::ClientHello(hello) => client_hello(hello),
        TlsMessage::ServerHello(hello) => server_hello(hello),
        TlsMessage::Certificate(chain) => match chain.first().and_then(Certificate::details) {
            Some(details) => details.subject,
            None => String::new(),
        },
        TlsMessage::Alert(alert) => alert.to_string(),
        TlsMessage::HelloVerifyRequest(request) => {
            format!("{}, once more with a cookie", request.version())
        }
        _ => String::new(),
    }
}

fn quic(message: &QuicMessage) -> String {
    match message {
        QuicMessage::ClientHello(client) => client_hello(&client.hello),
        QuicMessage::ServerHello(server) => server_hello(&server.hello),
        QuicMessage::Retry(retry) => format!("{}, once more with a token", retry.version),
        QuicMessage::VersionNegotiation(offer) => {
            let versions = offer.versions.iter().map(ToString::to_string);
            versions.collect::<Vec<_>>().join(" ")
        }
        QuicMessage::GoogleHello(hello) => {
            let name = hello.server_name.as_deref().unwrap_or_default();
            format!("{} {}", String::from_utf8_lossy(name), hello.version)
        }
        _ => String::new(),
    }
}

fn client_hello(hello: &ClientHello) -> String {
    let name = hello.sni().unwrap_or_default();
    format!("{name} {} {}", hello.version(), hello.ja4())
}

fn server_hello(hello: &ServerHello) -> String {
    let suite = hello.cipher_suite_name().unwrap_or_default();
    match hello.hello_retry_request() {
        true => format!("{} {suite}, once more", hello.version()),
        false => format!("{} {suite}", hello.version()),
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
