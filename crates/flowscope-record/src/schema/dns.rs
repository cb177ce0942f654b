//! The fields of DNS messages.

use super::common::of_flow;
use super::field::{Field, FieldType, Schema, Unit};
use crate::config::Goal;

/// Messages of DNS, and questions that nobody answered.
pub static DNS: Schema = Schema {
    name: "dns",
    types: TYPES,
    made_for: &[(Goal::All, TYPES), (Goal::Dns, TYPES)],
    description: "a message of DNS over UDP or TCP, or a question without an answer",
    fields: &[
        &of_flow("when the message was sent, or the question was given up"),
        &[
            Field::plain_text(
                "side",
                "who sent the message, or asked the question: `initiator` or `responder`",
            ),
            Field::plain_text("transport", "`udp` or `tcp`"),
            Field::number("id", "the identifier of the message"),
            Field::flag("response", "whether it is a response").of(MESSAGE),
            Field::text("opcode", "the kind of query").of(MESSAGE),
            Field::text("rcode", "the response code").of(MESSAGE),
            Field::flag("aa", "authoritative answer").of(MESSAGE),
            Field::flag("tc", "truncated").of(MESSAGE),
            Field::flag("rd", "recursion desired").of(MESSAGE),
            Field::flag("ra", "recursion available").of(MESSAGE),
            Field::list(
                "questions",
                &FieldType::Structure(&QUESTION),
                "the questions",
            ),
            Field::list(
                "answers",
                &FieldType::Structure(&RESOURCE_RECORD),
                "the answers",
            )
            .of(MESSAGE),
            Field::list(
                "authorities",
                &FieldType::Structure(&RESOURCE_RECORD),
                "the records of authorities",
            )
            .of(MESSAGE),
            Field::list(
                "additionals",
                &FieldType::Structure(&RESOURCE_RECORD),
                "the additional records",
            )
            .of(MESSAGE),
            Field::new(
                "edns",
                FieldType::Structure(&EDNS),
                "the OPT record, where it belongs",
            )
            .of(MESSAGE)
            .absent("where there is none"),
            Field::duration("latency", "the time from the question to the response")
                .of(MESSAGE)
                .absent("but in a response to a question that was seen"),
            Field::flag(
                "left_out",
                "true where names and data are left out, as their text would be more than eight \
                 times as long as the message",
            )
            .of(MESSAGE)
            .absent("where all are given"),
            Field::time("asked", "when it was asked first").of(UNANSWERED),
            Field::number("attempts", "how often it was asked").of(UNANSWERED),
            Field::plain_text(
                "reason",
                "`timed_out` (after 10 seconds), `flow_ended`, or `evicted` by too many others",
            )
            .of(UNANSWERED),
        ],
    ],
};

const QUESTION: [Field; 3] = [
    Field::text("name", "the name").absent("where it is left out"),
    Field::text("type", "the type"),
    Field::text("class", "the class"),
];

const RESOURCE_RECORD: [Field; 5] = [
    Field::text("name", "the name").absent("where it is left out"),
    Field::text("type", "the type"),
    Field::text("class", "the class"),
    Field::number("ttl", "the time to live").unit(Unit::Seconds),
    Field::text("data", "the data, in presentation form")
        .absent("where the message ends before it does, or where it is left out"),
];

const EDNS: [Field; 4] = [
    Field::number("udp_size", "the longest response over UDP").unit(Unit::Bytes),
    Field::flag("do", "DNSSEC OK"),
    Field::number("version", "the version"),
    Field::list("options", &FieldType::Text, "the options"),
];

const MESSAGE: &[&str] = &["dns"];
const UNANSWERED: &[&str] = &["dns_unanswered"];

const TYPES: &[&str] = &["dns", "dns_unanswered"];
