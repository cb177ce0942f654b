//! The record of a flow that ended.

use std::io;

use flowscope::detect::Protocol;
use flowscope::wire::{Encapsulation, Layer};

use super::ends::Host;
use super::{Fields, Line, Record};
use crate::community_id::{CommunityId, Ports};
use crate::format::{Align, Cell, Column, Table, Tone};
use crate::tracking::{EndedFlow, Notes};
use crate::units;

/// A flow that ended.
pub(crate) struct FlowRecord<'a> {
    /// Its type: the last event of a flow says the same under another name.
    pub(crate) kind: &'static str,
    pub(crate) flow: &'a EndedFlow,
}

impl Record for FlowRecord<'_> {
    fn tell(&self, fields: &mut impl Fields) {
        let EndedFlow {
            id,
            ends,
            notes,
            stats,
            at,
            reason,
        } = self.flow;
        let has_ip = matches!(ends.src, Host::Ip(_));
        let history = stats.history.letters().next().map(|_| stats.history);

        fields.word("type", Some(self.kind));
        fields.time("ts", Some(*at));
        fields.number("flow", Some(id.number()));
        ends.tell(notes.icmp, fields);
        fields.time("start", Some(stats.first_seen));
        fields.time("end", Some(stats.last_seen));
        fields.seconds("duration", Some(self.flow.duration()));
        fields.by_side(PACKETS, Some(stats.packets));
        fields.by_side(BYTES, Some(stats.bytes));
        fields.by_side(IP_BYTES, has_ip.then_some(stats.ip_bytes));
        fields.by_side(PAYLOAD_BYTES, has_ip.then_some(stats.payload_bytes));
        fields.rare_by_side(RETRANSMITTED, stats.retransmissions);
        fields.rare_by_side(OUT_OF_ORDER, stats.out_of_order);
        fields.rare_by_side(CUT_PACKETS, stats.cut_packets);
        let present = |value: u64| (value > 0).then_some(value);
        for ([first, second], bytes) in [
            (MISSING_BYTES, stats.missing_bytes),
            (DROPPED_BYTES, stats.dropped_bytes),
        ] {
            fields.number(first, present(bytes.initiator));
            fields.number(second, present(bytes.responder));
        }
        fields.rare_by_side(FRAGMENTS, stats.fragments);
        fields.rare_by_side(REASSEMBLED, stats.reassembled);
        fields.word("state", Some(stats.state.as_str()));
        fields.word("history", history);
        fields.word("reason", Some(reason.as_str()));
        fields.word("app", notes.app.map(Protocol::as_str));
        fields.numbers("vlan", vlans(notes));
        fields.records("tunnel", tunnels(notes));
        fields.number("first_frame", Some(notes.first_frame));
        fields.number("last_frame", Some(notes.last_frame));
        fields.word("community_id", self.flow.community_id());
    }
}

impl Line for FlowRecord<'_> {
    fn draw(&self, table: &mut Table) -> io::Result<()> {
        let EndedFlow {
            id,
            ends,
            notes,
            stats,
            at: _,
            reason,
        } = self.flow;
        table.row(vec![
            Cell::new(id.to_string()),
            Cell::new(units::date_time(stats.first_seen)),
            Cell::new(units::duration(self.flow.duration())),
            Cell::new(ends.proto()),
            Cell::new(notes.app.map_or("", Protocol::as_str)),
            Cell::new(ends.source()),
            Cell::new(ends.destination()),
            Cell::new(units::count(stats.packets.initiator)),
            Cell::new(units::count(stats.packets.responder)),
            Cell::new(units::bytes(stats.bytes.initiator)),
            Cell::new(units::bytes(stats.bytes.responder)),
            Cell::toned(stats.state.as_str(), Tone::of_state(stats.state)),
            Cell::new(reason.as_str()),
            Cell::new(stats.history.to_string()),
        ])
    }
}

