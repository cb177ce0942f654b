//! The fields of HTTP messages.

use super::common::of_flow;
use super::field::{Field, FieldType, Schema, Unit};
use crate::config::Goal;

/// Messages of HTTP/1.
pub static HTTP: Schema = Schema {
    name: "http",
    types: TYPES,
    made_for: &[(Goal::All, TYPES), (Goal::Http, TYPES)],
    description: "a request or response of HTTP/1, when it is complete or its end is not to come",
    fields: &[
        &of_flow("when the message was complete, or its end was known not to come"),
        &[
            Field::plain_text(
                "side",
                "who sent the message, `initiator` or `responder`: where a capture begins within \
                 a connection, the server may be the initiator",
            ),
            Field::text("method", "the method").of(REQUEST),
            Field::text("target", "the request target").of(REQUEST),
            Field::number("status", "the status code").of(RESPONSE),
            Field::text("reason", "the reason phrase").of(RESPONSE),
            Field::text("version", "the version")
                .absent("where the start line of a request says none"),
            Field::text(
                "host",
                "the first `Host`, or in its place that of the target, with its port, where that \
                 is a whole URI; so, too, in a `CONNECT` with a `Host`",
            )
            .of(REQUEST)
            .absent("where there is none"),
            Field::text("user_agent", "the header field `User-Agent`")
                .of(REQUEST)
                .absent("where there is none"),
            Field::text("content_type", "the header field `Content-Type`")
                .of(RESPONSE)
                .absent("where there is none"),
            Field::list(
                "headers",
                &FieldType::TextPair,
                "a list of `[name, value]`, in order, as sent",
            ),
            Field::number(
                "body_bytes",
                "the length of the body as transferred, without the framing of chunks",
            )
            .unit(Unit::Bytes),
            Field::text(
                "request_method",
                "the method of the request that it answers",
            )
            .of(RESPONSE)
            .absent(UNSEEN),
            Field::text(
                "request_target",
                "the target of the request that it answers",
            )
            .of(RESPONSE)
            .absent(UNSEEN),
            Field::duration(
                "latency",
                "the time from the end of the request to the beginning of the response",
            )
            .of(RESPONSE)
            .absent(UNSEEN),
            Field::flag(
                "incomplete",
                "true where the end of the message is not to come",
            )
            .absent("where it is complete"),
        ],
    ],
};

const REQUEST: &[&str] = &["http_request"];
const RESPONSE: &[&str] = &["http_response"];
const UNSEEN: &str = "where the request was not seen, and in interim responses (1xx) once these \
                      have repeated 16 KiB of it";

const TYPES: &[&str] = &["http_request", "http_response"];
