//! What is told of a conversation in the end: its letters and its numbers.

mod common;

use common::{ended, events, talk};
use flowscope_core::track::{EndReason, FlowState, FlowStats};
use flowscope_core::{BySide, EngineConfig, FlowEvent, FlowSide, LinkType, PacketView, Timestamp};
use flowscope_fixtures::{Close, Conversation, Disturbance, Frame, Resend, Side, Tcp, address};
use proptest::prelude::*;

use FlowState::{Closed, Established, HalfClosed, Reset, SynSent};
use Side::{Client, Server};

/// Of the only flow there is, which the client opened: why it ended, and its
/// numbers.
fn account(frames: &[Frame]) -> (EndReason, FlowStats) {
    match ended(&events(frames))[..] {
        [
            FlowEvent::Ended {
                key, reason, stats, ..
            },
        ] => {
            assert_eq!(
                key.port(FlowSide::Responder),
                Some(80),
                "the client opened it"
            );
            (*reason, *stats)
        }
        ref others => panic!("one flow was expected, not {others:?}"),
    }
}

/// Checks what is told of each, and that nothing is called odd.
fn assert_told<const N: usize>(cases: [(Conversation, &str, FlowState); N]) {
    for (talk, history, state) in cases {
        let frames = talk.frames();
        let (reason, stats) = account(&frames);
        assert_eq!(stats.history.to_string(), history);
        assert_eq!(stats.state, state, "{history}");
        let expected = match state {
            Closed => EndReason::Fin,
            Reset => EndReason::Rst,
            _ => EndReason::EndOfInput,
        };
        assert_eq!(reason, expected, "{history}");
        let is_odd = |event: &_| matches!(event, FlowEvent::Anomaly { .. });
        assert!(!events(&frames).iter().any(is_odd), "{history}");
    }
}

fn syn() -> Conversation {
    talk().segment(Client, Tcp::SYN, b"")
}

fn open() -> Conversation {
    talk().handshake()
}

fn ask() -> Conversation {
    open().send(Client, b"question")
}

/// The same packet once more, at once.
fn again(packet: usize) -> Disturbance {
    Disturbance::Resend {
        packet,
        behind: 0,
        what: Resend::Whole,
    }
}

#[test]
fn a_history_begins_as_the_connection_opens() {
    let syn_ack = Tcp::SYN | Tcp::ACK;
    let answered = syn().segment(Server, syn_ack, b"");
    // The server opens towards the client, whose SYN-ACK repeats its SYN.
    let turned = |talk: Conversation| {
        talk.segment(Server, Tcp::SYN, b"")
            .with_initial_seq(Client, 1_000_000)
            .segment(Client, syn_ack, b"")
            .acknowledge(Server)
    };
    let simultaneous = talk().simultaneous_open().acknowledge(Client);
    assert_told([
        (syn(), "S", SynSent),
        (answered.send(Client, b"at once"), "ShDa", Established),
        (open(), "ShA", Established),
        (simultaneous, "SsHhA", Established),
        (turned(syn().acknowledge(Server)), "SasH", Established),
        (turned(syn()), "SsHa", Established),
        (talk().refused(), "Sr", Reset),
    ]);
}

#[test]
fn a_history_begins_where_the_capture_does() {
    let from = |packet| ask().disturb(Disturbance::StartAt(packet));
    assert_told([
        (from(1), "^hADa", Established),
        (from(2), "ADa", Established),
        (from(3), "Da", Established),
    ]);
}

#[test]
fn a_history_names_what_each_side_does_once() {
    let probed = ask().keep_alive(Client).keep_alive(Server);
    assert_told([
        (ask().send(Client, b"more"), "ShADa", Established),
        (ask().send(Server, b"answer"), "ShADad", Established),
        (probed, "ShADa", Established),
        (open().stall(Client, b"question"), "ShAawD", Established),
        (ask().disturb(again(3)), "ShADTa", Established),
    ]);
}

