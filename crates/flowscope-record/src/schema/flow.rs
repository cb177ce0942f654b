//! The fields of flows and of what happens to them.

use flowscope_core::FlowSide;

use super::common::of_flow;
use super::field::{Field, FieldType, Schema, Unit};
use crate::config::Goal;

/// Flows that ended.
pub static FLOW: Schema = Schema {
    name: "flow",
    types: &["flow", "ended"],
    made_for: &[
        (Goal::All, &["flow"]),
        (Goal::Flows, &["flow"]),
        (Goal::Events, &["ended"]),
    ],
    description: "a flow, when it ends",
    fields: &[
        &of_flow("when the flow ended: for an idle timeout the moment it ran out"),
        &[
            Field::time("start", "the time of the first packet"),
            Field::time("end", "the time of the last packet"),
            Field::duration("duration", "the time between the two"),
        ],
        &by_side(
            ["packets_initiator", "packets_responder"],
            Unit::Packets,
            "frames on the wire",
        ),
        &by_side(
            ["bytes_initiator", "bytes_responder"],
            Unit::Bytes,
            "their length on the wire, from the link layer on",
        ),
        &absent(
            "with `--key mac-pair`",
            by_side(
                ["ip_bytes_initiator", "ip_bytes_responder"],
                Unit::Bytes,
                "IP headers and payload",
            ),
        ),
        &absent(
            "with `--key mac-pair`",
            by_side(
                ["payload_bytes_initiator", "payload_bytes_responder"],
                Unit::Bytes,
                "transport payload, retransmissions included; of fragments, that of datagrams that \
                 got whole",
            ),
        ),
        &absent(
            ZERO,
            by_side(
                ["retransmitted_initiator", "retransmitted_responder"],
                Unit::Packets,
                "TCP segments whose sequence numbers had all been sent before",
            ),
        ),
        &absent(
            ZERO,
            by_side(
                ["out_of_order_initiator", "out_of_order_responder"],
                Unit::Packets,
                "TCP segments that came late and filled a hole",
            ),
        ),
        &absent(
            ZERO,
            by_side(
                ["cut_packets_initiator", "cut_packets_responder"],
                Unit::Packets,
                "packets captured shorter than they were",
            ),
        ),
        &absent(
            "where zero, and with `flows`, which does not put streams in order and cannot know",
            by_side(
                ["missing_bytes_initiator", "missing_bytes_responder"],
                Unit::Bytes,
                "bytes of the TCP stream that the capture lacks",
            ),
        ),
        &absent(
            "where zero, and with `flows`",
            by_side(
                ["dropped_bytes_initiator", "dropped_bytes_responder"],
                Unit::Bytes,
                "bytes of payload that are no part of the TCP stream, such as those behind its end \
                 or with a segment that was refused",
            ),
        ),
        &absent(
            ZERO,
            by_side(
                ["fragments_initiator", "fragments_responder"],
                Unit::Packets,
                "how many of the packets were IP fragments",
            ),
        ),
        &absent(
            ZERO,
            by_side(
                ["reassembled_initiator", "reassembled_responder"],
                Unit::Datagrams,
                "how many datagrams were put together from fragments",
            ),
        ),
        &[
            Field::plain_text(
                "state",
                "`syn_sent`, `syn_received`, `established`, `fin_wait`, `closing`, `closed`, \
                 `reset`, or `active` where there is no TCP",
            ),
            Field::plain_text("history", "what happened, in Zeek's letters")
                .absent("where nothing did"),
            Field::plain_text(
                "reason",
                "why it ended: `fin`, `rst`, `idle_timeout`, `evicted`, `end_of_input`, or \
                 `replaced`, where another connection took its ports",
            ),
            Field::plain_text(
                "app",
                "`http`, `tls`, `dns`, `quic` or `dtls`. `all` reads the flow and is certain; `flows` and `events` \
                 look at its first six payloads, each by itself",
            )
            .absent("where none was recognised"),
            Field::list(
                "vlan",
                &FieldType::Number,
                "VLAN identifiers around the first packet, outermost first",
            ),
            Field::list(
                "tunnel",
                &FieldType::Structure(&TUNNEL),
                "other encapsulations around it, outermost first",
            ),
            Field::number(
                "first_frame",
                "its first frame, counted from 1, as Wireshark does; fragments that came before \
                 the first of their datagram included",
            ),
            Field::number("last_frame", "its last frame"),
            Field::plain_text("community_id", "Community ID version 1, seed 0")
                .absent("but with `--key five-tuple`"),
            Field::plain_text(
                "display_filter",
                "a filter by which Wireshark finds its packets, and those of other flows between the \
                 same ends",
            )
            .absent("but with `--display-filter`"),
        ],
    ],
};

/// What happens to flows before they end.
pub static EVENT: Schema = Schema {
    name: "event",
    types: EVENT_TYPES,
    made_for: &[(Goal::All, &["anomaly"]), (Goal::Events, EVENT_TYPES)],
    description: "what happened to a flow before its end",
    fields: &[
        &of_flow("when it happened"),
        &[
            Field::plain_text("state", "the state that the flow began in").of(&["started"]),
            Field::plain_text("from", "the state before").of(&["state_change"]),
            Field::plain_text("to", "the state after").of(&["state_change"]),
            Field::plain_text("kind", "what was odd").of(&["anomaly"]),
            Field::plain_text("side", "who sent it: `initiator` or `responder`").of(&["anomaly"]),
        ],
    ],
};

/// The fields of an encapsulation that is no VLAN tag.
const TUNNEL: [Field; 2] = [
    Field::plain_text(
        "kind",
        "its kind: IP in IP has that of what carries it, `ipv4` or `ipv6`",
    ),
    Field::number("id", "its identifier").absent("where the kind has none"),
];

pub(super) const fn by_side(
    [initiator, responder]: [&'static str; 2],
    unit: Unit,
    description: &'static str,
) -> [Field; 2] {
    [
        Field::number(initiator, description)
            .unit(unit)
            .side(FlowSide::Initiator),
        Field::number(responder, description)
            .unit(unit)
            .side(FlowSide::Responder),
    ]
}

const fn absent(absent: &'static str, [first, second]: [Field; 2]) -> [Field; 2] {
    [first.absent(absent), second.absent(absent)]
}

const ZERO: &str = "where zero";

const EVENT_TYPES: &[&str] = &["started", "established", "state_change", "anomaly"];
