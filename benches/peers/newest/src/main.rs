//! Reads the HTTP, TLS and DNS of a capture with the published crate flowscope
//! 0.26.0, so that both can be measured in one run.
//!
//! usage: flowscope-peers-newest CAPTURE [everything] [signatures]
//!        flowscope-peers-newest CAPTURE quic|nothing
//!
//! With `everything` it also computes the fingerprints of each ClientHello. The
//! records of DNS it always decodes. With `signatures` parsers are chosen by the
//! first bytes of a flow, as flowscope does, and not by ports. With `quic` it
//! reads nothing but QUIC, on the ports 443 and 4433; with `nothing` it tracks
//! flows.
//!
//! One line of JSON says what was counted and what it took. The crate is used
//! in the way its own example `multi_protocol_monitor` shows: one pass of
//! `PcapFlowSource::views` into one `Driver`, with a slot for each parser, by
//! port, and slots drained after each packet. DNS is matched, as flowscope's is
//! without being asked.

#[path = "../../src/cost.rs"]
mod cost;

use std::process::ExitCode;

use cost::{CpuTime, Memory};
use peer::detect::signatures;
use peer::dns::{DnsMessage, DnsTcpParser, DnsUdpParser};
use peer::driver::{Driver, Event, SlotHandle, SlotMessage};
use peer::extract::{FiveTuple, FiveTupleKey};
use peer::http::{HttpMessage, HttpParser};
use peer::pcap::PcapFlowSource;
use peer::quic::QuicUdpParser;
use peer::tls::{TlsConfig, TlsMessage, TlsParser};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("flowscope-peers-newest: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, Failure> {
    let mut arguments = std::env::args().skip(1);
    let capture = arguments
        .next()
        .ok_or("usage: flowscope-peers-newest CAPTURE [everything] [signatures]|quic|nothing")?;
    let mut modes = Modes::default();
    for mode in arguments {
        match mode.as_str() {
            "everything" => modes.everything = true,
            "signatures" => modes.signatures = true,
            "quic" => modes.only = Some(Only::Quic),
            "nothing" => modes.only = Some(Only::Nothing),
            other => return Err(format!("no such mode: {other}").into()),
        }
    }
    let before = Memory::now()?;
    let tally = match modes.only {
        Some(only) => quic(&capture, only)?,
        None => messages(&capture, modes)?,
    };
    let after = Memory::now()?;
    let cpu = CpuTime::so_far()?;
    let counts: String = tally
        .counts()
        .iter()
        .map(|(name, count)| format!("\"{name}\":{count},"))
        .collect();
    Ok(format!(
        concat!(
            r#"{{{}"user_seconds":{:.2},"system_seconds":{:.2},"#,
            r#""start_rss_bytes":{},"peak_rss_bytes":{}}}"#
        ),
        counts, cpu.user, cpu.system, before.resident, after.peak,
    ))
}

