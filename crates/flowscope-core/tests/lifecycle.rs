//! What becomes of single flows: who opened them, what they did, how they end.

mod common;

use core::time::Duration;

use common::{Event, ended, events, lookup, talk, tracker, view};
use flowscope_core::extract::FiveTuple;
use flowscope_core::track::{AnomalyKind, EndReason, FlowState, FlowStats, IdleTimeouts};
use flowscope_core::{EngineConfig, FlowEvent, FlowTracker, Timestamp};
use flowscope_fixtures::{
    Close, Conversation, Disturbance, Frame, Icmp, Layer, MILLISECOND, Path, Resend, SECOND, START,
    Side, Tcp,
};

/// Of the only flow there is: its key as it prints, why it ended, its numbers.
fn only(events: &[Event]) -> (String, EndReason, FlowStats) {
    match ended(events)[..] {
        [
            FlowEvent::Ended {
                key, reason, stats, ..
            },
        ] => (key.to_string(), *reason, *stats),
        ref others => panic!("one flow was expected, not {others:?}"),
    }
}

fn only_of(talk: &Conversation) -> (String, EndReason, FlowStats) {
    only(&events(&talk.frames()))
}

fn anomalies(events: &[Event]) -> Vec<AnomalyKind> {
    let kind = |event: &Event| match event {
        FlowEvent::Anomaly { kind, .. } => Some(*kind),
        _ => None,
    };
    events.iter().filter_map(kind).collect()
}

const FORWARD: &str = "10.0.0.1:40000 → 10.0.0.2:80 tcp";
const BACKWARD: &str = "10.0.0.2:80 → 10.0.0.1:40000 tcp";

#[test]
fn a_whole_conversation_ends_by_fin_with_everything_counted() {
    let talk = talk()
        .handshake()
        .send(Side::Client, b"question")
        .send(Side::Server, &[7; 3000])
        .close(Close::Fin(Side::Client));
    let (key, reason, stats) = only_of(&talk);
    let frames = talk.frames();

    assert_eq!((key.as_str(), reason), (FORWARD, EndReason::Fin));
    assert_eq!(stats.state, FlowState::Closed);
    assert_eq!(stats.history.to_string(), "ShADadFf");
    assert_eq!(stats.packets.total(), frames.len() as u64);
    let wire: u64 = frames.iter().map(|frame| u64::from(frame.wire_len)).sum();
    assert_eq!(stats.bytes.total(), wire);
    assert_eq!(stats.ip_bytes.total(), wire - 14 * frames.len() as u64);
    assert_eq!(stats.payload_bytes.initiator, 8);
    assert_eq!(stats.payload_bytes.responder, 3000);
    assert_eq!(
        stats.retransmissions.total() + stats.out_of_order.total(),
        0
    );
    assert_eq!(stats.first_seen.as_nanos(), frames[0].nanos);
    assert_eq!(stats.last_seen.as_nanos(), frames[frames.len() - 1].nanos);
}

#[test]
fn the_initiator_is_who_sent_the_syn_or_was_sent_a_syn_ack_or_came_first() {
    let whole = talk().handshake().send(Side::Client, b"hello");
    let answer_first = whole.clone().disturb(Disturbance::StartAt(1));
    let server_first = talk()
        .handshake()
        .send(Side::Server, b"220 ready")
        .disturb(Disturbance::StartAt(3));

    assert_eq!(only_of(&whole).0, FORWARD);
    let (key, _, stats) = only_of(&answer_first);
    assert_eq!(key, FORWARD);
    assert!(stats.history.to_string().starts_with("^h"));
    assert_eq!(only_of(&server_first).0, BACKWARD);
}

#[test]
fn unusual_handshakes_are_one_flow_and_end_established() {
    let simultaneous = talk().simultaneous_open().send(Side::Client, b"hello");
    let (key, _, stats) = only_of(&simultaneous);
    assert_eq!(
        (key.as_str(), stats.state),
        (FORWARD, FlowState::Established)
    );
    assert_eq!(stats.retransmissions.total(), 0);
}

