//! The fields of connections by Zeek's rules.

use flowscope_core::FlowSide;

use super::common::of_flow;
use super::field::{Field, Schema, Unit};
use super::flow::by_side;

/// Connections by Zeek's rules.
pub static CONNECTION: Schema = Schema {
    name: "connection",
    types: &["connection"],
    made_for: &[],
    description: "a connection by the rules of Zeek's log, when it is over",
    fields: &[
        &of_flow("the time of its first packet"),
        &[
            Field::number(
                "number",
                "which of the connections of its flow it is, from 0",
            ),
            Field::flag("over", "whether it is over, or begins only now"),
            Field::plain_text(
                "originator",
                "which side of the flow is the originator, which is `src` here: `initiator` or `responder`",
            ),
            Field::duration(
                "duration",
                "the time to its last packet, but for those after both ends had closed",
            ),
        ],
        &by_side(
            ["packets_initiator", "packets_responder"],
            Unit::Packets,
            "packets, of which a datagram put together from fragments is one",
        ),
        &by_side(
            ["ip_bytes_initiator", "ip_bytes_responder"],
            Unit::Bytes,
            "IP headers and payload",
        ),
        &by_side(
            ["payload_bytes_initiator", "payload_bytes_responder"],
            Unit::Bytes,
            "payload: of TCP by the sequence numbers",
        ),
        &[
            Field::number(
                "missed_bytes",
                "bytes that were acknowledged and not captured",
            )
            .unit(Unit::Bytes),
            Field::number(
                "tcp_flags_initiator",
                "all flags of TCP that were seen, as bits",
            )
            .side(FlowSide::Initiator),
            Field::number(
                "tcp_flags_responder",
                "all flags of TCP that were seen, as bits",
            )
            .side(FlowSide::Responder),
            Field::plain_text("state", "how it ended, in Zeek's words"),
            Field::plain_text("history", "what happened, in Zeek's letters")
                .absent("where nothing did"),
            Field::plain_text("app", "its protocol").absent("where none was recognised"),
        ],
    ],
};

/// Packets with their flows.
pub static PACKET: Schema = Schema {
    name: "packet",
    types: &["packet"],
    made_for: &[],
    description: "a packet and its flow",
    fields: &[
        &of_flow("the time of the packet, or of that with which it was counted"),
        &[
            Field::number("frame", "the packet, counted from 1 over all captures"),
            Field::number("bytes", "its length on the wire").unit(Unit::Bytes),
        ],
    ],
};
