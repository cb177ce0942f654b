//! The streams of connections through the engine, against a model that keeps
//! every byte by itself.
//!
//! `PROPTEST_CASES=1000000 cargo test --release --test sessions_model` runs
//! more of them.

mod common;

use core::ops::Range;
use std::collections::BTreeMap;

use common::cases;
use common::connection_model::Models;
use common::stream_log::{Log, SERVER_PORT};
use common::stream_model::{Part, at, number};
use common::stream_steps::{Place, Send, config, content, place, send};
use flowscope_core::engine::{PayloadConfig, Pressure};
use flowscope_core::extract::{FiveTuple, FiveTupleKey};
use flowscope_core::reassemble::{OverlapPolicy, StreamConfig};
use flowscope_core::track::FlowId;
use flowscope_core::wire::TcpFlags;
use flowscope_core::{EngineConfig, FlowDriver, FlowEvent, FlowSide, LinkType, PacketView};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn both_streams_are_what_their_bytes_make_them(traffic in traffic()) {
        play(&traffic)?;
    }

    /// How much memory bytes take is not the model's business; but they stay
    /// where they belong, and within the caps.
    #[test]
    fn whatever_the_memory_bytes_are_where_they_belong(
        traffic in traffic(),
        max_ranges in prop_oneof![Just(usize::MAX), 0..12usize],
        max_memory in memory(),
        max_memory_per_flow in memory(),
        pressure in prop::sample::select(vec![Pressure::Oldest, Pressure::Current]),
    ) {
        play_within(&traffic, EngineConfig {
            payload: PayloadConfig {
                streams: StreamConfig { max_ranges, ..traffic.config },
                max_memory_per_flow,
            },
            max_memory,
            pressure,
            ..EngineConfig::default()
        })?;
    }
}

/// A model proves nothing about what never happens to it.
#[test]
fn everything_happens_that_the_model_is_there_for() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeMap::new();
    for _ in 0..2_000 {
        let traffic = traffic().new_tree(&mut runner).expect("it can be made");
        let traffic = traffic.current();
        for what in play(&traffic).expect("model and engine agree") {
            *seen.entry(what).or_insert(0) += 1;
        }
    }
    for what in EVERYTHING.iter().map(|what| (*what).to_owned()).chain(
        OverlapPolicy::ALL
            .iter()
            .map(|policy| format!("an overlap that differs under {policy:?}")),
    ) {
        let times = seen.get(&what).copied().unwrap_or(0);
        assert!(times >= 3, "{what}: {times} times of {seen:#?}");
    }
}

const EVERYTHING: &[&str] = &[
    "a beginning that nothing came before",
    "a conflict won by the new copy",
    "a conflict won by the old copy",
    "a first segment that was a stray",
    "a hole given up at the cap",
    "a hole given up for an ACK",
    "a hole given up for its age",
    "a jump confirmed by a segment",
    "a jump confirmed by an ACK",
    "a keep-alive",
    "a packet older than the one before",
    "a segment cut by a snap length",
    "a segment in fragments",
    "a segment sent again",
    "a segment that came early",
    "a stray ACK",
    "a stray segment",
    "a stream dropped at its cap",
    "an ACK before its data",
    "data from both sides",
    "joined in the middle",
    "numbers that wrap",
    "several connections",
];

/// What goes over the wire, and how it is put together.
#[derive(Clone, Debug)]
struct Traffic {
    config: StreamConfig,
    lanes: Vec<Lane>,
    packets: Vec<Packet>,
}

/// A connection, by its client's port.
#[derive(Clone, Debug)]
struct Lane {
    isns: [u32; 2],
    opening: Vec<Packet>,
}

impl Traffic {
    /// Every packet with its lane: first what opens the connections.
    fn packets(&self) -> impl Iterator<Item = (usize, Packet)> {
        let lanes = self.lanes.iter().enumerate();
        let opening = lanes.flat_map(|(lane, it)| it.opening.iter().map(move |it| (lane, it)));
        let rest = self.packets.iter();
        let rest = rest.map(|packet| (packet.lane % self.lanes.len(), packet));
        opening
            .chain(rest)
            .map(|(lane, packet)| (lane, packet.clone()))
    }
}

