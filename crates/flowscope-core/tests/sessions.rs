//! Streams through parsers, as the drivers report them.

mod common;

use core::convert::Infallible;
use core::time::Duration;

use common::lines::{LineEvent, Lines, word, words};
use common::{cases, talk, view};
use flowscope_core::engine::AnomalyEvents;
use flowscope_core::extract::{FiveTuple, FiveTupleKey, IpPair};
use flowscope_core::session::{
    Both, ByKey, Datagram, DatagramParser, FlowFactory, Interest, SessionParser,
};
use flowscope_core::track::{AnomalyKind, EndReason, FlowState};
use flowscope_core::{
    EngineConfig, FlowDatagramDriver, FlowEvent, FlowMessageDriver, FlowSessionDriver, FlowSide,
    SessionEvent, Sink, Timestamp,
};
use flowscope_fixtures::{
    Close, Conversation, Datagrams, Disturbance, Fragmented, Frame, Ipv4, Layer, MILLISECOND,
    Resend, SECOND, START, Side, Tcp, Udp, address, link_type, merge,
};
use proptest::prelude::*;

/// Everything that is reported of some frames, to the end of the input.
fn events_with<F>(factory: F, frames: &[Frame]) -> Vec<LineEvent>
where
    F: FlowFactory<FiveTupleKey, Parser: SessionParser<Message = String>>,
{
    let mut driver = FlowSessionDriver::new(FiveTuple::bidirectional(), factory);
    let mut events = Vec::new();
    for frame in frames {
        driver.track(view(frame), &mut events);
    }
    driver.finish(&mut events);
    assert_eq!(driver.held_memory(), 0, "all of it is given back");
    events
}

fn events(frames: &[Frame]) -> Vec<LineEvent> {
    events_with(Lines::default(), frames)
}

fn said(talk: &Conversation) -> Vec<String> {
    words(&events(&talk.frames()))
}

/// What is said of one flow, with the milliseconds since the start.
fn timed(events: &[LineEvent], port: u16) -> Vec<(u64, String)> {
    let mut of_port = None;
    let mut found = Vec::new();
    for event in events {
        if let SessionEvent::Started { flow, key, .. } = event
            && key.either_port(port)
        {
            of_port = Some(*flow);
        }
        if Some(event.flow()) == of_port
            && let Some(word) = word(event)
        {
            found.push(((event.at().as_nanos() - START) / MILLISECOND, word));
        }
    }
    found
}

/// Another flow, to move time on: a packet so many milliseconds after the start.
fn clock(millis: &[u64]) -> Vec<Frame> {
    let (client, server) = (address("10.0.0.3:7000"), address("10.0.0.4:7"));
    let tock = |millis: &u64| {
        Datagrams::new(client, server)
            .starting_at(START + millis * MILLISECOND)
            .send(Side::Client, b"tock")
            .frames()
    };
    millis.iter().flat_map(tock).collect()
}

/// Packets: the handshake, 3 `hell`, 4 `o⏎wo`, its ACK, 6 `rld⏎`, its ACK,
/// 8 `yes⏎`, its ACK, 10 the FIN, 11 its answer, 12 the last ACK.
fn hello() -> Conversation {
    talk()
        .with_segment_size(4)
        .handshake()
        .send(Side::Client, b"hello\nworld\n")
        .send(Side::Server, b"yes\n")
        .close(Close::Fin(Side::Client))
}

#[test]
fn late_and_repeated_segments_change_nothing() {
    let expected = [
        "C: hello",
        "C: world",
        "S: yes",
        "C: fin 12+0",
        "S: fin 4+0",
        "closed fin",
    ];
    assert_eq!(said(&hello()), expected);
    let delays = [(3, 1), (3, 3), (4, 1), (4, 3), (6, 1), (8, 1), (2, 3)];
    for (packet, behind) in delays {
        let late = hello().disturb(Disturbance::Delay { packet, behind });
        assert_eq!(said(&late), expected, "{packet} behind {behind}");
    }
    let resends = [
        Resend::Whole,
        Resend::Head(2),
        Resend::Tail(2),
        Resend::Wider(3),
    ];
    for packet in 3..12 {
        for what in resends {
            let again = hello().disturb(Disturbance::Resend {
                packet,
                behind: 1,
                what,
            });
            assert_eq!(said(&again), expected, "{packet} again: {what:?}");
        }
    }
}

