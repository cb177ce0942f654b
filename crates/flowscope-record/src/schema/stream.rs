//! The fields of streams.

use super::common::of_flow;
use super::field::{Field, Schema, Unit};
use crate::config::Goal;

/// Directions of TCP connections that carried data.
pub static STREAM: Schema = Schema {
    name: "stream",
    types: &["stream"],
    made_for: &[(Goal::Streams, &["stream"])],
    description: "a direction of a TCP connection that carried data, when it is over",
    fields: &[
        &of_flow("when the stream was over"),
        &[
            Field::plain_text("side", "who sent it: `initiator` or `responder`"),
            Field::number("bytes", "its length as put back in order, holes left out")
                .unit(Unit::Bytes),
            Field::plain_text("sha256", "the SHA-256 of these bytes"),
            Field::number("holes", "places where bytes are missing"),
            Field::number("missing_bytes", "bytes that the capture lacks").unit(Unit::Bytes),
            Field::number("retransmitted_bytes", "bytes that were sent again").unit(Unit::Bytes),
            Field::number(
                "overlap_conflicts",
                "bytes of which a second copy differs from the first",
            )
            .unit(Unit::Bytes),
            Field::number(
                "dropped_bytes",
                "bytes of payload that are no part of the stream",
            )
            .unit(Unit::Bytes),
        ],
    ],
};
