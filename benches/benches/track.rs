//! A packet on its flow, by how many flows are live.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use flowscope::extract::{FiveTuple, FiveTupleKey};
use flowscope::{FlowEvent, FlowTracker};
use flowscope_benches::{Flows, view};

type Tracker = FlowTracker<FiveTuple>;

fn track(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("track");
    for live in [1, 10_000, 100_000, 1_000_000] {
        group.throughput(Throughput::Elements(PACKETS as u64));
        // Made when first measured: a million flows take a moment.
        let mut set_up = None;
        group.bench_function(format!("one by one/{live} flows"), |bencher| {
            let (tracker, flows) = set_up.get_or_insert_with(|| tracker_of(live));
            bencher.iter_batched(
                || flows.batch(PACKETS),
                |frames| {
                    for frame in &frames {
                        tracker.track(view(frame), &mut ignore);
                    }
                    frames
                },
                BatchSize::LargeInput,
            );
        });
        group.bench_function(format!("in batches/{live} flows"), |bencher| {
            let (tracker, flows) = set_up.get_or_insert_with(|| tracker_of(live));
            bencher.iter_batched(
                || flows.batch(PACKETS),
                |frames| {
                    for batch in frames.chunks(32) {
                        tracker.track_batch(batch.iter().map(view), &mut ignore);
                    }
                    frames
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("start and end/10000 flows", |bencher| {
        bencher.iter(|| {
            let (mut tracker, _) = tracker_of(10_000);
            tracker.finish(&mut ignore);
            tracker
        });
    });
    group.finish();
}

/// A tracker with so many live flows.
fn tracker_of(live: u32) -> (Tracker, Flows) {
    let mut tracker = Tracker::new(FiveTuple::bidirectional());
    let mut flows = Flows::new(live);
    for flow in 0..live {
        tracker.track(flows.segment(flow), &mut ignore);
    }
    (tracker, flows)
}

fn ignore(_: FlowEvent<FiveTupleKey>) {}

const PACKETS: usize = 32 * 100;

criterion_group!(benches, track);
criterion_main!(benches);