#[test]
fn what_was_lost_is_a_gap() {
    let lossy = hello().disturb(Disturbance::Lose(4));
    let expected = [
        "S: yes",
        "S: fin 4+0",
        "C: gap 4",
        "C: rld",
        "C: fin 8+4",
        "C! stream_gap",
        "closed fin",
    ];
    assert_eq!(said(&lossy), expected);
}

#[test]
fn another_flows_packet_gives_up_a_hole_that_was_acknowledged() {
    let lossy = hello().disturb(Disturbance::Lose(4));
    // The ACK of what was lost comes at 5 ms, later data at 6 ms.
    let frames = merge([lossy.frames(), clock(&[50, 90, 120])]);
    let events = events(&frames);
    let seen = timed(&events, 40_000);
    let at = |what: &str| {
        seen.iter()
            .find(|(_, word)| word == what)
            .map(|(at, _)| *at)
    };
    let gap = at("C: gap 4").expect("it is given up");
    assert!((105..=112).contains(&gap), "at {gap} ms");
    assert_eq!(at("C! stream_gap"), Some(gap));
    assert_eq!(at("C: rld"), Some(gap));
    assert_eq!(at("C: fin 8+4"), Some(gap));
    // Not at the end of the input, but when the clock's packet came.
    let position = |what: &str| {
        events
            .iter()
            .position(|event| word(event).as_deref() == Some(what))
    };
    let clocks_last = events
        .iter()
        .rposition(|event| matches!(event, SessionEvent::Tracked(FlowEvent::Packet { .. })));
    assert!(position("C: gap 4") < clocks_last);
}

#[test]
fn a_hole_that_nobody_acknowledged_is_given_up_after_its_timeout() {
    let lossy = talk()
        .handshake()
        .segment(Side::Client, Tcp::ACK, b"one\n")
        .segment(Side::Client, Tcp::ACK, b"two\n")
        .segment(Side::Client, Tcp::ACK, b"three\n")
        .disturb(Disturbance::Lose(4));
    let frames = merge([lossy.frames(), clock(&[5_000, 10_004, 10_006, 10_010])]);
    let seen = timed(&events(&frames), 40_000);
    let expected = [
        (3, "C: one"),
        (10_005, "C: gap 4"),
        (10_005, "C: three"),
        (10_005, "C! stream_gap"),
        (10_010, "C: lost 10+4"),
        (10_010, "S: lost 0+0"),
        (10_010, "closed end_of_input"),
    ];
    assert_eq!(seen, expected.map(|(at, word)| (at, word.to_owned())));
}

#[test]
fn anomalies_are_counted_and_can_be_left_out() {
    let lossy = hello().disturb(Disturbance::Lose(4));
    let mut driver = FlowSessionDriver::new(FiveTuple::bidirectional(), Lines::default())
        .with_config(EngineConfig {
            anomalies: AnomalyEvents::Counted,
            ..EngineConfig::default()
        });
    let mut events = Vec::new();
    for frame in lossy.frames() {
        driver.track(view(&frame), &mut events);
    }
    driver.finish(&mut events);
    assert!(!words(&events).iter().any(|word| word.contains('!')));
    assert_eq!(driver.stats().anomalies_of(AnomalyKind::StreamGap), 1);
}

#[test]
fn a_parsers_error_ends_the_session_and_not_the_flow() {
    let bad = talk()
        .handshake()
        .send(Side::Client, b"good\n")
        .send(Side::Server, b"fine\nbad\nnever\n")
        .send(Side::Client, b"more\nbad\n")
        .send(Side::Server, b"still\n")
        .close(Close::Fin(Side::Server));
    let all = events(&bad.frames());
    let expected = [
        "C: good",
        "S: fine",
        "failed",
        "S! parse_error",
        "closed parse_error",
    ];
    assert_eq!(words(&all), expected);
    let started = |event: &&LineEvent| matches!(event, SessionEvent::Started { .. });
    assert_eq!(all.iter().filter(started).count(), 1);
    // Every packet of the flow is counted, before the error and after.
    let Some(SessionEvent::Closed { stats, reason, .. }) = all.last() else {
        panic!("{:?} is no end", all.last());
    };
    assert_eq!(stats.packets.total(), bad.frames().len() as u64);
    assert_eq!(*reason, EndReason::ParseError);
    // How the connection itself ended.
    assert_eq!(stats.state, FlowState::Closed);
}

