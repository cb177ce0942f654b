//! The fields that records of flows have in common.

use super::field::Field;

/// Those of every record about a flow, the time of which is `ts`.
pub(super) const fn of_flow(ts: &'static str) -> [Field; 10] {
    [
        Field::plain_text("type", "the type of the record"),
        Field::time("ts", ts),
        Field::number("flow", "the flow, in order of first packets, from 1"),
        Field::plain_text(
            "proto",
            "`tcp`, `udp`, `icmp`, `icmp6`, `sctp`, or the IP protocol number as a string",
        )
        .absent("with `--key ip-pair` and `mac-pair`"),
        Field::plain_text("src", "the address of the initiator"),
        Field::number("src_port", "its port").absent("where the flow has no ports"),
        Field::plain_text("dst", "the address of the responder"),
        Field::number("dst_port", "its port").absent("where the flow has no ports"),
        Field::number("icmp_type", "the ICMP type of the flow's first packet")
            .absent("but for ICMP, and in messages"),
        Field::number("icmp_code", "the ICMP code of the flow's first packet")
            .absent("but for ICMP, and in messages"),
    ]
}
