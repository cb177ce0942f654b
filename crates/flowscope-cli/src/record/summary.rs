//! What a whole capture amounts to.

use std::io;

use flowscope::track::{EndReason, TrackerStats};
use flowscope::wire::{IpProtocol, Skip};

use super::{Fields, Host, Line, Record};
use crate::format::{Align, Cell, Column, Table, Tone};
use crate::names::Times;
use crate::tally::{Oddities, Share, Span, Talk};
use crate::units;

/// A capture at a glance.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) totals: TrackerStats,
    /// `None` for a capture without packets.
    pub(crate) span: Option<Span>,
    /// The one with the most data first.
    pub(crate) protocols: Vec<(Option<IpProtocol>, Share)>,
    /// What was recognised, the one with the most data first.
    pub(crate) apps: Vec<(&'static str, Share)>,
    /// The hosts with the most data, the first one first.
    pub(crate) hosts: Vec<(Host, Talk)>,
    /// All other hosts.
    pub(crate) other_hosts: Option<Talk>,
    /// The names asked for most often, the first one first.
    pub(crate) names: Vec<(Vec<u8>, Times)>,
    /// All other names.
    pub(crate) other_names: Option<Times>,
    pub(crate) oddities: Oddities,
}

impl Record for Summary {
    fn tell(&self, fields: &mut impl Fields) {
        let (totals, span, oddities) = (&self.totals, self.span, self.oddities);
        fields.word("type", Some("summary"));
        fields.time("ts", span.map(|span| span.end));
        fields.number("packets", Some(totals.packets));
        fields.number("bytes", Some(totals.bytes));
        fields.time("start", span.map(|span| span.start));
        fields.time("end", span.map(|span| span.end));
        fields.seconds("duration", span.map(Span::nanos));
        fields.number("packets_skipped", Some(totals.packets_skipped()));
        fields.number("flows", Some(totals.flows));
        fields.number("flows_peak", Some(totals.peak));
        fields.number("anomalies", present(totals.anomalies()));
        fields.number("retransmitted", present(oddities.retransmitted));
        fields.number("out_of_order", present(oddities.out_of_order));
        fields.number("cut_packets", present(oddities.cut_packets));
        fields.records(
            "protocols",
            self.protocols.iter().copied().map(ProtocolRecord),
        );
        fields.records("apps", self.apps.iter().copied().map(AppRecord));
        fields.records("reasons", ended(totals).map(ReasonRecord));
        fields.records("hosts", self.hosts.iter().copied().map(HostRecord));
        fields.records("names", self.names.iter().map(NameRecord));
    }
}

fn present(count: u64) -> Option<u64> {
    (count > 0).then_some(count)
}

/// How many flows ended for which reason.
fn ended(totals: &TrackerStats) -> impl Iterator<Item = (EndReason, u64)> {
    EndReason::ALL
        .iter()
        .map(|reason| (*reason, totals.ended(*reason)))
        .filter(|(_, flows)| *flows > 0)
}

struct ProtocolRecord((Option<IpProtocol>, Share));

impl Record for ProtocolRecord {
    fn tell(&self, fields: &mut impl Fields) {
        let Self((protocol, share)) = *self;
        fields.word("proto", protocol);
        share.tell(fields);
    }
}

struct AppRecord((&'static str, Share));

impl Record for AppRecord {
    fn tell(&self, fields: &mut impl Fields) {
        let Self((app, share)) = *self;
        fields.word("app", Some(app));
        share.tell(fields);
    }
}

impl Record for Share {
    fn tell(&self, fields: &mut impl Fields) {
        fields.number("flows", Some(self.flows));
        fields.number("packets", Some(self.packets));
        fields.number("bytes", Some(self.bytes));
    }
}

struct ReasonRecord((EndReason, u64));

impl Record for ReasonRecord {
    fn tell(&self, fields: &mut impl Fields) {
        let Self((reason, flows)) = *self;
        fields.word("reason", Some(reason.as_str()));
        fields.number("flows", Some(flows));
    }
}

struct HostRecord((Host, Talk));

impl Record for HostRecord {
    fn tell(&self, fields: &mut impl Fields) {
        let Self((host, talk)) = *self;
        fields.word("host", Some(host));
        fields.number("flows", Some(talk.flows));
        fields.number("bytes_sent", Some(talk.sent));
        fields.number("bytes_received", Some(talk.received));
    }
}

struct NameRecord<'a>(&'a (Vec<u8>, Times));

impl Record for NameRecord<'_> {
    fn tell(&self, fields: &mut impl Fields) {
        let Self((name, times)) = self;
        fields.text("name", Some(name));
        fields.number("http", Some(times.http));
        fields.number("tls", Some(times.tls));
        fields.number("dns", Some(times.dns));
    }
}