/// Each session that fails is reported so once, wherever it fails.
#[test]
fn an_error_is_reported_once_wherever_it_comes_from() {
    let held = || {
        talk()
            .handshake()
            .segment(Side::Client, Tcp::ACK, b"one\n")
            .segment(Side::Client, Tcp::ACK, b"two\n")
            .segment(Side::Client, Tcp::ACK, b"bad\n")
            .disturb(Disturbance::Lose(4))
    };
    let doomed = || talk().handshake().send(Side::Client, b"doom\n");
    let cases = [
        ("held bytes at the end of the input", held()),
        (
            "held bytes at a reset",
            held().close(Close::Reset(Side::Client)),
        ),
        ("held bytes at a timeout", held().wait(600 * SECOND)),
        ("the end of the input", doomed()),
        ("a FIN", doomed().close(Close::Fin(Side::Client))),
        ("a reset", doomed().close(Close::Reset(Side::Server))),
    ];
    for (name, talk) in cases {
        let mut driver = FlowSessionDriver::new(FiveTuple::bidirectional(), Lines::default());
        let mut events = Vec::new();
        for frame in talk.frames() {
            driver.track(view(&frame), &mut events);
        }
        if name.contains("timeout") {
            driver.expire(Timestamp::from_nanos(START + 20 * SECOND), &mut events);
        }
        driver.finish(&mut events);
        let words = words(&events);
        let count = |what: &str| words.iter().filter(|word| word.contains(what)).count();
        assert_eq!(count("failed"), 1, "{name}: {words:?}");
        assert_eq!(count("! parse_error"), 1, "{name}: {words:?}");
        assert_eq!(count("closed"), 1, "{name}: {words:?}");
        let last = words.last().map(String::as_str);
        assert_eq!(last, Some("closed parse_error"), "{name}");
        let stats = driver.stats();
        assert_eq!(stats.anomalies_of(AnomalyKind::ParseError), 1, "{name}");
        assert_eq!(driver.held_memory(), 0, "{name}");
    }
}

#[test]
fn a_parser_that_has_seen_enough_is_left_alone() {
    let long = talk()
        .handshake()
        .send(Side::Client, b"one\nquit\nbad\n")
        .send(Side::Client, b"bad\n")
        .close(Close::Fin(Side::Client));
    assert_eq!(said(&long), ["C: one", "closed fin"]);
    // Nothing is held for it any more.
    let mut driver = FlowSessionDriver::new(FiveTuple::bidirectional(), Lines::default());
    let gone_on = talk()
        .handshake()
        .send(Side::Client, b"quit\n")
        .send(Side::Client, b"lost\n")
        .send(Side::Client, b"held\n")
        .disturb(Disturbance::Lose(5));
    for frame in gone_on.frames() {
        driver.track(view(&frame), &mut |_: LineEvent| {});
    }
    assert_eq!(driver.held_memory(), 0);
}

#[test]
fn streams_end_each_in_its_own_way() {
    let open = || {
        talk()
            .handshake()
            .send(Side::Client, b"a\n")
            .send(Side::Server, b"bc\n")
    };
    let cases = [
        (
            open().close(Close::Fin(Side::Server)),
            ["S: fin 3+0", "C: fin 2+0", "closed fin"],
        ),
        (
            open().close(Close::Fin(Side::Client)),
            ["C: fin 2+0", "S: fin 3+0", "closed fin"],
        ),
        (
            open().close(Close::Reset(Side::Server)),
            ["C: reset 2+0", "S: reset 3+0", "closed rst"],
        ),
        (
            open()
                .half_close(Side::Server)
                .close(Close::Reset(Side::Client)),
            ["S: fin 3+0", "C: reset 2+0", "closed rst"],
        ),
        (
            open().half_close(Side::Server),
            ["S: fin 3+0", "C: lost 2+0", "closed end_of_input"],
        ),
        (
            open(),
            ["C: lost 2+0", "S: lost 3+0", "closed end_of_input"],
        ),
    ];
    for (talk, ends) in cases {
        let expected = [&["C: a", "S: bc"][..], &ends].concat();
        assert_eq!(said(&talk), expected);
    }
}

