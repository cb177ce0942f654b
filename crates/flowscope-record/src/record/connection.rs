//! The record of a connection, as Zeek's log has it.

use flowscope_core::track::FlowId;
use flowscope_core::{BySide, FlowSide, Timestamp};
use flowscope_detect::Protocol;

use super::RecordKind;
use super::endpoints::Endpoints;
use crate::connection::ConnectionState;
use crate::schema::{self, Schema};
use crate::visit::{FieldVisitor, Visit};

/// A connection by the rules of Zeek's connection log, which are not those of
/// a [`FlowRecord`](super::FlowRecord): a flow may be several of them, and what
/// it counts is counted otherwise.
///
/// It is made where [`RecordConfig::connections`](crate::RecordConfig::connections)
/// asks for it, and comes before the record of its flow. Here the initiator is
/// the originator.
#[derive(Clone, Debug)]
pub struct ConnectionRecord {
    /// The identifier of its flow.
    pub flow: FlowId,
    /// Which of the connections of its flow it is, from 0.
    pub number: u32,
    /// Whether it is over. Otherwise it begins only now: this is reported of
    /// one that is not the first of its flow, or whose originator is the flow's
    /// responder, as messages may come before its end.
    pub is_over: bool,
    /// The side of its flow that is the originator.
    pub originator: FlowSide,
    /// Its two ends, the originator first. Of ICMP the ports are the type, and
    /// the type of the answer or the code.
    pub endpoints: Endpoints,
    /// The time of its first packet.
    pub start: Timestamp,
    /// The time of its last packet, but for those after both ends had closed.
    pub last: Timestamp,
    /// How it looked at its end.
    pub state: ConnectionState,
    /// Bytes of payload: of TCP by the sequence numbers.
    pub payload_bytes: BySide<u64>,
    /// Packets, of which a datagram put together from fragments is one.
    pub packets: BySide<u64>,
    /// Bytes of IP headers and payload.
    pub ip_bytes: BySide<u64>,
    /// Bytes that were acknowledged and not captured.
    pub missed_bytes: u64,
    /// All flags of TCP that were seen, as bits.
    pub tcp_flags: BySide<u8>,
    /// What happened, in Zeek's letters.
    pub history: Box<str>,
    /// Its protocol, where that was recognised.
    pub app: Option<Protocol>,
    /// The connections that carried it, as it was in a tunnel. They are known
    /// where [`EngineConfig::outer_flows`] has them counted.
    ///
    /// [`EngineConfig::outer_flows`]: flowscope_core::EngineConfig::outer_flows
    pub parents: Vec<ParentConnection>,
}

/// A connection that carries another one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ParentConnection {
    /// The identifier of its flow.
    pub flow: FlowId,
    /// Which of the connections of its flow it is.
    pub number: u32,
    /// The two ends of its flow.
    pub endpoints: Endpoints,
}

impl ConnectionRecord {
    /// Nanoseconds from its first packet to its last.
    #[must_use]
    pub fn duration_nanos(&self) -> u64 {
        self.last.as_nanos().saturating_sub(self.start.as_nanos())
    }
}

/// A packet and its flow, where [`RecordConfig::frames`](crate::RecordConfig::frames)
/// asks for it.
///
/// A packet that is counted later than it came, such as a fragment, is reported
/// later.
#[derive(Clone, Copy, Debug)]
pub struct PacketRecord {
    /// The time of the packet, or of that with which it was counted.
    pub at: Timestamp,
    /// Its number, counted from 1 over all captures.
    pub frame: u64,
    /// Its length on the wire.
    pub wire_len: u32,
    /// The identifier of its flow.
    pub flow: FlowId,
    /// Who talks to whom.
    pub endpoints: Endpoints,
}

impl RecordKind for PacketRecord {
    fn schema(&self) -> &'static Schema {
        &schema::PACKET
    }

    fn at(&self) -> Option<Timestamp> {
        Some(self.at)
    }

    fn flow(&self) -> Option<(FlowId, &Endpoints)> {
        Some((self.flow, &self.endpoints))
    }
}

impl Visit for PacketRecord {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        fields.plain_text("type", Some("packet"));
        fields.time("ts", Some(self.at));
        fields.number("flow", Some(self.flow.number()));
        self.endpoints.visit(None, fields);
        fields.number("frame", Some(self.frame));
        fields.number("bytes", Some(self.wire_len.into()));
    }
}

impl RecordKind for ConnectionRecord {
    fn schema(&self) -> &'static Schema {
        &schema::CONNECTION
    }

    fn at(&self) -> Option<Timestamp> {
        Some(self.start)
    }

    fn flow(&self) -> Option<(FlowId, &Endpoints)> {
        Some((self.flow, &self.endpoints))
    }
}

impl Visit for ConnectionRecord {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        fields.plain_text("type", Some("connection"));
        fields.time("ts", Some(self.start));
        fields.number("flow", Some(self.flow.number()));
        self.endpoints.visit(None, fields);
        fields.number("number", Some(self.number.into()));
        fields.flag("over", Some(self.is_over));
        fields.plain_text("originator", Some(self.originator.as_str()));
        fields.duration("duration", Some(self.duration_nanos()));
        fields.by_side(PACKETS, Some(self.packets));
        fields.by_side(IP_BYTES, Some(self.ip_bytes));
        fields.by_side(PAYLOAD_BYTES, Some(self.payload_bytes));
        fields.number("missed_bytes", Some(self.missed_bytes));
        let flags = self.tcp_flags;
        fields.by_side(
            TCP_FLAGS,
            Some(BySide {
                initiator: flags.initiator.into(),
                responder: flags.responder.into(),
            }),
        );
        fields.plain_text("state", Some(self.state.as_str()));
        let has_history = !self.history.is_empty();
        fields.plain_text("history", has_history.then_some(&*self.history));
        fields.plain_text("app", self.app.map(Protocol::as_str));
    }
}

const PACKETS: [&str; 2] = ["packets_initiator", "packets_responder"];
const TCP_FLAGS: [&str; 2] = ["tcp_flags_initiator", "tcp_flags_responder"];
const IP_BYTES: [&str; 2] = ["ip_bytes_initiator", "ip_bytes_responder"];
const PAYLOAD_BYTES: [&str; 2] = ["payload_bytes_initiator", "payload_bytes_responder"];
