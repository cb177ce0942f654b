//! Segments that one of receiver and monitor does not take.

use flowscope::EngineConfig;
use flowscope::wire::Checksums;
use flowscope_fixtures::{Disturbance, Frame, Resend, SECOND, Side, Tcp, TcpOption};

use crate::case::{Case, talk};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = not_taken();
    cases.extend(sequence_numbers());
    cases.extend(order());
    cases
}

/// What the client sends, with a bad segment in place of `two` before it.
fn with_bad(change: fn(&mut Frame)) -> Vec<Frame> {
    let said = talk()
        .send(Side::Client, b"one ")
        .forge(Side::Client, Tcp::ACK | Tcp::PSH, b"bad", |_| {})
        .send(Side::Client, b"two");
    let mut frames = said.frames();
    change(&mut frames[5]);
    frames
}

fn verified() -> EngineConfig {
    EngineConfig {
        checksums: Checksums::Verify,
        ..EngineConfig::default()
    }
}

/// Where in the frames of these tests the TTL and the two checksums are.
const TTL: usize = 22;
const TCP_CHECKSUM: usize = 50;

fn wrong_checksum(frame: &mut Frame) {
    frame.bytes[TCP_CHECKSUM] ^= 0x55;
}

fn low_ttl(frame: &mut Frame) {
    frame.bytes[TTL] = 1;
}

fn not_taken() -> Vec<Case> {
    let true_one = ["client: one two"];
    let first = ["client: one bad"];
    vec![
        Case::bytes(
            "other data with a wrong checksum, checksums not verified",
            "Ptacek and Newsham, 4.1",
            &true_one,
        )
        .here(&first)
        .of_frames(with_bad(wrong_checksum))
        .reported(&["client overlap_conflict"]),
        Case::bytes(
            "other data with a wrong checksum, checksums verified",
            "Ptacek and Newsham, 4.1",
            &true_one,
        )
        .of_frames(with_bad(wrong_checksum))
        .with_config(verified())
        .reported(&["skipped, tcp: wrong checksum"]),
        Case::bytes(
            "other data with a TTL too low to arrive",
            "Ptacek and Newsham, 4.1",
            &true_one,
        )
        .here(&first)
        .of_frames(with_bad(low_ttl))
        .reported(&["client overlap_conflict"]),
        Case::bytes(
            "other data with an older timestamp than the receiver has seen",
            "RFC 7323, 5.3",
            &true_one,
        )
        .here(&first)
        .of(&talk_with_old_timestamp())
        .reported(&["client overlap_conflict"]),
        Case::bytes(
            "data beyond the window of a receiver that takes none, then other data",
            "RFC 9293, 3.10.7.4",
            &["client: one two"],
        )
        .here(&first)
        .of(&talk()
            .send(Side::Client, b"one ")
            .forge(Side::Server, Tcp::ACK, b"", |tcp| tcp.window = 0)
            .forge(Side::Client, Tcp::ACK, b"bad", |_| {})
            .acknowledge(Side::Server)
            .send(Side::Client, b"two"))
        .reported(&["client overlap_conflict"]),
        Case::bytes(
            "one byte into a closed window, which is refused",
            "RFC 9293, 3.8.6.1",
            &["client: one two"],
        )
        .of(&talk()
            .send(Side::Client, b"one ")
            .stall(Side::Client, b"two")),
        Case::bytes(
            "a byte that is marked urgent",
            "RFC 6093, 2",
            &["client: maXlicious"],
        )
        .but("a receiver that takes it out", &["client: malicious"])
        .of(&urgent())
        .reported(&["client urgent_data"]),
    ]
}

fn talk_with_old_timestamp() -> flowscope_fixtures::Conversation {
    talk_with_timestamps()
        .send(Side::Client, b"one ")
        .forge(Side::Client, Tcp::ACK, b"bad", |tcp| {
            for option in &mut tcp.options {
                if let TcpOption::Timestamps { value, .. } = option {
                    *value = value.wrapping_sub(1_000_000);
                }
            }
        })
        .send(Side::Client, b"two")
}

fn talk_with_timestamps() -> flowscope_fixtures::Conversation {
    crate::case::unopened().with_timestamps().handshake()
}

fn urgent() -> flowscope_fixtures::Conversation {
    talk()
        .send(Side::Client, b"ma")
        .segment(Side::Client, Tcp::ACK | Tcp::URG, b"X")
        .send(Side::Client, b"licious")
}