#[test]
fn a_flow_picked_up_in_the_middle_ends_like_any_other() {
    for (close, reason) in [
        (Close::Fin(Side::Server), EndReason::Fin),
        (Close::Simultaneous, EndReason::Fin),
        (Close::Reset(Side::Client), EndReason::Rst),
    ] {
        let talk = talk()
            .handshake()
            .send(Side::Client, b"hello")
            .close(close)
            .disturb(Disturbance::StartAt(3));
        assert_eq!(only_of(&talk).1, reason, "{close:?}");
    }
}

#[test]
fn copies_of_syn_fin_and_rst_change_nothing() {
    let whole = talk().handshake().send(Side::Client, b"hello");
    let closed = whole.clone().close(Close::Fin(Side::Client));
    let reset = whole.close(Close::Reset(Side::Server));
    for (talk, copied, reason) in [
        (&closed, 0, EndReason::Fin),
        (&closed, 1, EndReason::Fin),
        (&closed, closed.segments().len() - 3, EndReason::Fin),
        (&reset, reset.segments().len() - 1, EndReason::Rst),
    ] {
        let plain = only_of(talk);
        let copied = talk.clone().disturb(Disturbance::Resend {
            packet: copied,
            behind: 1,
            what: Resend::Whole,
        });
        let with_copy = only_of(&copied);
        assert_eq!(with_copy.1, reason);
        assert_eq!(with_copy.2.state, plain.2.state);
        assert_eq!(with_copy.2.packets.total(), plain.2.packets.total() + 1);
    }
}

#[test]
fn a_reset_counts_only_if_its_receiver_would_take_it() {
    let blind = talk()
        .handshake()
        .send(Side::Client, b"hello")
        .blind_reset(Side::Server, 1 << 30)
        .send(Side::Client, b"still here")
        .close(Close::Fin(Side::Client));
    let seen = events(&blind.frames());
    assert_eq!(only(&seen).1, EndReason::Fin);
    assert_eq!(anomalies(&seen), [AnomalyKind::RstOutOfWindow]);

    let refused = events(&talk().refused().frames());
    assert_eq!(only(&refused).1, EndReason::Rst);
    assert_eq!(anomalies(&refused), []);
}

#[test]
fn retransmitted_and_reordered_segments_are_told_apart() {
    let sent = talk()
        .with_segment_size(100)
        .handshake()
        .send(Side::Client, &[1; 500]);
    let again = sent.clone().disturb(Disturbance::Resend {
        packet: 4,
        behind: 1,
        what: Resend::Whole,
    });
    let late = sent.disturb(Disturbance::Delay {
        packet: 4,
        behind: 2,
    });

    let stats = only_of(&again).2;
    assert_eq!(
        (
            stats.retransmissions.initiator,
            stats.out_of_order.initiator
        ),
        (1, 0)
    );
    assert!(stats.history.to_string().contains('T'));
    let stats = only_of(&late).2;
    assert_eq!(
        (
            stats.retransmissions.initiator,
            stats.out_of_order.initiator
        ),
        (0, 1)
    );
}

#[test]
fn a_port_used_again_is_a_new_flow_once_the_old_one_is_over() {
    let first = talk().handshake().close(Close::Fin(Side::Client));
    let second = talk()
        .starting_at(START + 2 * SECOND)
        .with_initial_seq(Side::Client, 77_000_000)
        .handshake()
        .send(Side::Client, b"again");
    let frames: Vec<Frame> = [first.frames(), second.frames()].concat();
    let seen = events(&frames);
    let reasons: Vec<EndReason> = ended(&seen)
        .iter()
        .map(|event| match event {
            FlowEvent::Ended { reason, .. } => *reason,
            _ => unreachable!("only ends were kept"),
        })
        .collect();
    assert_eq!(reasons, [EndReason::Fin, EndReason::EndOfInput]);
}

