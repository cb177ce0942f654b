//! The tracker against one written without a thought to speed.

mod common;

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use common::{cases, tracker, view};
use flowscope_core::track::{EndReason, IdleTimeouts};
use flowscope_core::{EngineConfig, FlowEvent, FlowSide, Timestamp};
use flowscope_fixtures::{
    Close, Conversation, Datagrams, Frame, MILLISECOND, SECOND, START, Side, Tcp,
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn flows_live_as_in_a_list_of_flows(
        lanes in prop::collection::vec(lane(), 1..8),
        steps in prop::collection::vec(step(), 1..250),
        config in config(),
    ) {
        let mut tracker = tracker(config);
        let mut model = List::new(config);
        let mut seen = Vec::new();
        let mut lanes: Vec<_> = lanes.into_iter().zip(0..).map(|(lane, n)| lane.packets(n)).collect();
        let mut now = START;
        for step in steps {
            now += step.pause;
            let lane = step.lane % lanes.len();
            let Some(mut packet) = lanes[lane].next() else { continue };
            packet.frame.nanos = now - step.late;
            tracker.track(view(&packet.frame), &mut seen);
            model.packet(&packet);
            prop_assert_eq!(tracker.stats().active, model.flows.len() as u64);
        }
        let nearest = model.nearest().map(|at| model.deadline(&model.flows[at]));
        let next_expiry = tracker.next_expiry().map(Timestamp::as_nanos);
        prop_assert_eq!(next_expiry.is_some(), nearest.is_some());
        prop_assert!(next_expiry <= nearest);
        tracker.expire(Timestamp::from_nanos(now + SECOND), &mut seen);
        model.expire(now + SECOND);
        tracker.finish(&mut seen);
        model.finish();

        let ends: Vec<Ended> = seen.iter().filter_map(|event| match event {
            FlowEvent::Ended { flow, key, at, reason, stats, .. } => Some(Ended {
                number: flow.number(),
                initiator: key.port(FlowSide::Initiator),
                at: at.as_nanos(),
                reason: *reason,
                packets: [stats.packets.initiator, stats.packets.responder],
                payload: [stats.payload_bytes.initiator, stats.payload_bytes.responder],
            }),
            _ => None,
        }).collect();
        prop_assert_eq!(ends, model.ends);
    }
}

/// What happens between two ports, whenever it is their turn.
#[derive(Clone, Debug)]
enum Lane {
    Udp,
    /// One connection after the other, each on a port of its own.
    Tcp(Vec<Close>),
}

struct Packet {
    lane: u16,
    from: Side,
    /// None of a datagram.
    tcp: Option<Tcp>,
    payload: u64,
    frame: Frame,
}

fn lane() -> impl Strategy<Value = Lane> {
    let close = prop::sample::select(vec![
        Close::Fin(Side::Client),
        Close::Fin(Side::Server),
        Close::Simultaneous,
        Close::Reset(Side::Client),
        Close::Reset(Side::Server),
    ]);
    prop_oneof![
        Just(Lane::Udp),
        prop::collection::vec(close, 1..4).prop_map(Lane::Tcp),
    ]
}

impl Lane {
    fn packets(self, lane: u16) -> Box<dyn Iterator<Item = Packet>> {
        let client = SocketAddr::new(Ipv4Addr::new(10, 0, 0, 1).into(), 40_000 + lane);
        let server = SocketAddr::new(Ipv4Addr::new(10, 0, 0, 2).into(), 80);
        match self {
            Self::Udp => Box::new([Side::Client, Side::Server].into_iter().cycle().map(
                move |from| {
                    Packet {
                        lane,
                        from,
                        tcp: None,
                        payload: 3,
                        frame: Datagrams::new(client, server)
                            .send(from, b"abc")
                            .frames()
                            .remove(0),
                    }
                },
            )),
            Self::Tcp(talks) => {
                // Each with sequence numbers far beyond those of the one before.
                Box::new(talks.into_iter().zip(1..).flat_map(move |(close, n)| {
                    let lane = lane + 100 * n as u16;
                    let client = SocketAddr::new(client.ip(), 40_000 + lane);
                    let talk = Conversation::new(client, server)
                        .with_initial_seq(Side::Client, n << 24)
                        .with_initial_seq(Side::Server, n << 26)
                        .handshake()
                        .send(Side::Client, b"question")
                        .send(Side::Server, b"the answer")
                        .close(close);
                    let segments = talk.segments().to_vec();
                    segments
                        .into_iter()
                        .zip(talk.frames())
                        .map(move |(segment, frame)| Packet {
                            lane,
                            from: segment.from,
                            payload: segment.payload.len() as u64,
                            tcp: Some(segment.tcp),
                            frame,
                        })
                }))
            }
        }
    }
}

