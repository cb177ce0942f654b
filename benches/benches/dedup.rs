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

/// Segments of one flow, no two the same.
struct Packets {
    frame: Vec<u8>,
    count: u32,
}

impl Packets {
    fn new(len: usize) -> Self {
        let talk = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"));
        let segment = talk.segment(Side::Client, Tcp::ACK, &vec![7; len]);
        Self {
            frame: segment.frames().remove(0).bytes,
            count: 0,
        }
    }

    fn next(&mut self) -> PacketView<'_> {
        self.count = self.count.wrapping_add(1);
        self.frame[ACK..ACK + 4].copy_from_slice(&self.count.to_be_bytes());
        let nanos = START + 1_000 * u64::from(self.count);
        PacketView::new(&self.frame, Timestamp::from_nanos(nanos))
    }
}

fn ignore(_: FlowEvent<FiveTupleKey>) {}

/// Where the acknowledgment number is in an Ethernet frame.
const ACK: usize = 14 + 20 + 8;

criterion_group!(benches, dedup);
criterion_main!(benches);
