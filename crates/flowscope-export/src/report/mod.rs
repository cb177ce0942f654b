//! A page about captures: one file, which a browser opens without a network.
//!
//! Start at [`Report`]. What is kept does not grow with the captures: tables
//! have so many rows, plots so many points. What was captured is text on the
//! page and nothing else: it is escaped, and the page's policy allows no script
//! but its own.

mod counts;
mod plot;
mod series;

use askama::Template;
use data_encoding::BASE64;
use flowscope_core::wire::IpProtocol;
use flowscope_dns::DnsMessage;
use flowscope_http::HttpMessage;
use flowscope_quic::QuicMessage;
use flowscope_record::text::printable;
use flowscope_record::{
    EventKind, FlowRecord, NameCounts, Record, SkippedRecord, SummaryRecord, Traffic,
};
use flowscope_tls::TlsMessage;
use sha2::{Digest, Sha256};

use crate::civil;
use counts::{Counts, Histogram, Largest};
use series::Series;

/// Makes a page of records: those of everything, with the packets
/// ([`RecordConfig::frames`](flowscope_record::RecordConfig::frames)), and those
/// of a summary.
#[derive(Debug)]
pub struct Report {
    title: String,
    bytes: Series<4>,
    packets: Series<4>,
    flows: Series<1>,
    ports: Counts<(u16, &'static str)>,
    dns: Histogram,
    http: Histogram,
    versions: Counts<String>,
    ja4: Counts<String>,
    anomaly_kinds: Counts<&'static str>,
    anomalies: Vec<AnomalyRow>,
    largest: Largest,
    summary: Option<Box<SummaryRecord>>,
    skipped: Option<SkippedRecord>,
}

#[derive(Debug)]
struct AnomalyRow {
    time: String,
    kind: &'static str,
    side: &'static str,
    flow: u64,
    source: String,
    destination: String,
}

/// A row of a table of two columns and a bar.
struct Bar {
    name: String,
    value: String,
    /// In thousandths of the greatest.
    share: u64,
}

struct FlowRow {
    flow: u64,
    start: String,
    duration: String,
    protocol: String,
    app: String,
    source: String,
    destination: String,
    packets: String,
    bytes: u64,
    state: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    title: &'a str,
    style: &'static str,
    script: &'static str,
    style_hash: String,
    script_hash: String,
    totals: Vec<(&'static str, String)>,
    traffic: String,
    packets: String,
    flows: String,
    protocols: Vec<Bar>,
    apps: Vec<Bar>,
    hosts: Vec<Bar>,
    names: Vec<Bar>,
    ports: Vec<Bar>,
    dns: String,
    http: String,
    versions: Vec<Bar>,
    ja4: Vec<Bar>,
    reasons: Vec<Bar>,
    skipped: Vec<Bar>,
    anomaly_kinds: Vec<Bar>,
    anomalies: &'a [AnomalyRow],
    anomaly_count: u64,
    largest: Vec<FlowRow>,
    flow_count: u64,
}

impl Report {
    /// A page with a title, such as the captures' names.
    #[must_use]
    pub fn new(title: &str) -> Self {
        Self {
            title: printable(title),
            bytes: Series::default(),
            packets: Series::default(),
            flows: Series::default(),
            ports: Counts::default(),
            dns: Histogram::default(),
            http: Histogram::default(),
            versions: Counts::default(),
            ja4: Counts::default(),
            anomaly_kinds: Counts::default(),
            anomalies: Vec::new(),
            largest: Largest::default(),
            summary: None,
            skipped: None,
        }
    }