/// Shows it to the engine and to the model, and compares what they say after
/// every packet. Returns what has happened.
fn play(traffic: &Traffic) -> Result<Vec<String>, TestCaseError> {
    let config = traffic.config;
    let mut driver = driver(EngineConfig {
        payload: PayloadConfig {
            streams: config,
            ..PayloadConfig::default()
        },
        ..EngineConfig::default()
    });
    let mut models: Vec<Models> = traffic.lanes.iter().map(|_| Models::default()).collect();
    let mut cursors = vec![[0, 0]; traffic.lanes.len()];
    let mut live = vec![None; traffic.lanes.len()];
    let mut seen = Vec::new();
    let mut clock = None;
    for (lane, packet) in traffic.packets() {
        let from = packet.from;
        let now = packet.time(&mut clock);
        let part = packet.part(now, &mut cursors[lane][from]);
        let ack = packet.acked(&part, cursors[lane][1 - from]);
        note_packet(&mut seen, &packet, &part, traffic.lanes[lane].isns[from]);

        let mut events = Vec::new();
        track(&mut driver, traffic, lane, &packet, &part, ack, &mut events);
        for event in &events {
            match event {
                FlowEvent::Ended { key, reason, .. } => models[lane_of(key)].end(*reason),
                FlowEvent::Started { flow, key, .. } => {
                    models[lane_of(key)].start(config);
                    live[lane_of(key)] = Some(*flow);
                }
                _ => {}
            }
        }
        let flow: FlowId = live[lane].expect("every packet has a flow");
        models[lane].packet(from, &part, ack, clock.unwrap_or(now));

        let log = driver.factory();
        let mut flows = log.flows.iter().filter(|flow| flow.port == port(lane));
        let expected = models[lane].flows.last();
        let (last, expected) = (flows.next_back().expect("one"), expected.expect("one"));
        prop_assert_eq!(flows.count() + 1, models[lane].flows.len());
        let streams = driver.flow_state(flow).and_then(|state| state.streams());
        let streams = streams.expect("it is a TCP connection");
        for side in 0..2 {
            prop_assert_eq!(
                &last.out[side],
                &expected.sides[side].out,
                "at {:?}",
                packet
            );
            let mut stats = streams[last.side(side)];
            let mut right = expected.sides[side].stats();
            if expected.is_blank[side] {
                (stats.dropped, right.dropped) = (0, 0);
            }
            prop_assert_eq!(stats, right, "at {:?}", packet);
            prop_assert_eq!(last.closed[side], expected.closed[side], "at {:?}", packet);
        }
    }
    driver.finish(&mut |event| {
        if let FlowEvent::Ended { key, reason, .. } = event {
            models[lane_of(&key)].end(reason);
        }
    });
    prop_assert_eq!(driver.held_memory(), 0);
    let log = driver.factory();
    for (lane, models) in models.iter().enumerate() {
        let flows: Vec<_> = log
            .flows
            .iter()
            .filter(|it| it.port == port(lane))
            .collect();
        prop_assert_eq!(flows.len(), models.flows.len());
        for (flow, expected) in flows.iter().zip(&models.flows) {
            prop_assert!(flow.is_over);
            for side in 0..2 {
                prop_assert_eq!(&flow.out[side], &expected.sides[side].out);
                prop_assert_eq!(flow.closed[side], expected.closed[side]);
            }
        }
    }
    note_outcome(&mut seen, config, &models);
    Ok(seen)
}

/// Shows it to the engine, with only one content and no second beginnings, so
/// that every byte that comes out tells its place.
fn play_within(traffic: &Traffic, config: EngineConfig) -> Result<(), TestCaseError> {
    let mut driver = driver(config);
    let mut cursors = vec![[0, 0]; traffic.lanes.len()];
    let mut clock = None;
    // Each begins with a handshake, so that places are known.
    let openings = (0..traffic.lanes.len())
        .flat_map(|lane| handshake().into_iter().map(move |packet| (lane, packet)));
    let rest = traffic
        .packets()
        .filter(|(_, packet)| !packet.send.flags.contains(TcpFlags::SYN));
    for (lane, mut packet) in openings.chain(rest) {
        packet.send.edition = 0;
        let (from, now) = (packet.from, packet.time(&mut clock));
        let part = packet.part(now, &mut cursors[lane][from]);
        let ack = packet.acked(&part, cursors[lane][1 - from]);
        track(
            &mut driver,
            traffic,
            lane,
            &packet,
            &part,
            ack,
            &mut Vec::new(),
        );
        prop_assert!(driver.held_memory() <= config.max_memory);
    }
    driver.finish(&mut Vec::new());
    prop_assert_eq!(driver.held_memory(), 0);
    for flow in &driver.factory().flows {
        prop_assert!(flow.is_over);
        for (out, closed) in flow.out.iter().zip(flow.closed) {
            let (_, stats) = closed.expect("a flow that is over closed both");
            prop_assert_eq!(stats.delivered + stats.missing, out.len() as u64);
            prop_assert_eq!(stats.conflicts, 0);
            for (place, byte) in (0..).zip(out) {
                prop_assert!(byte.is_none_or(|it| it == content(place, 0)), "at {place}");
            }
        }
    }
    Ok(())
}