#[test]
fn a_history_ends_as_the_connection_closes() {
    let half = open().half_close(Client);
    let whole = half.clone().send(Server, b"more").half_close(Server);
    let reset = open().close(Close::Reset(Server));
    assert_told([
        (ask().close(Close::Fin(Client)), "ShADaFf", Closed),
        (open().close(Close::Fin(Server)), "ShAfFa", Closed),
        (open().close(Close::Simultaneous), "ShAFfa", Closed),
        (half, "ShAFa", HalfClosed(FlowSide::Initiator)),
        (whole, "ShAFadf", Closed),
        (
            open().close(Close::Fin(Client)).disturb(again(3)),
            "ShAFf",
            Closed,
        ),
        (open().close(Close::Reset(Client)), "ShAR", Reset),
        (reset.clone().disturb(again(3)), "ShAr", Reset),
        (reset.send(Client, b"unheard"), "ShArDa", Reset),
    ]);
}

#[test]
fn a_history_shows_what_scanners_send() {
    let probe = |flags| talk().segment(Client, flags, b"");
    let reset = |talk: Conversation| talk.segment(Server, Tcp::RST, b"");
    assert_told([
        (probe(Tcp::SYN | Tcp::FIN), "Q", SynSent),
        (probe(Tcp::SYN | Tcp::RST), "I", Reset),
        (reset(probe(Tcp::ACK)), "Ar", Reset),
    ]);
    // Nobody takes what has no ACK, so it closes nothing.
    let (_, stats) = account(&probe(Tcp::FIN).frames());
    assert_eq!(stats.history.to_string(), "F");
    assert_eq!(stats.state, Established);
}

#[test]
fn retransmissions_are_noted_at_every_tenfold() {
    for (copies, history) in [
        (1, "ShADTa"),
        (9, "ShADTa"),
        (10, "ShADTTa"),
        (100, "ShADTTTa"),
    ] {
        let talk = (0..copies).fold(ask(), |talk, _| talk.disturb(again(3)));
        let (_, stats) = account(&talk.frames());
        assert_eq!(stats.retransmissions.initiator, copies);
        assert_eq!(stats.history.to_string(), history, "{copies} copies");
    }
}

/// An exchange in segments of a few bytes, from open to close.
fn exchange() -> impl Strategy<Value = Conversation> {
    let ends = prop::sample::select(vec![
        ("10.0.0.1:40000", "10.0.0.2:80"),
        ("[2001:db8::1]:40000", "[2001:db8::2]:80"),
    ]);
    let turn = (prop::sample::select(vec![Client, Server]), 1..400usize);
    let seqs = (any::<u32>(), any::<u32>());
    (ends, seqs, 2..100usize, prop::collection::vec(turn, 1..5)).prop_map(
        |((client, server), (client_seq, server_seq), segment_size, turns)| {
            let talk = Conversation::new(address(client), address(server))
                .with_initial_seq(Client, client_seq)
                .with_initial_seq(Server, server_seq)
                .with_segment_size(segment_size)
                .handshake();
            let say = |talk: Conversation, (from, len)| talk.send(from, &vec![7; len]);
            turns.into_iter().fold(talk, say).close(Close::Fin(Client))
        },
    )
}

fn by_side(talk: &Conversation, frames: &[Frame], of: impl Fn(&Frame) -> u64) -> BySide<u64> {
    BySide::from_fn(|side| {
        let from = match side {
            FlowSide::Initiator => Client,
            FlowSide::Responder => Server,
        };
        let pairs = talk.segments().iter().zip(frames);
        pairs
            .filter(|(segment, _)| segment.from == from)
            .map(|(_, frame)| of(frame))
            .sum()
    })
}

