//! What a stream costs in memory, in peace and under attack.

use std::sync::Arc;

use allocation_counter::measure;
use flowscope_core::Timestamp;
use flowscope_core::reassemble::{
    BufferedReassembler, Chunk, OverflowPolicy, OverlapPolicy, Reassembler, Segment, StreamConfig,
    StreamState,
};
use flowscope_core::wire::TcpFlags;

fn begun(config: StreamConfig) -> BufferedReassembler {
    let mut stream = BufferedReassembler::new(Arc::new(config));
    let syn = data(u32::MAX, b"").with_flags(TcpFlags::SYN);
    stream.push(&syn, &mut |_: Chunk<'_>| {});
    stream
}

fn data(seq: u32, bytes: &[u8]) -> Segment<'_> {
    Segment::data(seq, bytes, Timestamp::EPOCH)
}

#[test]
fn segments_in_order_allocate_nothing() {
    let mut stream = begun(StreamConfig::default());
    let mut sum = 0;
    let mut count = |chunk: Chunk<'_>| match chunk {
        Chunk::Data(bytes) => sum += bytes.len(),
        Chunk::Gap(_) => panic!("nothing is missing"),
    };
    let mut in_order = |stream: &mut BufferedReassembler, from: u32, to: u32| {
        measure(|| {
            for n in from..to {
                stream.push(&data(n * 1000, &[7; 1000]), &mut count);
                // The receiver's ACK, this side's ACK, and a keep-alive.
                let ack = data(0, b"").with_ack((n + 1) * 1000);
                stream.acknowledge(&ack, &mut count);
                stream.push(&data((n + 1) * 1000, b""), &mut count);
                stream.push(&data((n + 1) * 1000 - 1, b"\0"), &mut count);
            }
        })
    };
    assert_eq!(in_order(&mut stream, 0, 1000).count_total, 0);
    // One late segment is copied, and then there is order again.
    stream.push(&data(1_001_000, &[7; 1000]), &mut |_: Chunk<'_>| {});
    assert!(stream.memory() > 1000);
    in_order(&mut stream, 1000, 1002);
    assert!(stream.memory() < 300, "{}", stream.memory());
    assert_eq!(in_order(&mut stream, 1002, 2000).count_total, 0);
    let ended = measure(|| {
        let fin = data(2_000_000, b"").with_flags(TcpFlags::FIN);
        stream.push(&fin, &mut |_: Chunk<'_>| {});
    });
    assert_eq!(ended.count_total, 0);
    assert_eq!(stream.stats().delivered, 2_000_000);
}

/// Sends segments, and holds the stream to its promises.
struct Attack {
    name: &'static str,
    /// Where each segment begins and how long it is, and how much of it is cut.
    segments: Box<dyn Iterator<Item = (u32, u32, u32)>>,
}

impl Attack {
    fn all(max_held: u32) -> Vec<Self> {
        let of = |name, segments| Self { name, segments };
        let top = 4 * max_held;
        let mut state = 7u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 12
        };
        vec![
            of(
                "bytes sent backwards",
                Box::new((1..top).rev().map(|at| (at, 1, 0))),
            ),
            of(
                "every other byte, backwards",
                Box::new((1..top).rev().step_by(2).map(|at| (at, 1, 0))),
            ),
            of(
                "every other byte, forwards",
                Box::new((1..top).step_by(2).map(|at| (at, 1, 0))),
            ),
            of(
                "bytes sent forwards",
                Box::new((1..top).map(|at| (at, 1, 0))),
            ),
            of(
                "a ladder of overlapping segments",
                Box::new((1..top).step_by(7).map(|at| (at, 1400, 0))),
            ),
            of(
                "a ladder backwards",
                Box::new((1..top).rev().step_by(7).map(|at| (at, 1400, 0))),
            ),
            of(
                "large segments on small ones",
                Box::new((1..top).rev().step_by(3).map(|at| {
                    let len = if at % 1000 < 3 { 60_000 } else { 1 };
                    (at, len, 0)
                })),
            ),
            of(
                "nothing captured",
                Box::new((1..top).step_by(2).map(|at| (at, 0, 1))),
            ),
            of(
                "anything",
                Box::new((0..20_000).map(move |_| {
                    let len = if random() % 8 == 0 {
                        60_000
                    } else {
                        random() % 3000
                    };
                    let cut = if random() % 5 == 0 {
                        random() % 3000
                    } else {
                        0
                    };
                    (1 + random() % top, len, cut)
                })),
            ),
            of(
                "strays",
                Box::new((1..1000u32).map(|n| (n.wrapping_mul(0x0200_0000), 60_000, 0))),
            ),
        ]
    }
}

