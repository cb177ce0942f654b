//! The record of a flow that ended.

use flowscope_core::track::{EndReason, FlowId, FlowStats};
use flowscope_core::wire::{Encapsulation, IcmpHeader, IpProtocol, Layer};
use flowscope_core::{BySide, Timestamp};
use flowscope_detect::Protocol;

use super::RecordKind;
use super::endpoints::Endpoints;
use crate::community_id::{CommunityId, Ports};
use crate::host::Host;
use crate::schema::{self, Schema};
use crate::visit::{FieldVisitor, Visit, if_any};

/// A flow that ended.
#[derive(Clone, Debug)]
pub struct FlowRecord {
    /// When it ended: for an idle timeout the moment at which it ran out.
    pub at: Timestamp,
    /// Its identifier, with a number in the order of first packets, from 1.
    pub flow: FlowId,
    /// Who talked to whom.
    pub endpoints: Endpoints,
    /// Why it ended.
    pub reason: EndReason,
    /// Packets and bytes of each side, times, and the state of TCP.
    pub stats: FlowStats,
    /// The number of its first frame, counted from 1 over all captures;
    /// fragments that came before the first of their datagram included.
    pub first_frame: u64,
    /// The number of its last frame.
    pub last_frame: u64,
    /// Its protocol, where that was recognised.
    pub app: Option<Protocol>,
    /// Type and code, where its first packet is of ICMP.
    pub icmp: Option<IcmpHeader>,
    /// The encapsulations around its first packet, outermost first.
    pub layers: Box<[Encapsulation]>,
    /// All flags of TCP that each side sent, as bits, where
    /// [`RecordConfig::tcp_flags`](crate::RecordConfig::tcp_flags) asks for them.
    pub tcp_flags: BySide<u8>,
    /// Whether its display filter is one of its fields.
    pub has_display_filter: bool,
    /// Whether a name was asked for on it that
    /// [`RecordConfig::names`](crate::RecordConfig::names) takes.
    pub has_name: bool,
}

impl FlowRecord {
    /// Nanoseconds between its first and last packet.
    #[must_use]
    pub fn duration_nanos(&self) -> u64 {
        self.stats.last_seen.as_nanos() - self.stats.first_seen.as_nanos()
    }

    /// Its Community ID; `None` where flows are not told apart by what it is
    /// made of.
    #[must_use]
    pub fn community_id(&self) -> Option<CommunityId> {
        let Endpoints { src, dst, .. } = self.endpoints;
        let (Host::Ip(src), Host::Ip(dst)) = (src, dst) else {
            return None;
        };
        let ports = match (self.endpoints.ports, self.icmp) {
            (_, Some(header)) if self.endpoints.is_icmp() => Ports::Icmp(header),
            (Some((src, dst)), _) => Ports::Numbers(src, dst),
            _ => Ports::Absent,
        };
        Some(CommunityId::new(self.endpoints.protocol?, src, dst, ports))
    }

    /// A display filter by which Wireshark finds its packets, and those of
    /// other flows between the same ends.
    #[must_use]
    pub fn display_filter(&self) -> String {
        let Endpoints {
            src,
            dst,
            ports,
            protocol,
        } = self.endpoints;
        let addr = match src {
            Host::Ip(addr) if addr.is_ipv4() => "ip.addr",
            Host::Ip(_) => "ipv6.addr",
            Host::Mac(_) => "eth.addr",
        };
        let mut filter = format!("{addr} == {src} and {addr} == {dst}");
        let layer = match protocol {
            Some(IpProtocol::TCP) => "tcp",
            // Wireshark's fields of UDP-Lite are those of UDP.
            Some(IpProtocol::UDP | IpProtocol(136)) => "udp",
            Some(IpProtocol(132)) => "sctp",
            Some(IpProtocol::ICMP) => "icmp",
            Some(IpProtocol::ICMP6) => "icmpv6",
            Some(IpProtocol(number)) => {
                let field = if addr == "ip.addr" {
                    "ip.proto"
                } else {
                    "ipv6.nxt"
                };
                return format!("{filter} and {field} == {number}");
            }
            None => return filter,
        };
        match ports.filter(|_| !self.endpoints.is_icmp()) {
            Some((from, to)) => {
                filter.push_str(&format!(
                    " and {layer}.port == {from} and {layer}.port == {to}"
                ));
            }
            None => filter.push_str(&format!(" and {layer}")),
        }
        filter
    }