#[test]
fn a_reset_out_of_the_window_ends_nothing() {
    let forged = talk()
        .handshake()
        .blind_reset(Side::Server, 1 << 24)
        .send(Side::Client, b"a\n")
        .close(Close::Fin(Side::Client));
    let expected = [
        "S! rst_out_of_window",
        "C: a",
        "C: fin 2+0",
        "S: fin 0+0",
        "closed fin",
    ];
    assert_eq!(said(&forged), expected);
}

/// What is left of a stream behind a hole is not for others to throw away.
#[test]
fn a_reset_out_of_the_window_after_the_end_ends_nothing_either() {
    // 3 data, 4 data, 5 its ACK, 6 to 8 the FINs and the last ACK.
    let forged = talk()
        .with_segment_size(2)
        .handshake()
        .send(Side::Client, b"a\nb\n")
        .close(Close::Fin(Side::Client))
        .blind_reset(Side::Server, 1 << 24)
        .disturb(Disturbance::Delay {
            packet: 3,
            behind: 20,
        });
    let expected = [
        "S: fin 0+0",
        "S! rst_out_of_window",
        "C: a",
        "C: b",
        "C: fin 4+0",
        "closed fin",
    ];
    assert_eq!(said(&forged), expected);
}

/// Of several errors and anomalies each is of the side it belongs to.
#[test]
fn an_error_belongs_to_the_side_that_sent_it() {
    let held = talk()
        .handshake()
        .segment(Side::Server, Tcp::ACK, b"one\n")
        .segment(Side::Server, Tcp::ACK, b"two\n")
        .segment(Side::Server, Tcp::ACK, b"bad\n")
        .disturb(Disturbance::Lose(4));
    let frames = merge([held.frames(), clock(&[11_000])]);
    let words = words(&events(&frames));
    let expected = [
        "S: one",
        "S: gap 4",
        "failed",
        "S! stream_gap",
        "S! parse_error",
        "closed parse_error",
    ];
    let of_tcp: Vec<_> = words.iter().take(6).collect();
    assert_eq!(of_tcp, expected.iter().collect::<Vec<_>>());
}

/// The FIN tells where the stream ends, not that all of it was seen.
#[test]
fn a_fin_in_front_of_late_data_waits_for_it() {
    // 3 data, 4 its ACK, 5 the FIN, 6 the other's.
    let late = talk()
        .handshake()
        .send(Side::Client, b"a\n")
        .close(Close::Fin(Side::Client))
        .disturb(Disturbance::Delay {
            packet: 3,
            behind: 3,
        });
    let expected = ["C: a", "C: fin 2+0", "S: fin 0+0", "closed fin"];
    assert_eq!(said(&late), expected);
}

#[test]
fn a_flow_that_times_out_is_lost_at_its_deadline() {
    let silent = talk().handshake().send(Side::Client, b"a\n");
    let frames = merge([silent.frames(), clock(&[1_000_000_000])]);
    let seen = timed(&events(&frames), 40_000);
    let words: Vec<_> = seen.iter().map(|(_, word)| word.as_str()).collect();
    let expected = ["C: a", "C: lost 2+0", "S: lost 0+0", "closed idle_timeout"];
    assert_eq!(words, expected);
    assert!(seen[1..].iter().all(|(at, _)| *at == seen[3].0));
    assert!(seen[3].0 < 1_000_000);
}

#[test]
fn a_new_connection_on_the_same_ports_gets_a_parser_of_its_own() {
    let first = talk()
        .handshake()
        .send(Side::Client, b"bad\n")
        .close(Close::Fin(Side::Client));
    let second = talk()
        .with_initial_seq(Side::Client, 77_000_000)
        .starting_at(START + SECOND)
        .handshake()
        .send(Side::Client, b"good\n")
        .close(Close::Fin(Side::Client));
    let frames = [first.frames(), second.frames()].concat();
    let expected = [
        "failed",
        "C! parse_error",
        "closed parse_error",
        "C: good",
        "C: fin 5+0",
        "S: fin 0+0",
        "closed fin",
    ];
    assert_eq!(words(&events(&frames)), expected);
}