    /// Takes a record.
    pub fn write(&mut self, record: &Record) {
        match record {
            Record::Packet(packet) => {
                let class = match packet.endpoints.protocol {
                    Some(IpProtocol::TCP) => 0,
                    Some(IpProtocol::UDP) => 1,
                    Some(IpProtocol::ICMP | IpProtocol::ICMP6) => 2,
                    _ => 3,
                };
                self.bytes.add(packet.at, class, packet.wire_len.into());
                self.packets.add(packet.at, class, 1);
            }
            Record::Flow(flow) => self.flow(flow),
            Record::Dns(record) => {
                if let DnsMessage::Response(response) = &record.message
                    && let Some(latency) = response.latency()
                {
                    self.dns.add(latency);
                }
            }
            Record::Http(record) => {
                if let HttpMessage::Response(response) = &record.message
                    && let Some(request) = &response.request
                {
                    self.http.add(request.latency);
                }
            }
            Record::Tls(record) => match &record.message {
                TlsMessage::ClientHello(hello) => self.ja4.add(hello.ja4().as_str().to_owned(), 1),
                TlsMessage::ServerHello(hello) => self.versions.add(hello.version().to_string(), 1),
                _ => {}
            },
            Record::Quic(record) => match &record.message {
                QuicMessage::ClientHello(hello) => {
                    self.ja4.add(hello.hello.ja4().as_str().to_owned(), 1);
                }
                QuicMessage::ServerHello(hello) => {
                    let version = format!("{} in QUIC", hello.hello.version());
                    self.versions.add(version, 1);
                }
                _ => {}
            },
            Record::Event(event) => {
                if let EventKind::Anomaly { anomaly, side } = event.kind {
                    self.anomaly_kinds.add(anomaly.as_str(), 1);
                    if self.anomalies.len() < MOST_ANOMALIES {
                        self.anomalies.push(AnomalyRow {
                            time: civil::spaced(event.at),
                            kind: anomaly.as_str(),
                            side: side.as_str(),
                            flow: event.flow.number(),
                            source: event.endpoints.source(),
                            destination: event.endpoints.destination(),
                        });
                    }
                }
            }
            Record::Summary(summary) => self.summary = Some(summary.clone()),
            Record::Skipped(skipped) => self.skipped = Some(skipped.clone()),
            _ => {}
        }
    }

    fn flow(&mut self, flow: &FlowRecord) {
        self.flows.add(flow.stats.first_seen, 0, 1);
        let transport = match flow.endpoints.protocol {
            Some(IpProtocol::TCP) => Some("tcp"),
            Some(IpProtocol::UDP) => Some("udp"),
            _ => None,
        };
        if let (Some(transport), Some((_, port))) = (transport, flow.endpoints.ports) {
            self.ports.add((port, transport), flow.stats.bytes.total());
        }
        self.largest.add(flow);
    }

