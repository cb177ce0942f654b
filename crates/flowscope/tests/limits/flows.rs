//! How many flows there are, how long, and what they may hold together.

use core::time::Duration;

use flowscope::EngineConfig;
use flowscope::track::IdleTimeouts;
use flowscope_fixtures::{
    Close, Conversation, Datagrams, Disturbance, Frame, Icmp, Layer, Path, SECOND, START, Side,
    Tcp, address, merge,
};

use crate::limit::{Limit, Told, size, time};

/// A connection from a port of its own, not yet begun.
fn from_port(port: u16) -> Conversation {
    let client = address(&format!("10.0.0.1:{port}"));
    Conversation::new(client, address("10.0.0.2:80"))
}

fn connections(count: u16, talk: impl Fn(Conversation) -> Conversation) -> Vec<Frame> {
    merge((0..count).map(|number| {
        let begin = START + u64::from(number) * SECOND / 1000;
        talk(from_port(40_000 + number).starting_at(begin)).frames()
    }))
}

/// Forty connections, each with 20 KB behind a hole.
fn behind_holes() -> Vec<Frame> {
    connections(40, |talk| {
        talk.handshake()
            .with_segment_size(1000)
            .send(Side::Client, b"GET /")
            .send(Side::Client, &[b'a'; 20_000])
            .disturb(Disturbance::Lose(3))
    })
}

/// Twenty-five seconds between two datagrams.
fn slow_datagrams() -> Vec<Frame> {
    Datagrams::new(address("10.0.0.1:40000"), address("10.0.0.2:9"))
        .send(Side::Client, b"one")
        .wait(25 * SECOND)
        .send(Side::Client, b"two")
        .frames()
}

fn slow_pings() -> Vec<Frame> {
    let [client, server] = ["10.0.0.1", "10.0.0.2"].map(|it| it.parse().unwrap());
    let path = Path::new(client, server);
    let request = Icmp::EchoRequest {
        identifier: 1,
        sequence: 1,
    };
    [START, START + 25 * SECOND]
        .map(|nanos| path.frame(Side::Client, nanos, &Layer::Icmp(request), b"ping"))
        .to_vec()
}

pub(crate) fn limits() -> Vec<Limit> {
    let config = EngineConfig::default();
    let idle = IdleTimeouts::default();
    vec![
        Limit {
            name: "EngineConfig::max_flows",
            default: config.max_flows.to_string(),
            what: "flows that are open; the one nearest its timeout gives way to a new one",
            told: Told::By("ended by evicted"),
            base: |_| {},
            lower: |settings| settings.engine.max_flows = 10,
            frames: || connections(20, Conversation::handshake),
        },
        Limit {
            name: "EngineConfig::max_memory",
            default: size(config.max_memory),
            what: "what all flows hold together: streams behind holes, half messages; the flow that has held something for the longest time gives it up (`EngineConfig::pressure`)",
            told: Told::By("stream_overflow"),
            base: |_| {},
            lower: |settings| settings.engine.max_memory = 256 << 10,
            frames: behind_holes,
        },
        Limit {
            name: "PayloadConfig::max_memory_per_flow",
            default: size(config.payload.max_memory_per_flow),
            what: "what both sides of a connection hold; what is done is `StreamConfig::overflow`'s to say",
            told: Told::By("stream_overflow"),
            base: |_| {},
            lower: |settings| settings.engine.payload.max_memory_per_flow = 8 << 10,
            frames: behind_holes,
        },
        Limit {
            name: "IdleTimeouts::tcp",
            default: time(idle.tcp),
            what: "how long an open connection may be silent",
            told: Told::By("ended by idle_timeout"),
            base: |_| {},
            lower: |settings| settings.engine.idle.tcp = Duration::from_secs(10),
            frames: || {
                let talk = from_port(40_000).handshake().wait(25 * SECOND);
                talk.send(Side::Client, b"late").frames()
            },
        },
        Limit {
            name: "IdleTimeouts::handshake",
            default: time(idle.handshake),
            what: "the same for a connection that is not open yet",
            told: Told::By("ended by idle_timeout"),
            base: |_| {},
            lower: |settings| settings.engine.idle.handshake = Duration::from_secs(10),
            frames: || {
                let syn = from_port(40_000).segment(Side::Client, Tcp::SYN, b"");
                let other = from_port(40_001).starting_at(START + 25 * SECOND);
                merge([syn.frames(), other.handshake().frames()])
            },
        },
        Limit {
            name: "IdleTimeouts::closed",
            default: time(idle.closed),
            what: "how long late packets count on a connection that is over; then they are a flow of their own",
            told: Told::By("2 flows"),
            base: |_| {},
            lower: |settings| settings.engine.idle.closed = Duration::from_secs(1),
            frames: || {
                let talk = from_port(40_000)
                    .handshake()
                    .close(Close::Fin(Side::Client));
                talk.wait(5 * SECOND).acknowledge(Side::Server).frames()
            },
        },
        Limit {
            name: "IdleTimeouts::udp",
            default: time(idle.udp),
            what: "how long a flow of UDP may be silent",
            told: Told::By("ended by idle_timeout"),
            base: |_| {},
            lower: |settings| settings.engine.idle.udp = Duration::from_secs(10),
            frames: slow_datagrams,
        },
        Limit {
            name: "IdleTimeouts::other",
            default: time(idle.other),
            what: "the same for all else",
            told: Told::By("ended by idle_timeout"),
            base: |_| {},
            lower: |settings| settings.engine.idle.other = Duration::from_secs(10),
            frames: slow_pings,
        },
    ]
}