#[derive(Clone, Copy, Default)]
struct Modes {
    everything: bool,
    signatures: bool,
    only: Option<Only>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Only {
    Quic,
    Nothing,
}

fn quic(capture: &str, only: Only) -> Result<Tally, Failure> {
    let mut builder = Driver::builder(FiveTuple::bidirectional());
    let mut quic = match only {
        Only::Quic => {
            let parser = QuicUdpParser::default();
            Some(Slot::new(builder.datagram_on_ports(parser, [443, 4433])))
        }
        Only::Nothing => None,
    };
    let mut driver = builder.build();
    let mut tally = Tally::default();
    let mut events = Vec::new();
    let mut views = PcapFlowSource::open(capture)?.views();
    loop {
        events.clear();
        let view = views.next().transpose()?;
        match &view {
            Some(view) => driver.track_into(view, &mut events),
            None => driver.finish_into(&mut events),
        }
        for event in &events {
            tally.event(event);
        }
        if let Some(quic) = &mut quic {
            quic.drain(|initial| match initial.client_hello {
                Some(_) => tally.quic_client_hellos += 1,
                None => tally.others += 1,
            });
        }
        if view.is_none() {
            return Ok(tally);
        }
    }
}

fn messages(capture: &str, modes: Modes) -> Result<Tally, Failure> {
    let mut config = TlsConfig::default();
    (config.ja3, config.ja4) = (modes.everything, modes.everything);

    let mut builder = Driver::builder(FiveTuple::bidirectional());
    let (http, tls) = (HttpParser::default(), TlsParser::with_config(config));
    let dns = DnsUdpParser::with_correlation();
    let (http, tls, dns) = match modes.signatures {
        true => (
            builder.session_heuristic(http, signatures::http_request),
            builder.session_heuristic(tls, signatures::tls_client_hello),
            builder.datagram_heuristic(dns, signatures::dns_message),
        ),
        false => (
            builder.session_on_ports(http, [80, 8080]),
            builder.session_on_ports(tls, [443, 4433, 8443]),
            builder.datagram_on_ports(dns, [53]),
        ),
    };
    let (mut http, mut tls, mut dns) = (Slot::new(http), Slot::new(tls), Slot::new(dns));
    // There is no signature of its frames.
    let mut dns_tcp = Slot::new(builder.session_on_ports(DnsTcpParser::default(), [53]));
    let mut driver = builder.build();

    let mut tally = Tally::default();
    let mut events = Vec::new();
    let mut views = PcapFlowSource::open(capture)?.views();
    loop {
        events.clear();
        let view = views.next().transpose()?;
        match &view {
            Some(view) => driver.track_into(view, &mut events),
            None => driver.finish_into(&mut events),
        }
        for event in &events {
            tally.event(event);
        }
        http.drain(|message| tally.http(message));
        tls.drain(|message| tally.tls(message));
        dns.drain(|message| tally.dns(message));
        dns_tcp.drain(|message| tally.dns(message));
        if view.is_none() {
            return Ok(tally);
        }
    }
}

/// Where the messages of a parser come out.
struct Slot<M: Send + 'static> {
    handle: SlotHandle<M, FiveTupleKey>,
    messages: Vec<SlotMessage<M, FiveTupleKey>>,
}

impl<M: Send + 'static> Slot<M> {
    fn new(handle: SlotHandle<M, FiveTupleKey>) -> Self {
        let messages = Vec::new();
        Self { handle, messages }
    }

    fn drain(&mut self, mut take: impl FnMut(&M)) {
        self.messages.clear();
        self.handle.drain(&mut self.messages);
        for message in &self.messages {
            take(&message.message);
        }
    }
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
    certificates: u64,
    alerts: u64,
    queries: u64,
    answers: u64,
    records: u64,
    fingerprints: u64,
    others: u64,
}

impl Tally {
    fn event(&mut self, event: &Event<FiveTupleKey>) {
        match event {
            Event::Started { .. } => self.flows += 1,
            Event::Packet { .. } => self.packets += 1,
            _ => {}
        }
    }

    fn http(&mut self, message: &HttpMessage) {
        match message {
            HttpMessage::Request(_) => self.requests += 1,
            HttpMessage::Response(_) => self.responses += 1,
            _ => self.others += 1,
        }
    }

    fn tls(&mut self, message: &TlsMessage) {
        match message {
            TlsMessage::ClientHello(_) => self.client_hellos += 1,
            TlsMessage::ServerHello(_) => self.server_hellos += 1,
            TlsMessage::Certificate { .. } => self.certificates += 1,
            TlsMessage::Alert(_) => self.alerts += 1,
            TlsMessage::Ja3 { .. } | TlsMessage::Ja4 { .. } => self.fingerprints += 1,
            _ => self.others += 1,
        }
    }

    fn dns(&mut self, message: &DnsMessage) {
        match message {
            DnsMessage::Query(_) => self.queries += 1,
            DnsMessage::Response(response) => {
                self.answers += 1;
                let (answers, authorities) = (&response.answers, &response.authorities);
                let records = answers.len() + authorities.len() + response.additionals.len();
                self.records += records as u64;
            }
            _ => self.others += 1,
        }
    }

    fn counts(&self) -> [(&'static str, u64); 14] {
        [
            ("packets", self.packets),
            ("flows", self.flows),
            ("http_requests", self.requests),
            ("http_responses", self.responses),
            ("tls_client_hellos", self.client_hellos),
            ("tls_server_hellos", self.server_hellos),
            ("quic_client_hellos", self.quic_client_hellos),
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
