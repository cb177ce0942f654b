//! Both streams of a connection through the engine, against a model that keeps
//! every byte by itself.
//!
//! `PROPTEST_CASES=1000000 cargo test --release --test sessions_model` runs
//! more of them.

mod common;

use common::stream_model::{Model, Part, Phase, at, number};
use common::stream_steps::{Place, Send, config, place, send};
use flowscope_core::engine::PayloadConfig;
use flowscope_core::extract::{FiveTuple, FiveTupleKey};
use flowscope_core::reassemble::{Chunk, StreamConfig, StreamState, StreamStats};
use flowscope_core::session::{Close, Input, Interest, StreamEnd, StreamFactory};
use flowscope_core::track::{EndReason, FlowEvent, FlowId, FlowState};
use flowscope_core::wire::{TcpFlags, Transport};
use flowscope_core::{FlowDriver, FlowSide, LinkType, PacketView, Timestamp};
use proptest::prelude::*;

fn cases() -> ProptestConfig {
    let modest = ProptestConfig::with_cases(3_000);
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => modest,
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn both_streams_are_what_their_bytes_make_them(
        config in config(),
        isns in [isn(), isn()],
        opening in opening(),
        packets in prop::collection::vec(packet(), 1..80),
    ) {
        let payload = PayloadConfig { streams: config, ..PayloadConfig::default() };
        let mut driver = FlowDriver::new(FiveTuple::bidirectional(), Log::default())
            .with_payload_config(payload);
        let mut model = Models::default();
        let mut cursors = [0, 0];
        let mut now = 1_000_000;
        let mut live = None;
        for packet in opening.into_iter().chain(packets) {
            now += packet.pause;
            let from = packet.from;
            let part = packet.part(now, &mut cursors[from]);
            let ack = part.flags.contains(TcpFlags::ACK)
                .then(|| packet.ack.from(cursors[1 - from]));

            let (bytes, wire_len) = frame(from, &part, ack, isns);
            let view = PacketView::new(&bytes, at(now))
                .with_link(LinkType::RAW)
                .with_wire_len(wire_len);
            let mut events = Vec::new();
            driver.track(view, &mut events);
            for event in &events {
                match event {
                    FlowEvent::Ended { reason, .. } => model.end(*reason),
                    FlowEvent::Started { flow, .. } => {
                        model.start(config);
                        live = Some(*flow);
                    }
                    _ => {}
                }
            }
            let flow: FlowId = live.expect("every packet has a flow");
            let state = driver.flow_stats(flow).expect("it is live").state;
            model.packet(from, &part, ack, state, now);

            let log = driver.consumer().reader().factory();
            prop_assert_eq!(log.flows.len(), model.flows.len());
            let (seen, expected) = (log.flows.last(), model.flows.last());
            let (seen, expected) = (seen.expect("one"), expected.expect("one"));
            let streams = driver.flow_state(flow).and_then(|state| state.streams());
            let streams = streams.expect("it is a TCP connection");
            for side in 0..2 {
                prop_assert_eq!(&seen.out[side], &expected.sides[side].out, "at {:?}", packet);
                let mut stats = streams[seen.side(side)];
                let mut right = expected.sides[side].stats();
                if expected.is_blank[side] {
                    (stats.dropped, right.dropped) = (0, 0);
                }
                prop_assert_eq!(stats, right, "at {:?}", packet);
                prop_assert_eq!(seen.closed[side], expected.closed[side], "at {:?}", packet);
            }
        }
        driver.finish(&mut |event| {
            if let FlowEvent::Ended { reason, .. } = event {
                model.end(reason);
            }
        });
        prop_assert_eq!(driver.consumer().memory(), 0);
        let log = driver.consumer().reader().factory();
        prop_assert_eq!(log.flows.len(), model.flows.len());
        for (seen, expected) in log.flows.iter().zip(&model.flows) {
            prop_assert!(seen.is_over);
            for side in 0..2 {
                prop_assert_eq!(&seen.out[side], &expected.sides[side].out);
                prop_assert_eq!(seen.closed[side], expected.closed[side]);
            }
        }
    }
}

// The connection, as the engine tells of it.

#[derive(Debug, Default)]
struct Log {
    flows: Vec<Seen>,
}

#[derive(Debug)]
struct Seen {
    /// Which of the two hosts is the initiator.
    initiator: usize,
    /// By host, as is what follows: each byte, or that it is missing.
    out: [Vec<Option<u8>>; 2],
    closed: [Option<(Close, StreamStats)>; 2],
    is_over: bool,
}

impl Seen {
    fn host(&self, side: FlowSide) -> usize {
        match side {
            FlowSide::Initiator => self.initiator,
            FlowSide::Responder => 1 - self.initiator,
        }
    }

    fn side(&self, host: usize) -> FlowSide {
        match host == self.initiator {
            true => FlowSide::Initiator,
            false => FlowSide::Responder,
        }
    }
}

impl StreamFactory<FiveTupleKey> for Log {
    type Stream = usize;

    fn open(&mut self, key: &FiveTupleKey, _: &Transport) -> Option<usize> {
        self.flows.push(Seen {
            initiator: usize::from(key.src_port() != Some(PORTS[0])),
            out: Default::default(),
            closed: [None; 2],
            is_over: false,
        });
        Some(self.flows.len() - 1)
    }

    fn feed(&mut self, flow: &mut usize, _: &FiveTupleKey, input: Input<'_>) -> Interest {
        let seen = &mut self.flows[*flow];
        let host = seen.host(input.side);
        assert_eq!(seen.closed[host], None, "fed after its end");
        match input.chunk {
            Chunk::Data(bytes) => seen.out[host].extend(bytes.iter().map(|byte| Some(*byte))),
            Chunk::Gap(len) => seen.out[host].extend((0..len).map(|_| None)),
        }
        Interest::More
    }

