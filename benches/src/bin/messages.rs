//! Reads the HTTP, TLS, QUIC and DNS of a capture, and says what that took:
//! `messages CAPTURE [everything|quic]`.
//!
//! With `everything` it also computes the fingerprints of each ClientHello,
//! and walks through each record of each DNS message. With `quic` it reads
//! nothing but QUIC. `benches/peers/newest`
//! does the same with another crate. Both print one line of JSON; what they
//! count under the same name is the same.
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use core::error::Error;
use std::process::ExitCode;

use flowscope::detect::{DetectConfig, Detector, Message, Protocol, Protocols};
use flowscope::dns::DnsMessage;
use flowscope::extract::{FiveTuple, FiveTupleKey};
use flowscope::http::HttpMessage;
use flowscope::pcap::{PcapError, PcapFlowSource};
use flowscope::quic::QuicMessage;
use flowscope::tls::TlsMessage;
use flowscope::{FlowEvent, SessionEvent};
use flowscope_benches::cost::Cost;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("messages: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let capture = arguments.next().ok_or("which capture?")?;
    let (depth, protocols) = match arguments.next().as_deref() {
        Some("everything") => (Depth::Everything, Protocols::ALL),
        Some("quic") => (Depth::AsGiven, Protocols::only(Protocol::Quic)),
        None => (Depth::AsGiven, Protocols::ALL),
        Some(other) => return Err(format!("no such mode: {other}").into()),
    };
    let cost = Cost::from_now()?;
    let tally = messages(PcapFlowSource::open(capture)?, depth, protocols)?;
    println!("{}", cost.line(&tally.counts())?);
    Ok(())
}

/// How much of a message is looked at.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Depth {
    AsGiven,
    Everything,
}

fn messages(
    mut source: PcapFlowSource,
    depth: Depth,
    protocols: Protocols,
) -> Result<Tally, PcapError> {
    let detector = Detector::new(DetectConfig {
        protocols,
        ..DetectConfig::default()
    });
    let mut driver = detector.driver(FiveTuple::bidirectional());
    let mut tally = Tally::default();
    let mut take = |event: SessionEvent<FiveTupleKey, Message>| match event {
        SessionEvent::Started { .. } => tally.flows += 1,
        SessionEvent::Tracked(FlowEvent::Packet { .. }) => tally.packets += 1,
        SessionEvent::Application { message, .. } => tally.message(&message, depth),
        _ => {}
    };
    loop {
        let batch = source.next_batch()?;
        if batch.len() == 0 {
            break;
        }
        driver.track_batch(batch, &mut take);
    }
    driver.finish(&mut take);
    Ok(tally)
}

/// What was read.
#[derive(Default)]
struct Tally {
    packets: u64,
    flows: u64,
    requests: u64,
    responses: u64,
    client_hellos: u64,
    server_hellos: u64,
    quic_client_hellos: u64,
    quic_server_hellos: u64,
    certificates: u64,
    alerts: u64,
    queries: u64,
    answers: u64,
    records: u64,
    fingerprints: u64,
    others: u64,
}

impl Tally {
    fn message(&mut self, message: &Message, depth: Depth) {
        match message {
            Message::Http(HttpMessage::Request(_)) => self.requests += 1,
            Message::Http(HttpMessage::Response(_)) => self.responses += 1,
            Message::Tls(TlsMessage::ClientHello(hello)) => {
                self.client_hellos += 1;
                if depth == Depth::Everything {
                    self.fingerprints += u64::from(hello.ja3().bytes() != [0; 16]);
                    self.fingerprints += u64::from(!hello.ja4().to_string().is_empty());
                }
            }
            Message::Tls(TlsMessage::ServerHello(_)) => self.server_hellos += 1,
            Message::Quic(QuicMessage::ClientHello(_)) => self.quic_client_hellos += 1,
            Message::Quic(QuicMessage::ServerHello(_)) => self.quic_server_hellos += 1,
            Message::Tls(TlsMessage::Certificate(_)) => self.certificates += 1,
            Message::Tls(TlsMessage::Alert(_)) => self.alerts += 1,
            Message::Dns(DnsMessage::Query(_)) => self.queries += 1,
            Message::Dns(DnsMessage::Response(response)) => {
                self.answers += 1;
                if depth == Depth::Everything {
                    self.records += response.packet.records().count() as u64;
                }
            }
            _ => self.others += 1,
        }
    }

    fn counts(&self) -> [(&'static str, u64); 15] {
        [
            ("packets", self.packets),
            ("flows", self.flows),
            ("http_requests", self.requests),
            ("http_responses", self.responses),
            ("tls_client_hellos", self.client_hellos),
            ("tls_server_hellos", self.server_hellos),
            ("quic_client_hellos", self.quic_client_hellos),
            ("quic_server_hellos", self.quic_server_hellos),
            ("tls_certificates", self.certificates),
            ("tls_alerts", self.alerts),
            ("dns_queries", self.queries),
            ("dns_responses", self.answers),
            ("dns_records", self.records),
            ("tls_fingerprints", self.fingerprints),
            ("others", self.others),
        ]
    }
}