#[test]
fn ticks_come_at_their_time_and_once() {
    let waiting = talk().handshake().send(Side::Client, b"wait 500\n");
    let frames = merge([waiting.frames(), clock(&[400, 502, 504, 900, 2_000])]);
    let seen = timed(&events(&frames), 40_000);
    let expected = [
        (3, "C: wait 500"),
        (503, "C: tick"),
        (2_000, "C: lost 9+0"),
        (2_000, "S: lost 0+0"),
        (2_000, "closed end_of_input"),
    ];
    assert_eq!(seen, expected.map(|(at, word)| (at, word.to_owned())));
}

#[test]
fn a_tick_can_be_put_off_and_brought_forward() {
    let moved = talk()
        .handshake()
        .with_pace(100 * MILLISECOND)
        .segment(Side::Client, Tcp::ACK, b"wait 150\n")
        .segment(Side::Client, Tcp::ACK, b"wait 900\n")
        .segment(Side::Client, Tcp::ACK, b"wait 200\n");
    let frames = merge([moved.frames(), clock(&[5_000])]);
    let seen = timed(&events(&frames), 40_000);
    let ticks: Vec<_> = seen
        .iter()
        .filter(|(_, word)| word == "C: tick")
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(ticks, [403]);
}

#[test]
fn a_parser_that_waits_from_the_beginning_is_called() {
    let until = Timestamp::from_nanos(START + 50 * MILLISECOND);
    let frames = merge([talk().handshake().frames(), clock(&[40, 60])]);
    let events = events_with(
        ByKey(|_: &FiveTupleKey| Some(Lines::waiting_until(until))),
        &frames,
    );
    let ticks: Vec<_> = timed(&events, 40_000)
        .into_iter()
        .filter(|(_, word)| word == "C: tick")
        .collect();
    assert_eq!(ticks, [(50, "C: tick".to_owned())]);
}

#[test]
fn asking_for_the_past_for_ever_neither_hangs_nor_hides_a_hole() {
    let asking = talk()
        .handshake()
        .segment(Side::Client, Tcp::ACK, b"past\n")
        .segment(Side::Client, Tcp::ACK, b"two\n")
        .segment(Side::Client, Tcp::ACK, b"three\n")
        .disturb(Disturbance::Lose(4));
    let frames = merge([asking.frames(), clock(&[50, 100, 11_000, 12_000])]);
    let seen = timed(&events(&frames), 40_000);
    let at = |what: &str| {
        seen.iter()
            .find(|(_, word)| word == what)
            .map(|(at, _)| *at)
    };
    assert_eq!(at("C: gap 4"), Some(10_005), "{seen:?}");
    let ticks = seen.iter().filter(|(_, word)| word == "C: tick").count();
    assert_eq!(ticks, 1, "{seen:?}");
}

/// What is held is handed on for want of memory, and the parser that reads it
/// wants to be called long before the hole would have been given up.
#[test]
fn a_parser_that_is_fed_under_pressure_is_called_at_its_time() {
    let waiting = talk()
        .handshake()
        .segment(Side::Client, Tcp::ACK, b"lost\n")
        .segment(Side::Client, Tcp::ACK, b"wait 500\n")
        .disturb(Disturbance::Lose(3));
    let greedy = Conversation::new(address("10.0.0.1:40001"), address("10.0.0.2:80"))
        .starting_at(START + 100 * MILLISECOND)
        .handshake()
        .segment(Side::Client, Tcp::ACK, b"lost\n")
        .segment(Side::Client, Tcp::ACK, &[b'x'; 1400])
        .disturb(Disturbance::Lose(3));
    let frames = merge([waiting.frames(), greedy.frames(), clock(&[500, 700, 2_000])]);
    let mut driver = FlowSessionDriver::new(FiveTuple::bidirectional(), Lines::default())
        .with_config(EngineConfig {
            max_memory: 1_000,
            ..EngineConfig::default()
        });
    let mut events = Vec::new();
    for frame in &frames {
        driver.track(view(frame), &mut events);
    }
    driver.finish(&mut events);
    let seen = timed(&events, 40_000);
    let expected = [
        (104, "C: gap 5"),
        (104, "C: wait 500"),
        (104, "C! stream_gap"),
        (104, "C! stream_overflow"),
        (604, "C: tick"),
    ];
    let expected = expected.map(|(at, word)| (at, word.to_owned()));
    assert_eq!(seen.get(..5), Some(expected.as_slice()), "{seen:?}");
}

