//! What a session costs in memory, in peace and under attack.

mod common;

use core::convert::Infallible;

use allocation_counter::measure;
use common::{talk, view};
use flowscope_core::engine::{PayloadConfig, Pressure};
use flowscope_core::extract::{FiveTuple, FiveTupleKey};
use flowscope_core::reassemble::{Chunk, OverflowPolicy, StreamConfig};
use flowscope_core::session::{Input, Interest, SessionParser};
use flowscope_core::{EngineConfig, FlowSessionDriver, FlowSide, SessionEvent, Sink, Timestamp};
use flowscope_fixtures::{
    Conversation, Disturbance, Ethernet, Fragmented, Frame, Ipv4, Layer, SECOND, START, Side, Tcp,
    address, link_type, wrap,
};

/// Says how long each chunk is; a gap is 0.
#[derive(Clone, Debug)]
struct Lengths;

impl SessionParser for Lengths {
    type Message = usize;
    type Error = Infallible;

    fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<usize>,
    ) -> Result<Interest, Infallible> {
        out.push(match input.chunk {
            Chunk::Data(bytes) => bytes.len(),
            Chunk::Gap(_) => 0,
        });
        Ok(Interest::More)
    }
}

type Event = SessionEvent<FiveTupleKey, usize>;
type Driver = FlowSessionDriver<FiveTuple, Lengths>;

fn driver(config: EngineConfig) -> Driver {
    FlowSessionDriver::new(FiveTuple::bidirectional(), Lengths).with_config(config)
}

#[test]
fn a_packet_in_order_allocates_nothing() {
    let mut driver = driver(EngineConfig::default());
    let talks: Vec<Conversation> = (0..50u16)
        .map(|n| {
            let client = format!("10.0.0.1:{}", 40_000 + n);
            Conversation::new(address(&client), address("10.0.0.2:80")).handshake()
        })
        .collect();
    let mut bytes = 0;
    let mut count = |event: Event| {
        if let SessionEvent::Application { message, .. } = event {
            bytes += message;
        }
    };
    for frame in talks.iter().flat_map(Conversation::frames) {
        driver.track(view(&frame), &mut count);
    }
    let frames: Vec<Frame> = talks
        .iter()
        .flat_map(|talk| {
            let talk = talk.clone().send(Side::Client, &[7; 100_000]);
            let talk = talk.send(Side::Server, &[8; 100_000]);
            talk.frames().split_off(3)
        })
        .collect();
    let allocated = measure(|| {
        for frame in &frames {
            driver.track(view(frame), &mut count);
        }
    });
    assert_eq!(allocated.count_total, 0);
    assert_eq!(bytes, 50 * 200_000);
    assert_eq!(driver.held_memory(), 0);
}

/// The same packets from many sources.
struct Crowd {
    frames: Vec<Frame>,
    hosts: u32,
}

impl Crowd {
    fn new(hosts: u32, talk: &Conversation) -> Self {
        let frames = talk.frames();
        Self { frames, hosts }
    }

    /// All first packets, then all second ones, and so on, a microsecond apart.
    fn feed(mut self, driver: &mut Driver, mut check: impl FnMut(&Driver)) {
        let mut nanos = START;
        for frame in &mut self.frames {
            for host in 0..self.hosts {
                // The client's address: it sends them all.
                let sender = (0x0a00_0000 + host).to_be_bytes();
                frame.bytes[26..30].copy_from_slice(&sender);
                frame.nanos = nanos;
                nanos += 1_000;
                driver.track(view(frame), &mut |_: Event| {});
                check(driver);
            }
        }
    }
}

/// A SYN, and what comes behind a hole: so many segments of so many bytes.
fn early(segments: usize, len: usize) -> Conversation {
    let mut talk = talk().segment(Side::Client, Tcp::SYN, b"");
    for _ in 0..segments {
        // A hole before each.
        talk = talk.segment(Side::Client, Tcp::ACK, &vec![7; len]);
        talk = talk.segment(Side::Client, Tcp::ACK, &vec![8; len]);
    }
    let count = talk.segments().len();
    (1..count)
        .step_by(2)
        .rev()
        .fold(talk, |talk, packet| talk.disturb(Disturbance::Lose(packet)))
}