/// What of a capture belongs to no flow.
#[derive(Debug)]
pub(crate) struct SkippedRecord<'a>(pub(crate) &'a Summary);

impl Record for SkippedRecord<'_> {
    fn tell(&self, fields: &mut impl Fields) {
        let Self(Summary { totals, span, .. }) = self;
        fields.word("type", Some("skipped"));
        fields.time("ts", span.map(|span| span.end));
        fields.number("packets", Some(totals.packets_skipped()));
        fields.records("reasons", totals.skipped().map(SkipRecord));
    }
}

struct SkipRecord((Skip, u64));

impl Record for SkipRecord {
    fn tell(&self, fields: &mut impl Fields) {
        let Self((skip, packets)) = *self;
        fields.word("layer", Some(skip.layer.as_str()));
        fields.word("cause", Some(skip.cause.as_str()));
        fields.number("packets", Some(packets));
    }
}

impl Line for Summary {
    fn draw(&self, table: &mut Table) -> io::Result<()> {
        self.draw_totals(table)?;
        self.draw_protocols(table)?;
        self.draw_hosts(table)?;
        self.draw_names(table)?;
        self.draw_reasons(table)
    }
}

impl Summary {
    fn draw_totals(&self, table: &mut Table) -> io::Result<()> {
        let (totals, oddities) = (&self.totals, self.oddities);
        let mut rows = vec![
            pair("Packets", units::count(totals.packets)),
            pair("Data", units::bytes(totals.bytes)),
        ];
        if let Some(span) = self.span {
            let time = format!(
                "{} to {} UTC",
                units::date_time(span.start),
                units::date_time(span.end)
            );
            rows.push(pair("Time", time));
            rows.push(pair("Duration", units::duration(span.nanos())));
            let seconds = span.nanos() as f64 / 1e9;
            if seconds > 0.0 {
                let rate = format!(
                    "{}, {} packets/s",
                    units::bit_rate(totals.bytes as f64 * 8.0 / seconds),
                    units::count((totals.packets as f64 / seconds).round() as u64),
                );
                rows.push(pair("Rate", rate));
            }
        }
        let flows = format!(
            "{}, at most {} at once",
            units::count(totals.flows),
            units::count(totals.peak)
        );
        rows.push(pair("Flows", flows));
        for (what, count) in [
            ("Retransmitted", oddities.retransmitted),
            ("Out of order", oddities.out_of_order),
            ("Cut short", oddities.cut_packets),
            ("Anomalies", totals.anomalies()),
        ] {
            if count > 0 {
                rows.push(pair(what, units::count(count)));
            }
        }
        table.inset(PAIR, &rows)
    }

    fn draw_protocols(&self, table: &mut Table) -> io::Result<()> {
        let all: u64 = self.protocols.iter().map(|(_, share)| share.bytes).sum();
        let row = |name: String, share: &Share| {
            vec![
                Cell::new(name),
                Cell::new(units::count(share.flows)),
                Cell::new(units::count(share.packets)),
                Cell::new(units::bytes(share.bytes)),
                Cell::new(units::percent(share.bytes, all)),
                Cell::toned(bar(share.bytes, all), Tone::Good),
            ]
        };
        let protocols = self.protocols.iter().map(|(protocol, share)| {
            let name = protocol.map_or_else(|| "any".to_owned(), |it| it.to_string());
            row(name, share)
        });
        let apps = self.apps.iter();
        let apps = apps.map(|(app, share)| row((*app).to_owned(), share));
        draw_section(table, PROTOCOLS, &protocols.collect::<Vec<_>>())?;
        draw_section(table, APPS, &apps.collect::<Vec<_>>())
    }

    fn draw_hosts(&self, table: &mut Table) -> io::Result<()> {
        let named = self
            .hosts
            .iter()
            .map(|(host, talk)| (host.to_string(), talk));
        let others = self
            .other_hosts
            .iter()
            .map(|talk| ("all others".to_owned(), talk));
        let rows: Vec<_> = named
            .chain(others)
            .map(|(name, talk)| {
                vec![
                    Cell::new(name),
                    Cell::new(units::count(talk.flows)),
                    Cell::new(units::bytes(talk.sent)),
                    Cell::new(units::bytes(talk.received)),
                ]
            })
            .collect();
        draw_section(table, HOSTS, &rows)
    }