#[test]
fn a_factory_may_say_no() {
    let talk_at = |port: u16| {
        Conversation::new(
            address("10.0.0.1:40000"),
            address(&format!("10.0.0.2:{port}")),
        )
        .handshake()
        .send(Side::Client, b"hello\n")
        .close(Close::Fin(Side::Client))
        .frames()
    };
    let web = ByKey(|key: &FiveTupleKey| key.either_port(80).then(Lines::default));
    let events = events_with(web, &[talk_at(80), talk_at(81)].concat());
    let expected = [
        "C: hello",
        "C: fin 6+0",
        "S: fin 0+0",
        "closed fin",
        "closed fin",
    ];
    assert_eq!(words(&events), expected);
}

/// Says what a datagram says, and what it lacks.
#[derive(Clone, Debug)]
struct Text;

impl DatagramParser for Text {
    type Message = String;
    type Error = Infallible;

    fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<String>,
    ) -> Result<Interest, Infallible> {
        let text = String::from_utf8_lossy(datagram.payload);
        out.push(format!("{text} ({})", datagram.missing));
        Ok(match datagram.payload {
            b"quit" => Interest::Done,
            _ => Interest::More,
        })
    }

    fn close(&mut self, _: Timestamp, out: &mut dyn Sink<String>) {
        out.push("over".to_owned());
    }
}

#[test]
fn both_kinds_of_parser_in_one_pass() {
    let asked = Datagrams::new(address("10.0.0.1:40000"), address("10.0.0.2:80"))
        .starting_at(START + MILLISECOND / 2)
        .send(Side::Client, b"who")
        .send(Side::Server, b"me")
        .frames();
    let frames = merge([hello().frames(), asked]);
    let parsers = Both::<_, _, String>::new(Lines::default(), Text);
    let mut driver = FlowMessageDriver::with_factory(FiveTuple::bidirectional(), parsers);
    let mut events: Vec<LineEvent> = Vec::new();
    for frame in &frames {
        driver.track(view(frame), &mut events);
    }
    assert_eq!(driver.stats().active, 2);
    driver.finish(&mut events);
    let expected = [
        "C: who (0)",
        "S: me (0)",
        "C: hello",
        "C: world",
        "S: yes",
        "C: fin 12+0",
        "S: fin 4+0",
        "closed fin",
        "C: over",
        "closed end_of_input",
    ];
    assert_eq!(words(&events), expected);
}

#[test]
fn datagrams_come_whole_though_they_were_sent_in_fragments() {
    let message = "a long datagram ".repeat(20);
    let layers = [
        Layer::Ethernet(flowscope_fixtures::Ethernet::default()),
        Layer::Ipv4(Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into())),
        Layer::Udp(Udp::new(4000, 53)),
    ];
    let mut fragments = Fragmented::new(&layers, 1, message.as_bytes()).every(64);
    fragments.swap(0, 2);
    let mut driver = FlowDatagramDriver::new(FiveTuple::bidirectional(), Text);
    let mut events = Vec::new();
    for (bytes, n) in fragments.iter().zip(0..) {
        let frame = Frame {
            nanos: START + n * MILLISECOND,
            link: link_type::ETHERNET,
            wire_len: bytes.len() as u32,
            bytes: bytes.clone(),
        };
        driver.track(view(&frame), &mut events);
    }
    driver.finish(&mut events);
    let whole = format!("C: {message} (0)");
    assert_eq!(words(&events), [&whole, "C: over", "closed end_of_input"]);
}

#[test]
fn what_a_snap_length_cut_is_missing() {
    let mut frames = Datagrams::new(address("10.0.0.1:40000"), address("10.0.0.2:53"))
        .send(Side::Client, b"who is it?")
        .send(Side::Client, b"quit")
        .send(Side::Client, b"more")
        .frames();
    let kept = frames[0].bytes.len() - 7;
    frames[0].bytes.truncate(kept);
    let mut driver = FlowDatagramDriver::new(FiveTuple::bidirectional(), Text);
    let mut events = Vec::new();
    for frame in &frames {
        driver.track(view(frame), &mut events);
    }
    driver.finish(&mut events);
    let expected = ["C: who (7)", "C: quit (0)", "closed end_of_input"];
    assert_eq!(words(&events), expected);

    // The same of a stream is a gap of the right size at once.
    let mut frames = hello().frames();
    let kept = frames[4].bytes.len() - 2;
    frames[4].bytes.truncate(kept);
    let expected = [
        "C: hello",
        "C: gap 2",
        "C: rld",
        "S: yes",
        "C: fin 10+2",
        "S: fin 4+0",
        "closed fin",
    ];
    assert_eq!(words(&self::events(&frames)), expected);
}