/// Feeds a crowd, and returns the most bytes that were allocated at once.
fn flood(config: EngineConfig, hosts: u32, frames: Vec<Frame>) -> u64 {
    measure(|| {
        let mut driver = driver(config);
        Crowd { frames, hosts }.feed(&mut driver, |driver| {
            assert!(driver.held_memory() <= config.max_memory);
        });
        assert_eq!(driver.stats().active, u64::from(hosts));
        // What was over the cap for a moment is one stream's.
        let peak = driver.held_memory_peak();
        assert!(peak <= config.max_memory + (64 << 10), "{peak}");
    })
    .bytes_max
}

/// What a flow may take beside itself and what it holds: what is kept of a
/// stream once it was out of order, and reminders of it, which are gone through
/// when there are two a flow; and the lists of those double.
const BESIDE: u64 = 256 + 4 * 24 + 4 * 16;

#[test]
fn early_bytes_of_a_million_half_open_flows_stay_under_the_cap() {
    const FLOWS: u32 = 1_000_000;
    const MAX: usize = 64 << 20;
    let alone = flood(EngineConfig::default(), FLOWS, early(0, 0).frames());
    for pressure in [Pressure::Oldest, Pressure::Current] {
        let config = EngineConfig {
            max_memory: MAX,
            pressure,
            ..EngineConfig::default()
        };
        let most = flood(config, FLOWS, early(1, 600).frames());
        println!("{pressure:?}: {most} bytes with {FLOWS} flows, {alone} without early bytes");
        let bound = alone + u64::from(FLOWS) * BESIDE + MAX as u64;
        assert!(most <= bound, "{pressure:?}: {most} of {bound}");
    }
}

#[test]
fn a_hole_in_each_of_many_flows_stays_under_the_cap_whatever_is_done_about_it() {
    const FLOWS: u32 = 100_000;
    const MAX: usize = 4 << 20;
    let alone = flood(EngineConfig::default(), FLOWS, early(0, 0).frames());
    for pressure in [Pressure::Oldest, Pressure::Current] {
        for overflow in [OverflowPolicy::SlidingWindow, OverflowPolicy::DropFlow] {
            let config = EngineConfig {
                payload: PayloadConfig {
                    streams: StreamConfig {
                        overflow,
                        ..StreamConfig::default()
                    },
                    ..PayloadConfig::default()
                },
                max_memory: MAX,
                pressure,
                ..EngineConfig::default()
            };
            let most = flood(config, FLOWS, early(2, 600).frames());
            let bound = alone + u64::from(FLOWS) * BESIDE + MAX as u64;
            assert!(
                most <= bound,
                "{pressure:?} {overflow:?}: {most} of {bound}"
            );
        }
    }
}

/// Where there is room for them, holes are given up when their time has come.
#[test]
fn a_hole_in_each_of_many_flows_is_given_up_in_time_and_all_is_given_back() {
    const FLOWS: u32 = 100_000;
    let config = EngineConfig::default();
    let mut driver = driver(config);
    let allocated = measure(|| {
        Crowd::new(FLOWS, &early(1, 600)).feed(&mut driver, |_| {});
        assert!(driver.held_memory() >= 600 * FLOWS as usize);
        let (mut gaps, mut bytes) = (0, 0);
        let later = Timestamp::from_nanos(START + 11 * SECOND);
        driver.expire(later, &mut |event: Event| match event {
            SessionEvent::Application { message: 0, .. } => gaps += 1,
            SessionEvent::Application { message, .. } => bytes += message,
            _ => {}
        });
        assert_eq!((gaps, bytes), (FLOWS, 600 * FLOWS as usize));
        assert_eq!(driver.held_memory(), 0);
    });
    assert!(driver.held_memory_peak() <= config.max_memory);
    println!("{allocated:?}");
    let alone = flood(config, FLOWS, early(0, 0).frames());
    let left = alone + u64::from(FLOWS) * BESIDE;
    assert!(
        allocated.bytes_current <= left as i64,
        "{allocated:?} of {left}"
    );
}