    fn draw_names(&self, table: &mut Table) -> io::Result<()> {
        let named = self.names.iter().map(|(name, times)| {
            let name = units::printable(&String::from_utf8_lossy(name));
            (name, times)
        });
        let others = self
            .other_names
            .iter()
            .map(|times| ("all others".to_owned(), times));
        let count = |times| match times {
            0 => Cell::new(""),
            _ => Cell::new(units::count(times)),
        };
        let rows: Vec<_> = named
            .chain(others)
            .map(|(name, times)| {
                vec![
                    Cell::new(name),
                    count(times.dns),
                    count(times.tls),
                    count(times.http),
                ]
            })
            .collect();
        draw_section(table, NAMES, &rows)
    }

    fn draw_reasons(&self, table: &mut Table) -> io::Result<()> {
        let rows: Vec<_> = ended(&self.totals)
            .map(|(reason, flows)| {
                vec![
                    Cell::new(in_words(reason)),
                    Cell::new(units::count(flows)),
                    Cell::new(units::percent(flows, self.totals.flows)),
                ]
            })
            .collect();
        draw_section(table, REASONS, &rows)
    }
}

impl Line for SkippedRecord<'_> {
    fn draw(&self, table: &mut Table) -> io::Result<()> {
        let Self(Summary { totals, .. }) = self;
        let rows: Vec<_> = totals
            .skipped()
            .map(|(skip, packets)| {
                vec![
                    Cell::new(skip.to_string()),
                    Cell::new(units::count(packets)),
                    Cell::new(units::percent(packets, totals.packets)),
                ]
            })
            .collect();
        draw_section(table, SKIPPED, &rows)
    }
}

/// Draws a table under an empty line, or nothing if it has no rows.
fn draw_section(table: &mut Table, columns: &[Column], rows: &[Vec<Cell>]) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    table.gap()?;
    table.inset(columns, rows)
}

fn pair(name: &'static str, value: String) -> Vec<Cell> {
    vec![Cell::toned(name, Tone::Title), Cell::new(value)]
}

/// A bar that is full where `part` is the whole.
fn bar(part: u64, whole: u64) -> String {
    let eighths = (part as f64 / whole.max(1) as f64 * 8.0 * BAR as f64).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    if let Some(rest) = (eighths % 8).checked_sub(1) {
        bar.extend(['▏', '▎', '▍', '▌', '▋', '▊', '▉'].get(rest));
    }
    bar
}

fn in_words(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Fin => "closed by both sides",
        EndReason::Rst => "reset",
        EndReason::IdleTimeout => "silent for too long",
        EndReason::Evicted => "evicted from the full table",
        EndReason::Replaced => "replaced by another connection",
        EndReason::EndOfInput => "open at the end of the capture",
        other => other.as_str(),
    }
}

/// Every field but those of the records within, in the order they are told.
pub(super) const FIELDS: &[&str] = &[
    "type",
    "ts",
    "packets",
    "bytes",
    "start",
    "end",
    "duration",
    "packets_skipped",
    "flows",
    "flows_peak",
    "anomalies",
    "retransmitted",
    "out_of_order",
    "cut_packets",
    "protocols",
    "apps",
    "reasons",
    "hosts",
    "names",
    "lossy",
];

/// Without titles: the left column has them.
const PAIR: &[Column] = &[
    Column::new("", Align::Left, 0),
    Column::new("", Align::Left, 0).flexible(),
];

const PROTOCOLS: &[Column] = &shares("PROTOCOL");

const APPS: &[Column] = &shares("RECOGNISED");

/// Of what all have their share in.
const fn shares(what: &'static str) -> [Column; 6] {
    [
        Column::new(what, Align::Left, 0),
        Column::new("FLOWS", Align::Right, 0),
        Column::new("PACKETS", Align::Right, 1),
        Column::new("DATA", Align::Right, 0),
        Column::new("SHARE", Align::Right, 0),
        Column::new("", Align::Left, 2),
    ]
}

const HOSTS: &[Column] = &[
    Column::new("TOP HOST", Align::Left, 0).flexible(),
    Column::new("FLOWS", Align::Right, 0),
    Column::new("SENT", Align::Right, 0),
    Column::new("RECEIVED", Align::Right, 0),
];

/// How often each was asked for, and how.
const NAMES: &[Column] = &[
    Column::new("ASKED FOR", Align::Left, 0).flexible(),
    Column::new("DNS", Align::Right, 0),
    Column::new("TLS", Align::Right, 0),
    Column::new("HTTP", Align::Right, 0),
];

const REASONS: &[Column] = &[
    Column::new("FLOWS ENDED", Align::Left, 0).flexible(),
    Column::new("FLOWS", Align::Right, 0),
    Column::new("SHARE", Align::Right, 0),
];

const SKIPPED: &[Column] = &[
    Column::new("PACKETS WITHOUT A FLOW", Align::Left, 0).flexible(),
    Column::new("PACKETS", Align::Right, 0),
    Column::new("SHARE", Align::Right, 0),
];

const BAR: usize = 24;
