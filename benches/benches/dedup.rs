//! A packet among those of late, by its size and what is compared; beside it
//! the same packet on its flow.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use core::hint::black_box;
use core::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flowscope::dedup::{Compare, DedupConfig};
use flowscope::extract::{FiveTuple, FiveTupleKey};
use flowscope::{Dedup, FlowEvent, FlowTracker, PacketView, Timestamp};
use flowscope_fixtures::{Conversation, START, Side, Tcp, address};

fn dedup(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dedup");
    group.throughput(Throughput::Elements(1));
    for len in [0, 100, 1460] {
        for compare in [Compare::Frame, Compare::Packet, Compare::Routed] {
            for (reads, patience) in [("heads", 1), ("all", u32::MAX)] {
                let mut packets = Packets::new(len);
                let mut dedup = Dedup::new(DedupConfig {
                    compare,
                    patience,
                    ..DedupConfig::default()
                });
                let name = format!("first sight/{len} bytes/{compare:?}, reads {reads}");
                group.bench_function(name, |bencher| {
                    bencher.iter(|| dedup.is_duplicate(&black_box(packets.next())));
                });
            }
        }
        let mut packets = Packets::new(len);
        let mut dedup = Dedup::loopback();
        group.bench_function(format!("first and second sight/{len} bytes"), |bencher| {
            bencher.iter(|| {
                let packet = packets.next();
                let first = dedup.is_duplicate(&black_box(packet));
                let timestamp = packet.timestamp + Duration::from_micros(10);
                let copy = PacketView {
                    timestamp,
                    ..packet
                };
                (first, dedup.is_duplicate(&black_box(copy)))
            });
        });
        let mut packets = Packets::new(len);
        let mut tracker = FlowTracker::new(FiveTuple::bidirectional());
        group.bench_function(format!("tracking/{len} bytes"), |bencher| {
            bencher.iter(|| tracker.track(black_box(packets.next()), &mut ignore));
        });
    }
    group.finish();
}

/// Segments of one flow in a circle, no two the same. They are there before
/// they are measured: what has just been written is slow to read in other parts.
struct Packets {
    frames: Vec<Vec<u8>>,
    count: usize,
}

impl Packets {
    fn new(len: usize) -> Self {
        let talk = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"));
        let segment = talk.segment(Side::Client, Tcp::ACK, &vec![7; len]);
        let mut frame = segment.frames().remove(0).bytes;
        let frames = (0..CIRCLE).map(|n| {
            frame[ACK..ACK + 4].copy_from_slice(&n.to_be_bytes());
            frame.clone()
        });
        Self {
            frames: frames.collect(),
            count: 0,
        }
    }

    fn next(&mut self) -> PacketView<'_> {
        self.count += 1;
        let nanos = START + 1_000 * self.count as u64;
        let frame = &self.frames[self.count % self.frames.len()];
        PacketView::new(frame, Timestamp::from_nanos(nanos))
    }
}

fn ignore(_: FlowEvent<FiveTupleKey>) {}

/// Takes longer to come round than copies may take.
const CIRCLE: u32 = 8192;
/// Where the acknowledgment number is in an Ethernet frame.
const ACK: usize = 14 + 20 + 8;

criterion_group!(benches, dedup);
criterion_main!(benches);