    /// The page.
    #[must_use]
    pub fn finish(self) -> String {
        let summary = self.summary.as_deref();
        let names = ["TCP", "UDP", "ICMP", "other"];
        let traffic_bars = |traffic: &[(String, Traffic)]| -> Vec<Bar> {
            let values = traffic.iter().map(|(name, it)| (name.clone(), it.bytes));
            bars(values, size)
        };
        let protocols = summary.map_or(Vec::new(), |summary| {
            let rows = summary.protocols.iter().map(|(protocol, traffic)| {
                let name = protocol.map_or("any".to_owned(), |it| it.to_string());
                (name, *traffic)
            });
            rows.collect()
        });
        let apps: Vec<_> = summary.map_or(Vec::new(), |summary| {
            let rows = summary.apps.iter();
            rows.map(|(app, traffic)| ((*app).to_owned(), *traffic))
                .collect()
        });
        let hosts = summary.map_or(Vec::new(), |summary| {
            let rows = summary.hosts.iter();
            bars(
                rows.map(|(host, it)| (host.to_string(), it.sent + it.received)),
                size,
            )
        });
        let requested = summary.map_or(Vec::new(), |summary| {
            let rows = summary.names.iter().map(|name| {
                let NameCounts { http, tls, dns } = name.counts;
                (
                    printable(&String::from_utf8_lossy(&name.name)),
                    http + tls + dns,
                )
            });
            bars(rows, |count| count.to_string())
        });
        let reasons = summary.map_or(Vec::new(), |summary| {
            let rows = summary.reasons();
            bars(
                rows.map(|(reason, flows)| (reason.as_str().to_owned(), flows)),
                |it| it.to_string(),
            )
        });
        let skipped = self.skipped.as_ref().map_or(Vec::new(), |skipped| {
            let rows = skipped.reasons.iter();
            bars(
                rows.map(|(skip, packets)| (skip.to_string(), *packets)),
                |it| it.to_string(),
            )
        });
        let count = |it: u64| it.to_string();
        let ports = self.ports.top(TOP).into_iter();
        let ports = ports.map(|((port, transport), bytes)| (format!("{port}/{transport}"), bytes));
        let kinds = self.anomaly_kinds.top(TOP).into_iter();
        let page = Page {
            title: &self.title,
            style: STYLE,
            script: SCRIPT,
            style_hash: hash(STYLE),
            script_hash: hash(SCRIPT),
            totals: totals(summary, self.skipped.as_ref()),
            traffic: plot::over_time("Bytes over time", &self.bytes, &names, size),
            packets: plot::over_time("Packets over time", &self.packets, &names, count),
            flows: plot::over_time("New flows over time", &self.flows, &["flows"], count),
            protocols: traffic_bars(&protocols),
            apps: traffic_bars(&apps),
            hosts,
            names: requested,
            ports: bars(ports, size),
            dns: plot::latencies("Latency of DNS", &self.dns),
            http: plot::latencies("Latency of HTTP", &self.http),
            versions: bars(self.versions.top(TOP).into_iter(), count),
            ja4: bars(self.ja4.top(TOP).into_iter(), count),
            reasons,
            skipped,
            anomaly_count: self.anomaly_kinds.total(),
            anomaly_kinds: bars(kinds.map(|(kind, it)| (kind.to_owned(), it)), count),
            anomalies: &self.anomalies,
            flow_count: summary.map_or(0, |summary| summary.totals.flows),
            largest: self.largest.rows(),
        };
        // It only fails where writing does, and a string takes everything.
        page.render().unwrap_or_default()
    }
}

fn totals(
    summary: Option<&SummaryRecord>,
    skipped: Option<&SkippedRecord>,
) -> Vec<(&'static str, String)> {
    let Some(summary) = summary else {
        return Vec::new();
    };
    let totals = &summary.totals;
    let mut rows = vec![
        ("Packets", totals.packets.to_string()),
        ("Bytes", totals.bytes.to_string()),
        ("Flows", totals.flows.to_string()),
        ("Flows at once", totals.peak.to_string()),
    ];
    if let Some(span) = summary.span {
        rows.push(("First packet", civil::spaced(span.start)));
        rows.push(("Last packet", civil::spaced(span.end)));
        rows.push(("Duration", seconds(span.nanos())));
    }
    for (name, value) in [
        ("Retransmitted", summary.retransmitted),
        ("Out of order", summary.out_of_order),
        ("Cut short", summary.cut_packets),
        ("Skipped", skipped.map_or(0, SkippedRecord::skipped)),
    ] {
        if value > 0 {
            rows.push((name, value.to_string()));
        }
    }
    rows
}

fn bars(values: impl Iterator<Item = (String, u64)>, text: impl Fn(u64) -> String) -> Vec<Bar> {
    let values: Vec<_> = values.take(TOP).collect();
    let most = values
        .iter()
        .map(|(_, value)| *value)
        .max()
        .unwrap_or(0)
        .max(1);
    let rows = values.into_iter().map(|(name, value)| Bar {
        name,
        value: text(value),
        share: value.saturating_mul(1000) / most,
    });
    rows.collect()
}

/// An amount of data, with three digits.
fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        if value < 999.5 {
            return match value {
                _ if unit == "B" => format!("{value:.0} {unit}"),
                ..9.995 => format!("{value:.2} {unit}"),
                ..99.95 => format!("{value:.1} {unit}"),
                _ => format!("{value:.0} {unit}"),
            };
        }
        value /= 1000.0;
    }
    format!("{value:.0} PB")
}

fn seconds(nanos: u64) -> String {
    format!(
        "{}.{:03} s",
        nanos / 1_000_000_000,
        nanos / 1_000_000 % 1000
    )
}

/// By what the page's policy knows its own script and style.
fn hash(text: &str) -> String {
    BASE64.encode(&Sha256::digest(text.as_bytes()))
}

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// How many rows a table has.
const TOP: usize = 20;
const MOST_ANOMALIES: usize = 500;