fn sequence_numbers() -> Vec<Case> {
    vec![
        Case::bytes(
            "a segment far outside of the window",
            "RFC 9293, 3.10.7.4",
            &["client: one two"],
        )
        .of(&talk()
            .send(Side::Client, b"one ")
            .forge(Side::Client, Tcp::ACK, b"bad", |tcp| tcp.seq ^= 0x4000_0000)
            .send(Side::Client, b"two"))
        .reported(&["client stray_segment", "client 3 bytes dropped"]),
        Case::bytes(
            "a segment with what was acknowledged before, and is the same",
            "RFC 9293, 3.10.7.4",
            &["client: one two"],
        )
        .of(&talk()
            .send(Side::Client, b"one ")
            .send(Side::Client, b"two")
            .disturb(Disturbance::Resend {
                packet: 3,
                behind: 2,
                what: Resend::Whole,
            })),
        Case::bytes(
            "a segment with what was acknowledged before, and differs",
            "Ptacek and Newsham, 4.2",
            &["client: one two"],
        )
        .of(&talk()
            .send(Side::Client, b"one ")
            .send(Side::Client, b"two")
            .disturb(Disturbance::Resend {
                packet: 3,
                behind: 2,
                what: Resend::Conflicting,
            }))
        .reported(&["client overlap_conflict"]),
        Case::bytes(
            "a keep-alive with a byte that was sent before",
            "RFC 9293, 3.8.4",
            &["client: one two"],
        )
        .of(&talk()
            .send(Side::Client, b"one ")
            .forge(Side::Client, Tcp::ACK, b" ", |tcp| tcp.seq -= 1)
            .send(Side::Client, b"two")),
        Case::bytes(
            "a keep-alive with a byte that differs",
            "RFC 9293, 3.8.4",
            &["client: one two"],
        )
        .of(&talk()
            .send(Side::Client, b"one ")
            .forge(Side::Client, Tcp::ACK, b"X", |tcp| tcp.seq -= 1)
            .send(Side::Client, b"two")),
        Case::bytes(
            "sequence numbers that pass zero",
            "RFC 9293, 3.4",
            &["client: one two"],
        )
        .of(&crate::case::unopened()
            .with_initial_seq(Side::Client, u32::MAX - 4)
            .handshake()
            .send(Side::Client, b"one ")
            .send(Side::Client, b"two")),
        Case::bytes(
            "an acknowledgement of data that were not sent, while some are on the way",
            "RFC 9293, 3.10.7.4",
            &["client: one two"],
        )
        .of(&talk()
            .send(Side::Client, b"one ")
            .forge(Side::Server, Tcp::ACK, b"", |tcp| tcp.ack += 5000)
            .send(Side::Client, b"two")),
        Case::bytes(
            "data with an acknowledgement of what was not sent",
            "RFC 5961, 5.2",
            &["client: one two"],
        )
        .here(&["client: one bad"])
        .of(&talk()
            .send(Side::Client, b"one ")
            .forge(Side::Client, Tcp::ACK, b"bad", |tcp| {
                tcp.ack = tcp.ack.wrapping_add(90_000_000)
            })
            .send(Side::Client, b"two"))
        .reported(&["client overlap_conflict"]),
    ]
}

fn order() -> Vec<Case> {
    let pieces = || {
        talk()
            .segment(Side::Client, Tcp::ACK, b"GET ")
            .segment(Side::Client, Tcp::ACK, b"/pass")
            .segment(Side::Client, Tcp::ACK, b"wd")
            .acknowledge(Side::Server)
    };
    let read = ["client: GET /passwd"];
    let mut tiny = talk();
    for byte in b"GET /passwd" {
        tiny = tiny.segment(Side::Client, Tcp::ACK, &[*byte]);
    }
    vec![
        Case::bytes("segments of one byte", "fragroute, tcp_seg", &read).of(&tiny),
        Case::bytes(
            "segments of one byte, the last first",
            "fragroute, order reverse",
            &read,
        )
        .of(&reversed(&tiny)),
        Case::bytes("two segments exchanged", "fragroute, order random", &read).of(&pieces()
            .disturb(Disturbance::Delay {
                packet: 3,
                behind: 1,
            })),
        Case::bytes("each segment twice", "fragroute, dup", &read).of(&pieces()
            .disturb(Disturbance::Resend {
                packet: 5,
                behind: 0,
                what: Resend::Whole,
            })
            .disturb(Disturbance::Resend {
                packet: 4,
                behind: 0,
                what: Resend::Whole,
            })
            .disturb(Disturbance::Resend {
                packet: 3,
                behind: 0,
                what: Resend::Whole,
            })),
        Case::bytes(
            "a segment that the capture lacks",
            "Ptacek and Newsham, 3.3",
            &read,
        )
        .here(&["client: GET [5 missing]wd"])
        .of(&pieces().disturb(Disturbance::Lose(4)))
        .reported(&["client stream_gap"]),
        Case::bytes(
            "a segment that comes a second late",
            "fragroute, delay",
            &read,
        )
        .of(&late()),
    ]
}

fn reversed(talk: &flowscope_fixtures::Conversation) -> flowscope_fixtures::Conversation {
    // The handshake stays first.
    let count = talk.segments().len() - 3;
    (0..count).fold(talk.clone(), |talk, n| {
        talk.disturb(Disturbance::Delay {
            packet: 3,
            behind: count - 1 - n,
        })
    })
}

fn late() -> flowscope_fixtures::Conversation {
    talk()
        .segment(Side::Client, Tcp::ACK, b"GET ")
        .segment(Side::Client, Tcp::ACK, b"/pass")
        .disturb(Disturbance::Lose(4))
        .segment(Side::Client, Tcp::ACK, b"wd")
        .wait(SECOND)
        .forge(Side::Client, Tcp::ACK, b"/pass", |tcp| tcp.seq -= 7)
        .acknowledge(Side::Server)
}