proptest! {
    #[test]
    fn numbers_are_the_conversation_s_own(talk in exchange(), snap_len in 74..200usize) {
        let frames = talk.frames();
        let cut: Vec<Frame> = frames.iter().cloned().map(|frame| frame.cut(snap_len)).collect();
        let (reason, stats) = account(&cut);

        prop_assert_eq!(reason, EndReason::Fin);
        prop_assert_eq!(stats.packets, by_side(&talk, &frames, |_| 1));
        prop_assert_eq!(stats.bytes, by_side(&talk, &frames, |frame| frame.bytes.len() as u64));
        prop_assert_eq!(stats.ip_bytes, by_side(&talk, &frames, |frame| frame.bytes.len() as u64 - 14));
        prop_assert_eq!(stats.payload_bytes.initiator, talk.sent(Client).len() as u64);
        prop_assert_eq!(stats.payload_bytes.responder, talk.sent(Server).len() as u64);
        let is_cut = |frame: &Frame| u64::from(frame.bytes.len() > snap_len);
        prop_assert_eq!(u64::from(stats.cut_packets.total()), by_side(&talk, &frames, is_cut).total());
        prop_assert_eq!(stats.retransmissions.total() + stats.out_of_order.total(), 0);
        prop_assert_eq!(stats.first_seen.as_nanos(), frames[0].nanos);
        prop_assert_eq!(stats.last_seen.as_nanos(), frames[frames.len() - 1].nanos);
    }

    #[test]
    fn a_segment_sent_again_or_late_is_counted_as_that(
        talk in exchange(),
        packet in any::<prop::sample::Index>(),
        behind in 0..6usize,
    ) {
        let has_data: Vec<usize> = (0..talk.segments().len())
            .filter(|at| talk.segments()[*at].payload.len() > 1)
            .collect();
        prop_assume!(!has_data.is_empty());
        let packet = has_data[packet.index(has_data.len())];
        let from = talk.segments()[packet].from;
        let count = |disturbance| {
            let (_, stats) = account(&talk.clone().disturb(disturbance).frames());
            [stats.retransmissions, stats.out_of_order].map(|by_side| match from {
                Client => (by_side.initiator, by_side.responder),
                Server => (by_side.responder, by_side.initiator),
            })
        };

        let resent = count(Disturbance::Resend { packet, behind, what: Resend::Whole });
        prop_assert_eq!(resent, [(1, 0), (0, 0)]);

        // It is late if later numbers of the same side overtake it.
        let overtakers = talk.segments().iter().skip(packet + 1).take(behind);
        let is_late = overtakers.filter(|it| it.from == from).any(|it| {
            !it.payload.is_empty() || it.tcp.flags & Tcp::FIN != 0
        });
        let delayed = count(Disturbance::Delay { packet, behind });
        prop_assert_eq!(delayed, [(0, 0), (u32::from(is_late), 0)]);
    }
}

/// Each packet of an A-MSDU counts, and all of them came in one frame.
#[test]
fn every_packet_of_a_frame_that_carries_several_counts() {
    let subframe = |port: u8| {
        let mut frame = vec![2; 12];
        frame.extend([0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0]);
        frame.extend([
            0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ]);
        frame.extend([0, port, 0, 53, 0, 8, 0, 0]);
        frame.resize(frame.len().next_multiple_of(4), 0);
        frame
    };
    let mut frame = [&[0x88, 0x01][..], &[0; 22], &[0x80, 0]].concat();
    frame.extend([subframe(7), subframe(8), subframe(7)].concat());
    let view = PacketView::new(&frame, Timestamp::EPOCH).with_link(LinkType::IEEE802_11);
    let mut tracker = common::tracker(EngineConfig::default());
    let mut packets = Vec::new();
    tracker.track(view, &mut |event: common::Event| {
        if let FlowEvent::Packet { flow, .. } = event {
            packets.push(flow.number());
        }
    });
    assert_eq!(packets, [1, 2, 1]);
    assert_eq!(tracker.stats().packets, 3);
}
