//! The fields of records about a whole capture.

use super::field::{Field, FieldType, Schema, Unit};
use crate::config::Goal;

/// Whole captures.
pub static SUMMARY: Schema = Schema {
    name: "summary",
    types: &["summary"],
    made_for: &[(Goal::Summary, &["summary"])],
    description: "a whole capture",
    fields: &[
        &ALL,
        &[
            Field::number("bytes", "their length on the wire").unit(Unit::Bytes),
            Field::time("start", "the time of the earliest packet").absent(EMPTY),
            Field::time("end", "the time of the latest packet").absent(EMPTY),
            Field::duration("duration", "the time between the two").absent(EMPTY),
            Field::number("packets_skipped", "packets that belong to no flow").unit(Unit::Packets),
            Field::number("flows", "all flows").unit(Unit::Flows),
            Field::number("flows_peak", "the most flows at once").unit(Unit::Flows),
            Field::number("anomalies", "anomalies, but for those of streams").absent(ZERO),
            Field::number(
                "retransmitted",
                "TCP segments whose sequence numbers had all been sent before",
            )
            .unit(Unit::Packets)
            .absent(ZERO),
            Field::number(
                "out_of_order",
                "TCP segments that came late and filled a hole",
            )
            .unit(Unit::Packets)
            .absent(ZERO),
            Field::number("cut_packets", "packets captured shorter than they were")
                .unit(Unit::Packets)
                .absent(ZERO),
            Field::list(
                "protocols",
                &FieldType::Structure(&PROTOCOL),
                "what each IP protocol carried",
            ),
            Field::list("apps", &FieldType::Structure(&APP), "what was recognised"),
            Field::list("reasons", &FieldType::Structure(&REASON), "why flows ended"),
            Field::list(
                "hosts",
                &FieldType::Structure(&HOST),
                "the ten hosts that sent and received the most bytes",
            ),
            Field::list(
                "names",
                &FieldType::Structure(&NAME),
                "the ten names asked for most often",
            ),
        ],
    ],
};

/// Packets that belong to no flow.
pub static SKIPPED: Schema = Schema {
    name: "skipped",
    types: &["skipped"],
    made_for: &[(Goal::Summary, &["skipped"])],
    description: "the packets of a capture that belong to no flow",
    fields: &[
        &ALL_SKIPPED,
        &[Field::list(
            "reasons",
            &FieldType::Structure(&SKIP),
            "why they were skipped",
        )],
    ],
};

const ALL: [Field; 3] = [
    Field::plain_text("type", "the type of the record"),
    Field::time("ts", "the time of the latest packet").absent(EMPTY),
    Field::number("packets", "all packets").unit(Unit::Packets),
];

const ALL_SKIPPED: [Field; 3] = [
    ALL[0],
    ALL[1],
    Field::number("packets", "packets that belong to no flow").unit(Unit::Packets),
];

const FLOWS: Field = Field::number("flows", "how many flows").unit(Unit::Flows);
const PACKETS: Field = Field::number("packets", "how many packets").unit(Unit::Packets);
const BYTES: Field = Field::number("bytes", "their bytes").unit(Unit::Bytes);

const PROTOCOL: [Field; 4] = [
    Field::plain_text("proto", "the protocol").absent("where flows are not told apart by it"),
    FLOWS,
    PACKETS,
    BYTES,
];

const APP: [Field; 4] = [
    Field::plain_text("app", "the protocol, as `app` of `flow` has it"),
    FLOWS,
    PACKETS,
    BYTES,
];

const REASON: [Field; 2] = [Field::plain_text("reason", "the reason"), FLOWS];

const HOST: [Field; 4] = [
    Field::plain_text("host", "its address"),
    FLOWS,
    Field::number("bytes_sent", "bytes that it sent").unit(Unit::Bytes),
    Field::number("bytes_received", "bytes that it received").unit(Unit::Bytes),
];

const NAME: [Field; 4] = [
    Field::text("name", "the name"),
    Field::number(
        "http",
        "how often in requests, as their host, without its port",
    ),
    Field::number("tls", "how often in ClientHellos, as the server's name"),
    Field::number("dns", "how often in questions"),
];

const SKIP: [Field; 3] = [
    Field::plain_text("layer", "the layer that could not be read"),
    Field::plain_text("cause", "what was wrong with it"),
    PACKETS,
];

const EMPTY: &str = "in a capture without packets";
const ZERO: &str = "where zero";