/// Several connections make one flow there: their segments are no stream.
#[test]
fn a_pair_of_hosts_has_no_streams() {
    let mut driver = FlowSessionDriver::new(IpPair, Lines::default());
    let mut events = Vec::new();
    for frame in hello().frames() {
        driver.track(view(&frame), &mut events);
    }
    driver.finish(&mut events);
    assert_eq!(words(&events), ["closed end_of_input"]);
}

#[test]
fn snapshots_know_what_is_held_and_missing() {
    let lossy = hello().disturb(Disturbance::Lose(4));
    let mut driver = FlowSessionDriver::new(FiveTuple::bidirectional(), Lines::default());
    let mut events: Vec<LineEvent> = Vec::new();
    for frame in lossy.frames() {
        driver.track(view(&frame), &mut events);
    }
    let snapshot = |driver: &FlowSessionDriver<FiveTuple, Lines>| {
        let all: Vec<_> = driver.snapshot_flow_stats().collect();
        let [(_, key, stats)] = all[..] else {
            panic!("{} flows", all.len())
        };
        assert!(key.either_port(80));
        (
            stats.held_peak[FlowSide::Initiator],
            stats.missing_bytes[FlowSide::Initiator],
        )
    };
    assert_eq!(snapshot(&driver), (4, 0));
    driver.expire(Timestamp::from_nanos(START + 5 * SECOND), &mut events);
    assert_eq!(snapshot(&driver), (4, 4));
    driver.finish(&mut events);
    let Some(SessionEvent::Closed { stats, .. }) = events.last() else {
        panic!("no end");
    };
    assert_eq!(stats.held_peak[FlowSide::Initiator], 4);
    assert_eq!(stats.missing_bytes[FlowSide::Initiator], 4);
    assert_eq!(stats.missing_bytes[FlowSide::Responder], 0);
}

#[test]
fn a_retransmitted_fin_closes_once() {
    for packet in [10, 11] {
        let again = hello().disturb(Disturbance::Resend {
            packet,
            behind: 2,
            what: Resend::Whole,
        });
        assert_eq!(said(&again), said(&hello()));
    }
}

#[test]
fn a_capture_that_begins_in_the_middle_is_read_from_there() {
    // The first thing captured of the server is a whole line.
    let cut = hello().disturb(Disturbance::StartAt(8));
    let words = said(&cut);
    assert!(
        words.iter().any(|word| word.ends_with(": yes")),
        "{words:?}"
    );
    assert_eq!(words.last().map(String::as_str), Some("closed fin"));
}

/// A line of either side, and how it is cut.
fn line() -> impl Strategy<Value = (Side, String, usize)> {
    let side = prop_oneof![Just(Side::Client), Just(Side::Server)];
    let text = prop_oneof![
        10 => "[a-z]{0,40}",
        1 => Just("wait 7".to_owned()),
        1 => Just("wait 20000".to_owned()),
        1 => Just("past".to_owned()),
    ];
    (side, text, 1..20usize)
}

fn conversation(lines: &[(Side, String, usize)]) -> Conversation {
    let mut talk = talk().handshake();
    for (side, text, size) in lines {
        let line = format!("{text}\n");
        talk = talk.with_segment_size(*size).send(*side, line.as_bytes());
    }
    talk
}