impl EndedFlow {
    /// Nanoseconds between its first and last packet.
    pub(crate) fn duration(&self) -> u64 {
        self.stats.last_seen.as_nanos() - self.stats.first_seen.as_nanos()
    }

    /// `None` where flows are not told apart by what it is made of.
    fn community_id(&self) -> Option<CommunityId> {
        let (Host::Ip(src), Host::Ip(dst)) = (self.ends.src, self.ends.dst) else {
            return None;
        };
        let ports = match (self.ends.ports, self.notes.icmp) {
            (_, Some(header)) if self.ends.is_icmp() => Ports::Icmp(header),
            (Some((src, dst)), _) => Ports::Numbers(src, dst),
            _ => Ports::Absent,
        };
        Some(CommunityId::new(self.ends.protocol?, src, dst, ports))
    }
}

fn vlans(notes: &Notes) -> impl Iterator<Item = u64> {
    notes
        .layers
        .iter()
        .filter(|peeled| peeled.layer == Layer::Vlan)
        .filter_map(|peeled| peeled.id.map(u64::from))
}

fn tunnels(notes: &Notes) -> impl Iterator<Item = Tunnel> {
    notes
        .layers
        .iter()
        .filter(|peeled| peeled.layer != Layer::Vlan)
        .map(|peeled| Tunnel(*peeled))
}

/// An encapsulation that is no VLAN tag.
struct Tunnel(Encapsulation);

impl Record for Tunnel {
    fn tell(&self, fields: &mut impl Fields) {
        let Self(Encapsulation { layer, id }) = *self;
        fields.word("kind", Some(layer.as_str()));
        fields.number("id", id.map(u64::from));
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
    "start",
    "end",
    "duration",
    PACKETS[0],
    PACKETS[1],
    BYTES[0],
    BYTES[1],
    IP_BYTES[0],
    IP_BYTES[1],
    PAYLOAD_BYTES[0],
    PAYLOAD_BYTES[1],
    RETRANSMITTED[0],
    RETRANSMITTED[1],
    OUT_OF_ORDER[0],
    OUT_OF_ORDER[1],
    CUT_PACKETS[0],
    CUT_PACKETS[1],
    MISSING_BYTES[0],
    MISSING_BYTES[1],
    DROPPED_BYTES[0],
    DROPPED_BYTES[1],
    FRAGMENTS[0],
    FRAGMENTS[1],
    REASSEMBLED[0],
    REASSEMBLED[1],
    "state",
    "history",
    "reason",
    "app",
    "vlan",
    "tunnel",
    "first_frame",
    "last_frame",
    "community_id",
];

const PACKETS: [&str; 2] = ["packets_initiator", "packets_responder"];
const BYTES: [&str; 2] = ["bytes_initiator", "bytes_responder"];
const IP_BYTES: [&str; 2] = ["ip_bytes_initiator", "ip_bytes_responder"];
const PAYLOAD_BYTES: [&str; 2] = ["payload_bytes_initiator", "payload_bytes_responder"];
const RETRANSMITTED: [&str; 2] = ["retransmitted_initiator", "retransmitted_responder"];
const OUT_OF_ORDER: [&str; 2] = ["out_of_order_initiator", "out_of_order_responder"];
const CUT_PACKETS: [&str; 2] = ["cut_packets_initiator", "cut_packets_responder"];
const MISSING_BYTES: [&str; 2] = ["missing_bytes_initiator", "missing_bytes_responder"];
const DROPPED_BYTES: [&str; 2] = ["dropped_bytes_initiator", "dropped_bytes_responder"];
const FRAGMENTS: [&str; 2] = ["fragments_initiator", "fragments_responder"];
const REASSEMBLED: [&str; 2] = ["reassembled_initiator", "reassembled_responder"];

/// The table: the end that opened the flow is on the left, and `→` is from it.
pub(super) const COLUMNS: &[Column] = &[
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