type Driver = FlowDriver<FiveTuple, Log>;

fn driver(config: EngineConfig) -> Driver {
    FlowDriver::new(FiveTuple::bidirectional(), Log::default()).with_config(config)
}

fn track(
    driver: &mut Driver,
    traffic: &Traffic,
    lane: usize,
    packet: &Packet,
    part: &Part,
    ack: Option<i64>,
    events: &mut Vec<FlowEvent<FiveTupleKey>>,
) {
    let (from, isns) = (packet.from, traffic.lanes[lane].isns);
    let ports = [port(lane), SERVER_PORT];
    let (bytes, wire_len) = frame(from, part, ack, isns, ports);
    let mut take = |bytes: &[u8], wire_len| {
        let view = PacketView::new(bytes, at(part.at))
            .with_link(LinkType::RAW)
            .with_wire_len(wire_len);
        driver.track(view, events);
    };
    if is_in_fragments(packet, part) {
        for piece in fragments(&bytes) {
            take(&piece, piece.len() as u32);
        }
    } else {
        take(&bytes, wire_len);
    }
}

/// What was cut by a snap length would never get whole.
fn is_in_fragments(packet: &Packet, part: &Part) -> bool {
    packet.in_fragments && part.cut == 0 && part.bytes.len() > FIRST - 20
}

/// The packet in two, the latter first.
fn fragments(packet: &[u8]) -> [Vec<u8>; 2] {
    let (header, carried) = packet.split_at(20);
    let piece = |range: Range<usize>, field: u16| {
        let mut piece = [header, &carried[range]].concat();
        let len = piece.len() as u16;
        piece[2..4].copy_from_slice(&len.to_be_bytes());
        piece[6..8].copy_from_slice(&field.to_be_bytes());
        piece
    };
    const MORE: u16 = 0x2000;
    [
        piece(FIRST..carried.len(), FIRST as u16 / 8),
        piece(0..FIRST, MORE),
    ]
}

/// Bytes in the first fragment: a TCP header, and a little more.
const FIRST: usize = 24;

// What has happened.

fn note_packet(seen: &mut Vec<String>, packet: &Packet, part: &Part, isn: u32) {
    let mut saw = |what: &str, is_so: bool| {
        if is_so && !seen.iter().any(|it| it == what) {
            seen.push(what.to_owned());
        }
    };
    saw(
        "a packet older than the one before",
        packet.late > packet.pause,
    );
    saw("a segment in fragments", is_in_fragments(packet, part));
    let wraps = number(isn, part.end()) < number(isn, part.start());
    saw("numbers that wrap", wraps && part.len() > 0);
}

fn note_outcome(seen: &mut Vec<String>, config: StreamConfig, models: &[Models]) {
    let mut saw = |what: &str, is_so: bool| {
        if is_so && !seen.iter().any(|it| it == what) {
            seen.push(what.to_owned());
        }
    };
    saw("several connections", models.len() > 1);
    for flows in models.iter().map(|models| &models.flows) {
        for flow in flows {
            let stats = flow.sides.each_ref().map(|side| side.stats());
            saw(
                "data from both sides",
                stats.iter().all(|it| it.delivered > 0),
            );
            for stats in &stats {
                saw("a segment that came early", stats.held_peak > 0);
                saw("a segment sent again", stats.retransmitted > 0);
                saw("a segment cut by a snap length", stats.cut > 0);
                saw("a stray segment", stats.strays > 0);
                let policy = format!("an overlap that differs under {:?}", config.overlap);
                saw(&policy, stats.conflicts > 0);
            }
            for what in flow.sides.iter().flat_map(|side| &side.seen) {
                saw(what, true);
            }
        }
    }
}

// What may happen.

/// A packet by the places of its bytes.
#[derive(Clone, Debug)]
struct Packet {
    lane: usize,
    pause: u64,
    /// How much older than the latest it says it is.
    late: u64,
    /// Which of the two hosts sends it.
    from: usize,
    send: Send,
    in_fragments: bool,
    has_ack: bool,
    /// What it acknowledges, as seen from where the other has got to.
    ack: Place,
}

impl Packet {
    /// Its time, when the latest was of `clock`.
    fn time(&self, clock: &mut Option<u64>) -> u64 {
        // A first moment that leaves room for going back.
        let time = clock.unwrap_or(1_000_000) + self.pause - self.late;
        *clock = (*clock).max(Some(time));
        time
    }