fn disturbance() -> impl Strategy<Value = Disturbance> {
    let what = prop_oneof![
        Just(Resend::Whole),
        (0..8usize).prop_map(Resend::Head),
        (0..8usize).prop_map(Resend::Tail),
        (0..8usize).prop_map(Resend::Wider),
        Just(Resend::Conflicting),
    ];
    prop_oneof![
        (3..60usize).prop_map(Disturbance::Lose),
        (3..60usize, 0..8usize).prop_map(|(packet, behind)| Disturbance::Delay { packet, behind }),
        (3..60usize, 0..8usize, what).prop_map(|(packet, behind, what)| Disturbance::Resend {
            packet,
            behind,
            what
        }),
    ]
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn any_split_gives_the_same_messages(
        lines in prop::collection::vec(line(), 1..12),
        sizes in prop::collection::vec(1..2000usize, 12),
    ) {
        let whole = conversation(&lines).close(Close::Fin(Side::Client));
        let other: Vec<_> = lines
            .iter()
            .zip(sizes)
            .map(|((side, text, _), size)| (*side, text.clone(), size))
            .collect();
        let split = conversation(&other).close(Close::Fin(Side::Client));
        let messages = |talk: &Conversation| -> Vec<String> {
            // When ticks come depends on how long the conversation takes.
            said(talk).into_iter().filter(|word| word != "C: tick").collect()
        };
        let expected: Vec<_> = lines
            .iter()
            .map(|(side, text, _)| match side {
                Side::Client => format!("C: {text}"),
                Side::Server => format!("S: {text}"),
            })
            .collect();
        let seen = messages(&whole);
        prop_assert_eq!(&seen[..lines.len()], &expected[..]);
        prop_assert_eq!(seen, messages(&split));
    }

    #[test]
    fn it_does_not_matter_when_time_is_looked_at(
        lines in prop::collection::vec((line(), 0..15_000u64), 1..10),
        others in prop::collection::vec(line(), 1..6),
        disturbances in prop::collection::vec(disturbance(), 0..6),
        looks in prop::collection::vec(0.0..1.0f64, 60),
    ) {
        let mut slow = talk().handshake();
        for ((side, text, size), pause) in &lines {
            let line = format!("{text}\n");
            slow = slow
                .wait(pause * MILLISECOND)
                .with_segment_size(*size)
                .send(*side, line.as_bytes());
        }
        for disturbance in disturbances {
            slow = slow.disturb(disturbance);
        }
        let mut other = Conversation::new(address("10.0.0.1:40001"), address("10.0.0.2:80"))
            .with_pace(3 * SECOND)
            .handshake();
        for (side, text, size) in &others {
            let line = format!("{text}\n");
            other = other.with_segment_size(size + 20).send(*side, line.as_bytes());
        }
        let frames = merge([slow.frames(), other.frames()]);

        let mut driver = FlowSessionDriver::new(FiveTuple::bidirectional(), Lines::default());
        let mut watched = FlowSessionDriver::new(FiveTuple::bidirectional(), Lines::default());
        let (mut plain, mut seen) = (Vec::new(), Vec::new());
        let mut before = START;
        for (frame, look) in frames.iter().zip(looks.iter().cycle()) {
            let span = frame.nanos.saturating_sub(before);
            let moment = before + (span as f64 * look) as u64;
            watched.expire(Timestamp::from_nanos(moment), &mut seen);
            if let Some(next) = watched.next_expiry() {
                prop_assert!(next > Timestamp::from_nanos(moment));
            }
            before = before.max(frame.nanos);
            watched.track(view(frame), &mut seen);
            driver.track(view(frame), &mut plain);
        }
        driver.finish(&mut plain);
        watched.finish(&mut seen);
        let text = |events: &[LineEvent]| -> Vec<String> {
            events.iter().map(|event| format!("{event:?}")).collect()
        };
        prop_assert_eq!(text(&plain), text(&seen));
        prop_assert_eq!(driver.held_memory(), 0);
    }
}

#[test]
fn events_are_in_the_order_of_time() {
    let lossy = hello().disturb(Disturbance::Lose(4)).frames();
    let waiting = Conversation::new(address("10.0.0.1:40001"), address("10.0.0.2:80"))
        .handshake()
        .send(Side::Client, b"wait 60\n")
        .frames();
    let frames = merge([lossy, waiting, clock(&[30, 200])]);
    let times: Vec<_> = events(&frames).iter().map(SessionEvent::at).collect();
    assert!(times.is_sorted());
    let last = *times.last().expect("there are events");
    assert_eq!(
        last,
        Timestamp::EPOCH + Duration::from_nanos(START) + Duration::from_millis(200)
    );
}
