//! Records as rows of tables.

mod detail;
mod fields;
mod summary;

use std::io;

use flowscope::FlowSide;
use flowscope::detect::Protocol;
use flowscope::track::FlowState;
use flowscope_record::text::printable;
use flowscope_record::{
    Endpoints, EventKind, FlowRecord, Goal, Hex, PlainText, Record, StreamRecord,
};

use crate::table::{Align, Cell, Column, Table, Tone};
use crate::units;

/// The columns of the table that records of a goal are shown in.
pub(crate) fn columns(goal: Goal) -> &'static [Column] {
    match goal {
        Goal::Flows => FLOW_COLUMNS,
        Goal::Streams => STREAM_COLUMNS,
        // A table for each of its parts, with columns of its own.
        Goal::Summary => &[],
        _ => EVENT_COLUMNS,
    }
}

/// Adds a record to the table of its goal.
pub(crate) fn draw(goal: Goal, record: &Record, table: &mut Table) -> io::Result<()> {
    match record {
        Record::Flow(flow) if goal == Goal::Flows => table.row(flow_row(flow)),
        Record::Stream(stream) => table.row(stream_row(stream)),
        Record::Summary(record) => summary::draw(record, table),
        Record::Skipped(record) => summary::draw_skipped(record, table),
        _ => table.row(event_row(record)),
    }
}

fn flow_row(flow: &FlowRecord) -> Vec<Cell> {
    let (stats, endpoints) = (&flow.stats, &flow.endpoints);
    vec![
        Cell::new(flow.flow.to_string()),
        Cell::new(units::date_time(stats.first_seen)),
        Cell::new(units::duration(flow.duration_nanos())),
        Cell::new(protocol(endpoints)),
        Cell::new(flow.app.map_or("", Protocol::as_str)),
        Cell::new(endpoints.source()),
        Cell::new(endpoints.destination()),
        Cell::new(units::count(stats.packets.initiator)),
        Cell::new(units::count(stats.packets.responder)),
        Cell::new(units::bytes(stats.bytes.initiator)),
        Cell::new(units::bytes(stats.bytes.responder)),
        Cell::toned(stats.state.as_str(), tone_of(stats.state)),
        Cell::new(flow.reason.as_str()),
        Cell::new(stats.history.to_string()),
    ]
}

/// The row of whatever happened at one moment.
fn event_row(record: &Record) -> Vec<Cell> {
    let (Some(at), Some((flow, endpoints))) = (record.at(), record.flow()) else {
        return Vec::new();
    };
    vec![
        Cell::new(units::date_time(at)),
        Cell::toned(record.kind(), tone(record)),
        Cell::new(flow.to_string()),
        Cell::new(protocol(endpoints)),
        Cell::new(endpoints.source()),
        Cell::new(endpoints.destination()),
        Cell::new(printable(&detail::of(record))),
    ]
}

fn stream_row(stream: &StreamRecord) -> Vec<Cell> {
    let (src, dst) = (stream.endpoints.source(), stream.endpoints.destination());
    let (sender, receiver) = match stream.side {
        FlowSide::Initiator => (src, dst),
        FlowSide::Responder => (dst, src),
    };
    let missing = match stream.stats.missing {
        0 => Cell::new(""),
        missing => Cell::toned(units::bytes(missing), Tone::Bad),
    };
    let mut hash = Vec::new();
    Hex(&stream.sha256).append_to(&mut hash);
    vec![
        Cell::new(stream.flow.to_string()),
        Cell::new(units::date_time(stream.at)),
        Cell::new(sender),
        Cell::new(receiver),
        Cell::new(units::bytes(stream.stats.delivered)),
        missing,
        Cell::new(String::from_utf8_lossy(&hash).into_owned()),
    ]
}

fn protocol(endpoints: &Endpoints) -> String {
    endpoints.protocol.map_or_else(String::new, units::protocol)
}