    fn part(&self, now: u64, cursor: &mut i64) -> Part {
        let mut part = self.send.part(now, cursor);
        if self.has_ack {
            part.flags = TcpFlags(part.flags.0 | TcpFlags::ACK.0);
        }
        part
    }

    fn acked(&self, part: &Part, cursor: i64) -> Option<i64> {
        let has_ack = part.flags.contains(TcpFlags::ACK);
        has_ack.then(|| self.ack.from(cursor))
    }
}

fn traffic() -> impl Strategy<Value = Traffic> {
    let lane = || ([isn(), isn()], opening()).prop_map(|(isns, opening)| Lane { isns, opening });
    let lanes = prop_oneof![
        3 => prop::collection::vec(lane(), 1),
        1 => prop::collection::vec(lane(), 2..4),
    ];
    (config(), lanes, prop::collection::vec(packet(), 1..60)).prop_map(
        |(config, lanes, packets)| Traffic {
            config,
            lanes,
            packets,
        },
    )
}

fn packet() -> impl Strategy<Value = Packet> {
    let pause = prop_oneof![3 => Just(0), 3 => 0..5_000u64, 1 => 0..60_000u64];
    let late = prop_oneof![12 => Just(0), 1 => 0..30_000u64];
    // Many acknowledge nothing that was not acknowledged before.
    let ack = prop_oneof![2 => Just(Place::Here), 2 => Just(Place::At(0)), 1 => place()];
    (
        0..6usize,
        pause,
        late,
        0..2usize,
        send().prop_map(|send| Send {
            flags: TcpFlags(send.flags.0 & !CONTROL),
            ..send
        }),
        prop::bool::weighted(0.1),
        ack,
    )
        .prop_map(
            |(lane, pause, late, from, send, in_fragments, ack)| Packet {
                lane,
                pause,
                late,
                from,
                send,
                in_fragments,
                // A receiver takes no other.
                has_ack: true,
                ack,
            },
        )
}

/// What begins and ends connections.
const CONTROL: u8 = TcpFlags::SYN.0 | TcpFlags::FIN.0 | TcpFlags::RST.0;

fn isn() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), (0..400u32).prop_map(|n| u32::MAX - n)]
}

/// Nothing, or as much of a handshake as was captured.
fn opening() -> impl Strategy<Value = Vec<Packet>> {
    let from = prop_oneof![3 => Just(0usize), 1 => 1..4usize];
    from.prop_map(|from| handshake().split_off(from))
}

fn handshake() -> Vec<Packet> {
    let control = |from, flags, place, has_ack| Packet {
        lane: 0,
        pause: 100,
        late: 0,
        from,
        send: Send {
            place: Place::At(place),
            len: 0,
            cut: 0,
            flags,
            edition: 0,
        },
        in_fragments: false,
        has_ack,
        ack: Place::At(0),
    };
    vec![
        control(0, TcpFlags::SYN, -1, false),
        control(1, TcpFlags::SYN, -1, true),
        control(0, TcpFlags::ACK, 0, true),
    ]
}

fn memory() -> impl Strategy<Value = usize> {
    prop_oneof![Just(1 << 20), 0..4_000usize]
}

/// The packet, and how long it was on the wire.
fn frame(
    from: usize,
    part: &Part,
    ack: Option<i64>,
    isns: [u32; 2],
    ports: [u16; 2],
) -> (Vec<u8>, u32) {
    let wire_len = 40 + part.bytes.len() as u32 + part.cut;
    let host = |host: usize| [10, 0, 0, host as u8 + 1];
    let mut bytes = vec![0x45, 0];
    bytes.extend((wire_len as u16).to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, 6, 0, 0]);
    bytes.extend(host(from));
    bytes.extend(host(1 - from));
    bytes.extend(ports[from].to_be_bytes());
    bytes.extend(ports[1 - from].to_be_bytes());
    bytes.extend(number(isns[from], part.place).to_be_bytes());
    let ack = ack.map_or(0, |ack| number(isns[1 - from], ack));
    bytes.extend(ack.to_be_bytes());
    bytes.extend([0x50, part.flags.0, 0xff, 0xff, 0, 0, 0, 0]);
    bytes.extend(&part.bytes);
    (bytes, wire_len)
}

fn port(lane: usize) -> u16 {
    1000 + lane as u16
}

fn lane_of(key: &FiveTupleKey) -> usize {
    let ports = [key.port(FlowSide::Initiator), key.port(FlowSide::Responder)]
        .into_iter()
        .flatten();
    let client = ports.into_iter().find(|port| *port != SERVER_PORT);
    usize::from(client.expect("one is the client's") - port(0))
}