/// Whose turn it is next, and when.
#[derive(Clone, Debug)]
struct Step {
    lane: usize,
    pause: u64,
    /// How much older than the latest packet this one says it is.
    late: u64,
}

fn step() -> impl Strategy<Value = Step> {
    let pause = prop_oneof![
        6 => 0..200 * MILLISECOND,
        3 => 0..2 * SECOND,
        1 => 0..90 * SECOND,
        1 => 0..1000 * SECOND,
        1 => prop::sample::select(vec![10 * SECOND, 60 * SECOND, 300 * SECOND]),
    ];
    let late = prop_oneof![9 => Just(0), 1 => 0..100 * SECOND];
    (any::<usize>(), pause, late).prop_map(|(lane, pause, late)| Step { lane, pause, late })
}

fn config() -> impl Strategy<Value = EngineConfig> {
    let millis =
        |range| prop::num::u64::ANY.prop_map(move |n| Duration::from_millis(n % range + 1));
    let short = (millis(3000), millis(1500), millis(900), millis(2000)).prop_map(
        |(tcp, handshake, closed, udp)| EngineConfig {
            idle: IdleTimeouts {
                tcp,
                handshake,
                closed,
                udp,
                ..IdleTimeouts::default()
            },
            ..EngineConfig::default()
        },
    );
    // The wheel turns more than once before these come up.
    let long = EngineConfig {
        idle: IdleTimeouts {
            tcp: Duration::from_secs(1500),
            udp: Duration::from_secs(1200),
            ..IdleTimeouts::default()
        },
        ..EngineConfig::default()
    };
    let config = prop_oneof![Just(EngineConfig::default()), Just(long), short];
    (config, 1..8usize).prop_map(|(config, max_flows)| EngineConfig {
        max_flows,
        ..config
    })
}

/// How a flow ended: its numbers are the initiator's, then the responder's.
#[derive(Debug, PartialEq)]
struct Ended {
    number: u64,
    initiator: Option<u16>,
    at: u64,
    reason: EndReason,
    packets: [u64; 2],
    payload: [u64; 2],
}

/// A tracker that looks at every flow for every packet.
struct List {
    config: EngineConfig,
    flows: Vec<Flow>,
    clock: u64,
    last_number: u64,
    ends: Vec<Ended>,
}

struct Flow {
    lane: u16,
    number: u64,
    initiator: Side,
    state: State,
    touched: u64,
    packets: [u64; 2],
    payload: [u64; 2],
    /// By client and server: the sequence number of a SYN that was seen.
    isn: [Option<u32>; 2],
    has_sent: [bool; 2],
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Udp,
    SynSent,
    SynReceived,
    Established,
    HalfClosed(Side),
    Closing,
    Closed,
    Reset,
}

impl List {
    fn new(config: EngineConfig) -> Self {
        Self {
            config,
            flows: Vec::new(),
            clock: 0,
            last_number: 0,
            ends: Vec::new(),
        }
    }

    fn packet(&mut self, packet: &Packet) {
        self.expire(packet.frame.nanos);
        let known = self.flows.iter().position(|flow| flow.lane == packet.lane);
        let at = known.unwrap_or_else(|| self.start(packet));
        self.flows[at].touched = self.clock;
        self.flows[at].count(packet);
    }

    fn start(&mut self, packet: &Packet) -> usize {
        if self.flows.len() == self.config.max_flows
            && let Some(nearest) = self.nearest()
        {
            self.end(nearest, self.clock, EndReason::Evicted);
        }
        self.last_number += 1;
        let flags = packet
            .tcp
            .as_ref()
            .map(|tcp| tcp.flags & (Tcp::SYN | Tcp::ACK));
        let (state, initiator) = match flags {
            None => (State::Udp, packet.from),
            Some(Tcp::SYN) => (State::SynSent, packet.from),
            Some(flags) if flags & Tcp::SYN != 0 => (State::SynReceived, packet.from.peer()),
            Some(_) => (State::Established, packet.from),
        };
        self.flows.push(Flow {
            lane: packet.lane,
            number: self.last_number,
            initiator,
            state,
            touched: self.clock,
            packets: [0; 2],
            payload: [0; 2],
            isn: [None; 2],
            has_sent: [false; 2],
        });
        self.flows.len() - 1
    }