/// Whether what happened is good or bad.
fn tone(record: &Record) -> Tone {
    match record {
        Record::Flow(flow) | Record::Ended(flow) => tone_of(flow.stats.state),
        Record::Event(event) => match event.kind {
            EventKind::Anomaly { .. } => Tone::Bad,
            EventKind::Established => Tone::Good,
            _ => Tone::Plain,
        },
        Record::Tls(record) if detail::is_alert(&record.message) => Tone::Bad,
        _ => Tone::Plain,
    }
}

/// Whether a flow in this state did well.
fn tone_of(state: FlowState) -> Tone {
    match state {
        FlowState::Established | FlowState::Closing | FlowState::Closed => Tone::Good,
        FlowState::Reset => Tone::Bad,
        _ => Tone::Plain,
    }
}

/// The table: the end that opened the flow is on the left, and `→` is from it.
const FLOW_COLUMNS: &[Column] = &[
    Column::new("FLOW", Align::Right, 2),
    Column::new("START (UTC)", Align::Left, 4),
    Column::new("LASTED", Align::Right, 3),
    Column::new("PROTO", Align::Left, 0),
    Column::new("APP", Align::Left, 1),
    Column::new("SOURCE", Align::Left, 0).flexible(),
    Column::new("DESTINATION", Align::Left, 0).flexible(),
    Column::new("PACKETS →", Align::Right, 5),
    Column::new("←", Align::Right, 5),
    Column::new("BYTES →", Align::Right, 0),
    Column::new("←", Align::Right, 0),
    Column::new("STATE", Align::Left, 2),
    Column::new("REASON", Align::Left, 6),
    Column::new("HISTORY", Align::Left, 7),
];

const EVENT_COLUMNS: &[Column] = &[
    Column::new("TIME (UTC)", Align::Left, 1),
    Column::new("WHAT", Align::Left, 0),
    Column::new("FLOW", Align::Right, 0),
    Column::new("PROTO", Align::Left, 2),
    Column::new("SOURCE", Align::Left, 0).flexible(),
    Column::new("DESTINATION", Align::Left, 0).flexible(),
    Column::new("", Align::Left, 0).flexible(),
];

const STREAM_COLUMNS: &[Column] = &[
    Column::new("FLOW", Align::Right, 0),
    Column::new("END (UTC)", Align::Left, 3),
    Column::new("SENDER", Align::Left, 0).flexible(),
    Column::new("RECEIVER", Align::Left, 0).flexible(),
    Column::new("BYTES", Align::Right, 0),
    Column::new("MISSING", Align::Right, 1),
    Column::new("SHA-256", Align::Left, 2).flexible(),
];

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::Path;

    use flowscope::pcap::PcapFlowSource;
    use flowscope_record::Records;

    use super::*;

    #[test]
    fn each_protocol_has_a_row_that_says_something() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pcap/recorded");
        let mut shown = BTreeSet::new();
        for capture in fs::read_dir(folder).unwrap() {
            let path = capture.unwrap().path();
            if path.extension().is_none_or(|it| it == "md") {
                continue;
            }
            let records: Vec<_> = Records::of(PcapFlowSource::open(&path).unwrap())
                .map(|record| record.unwrap())
                .collect();
            let apps: BTreeMap<_, _> = records
                .iter()
                .filter_map(|record| match record {
                    Record::Flow(flow) => Some((flow.flow, flow.app?)),
                    _ => None,
                })
                .collect();
            for record in &records {
                let app = record.flow().and_then(|(flow, _)| apps.get(&flow));
                let is_message = !matches!(record, Record::Flow(_) | Record::Event(_));
                if let (true, Some(app)) = (is_message, app)
                    && !detail::of(record).is_empty()
                {
                    shown.insert(app.as_str());
                }
            }
        }
        let all = Protocol::ALL.iter().map(|it| it.as_str());
        assert_eq!(shown, all.collect(), "some protocol is not shown");
    }
}
