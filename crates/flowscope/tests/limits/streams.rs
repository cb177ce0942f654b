//! How much of a stream is held, and for how long.

use core::time::Duration;

use flowscope::dedup::DedupConfig;
use flowscope::reassemble::StreamConfig;
use flowscope_fixtures::{
    Conversation, Disturbance, Frame, MILLISECOND, SECOND, Side, Tcp, address,
};

use crate::limit::{Limit, Told, size, time};

fn talk() -> Conversation {
    Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80")).handshake()
}

/// A hole, and 30 segments of a thousand bytes behind it before it is filled.
fn behind_a_hole() -> Vec<Frame> {
    talk()
        .with_segment_size(1000)
        .send(Side::Client, &[b'a'; 31_000])
        .disturb(Disturbance::Delay {
            packet: 3,
            behind: 60,
        })
        .frames()
}

/// A hole that is filled after some time. The packets of the other side are not
/// captured, so that nothing is acknowledged.
fn filled_after(nanos: u64) -> Vec<Frame> {
    let data = |talk: Conversation, bytes| talk.segment(Side::Client, Tcp::ACK, bytes);
    let talk = data(talk(), b"one");
    let talk = data(data(talk, b"two"), b"three").wait(nanos);
    let mut frames = data(talk, b"four").frames();
    // The second comes with the last.
    let mut late = frames.remove(4);
    late.nanos = frames.last().map_or(0, |last| last.nanos) + 1;
    frames.push(late);
    frames
}

/// The acknowledgement of a segment some time before the segment, and more data.
fn acknowledged_before(nanos: u64) -> Vec<Frame> {
    let talk = talk().send(Side::Client, b"one").send(Side::Client, b"two");
    let mut frames = talk.send(Side::Client, b"three").frames();
    let mut late = frames.remove(5);
    late.nanos = frames.last().map_or(0, |last| last.nanos) + nanos;
    frames.push(late);
    frames
}

/// The same datagram again, with others between the two.
fn copies() -> Vec<Frame> {
    let other = |number: u16| {
        let client = address(&format!("10.0.0.1:{number}"));
        flowscope_fixtures::Datagrams::new(client, address("10.0.0.2:9"))
            .send(Side::Client, b"one of many")
            .frames()
    };
    let first = other(40_000);
    let mut frames: Vec<Frame> = (40_000..40_030).flat_map(other).collect();
    frames.extend(first);
    for (number, frame) in frames.iter_mut().enumerate() {
        frame.nanos += number as u64 * MILLISECOND / 100;
    }
    frames
}

pub(crate) fn limits() -> Vec<Limit> {
    let config = StreamConfig::default();
    let dedup = DedupConfig::default();
    vec![
        Limit {
            name: "StreamConfig::max_held",
            default: size(config.max_held),
            what: "what one side holds behind a hole; what is done is `StreamConfig::overflow`'s to say: the hole is given up",
            told: Told::By("stream_overflow"),
            base: |_| {},
            lower: |settings| settings.engine.payload.streams.max_held = 10_000,
            frames: behind_a_hole,
        },
        Limit {
            name: "StreamConfig::max_ranges",
            default: config.max_ranges.to_string(),
            what: "in how many pieces that is; the same is done",
            told: Told::By("stream_overflow"),
            base: |_| {},
            lower: |settings| settings.engine.payload.streams.max_ranges = 4,
            frames: || {
                let lost = (0..20).map(|number| Disturbance::Delay {
                    packet: 3 + 4 * number,
                    behind: 90,
                });
                let talk = talk()
                    .with_segment_size(100)
                    .send(Side::Client, &[b'a'; 4000]);
                lost.fold(talk, Conversation::disturb).frames()
            },
        },
        Limit {
            name: "StreamConfig::hole_timeout",
            default: time(config.hole_timeout),
            what: "how long a hole may stay open; then it is given up",
            told: Told::By("stream_gap"),
            base: |_| {},
            lower: |settings| {
                settings.engine.payload.streams.hole_timeout = Duration::from_secs(1);
            },
            frames: || filled_after(5 * SECOND),
        },
        Limit {
            name: "StreamConfig::ack_grace",
            default: time(config.ack_grace),
            what: "the same once its receiver has acknowledged what belongs there",
            told: Told::By("stream_gap"),
            base: |_| {},
            lower: |settings| {
                settings.engine.payload.streams.ack_grace = Duration::from_millis(1);
            },
            frames: || acknowledged_before(50 * MILLISECOND),
        },
        Limit {
            name: "StreamConfig::reach",
            default: size(config.reach),
            what: "how far ahead of all that was seen a segment may begin; one further ahead is held until others follow it",
            told: Told::By("stray_segment"),
            base: |_| {},
            lower: |settings| settings.engine.payload.streams.reach = 1000,
            frames: || {
                talk()
                    .send(Side::Client, b"one")
                    .forge(Side::Client, Tcp::ACK, b"far", |tcp| tcp.seq += 5000)
                    .send(Side::Client, b"two")
                    .frames()
            },
        },
        Limit {
            name: "DedupConfig::window",
            default: time(dedup.window),
            what: "how far apart two packets may be for the second to be a copy, where copies are looked for",
            told: Told::Without("skipped: duplicate"),
            base: |settings| settings.engine.dedup = Some(DedupConfig::default()),
            lower: |settings| {
                settings.engine.dedup = Some(DedupConfig {
                    window: Duration::from_micros(10),
                    ..DedupConfig::default()
                });
            },
            frames: copies,
        },
        Limit {
            name: "DedupConfig::max_entries",
            default: dedup.max_entries.to_string(),
            what: "how many packets are remembered for it; the oldest is forgotten",
            told: Told::Without("skipped: duplicate"),
            base: |settings| settings.engine.dedup = Some(DedupConfig::default()),
            lower: |settings| {
                settings.engine.dedup = Some(DedupConfig {
                    max_entries: 4,
                    ..DedupConfig::default()
                });
            },
            frames: copies,
        },
    ]
}