/// In one piece that grows at its front, and in as many pieces as bytes.
#[test]
fn bytes_that_many_flows_send_backwards_stay_under_the_cap() {
    const FLOWS: u32 = 1_000;
    const MAX: usize = 1 << 20;
    let mut talk = talk().segment(Side::Client, Tcp::SYN, b"");
    for _ in 0..600 {
        talk = talk.segment(Side::Client, Tcp::ACK, b"x");
    }
    let mut backwards = talk.frames();
    backwards.remove(1);
    backwards[1..].reverse();
    let every_other: Vec<_> = backwards.iter().step_by(2).cloned().collect();
    let alone = flood(EngineConfig::default(), FLOWS, early(0, 0).frames());
    for frames in [backwards, every_other] {
        for pressure in [Pressure::Oldest, Pressure::Current] {
            let config = EngineConfig {
                max_memory: MAX,
                pressure,
                ..EngineConfig::default()
            };
            let most = flood(config, FLOWS, frames.clone());
            let bound = alone + u64::from(FLOWS) * BESIDE + MAX as u64;
            assert!(most <= bound, "{pressure:?}: {most} of {bound}");
        }
    }
}

/// A segment that was put together of fragments is held like any other.
#[test]
fn early_bytes_that_come_in_fragments_stay_under_the_cap() {
    let config = EngineConfig {
        max_memory: 64 << 10,
        ..EngineConfig::default()
    };
    let early = Tcp {
        seq: 10_000,
        ..Tcp::new(40_000, 80, Tcp::ACK)
    };
    let layers = [
        Layer::Ethernet(Ethernet::default()),
        Layer::Ipv4(Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into())),
        Layer::Tcp(early),
    ];
    let pieces = Fragmented::new(&layers, 1, &[7; 1200]).every(800);
    let piece = |bytes: &Vec<u8>| Frame {
        nanos: START,
        link: link_type::ETHERNET,
        wire_len: bytes.len() as u32,
        bytes: bytes.clone(),
    };
    let syn = Tcp {
        seq: 0,
        ..Tcp::new(40_000, 80, Tcp::SYN)
    };
    let syn = wrap(&[&layers[..2], &[Layer::Tcp(syn)]].concat(), b"");
    let frames = [&syn].into_iter().chain(&pieces).map(piece).collect();
    assert!(flood(config, 1000, frames) > 0);
}

#[test]
fn bytes_sent_backwards_stay_under_a_flows_cap() {
    const MAX: usize = 64 << 10;
    let config = EngineConfig {
        payload: PayloadConfig {
            max_memory_per_flow: MAX,
            ..PayloadConfig::default()
        },
        ..EngineConfig::default()
    };
    let mut talk = talk().handshake();
    for _ in 0..60_000 {
        talk = talk.segment(Side::Client, Tcp::ACK, b"x");
    }
    let frames = talk.frames();
    // In one piece that grows at its front, and in as many pieces as bytes.
    for step in [1, 2] {
        let mut driver = driver(config);
        for frame in &frames[..3] {
            driver.track(view(frame), &mut |_: Event| {});
        }
        let allocated = measure(|| {
            for frame in frames[4..].iter().rev().step_by(step) {
                driver.track(view(frame), &mut |_: Event| {});
                assert!(driver.held_memory() <= MAX);
            }
        });
        // A list that grows is there twice for a moment.
        let bound = 2 * MAX as u64 + 4096;
        assert!(allocated.bytes_max <= bound, "{step}: {allocated:?}");
    }
}

/// What a flow keeps for good once it was out of order takes nothing from the
/// memory that others may use.
#[test]
fn many_flows_that_were_once_out_of_order_disturb_nobody() {
    let config = EngineConfig {
        max_memory: 256 << 10,
        ..EngineConfig::default()
    };
    let mut driver = driver(config);
    let swapped = talk()
        .segment(Side::Client, Tcp::SYN, b"")
        .segment(Side::Client, Tcp::ACK, b"hello")
        .segment(Side::Client, Tcp::ACK, b"world")
        .disturb(Disturbance::Delay {
            packet: 1,
            behind: 1,
        });
    Crowd::new(10_000, &swapped).feed(&mut driver, |_| {});
    assert_eq!(driver.held_memory(), 0);

    let innocent = Conversation::new(address("10.9.0.1:40000"), address("10.0.0.2:80"))
        .starting_at(START + SECOND)
        .handshake()
        .segment(Side::Client, Tcp::ACK, &[1; 1000])
        .segment(Side::Client, Tcp::ACK, &[2; 1000])
        .disturb(Disturbance::Delay {
            packet: 3,
            behind: 1,
        });
    let mut seen = Vec::new();
    for frame in innocent.frames() {
        driver.track(view(&frame), &mut |event: Event| {
            if let SessionEvent::Application { message, .. } = event {
                seen.push(message);
            }
        });
    }
    assert_eq!(seen, [1000, 1000]);
}