#[test]
fn memory_under_attack_stays_below_the_cap() {
    let bytes = vec![7; 60_000];
    for overlap in OverlapPolicy::ALL {
        for overflow in [OverflowPolicy::SlidingWindow, OverflowPolicy::DropFlow] {
            let config = StreamConfig {
                max_held: 50_000,
                max_ranges: 100,
                overlap: *overlap,
                overflow,
                ..StreamConfig::default()
            };
            for Attack { name, mut segments } in Attack::all(50_000) {
                let mut stream = begun(config);
                let allocated = measure(|| {
                    for (at, len, cut) in &mut segments {
                        let bytes = bytes.get(..len as usize).expect("it is long enough");
                        let mut segment = data(at, bytes);
                        segment.payload.missing = cut;
                        stream.push(&segment, &mut |_: Chunk<'_>| {});
                        assert!(stream.stats().held <= 50_000, "{name}");
                        assert!(stream.memory() <= config.max_memory(), "{name}");
                    }
                });
                let (peak, cap) = (allocated.bytes_max, config.max_memory() as u64);
                assert!(peak <= cap, "{name}, {overlap:?}: {peak} of {cap}");
                // What it says it takes is what it takes.
                let now = allocated.bytes_current;
                assert_eq!(stream.memory() as i64, now, "{name}, {overlap:?}");
            }
        }
    }
}

#[test]
fn what_is_held_behind_a_hole_is_given_back() {
    let mut stream = begun(StreamConfig::default());
    let bytes = vec![7; 1000];
    let allocated = measure(|| {
        for at in (1..500_000).step_by(1000) {
            stream.push(&data(at, &bytes), &mut |_: Chunk<'_>| {});
        }
        assert!(stream.memory() > 500_000);
        stream.push(&data(0, b"!"), &mut |_: Chunk<'_>| {});
        assert_eq!(stream.stats().delivered, 500_001);
    });
    assert!(allocated.bytes_current < 300, "{}", allocated.bytes_current);
    stream.stop();
    assert!(stream.memory() < 300);
}

/// Not only the bytes: a FIN behind a hole is waited for, and takes nothing.
#[test]
fn what_was_held_before_a_fin_is_given_back_though_the_fin_is_waited_for() {
    let early = |stream: &mut BufferedReassembler| {
        for at in (1..1000).step_by(2) {
            stream.push(&data(at, b"x"), &mut |_: Chunk<'_>| {});
        }
        assert!(stream.memory() > 10_000);
    };
    let fin = data(5000, b"").with_flags(TcpFlags::FIN);
    let mut shed = begun(StreamConfig::default());
    shed.push(&fin, &mut |_: Chunk<'_>| {});
    early(&mut shed);
    for _ in 0..500 {
        shed.shed(Timestamp::EPOCH, &mut |_: Chunk<'_>| {});
    }
    assert!(shed.memory() < 300, "{}", shed.memory());
    assert_eq!(shed.state(), StreamState::Open);

    // Nor does what lies behind its end.
    let mut ended = begun(StreamConfig::default());
    early(&mut ended);
    let fin = data(1, b"").with_flags(TcpFlags::FIN);
    ended.push(&fin, &mut |_: Chunk<'_>| {});
    assert!(ended.memory() < 300, "{}", ended.memory());
    assert_eq!(ended.state(), StreamState::Open);
}
