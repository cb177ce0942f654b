//! The record of what one side of a TCP connection sent.

use std::io;

use flowscope::reassemble::StreamStats;
use flowscope::track::FlowId;
use flowscope::{FlowSide, Timestamp};

use super::{Ends, Fields, Line, Record, Word};
use crate::format::{Align, Cell, Column, Table, Tone};
use crate::units;

/// A direction of a TCP connection that carried data, when it is over.
#[derive(Debug)]
pub(crate) struct StreamRecord {
    pub(crate) at: Timestamp,
    pub(crate) id: FlowId,
    pub(crate) ends: Ends,
    pub(crate) side: FlowSide,
    pub(crate) sha256: [u8; 32],
    pub(crate) stats: StreamStats,
}

impl Record for StreamRecord {
    fn tell(&self, fields: &mut impl Fields) {
        fields.word("type", Some("stream"));
        fields.time("ts", Some(self.at));
        fields.number("flow", Some(self.id.number()));
        self.ends.tell(None, fields);
        fields.word("side", Some(self.side.as_str()));
        fields.number("bytes", Some(self.stats.delivered));
        fields.word("sha256", Some(Hex(&self.sha256)));
        fields.number("holes", Some(self.stats.holes.into()));
        fields.number("missing_bytes", Some(self.stats.missing));
        fields.number("retransmitted_bytes", Some(self.stats.retransmitted));
        fields.number("overlap_conflicts", Some(self.stats.conflicts));
        fields.number("dropped_bytes", Some(self.stats.dropped));
    }
}

impl Line for StreamRecord {
    fn draw(&self, table: &mut Table) -> io::Result<()> {
        let (sender, receiver) = match self.side {
            FlowSide::Initiator => (self.ends.source(), self.ends.destination()),
            FlowSide::Responder => (self.ends.destination(), self.ends.source()),
        };
        let missing = match self.stats.missing {
            0 => Cell::new(""),
            missing => Cell::toned(units::bytes(missing), Tone::Bad),
        };
        let mut hash = Vec::new();
        Hex(&self.sha256).spell(&mut hash);
        table.row(vec![
            Cell::new(self.id.to_string()),
            Cell::new(units::date_time(self.at)),
            Cell::new(sender),
            Cell::new(receiver),
            Cell::new(units::bytes(self.stats.delivered)),
            missing,
            Cell::new(String::from_utf8_lossy(&hash).into_owned()),
        ])
    }
}

/// Bytes as pairs of digits.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl Word for Hex<'_> {
    fn spell(&self, text: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for byte in self.0 {
            text.push(DIGITS[usize::from(byte >> 4)]);
            text.push(DIGITS[usize::from(byte & 0x0f)]);
        }
    }
}

/// Every field, in the order in which a record tells them.
pub(super) const FIELDS: &[&str] = &[
    "type",
    "ts",
    "flow",
    "proto",
    "src",
    "src_port",
    "dst",
    "dst_port",
    "icmp_type",
    "icmp_code",
    "side",
    "bytes",
    "sha256",
    "holes",
    "missing_bytes",
    "retransmitted_bytes",
    "overlap_conflicts",
    "dropped_bytes",
];

pub(super) const COLUMNS: &[Column] = &[
    Column::new("FLOW", Align::Right, 0),
    Column::new("END (UTC)", Align::Left, 3),
    Column::new("SENDER", Align::Left, 0).flexible(),
    Column::new("RECEIVER", Align::Left, 0).flexible(),
    Column::new("BYTES", Align::Right, 0),
    Column::new("MISSING", Align::Right, 1),
    Column::new("SHA-256", Align::Left, 2).flexible(),
];