    fn expire(&mut self, now: u64) {
        self.clock = self.clock.max(now);
        while let Some(nearest) = self.nearest() {
            let deadline = self.deadline(&self.flows[nearest]);
            if deadline > self.clock {
                break;
            }
            self.end(nearest, deadline, EndReason::IdleTimeout);
        }
    }

    fn finish(&mut self) {
        self.flows.sort_by_key(|flow| flow.number);
        while !self.flows.is_empty() {
            self.end(0, self.clock, EndReason::EndOfInput);
        }
    }

    fn nearest(&self) -> Option<usize> {
        (0..self.flows.len()).min_by_key(|at| {
            let flow = &self.flows[*at];
            (self.deadline(flow), flow.number)
        })
    }

    fn deadline(&self, flow: &Flow) -> u64 {
        let idle = self.config.idle;
        let timeout = match flow.state {
            State::Udp => idle.udp,
            State::SynSent | State::SynReceived => idle.handshake,
            State::Established | State::HalfClosed(_) => idle.tcp,
            State::Closing | State::Closed | State::Reset => idle.closed,
        };
        flow.touched + timeout.as_nanos() as u64
    }

    fn end(&mut self, at: usize, time: u64, reason: EndReason) {
        let flow = self.flows.remove(at);
        let port = |side| {
            if side == Side::Client {
                40_000 + flow.lane
            } else {
                80
            }
        };
        self.ends.push(Ended {
            number: flow.number,
            initiator: Some(port(flow.initiator)),
            at: time,
            reason: match flow.state {
                State::Closing | State::Closed => EndReason::Fin,
                State::Reset => EndReason::Rst,
                _ => reason,
            },
            packets: flow.packets,
            payload: flow.payload,
        });
    }
}

impl Flow {
    fn is_new_syn(&self, packet: &Packet) -> bool {
        let syn = packet.tcp.as_ref().filter(|tcp| tcp.flags & Tcp::SYN != 0);
        syn.is_some_and(|tcp| self.isn[packet.from as usize] != Some(tcp.seq))
    }

    fn count(&mut self, packet: &Packet) {
        let from_initiator = packet.from == self.initiator;
        self.packets[usize::from(!from_initiator)] += 1;
        self.payload[usize::from(!from_initiator)] += packet.payload;
        let Some(tcp) = &packet.tcp else { return };
        let from = packet.from as usize;
        let is_reset = tcp.flags & Tcp::RST != 0;
        if !is_reset {
            let is_first_of_side = match self.state {
                State::SynSent => true,
                State::SynReceived => self.isn[from].is_none(),
                _ => !self.has_sent[from],
            };
            if self.is_new_syn(packet) && !is_first_of_side {
                // Somebody else's, on a connection in use.
                return;
            }
            self.has_sent[from] = true;
            if tcp.flags & Tcp::SYN != 0 {
                self.isn[from] = Some(tcp.seq);
            }
        }
        self.state = self.next(tcp.flags, packet.from);
    }

    /// The state by the flags alone: in the lanes every sequence number is
    /// plausible, and every ACK is of everything sent.
    fn next(&self, flags: u8, from: Side) -> State {
        let has = |flag| flags & flag != 0;
        let from_initiator = from == self.initiator;
        match self.state {
            State::Closed | State::Reset | State::Udp => self.state,
            State::Closing if has(Tcp::RST) => State::Closed,
            _ if has(Tcp::RST) => State::Reset,
            State::SynSent if has(Tcp::SYN) && (has(Tcp::ACK) || !from_initiator) => {
                State::SynReceived
            }
            _ if has(Tcp::SYN) => self.state,
            State::HalfClosed(first) if has(Tcp::FIN) && from != first => State::Closing,
            State::HalfClosed(_) => self.state,
            State::Closing if has(Tcp::FIN) => State::Closing,
            State::Closing => State::Closed,
            _ if has(Tcp::FIN) => State::HalfClosed(from),
            State::SynSent if from_initiator => State::Established,
            State::SynReceived => State::Established,
            State::SynSent | State::Established => self.state,
        }
    }
}