    /// The identifiers of the VLANs around its first packet, outermost first
    /// (IEEE 802.1Q).
    pub fn vlans(&self) -> impl Iterator<Item = u16> {
        self.layers
            .iter()
            .filter(|peeled| peeled.layer == Layer::Vlan)
            .filter_map(|peeled| peeled.id.and_then(|id| id.try_into().ok()))
    }

    /// The other encapsulations around its first packet, outermost first.
    pub fn tunnels(&self) -> impl Iterator<Item = Encapsulation> {
        self.layers
            .iter()
            .filter(|peeled| peeled.layer != Layer::Vlan)
            .copied()
    }

    /// Gives the fields of a record of type `kind`: the last event of a flow
    /// says the same under another name.
    fn visit_with_type(&self, kind: &'static str, fields: &mut impl FieldVisitor) {
        let stats = &self.stats;
        let has_ip = matches!(self.endpoints.src, Host::Ip(_));
        let history = stats.history.letters().next().map(|_| stats.history);
        let community_id = match fields.wants("community_id") {
            true => self.community_id(),
            false => None,
        };

        fields.plain_text("type", Some(kind));
        fields.time("ts", Some(self.at));
        fields.number("flow", Some(self.flow.number()));
        self.endpoints.visit(self.icmp, fields);
        fields.time("start", Some(stats.first_seen));
        fields.time("end", Some(stats.last_seen));
        fields.duration("duration", Some(self.duration_nanos()));
        fields.by_side(PACKETS, Some(stats.packets));
        fields.by_side(BYTES, Some(stats.bytes));
        fields.by_side(IP_BYTES, has_ip.then_some(stats.ip_bytes));
        fields.by_side(PAYLOAD_BYTES, has_ip.then_some(stats.payload_bytes));
        fields.by_side_if_any(RETRANSMITTED, stats.retransmissions);
        fields.by_side_if_any(OUT_OF_ORDER, stats.out_of_order);
        fields.by_side_if_any(CUT_PACKETS, stats.cut_packets);
        for ([first, second], bytes) in [
            (MISSING_BYTES, stats.missing_bytes),
            (DROPPED_BYTES, stats.dropped_bytes),
        ] {
            fields.number(first, if_any(bytes.initiator));
            fields.number(second, if_any(bytes.responder));
        }
        fields.by_side_if_any(FRAGMENTS, stats.fragments);
        fields.by_side_if_any(REASSEMBLED, stats.reassembled);
        fields.plain_text("state", Some(stats.state.as_str()));
        fields.plain_text("history", history);
        fields.plain_text("reason", Some(self.reason.as_str()));
        fields.plain_text("app", self.app.map(Protocol::as_str));
        fields.numbers("vlan", self.vlans().map(u64::from));
        fields.structures("tunnel", self.tunnels().map(Tunnel));
        fields.number("first_frame", Some(self.first_frame));
        fields.number("last_frame", Some(self.last_frame));
        fields.plain_text("community_id", community_id);
        let filter = self.has_display_filter.then(|| self.display_filter());
        fields.plain_text("display_filter", filter.as_deref());
    }
}

impl RecordKind for FlowRecord {
    fn schema(&self) -> &'static Schema {
        &schema::FLOW
    }

    fn at(&self) -> Option<Timestamp> {
        Some(self.at)
    }

    fn flow(&self) -> Option<(FlowId, &Endpoints)> {
        Some((self.flow, &self.endpoints))
    }

    /// The last event of a flow says the same under another name.
    fn visit_as(&self, kind: &'static str, fields: &mut impl FieldVisitor) {
        self.visit_with_type(kind, fields);
    }
}

impl Visit for FlowRecord {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        self.visit_with_type("flow", fields);
    }
}

/// An encapsulation that is no VLAN tag.
struct Tunnel(Encapsulation);

impl Visit for Tunnel {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        let Self(Encapsulation { layer, id }) = *self;
        fields.plain_text("kind", Some(layer.as_str()));
        fields.number("id", id.map(u64::from));
    }
}

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