/// With [`Pressure::Oldest`] who fills the memory loses it; with
/// [`Pressure::Current`] who comes last gets none.
#[test]
fn pressure_falls_on_whom_the_policy_says() {
    for (pressure, expected) in [
        (Pressure::Oldest, [1000, 1000].as_slice()),
        (Pressure::Current, &[0, 1000]),
    ] {
        let config = EngineConfig {
            max_memory: 64 << 10,
            pressure,
            ..EngineConfig::default()
        };
        let mut driver = driver(config);
        Crowd::new(200, &early(1, 1000)).feed(&mut driver, |_| {});
        let victim = Conversation::new(address("10.9.0.1:40000"), address("10.0.0.2:80"))
            .starting_at(START + SECOND)
            .handshake()
            .segment(Side::Client, Tcp::ACK, &[1; 1000])
            .segment(Side::Client, Tcp::ACK, &[2; 1000])
            .disturb(Disturbance::Delay {
                packet: 3,
                behind: 1,
            });
        let mut seen = Vec::new();
        for frame in victim.frames() {
            driver.track(view(&frame), &mut |event: Event| {
                if let SessionEvent::Application { key, message, .. } = event
                    && key.addr(FlowSide::Initiator) == address("10.9.0.1:0").ip()
                {
                    seen.push(message);
                }
            });
        }
        assert_eq!(seen, expected, "{pressure:?}");
    }
}

/// Who held something for a moment, long ago, has not held it since.
#[test]
fn a_flow_that_let_go_and_holds_again_is_not_the_oldest() {
    let config = EngineConfig {
        max_memory: 16 << 10,
        ..EngineConfig::default()
    };
    let innocent = Conversation::new(address("10.9.0.1:40000"), address("10.0.0.2:80"))
        .handshake()
        .segment(Side::Client, Tcp::ACK, &[1; 100])
        .segment(Side::Client, Tcp::ACK, &[2; 101])
        .segment(Side::Client, Tcp::ACK, &[3; 102])
        .segment(Side::Client, Tcp::ACK, &[4; 103])
        .disturb(Disturbance::Delay {
            packet: 5,
            behind: 1,
        })
        .disturb(Disturbance::Delay {
            packet: 3,
            behind: 1,
        })
        .frames();
    let greedy = Conversation::new(address("10.8.0.1:40000"), address("10.0.0.2:80"))
        .handshake()
        .segment(Side::Client, Tcp::ACK, b"lost")
        .with_segment_size(1000)
        .send(Side::Client, &[5; 25_000])
        .disturb(Disturbance::Lose(3))
        .frames();
    let mut driver = driver(config);
    let mut seen = Vec::new();
    let mut track = |driver: &mut Driver, frames: &[Frame]| {
        for frame in frames {
            driver.track(view(frame), &mut |event: Event| {
                if let SessionEvent::Application { key, message, .. } = event {
                    let is_innocent = key.addr(FlowSide::Initiator) == address("10.9.0.1:0").ip();
                    seen.push((is_innocent, message));
                }
            });
        }
    };
    // Held, while another begins to hold, and let go; and held again.
    track(&mut driver, &innocent[..4]);
    track(&mut driver, &greedy[..4]);
    track(&mut driver, &innocent[4..6]);
    // The memory is used up. What is given up is the other's hole.
    track(&mut driver, &greedy[4..]);
    track(&mut driver, &innocent[6..]);
    let innocents: Vec<_> = seen.iter().filter(|it| it.0).map(|it| it.1).collect();
    assert_eq!(innocents, [100, 101, 102, 103]);
    assert!(seen.contains(&(false, 0)));
}