/// However long it has been silent: nobody answers the SYN.
#[test]
fn a_syn_into_a_connection_in_use_is_an_anomaly() {
    for pause in [SECOND, 90 * SECOND] {
        let seen = events(&in_use_and_then(pause, |talk| {
            talk.segment(Side::Client, Tcp::SYN, b"")
        }));
        assert_eq!(ended(&seen).len(), 1, "after {pause} ns");
        let odd = anomalies(&seen);
        assert_eq!(odd, [AnomalyKind::SynInConnection], "after {pause} ns");
    }
}

/// However short it has been silent: the server has forgotten it.
#[test]
fn a_syn_that_is_answered_replaces_a_connection_in_use() {
    for pause in [SECOND, 90 * SECOND] {
        let frames = in_use_and_then(pause, |talk| talk.handshake().send(Side::Client, b"again"));
        let seen = events(&frames);
        let reasons: Vec<_> = ended(&seen)
            .iter()
            .map(|event| match event {
                FlowEvent::Ended { reason, stats, .. } => (*reason, stats.packets.total()),
                _ => unreachable!("only ends were kept"),
            })
            .collect();
        let (before, after) = (in_use().frames().len(), frames.len());
        let expected = [
            (EndReason::Replaced, before as u64),
            (EndReason::EndOfInput, (after - before) as u64),
        ];
        assert_eq!(reasons, expected, "after {pause} ns");
        assert!(anomalies(&seen).is_empty(), "after {pause} ns");
    }
}

fn in_use() -> Conversation {
    talk().handshake().send(Side::Client, b"hello")
}

/// A connection in use, and another on its ports.
fn in_use_and_then(pause: u64, next: impl Fn(Conversation) -> Conversation) -> Vec<Frame> {
    let frames = in_use().frames();
    let last = frames.last().expect("it has frames").nanos;
    let other = talk()
        .starting_at(last + pause)
        .with_initial_seq(Side::Client, 77_000_000)
        .with_initial_seq(Side::Server, 99_000_000);
    [frames, next(other).frames()].concat()
}

#[test]
fn an_ack_after_the_end_opens_no_flow() {
    let talk = talk().handshake().close(Close::Fin(Side::Client));
    let late = talk
        .clone()
        .wait(5 * SECOND)
        .segment(Side::Server, Tcp::ACK, b"");
    let (_, reason, stats) = only_of(&late);
    assert_eq!(reason, EndReason::Fin);
    assert_eq!(stats.packets.total(), talk.frames().len() as u64 + 1);
}

#[test]
fn silence_ends_a_flow_at_its_deadline_and_in_order() {
    let config = EngineConfig {
        idle: IdleTimeouts {
            udp: Duration::from_secs(60),
            ..IdleTimeouts::default()
        },
        ..EngineConfig::default()
    };
    let mut tracker = tracker(config);
    let mut seen = Vec::new();
    let asked = [
        lookup(5001, START),
        lookup(5002, START + 7),
        lookup(5003, START + 3),
    ];
    let mut frames = asked.concat();
    frames.sort_by_key(|frame| frame.nanos);
    for frame in &frames {
        tracker.track(view(frame), &mut seen);
    }
    let last = frames[frames.len() - 1].nanos;
    let deadline = |nanos: u64| Timestamp::from_nanos(nanos) + Duration::from_secs(60);

    seen.clear();
    let due = tracker.next_expiry().expect("flows are live");
    assert!(due <= deadline(START + MILLISECOND));
    tracker.expire(Timestamp::from_nanos(last + 59 * SECOND), &mut seen);
    assert_eq!(seen.len(), 0);
    tracker.expire(Timestamp::from_nanos(last + 61 * SECOND), &mut seen);
    let ends: Vec<(u64, Timestamp)> = seen.iter().map(|e| (e.flow().number(), e.at())).collect();
    let at = |number: u64, nanos: u64| (number, deadline(nanos + MILLISECOND));
    assert_eq!(ends, [at(1, START), at(2, START + 3), at(3, START + 7)]);
    assert_eq!(tracker.next_expiry(), None);
}