    fn close(&mut self, flow: &mut usize, _: &FiveTupleKey, end: StreamEnd) {
        let seen = &mut self.flows[*flow];
        let host = seen.host(end.side);
        let before = seen.closed[host].replace((end.how, end.stats));
        assert_eq!(before, None, "closed twice");
    }

    fn end(&mut self, flow: usize, _: &FiveTupleKey, _: Timestamp) {
        self.flows[flow].is_over = true;
    }
}

// The same, as it should be.

#[derive(Default)]
struct Models {
    flows: Vec<Expected>,
}

struct Expected {
    sides: [Model; 2],
    /// Whether it was over before anything of it was seen: then no number says
    /// which of the segments that follow are keep-alives.
    is_blank: [bool; 2],
    closed: [Option<(Close, StreamStats)>; 2],
}

impl Models {
    fn start(&mut self, config: StreamConfig) {
        self.flows.push(Expected {
            sides: [Model::new(config), Model::new(config)],
            is_blank: [false; 2],
            closed: [None; 2],
        });
    }

    fn end(&mut self, reason: EndReason) {
        if let Some(flow) = self.flows.last_mut() {
            flow.finish(match reason {
                EndReason::Rst => Close::Reset,
                _ => Close::Lost,
            });
        }
    }

    /// A packet that led to `state`.
    fn packet(&mut self, from: usize, part: &Part, ack: Option<i64>, state: FlowState, now: u64) {
        let flow = self.flows.last_mut().expect("it was started");
        for side in &mut flow.sides {
            side.expire(now);
        }
        flow.close_finished();
        if part.has(TcpFlags::RST) {
            // Whether it is plausible is not the streams' business.
            if state == FlowState::Reset {
                // The other side may have sent more before it heard of this.
                flow.finish_side(from, Close::Reset);
            }
            return;
        }
        if let Some(ack) = ack {
            flow.sides[1 - from].acknowledge(ack, part.flags, now);
        }
        flow.sides[from].push(part);
        flow.close_finished();
    }
}

impl Expected {
    fn close_finished(&mut self) {
        for (side, closed) in self.sides.iter().zip(&mut self.closed) {
            if side.state() == StreamState::Finished && closed.is_none() {
                *closed = Some((Close::Fin, side.stats()));
            }
        }
    }

    fn finish(&mut self, how: Close) {
        for side in 0..self.sides.len() {
            self.finish_side(side, how);
        }
    }

    fn finish_side(&mut self, from: usize, how: Close) {
        let side = &mut self.sides[from];
        self.is_blank[from] |= matches!(side.phase, Phase::Waiting | Phase::Acked);
        side.finish();
        self.close_finished();
        self.closed[from].get_or_insert((how, self.sides[from].stats()));
    }
}

// What happens.

/// A packet by the places of its bytes.
#[derive(Clone, Debug)]
struct Packet {
    pause: u64,
    /// Which of the two hosts sends it.
    from: usize,
    send: Send,
    has_ack: bool,
    /// What it acknowledges, as seen from where the other has got to.
    ack: Place,
}

impl Packet {
    fn part(&self, now: u64, cursor: &mut i64) -> Part {
        let mut part = self.send.part(now, cursor);
        if self.has_ack {
            part.flags = TcpFlags(part.flags.0 | TcpFlags::ACK.0);
        }
        part
    }
}

fn packet() -> impl Strategy<Value = Packet> {
    let pause = prop_oneof![3 => Just(0), 3 => 0..5_000u64, 1 => 0..60_000u64];
    let ack = prop_oneof![3 => Just(Place::Here), 1 => place()];
    (pause, 0..2usize, send(), any::<bool>(), ack).prop_map(|(pause, from, send, has_ack, ack)| {
        Packet {
            pause,
            from,
            send,
            has_ack,
            ack,
        }
    })
}

fn isn() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), (0..400u32).prop_map(|n| u32::MAX - n)]
}

/// Nothing, or as much of a handshake as was captured.
fn opening() -> impl Strategy<Value = Vec<Packet>> {
    let control = |from, flags, place, has_ack| Packet {
        pause: 100,
        from,
        send: Send {
            place: Place::At(place),
            len: 0,
            cut: 0,
            flags,
            edition: 0,
        },
        has_ack,
        ack: Place::At(0),
    };
    let handshake = [
        control(0, TcpFlags::SYN, -1, false),
        control(1, TcpFlags::SYN, -1, true),
        control(0, TcpFlags::ACK, 0, true),
    ];
    let from = prop_oneof![3 => Just(0usize), 1 => 1..4usize];
    from.prop_map(move |from| handshake[from..].to_vec())
}

/// The packet, and how long it was on the wire.
fn frame(from: usize, part: &Part, ack: Option<i64>, isns: [u32; 2]) -> (Vec<u8>, u32) {
    let wire_len = 40 + part.bytes.len() as u32 + part.cut;
    let host = |host: usize| [10, 0, 0, host as u8 + 1];
    let mut bytes = vec![0x45, 0];
    bytes.extend((wire_len as u16).to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, 6, 0, 0]);
    bytes.extend(host(from));
    bytes.extend(host(1 - from));
    bytes.extend(PORTS[from].to_be_bytes());
    bytes.extend(PORTS[1 - from].to_be_bytes());
    bytes.extend(number(isns[from], part.place).to_be_bytes());
    let ack = ack.map_or(0, |ack| number(isns[1 - from], ack));
    bytes.extend(ack.to_be_bytes());
    bytes.extend([0x50, part.flags.0, 0xff, 0xff, 0, 0, 0, 0]);
    bytes.extend(&part.bytes);
    (bytes, wire_len)
}

const PORTS: [u16; 2] = [1000, 80];
