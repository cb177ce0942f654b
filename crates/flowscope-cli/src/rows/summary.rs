//! The screen about a whole capture.

use std::io;

use flowscope::track::EndReason;
use flowscope_record::text::printable;
use flowscope_record::{SkippedRecord, SummaryRecord, Traffic};

use crate::table::{Align, Cell, Column, Table, Tone};
use crate::units;

/// Draws all but the packets that belong to no flow.
pub(super) fn draw(record: &SummaryRecord, table: &mut Table) -> io::Result<()> {
    draw_totals(record, table)?;
    draw_protocols(record, table)?;
    draw_hosts(record, table)?;
    draw_names(record, table)?;
    draw_reasons(record, table)
}

/// Draws the packets that belong to no flow.
pub(super) fn draw_skipped(record: &SkippedRecord, table: &mut Table) -> io::Result<()> {
    let rows: Vec<_> = record
        .reasons
        .iter()
        .map(|(skip, packets)| {
            vec![
                Cell::new(skip.to_string()),
                Cell::new(units::count(*packets)),
                Cell::new(units::percent(*packets, record.packets)),
            ]
        })
        .collect();
    draw_section(table, SKIPPED, &rows)
}

fn draw_totals(record: &SummaryRecord, table: &mut Table) -> io::Result<()> {
    let totals = &record.totals;
    let mut rows = vec![
        pair("Packets", units::count(totals.packets)),
        pair("Data", units::bytes(totals.bytes)),
    ];
    if let Some(span) = record.span {
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
        ("Retransmitted", record.retransmitted),
        ("Out of order", record.out_of_order),
        ("Cut short", record.cut_packets),
        ("Anomalies", totals.anomalies()),
    ] {
        if count > 0 {
            rows.push(pair(what, units::count(count)));
        }
    }
    table.inset(PAIR, &rows)
}

fn draw_protocols(record: &SummaryRecord, table: &mut Table) -> io::Result<()> {
    let all: u64 = record
        .protocols
        .iter()
        .map(|(_, traffic)| traffic.bytes)
        .sum();
    let row = |name: String, traffic: &Traffic| {
        vec![
            Cell::new(name),
            Cell::new(units::count(traffic.flows)),
            Cell::new(units::count(traffic.packets)),
            Cell::new(units::bytes(traffic.bytes)),
            Cell::new(units::percent(traffic.bytes, all)),
            Cell::toned(bar(traffic.bytes, all), Tone::Good),
        ]
    };
    let protocols = record.protocols.iter().map(|(protocol, traffic)| {
        let name = protocol.map_or_else(|| "any".to_owned(), units::protocol);
        row(name, traffic)
    });
    let apps = record.apps.iter();
    let apps = apps.map(|(app, traffic)| row((*app).to_owned(), traffic));
    draw_section(table, PROTOCOLS, &protocols.collect::<Vec<_>>())?;
    draw_section(table, APPS, &apps.collect::<Vec<_>>())
}

fn draw_hosts(record: &SummaryRecord, table: &mut Table) -> io::Result<()> {
    let named = record
        .hosts
        .iter()
        .map(|(host, traffic)| (host.to_string(), traffic));
    let others = record
        .other_hosts
        .iter()
        .map(|traffic| ("all others".to_owned(), traffic));
    let rows: Vec<_> = named
        .chain(others)
        .map(|(name, traffic)| {
            vec![
                Cell::new(name),
                Cell::new(units::count(traffic.flows)),
                Cell::new(units::bytes(traffic.sent)),
                Cell::new(units::bytes(traffic.received)),
            ]
        })
        .collect();
    draw_section(table, HOSTS, &rows)
}

fn draw_names(record: &SummaryRecord, table: &mut Table) -> io::Result<()> {
    let named = record.names.iter().map(|name| {
        let shown = printable(&String::from_utf8_lossy(&name.name));
        (shown, &name.counts)
    });
    let others = record
        .other_names
        .iter()
        .map(|counts| ("all others".to_owned(), counts));
    let cell = |count| match count {
        0 => Cell::new(""),
        _ => Cell::new(units::count(count)),
    };
    let rows: Vec<_> = named
        .chain(others)
        .map(|(name, counts)| {
            vec![
                Cell::new(name),
                cell(counts.dns),
                cell(counts.tls),
                cell(counts.http),
            ]
        })
        .collect();
    draw_section(table, NAMES, &rows)
}

fn draw_reasons(record: &SummaryRecord, table: &mut Table) -> io::Result<()> {
    let rows: Vec<_> = record
        .reasons()
        .map(|(reason, flows)| {
            vec![
                Cell::new(in_words(reason)),
                Cell::new(units::count(flows)),
                Cell::new(units::percent(flows, record.totals.flows)),
            ]
        })
        .collect();
    draw_section(table, REASONS, &rows)
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