#[test]
fn timeouts_go_by_protocol_and_state() {
    let echo = Icmp::EchoRequest {
        identifier: 1,
        sequence: 1,
    };
    let path = Path::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
    let ping = path.frame(Side::Client, START, &Layer::Icmp(echo), b"ping");
    let half_open = talk().segment(Side::Client, Tcp::SYN, b"").frames();
    let open = talk().handshake().frames();
    let closed = talk()
        .handshake()
        .close(Close::Reset(Side::Client))
        .frames();
    for (frames, seconds, reason) in [
        (half_open, 60, EndReason::IdleTimeout),
        (open, 300, EndReason::IdleTimeout),
        (closed, 10, EndReason::Rst),
        (lookup(5000, START), 60, EndReason::IdleTimeout),
        (vec![ping], 30, EndReason::IdleTimeout),
    ] {
        let last = frames[frames.len() - 1].nanos;
        let mut seen = Vec::new();
        let mut tracker = tracker(EngineConfig::default());
        for frame in &frames {
            tracker.track(view(frame), &mut seen);
        }
        tracker.expire(
            Timestamp::from_nanos(last + seconds * SECOND - 1),
            &mut seen,
        );
        assert_eq!(ended(&seen).len(), 0, "{seconds} s");
        tracker.expire(Timestamp::from_nanos(last + seconds * SECOND), &mut seen);
        assert_eq!(only(&seen).1, reason, "{seconds} s");
    }
}

#[test]
fn a_closed_flow_expires_even_where_open_ones_never_do() {
    let years = Duration::from_secs(50 * 365 * 86_400);
    for (start, tcp) in [(0, Duration::MAX), (START, Duration::MAX), (START, years)] {
        let idle = IdleTimeouts {
            tcp,
            ..IdleTimeouts::default()
        };
        let mut tracker = tracker(EngineConfig {
            idle,
            ..EngineConfig::default()
        });
        let reset = talk().starting_at(start).handshake();
        let frames = reset.close(Close::Reset(Side::Client)).frames();
        let mut seen = Vec::new();
        for frame in &frames {
            tracker.track(view(frame), &mut seen);
        }
        let last = Timestamp::from_nanos(frames[frames.len() - 1].nanos);
        tracker.expire(last + idle.closed, &mut seen);
        assert_eq!(only(&seen).1, EndReason::Rst, "from {start}, {tcp:?}");
    }
}

#[test]
fn a_deadline_that_moves_ahead_a_little_is_kept() {
    let idle = IdleTimeouts {
        tcp: Duration::from_millis(400),
        closed: Duration::from_millis(100),
        ..IdleTimeouts::default()
    };
    // Whatever the clock's phase.
    for phase in 0..600 {
        let mut tracker = tracker(EngineConfig {
            idle,
            ..EngineConfig::default()
        });
        let start = START + phase * MILLISECOND;
        let open = talk().starting_at(start).handshake().wait(SECOND / 5);
        let frames = open.close(Close::Reset(Side::Client)).frames();
        let mut seen = Vec::new();
        for frame in &frames {
            tracker.track(view(frame), &mut seen);
        }
        let last = Timestamp::from_nanos(frames[frames.len() - 1].nanos);
        tracker.expire(last + idle.closed, &mut seen);
        assert_eq!(only(&seen).1, EndReason::Rst, "phase {phase} ms");
    }
}

#[test]
fn a_timeout_function_overrides_the_timeouts() {
    let mut tracker = tracker(EngineConfig::default())
        .with_idle_timeout_fn(|key, _| key.either_port(53).then_some(Duration::from_secs(5)));
    let mut seen = Vec::new();
    let frames = lookup(5000, START);
    for frame in &frames {
        tracker.track(view(frame), &mut seen);
    }
    tracker.expire(
        Timestamp::from_nanos(frames[1].nanos + 5 * SECOND),
        &mut seen,
    );
    assert_eq!(ended(&seen).len(), 1);
}

#[test]
fn an_older_packet_counts_and_moves_no_clock() {
    let late = lookup(5000, START + 100 * SECOND);
    let early = lookup(5001, START);
    let mut frames = late;
    frames.extend(early);
    let seen = events(&frames);
    let ends = ended(&seen);
    // Both are open at the end: the second is as young as its arrival.
    assert_eq!(ends.len(), 2);
    let FlowEvent::Ended { stats, reason, .. } = ends[1] else {
        unreachable!("only ends were kept");
    };
    assert_eq!(*reason, EndReason::EndOfInput);
    assert_eq!(stats.first_seen.as_nanos(), START);
}

#[test]
fn monotonic_timestamps_never_go_back() {
    let mut frames = lookup(5000, START + 100 * SECOND);
    frames.extend(lookup(5001, START));
    let mut tracker = FlowTracker::new(FiveTuple::bidirectional()).with_monotonic_timestamps();
    let mut seen: Vec<Event> = Vec::new();
    for frame in &frames {
        tracker.track(view(frame), &mut seen);
    }
    tracker.finish(&mut seen);
    assert!(seen.is_sorted_by_key(FlowEvent::at));
}

#[test]
fn at_the_cap_the_flow_nearest_its_timeout_goes() {
    let mut tracker = tracker(EngineConfig {
        max_flows: 2,
        ..EngineConfig::default()
    });
    let mut seen = Vec::new();
    let mut feed = |tracker: &mut common::Tracker, frames: &[Frame]| {
        for frame in frames {
            tracker.track(view(frame), &mut seen);
        }
    };
    feed(&mut tracker, &lookup(5001, START));
    feed(&mut tracker, &lookup(5002, START + SECOND));
    feed(&mut tracker, &lookup(5001, START + 2 * SECOND));
    feed(&mut tracker, &lookup(5003, START + 3 * SECOND));
    let (key, reason, _) = only(&seen);
    assert_eq!(
        (key.as_str(), reason),
        ("10.0.0.1:5002 → 10.0.0.2:53 udp", EndReason::Evicted)
    );
    assert_eq!(tracker.stats().active, 2);
    assert_eq!(tracker.stats().ended(EndReason::Evicted), 1);
}

#[test]
fn live_flows_can_be_looked_at() {
    let mut tracker = FlowTracker::new(FiveTuple::bidirectional()).with_state::<u32>();
    let mut seen: Vec<Event> = Vec::new();
    for frame in &lookup(5000, START) {
        tracker.track(view(frame), &mut seen);
    }
    let flow = seen[0].flow();
    *tracker.flow_state_mut(flow).expect("it is live") += 1;
    assert_eq!(tracker.flow_state(flow), Some(&1));
    let live: Vec<_> = tracker
        .snapshot_flow_stats()
        .map(|(flow, key, stats)| (flow, key.either_port(53), stats.packets.total()))
        .collect();
    assert_eq!(live, [(flow, true, 2)]);
    tracker.finish(&mut seen);
    assert_eq!(tracker.flow_state(flow), None);
    assert_eq!(tracker.snapshot_flow_stats().count(), 0);
}

#[test]
fn frames_cut_by_a_snap_length_stay_on_their_flow() {
    let talk = talk()
        .handshake()
        .send(Side::Client, &[1; 1000])
        .close(Close::Fin(Side::Client));
    let whole = only_of(&talk).2;
    for snap_len in [14 + 20 + 4, 14 + 20 + 14, 68] {
        let frames: Vec<Frame> = talk.frames().into_iter().map(|f| f.cut(snap_len)).collect();
        let (key, _, stats) = only(&events(&frames));
        assert_eq!(key, FORWARD, "cut to {snap_len}");
        assert_eq!(stats.packets, whole.packets, "cut to {snap_len}");
        assert_eq!(stats.bytes, whole.bytes, "cut to {snap_len}");
        assert_eq!(stats.ip_bytes, whole.ip_bytes, "cut to {snap_len}");
        assert!(stats.cut_packets.initiator > 0, "cut to {snap_len}");
        if snap_len >= 48 {
            assert_eq!(stats.state, whole.state, "cut to {snap_len}");
        }
    }
}
