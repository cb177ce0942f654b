//! A packet through a parser, beside the same packet only tracked.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use core::convert::Infallible;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use flowscope::extract::{FiveTuple, FiveTupleKey};
use flowscope::session::{Input, Interest, SessionParser};
use flowscope::{FlowEvent, FlowSessionDriver, FlowTracker, SessionEvent, Sink};
use flowscope_benches::{Streams, view};

/// Reads nothing, and wants to see everything.
#[derive(Clone)]
struct Nothing;

impl SessionParser for Nothing {
    type Message = Infallible;
    type Error = Infallible;

    fn feed(&mut self, _: Input<'_>, _: &mut dyn Sink<Infallible>) -> Result<Interest, Infallible> {
        Ok(Interest::More)
    }
}

type Driver = FlowSessionDriver<FiveTuple, Nothing>;
type Event = SessionEvent<FiveTupleKey, Infallible>;

/// One connection, full segments in order.
fn elephant(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sessions/elephant");
    group.throughput(Throughput::Elements(1));
    group.bench_function("tracking alone", |bencher| {
        let mut tracker = FlowTracker::new(FiveTuple::bidirectional());
        let mut streams = Streams::new(1, 1460);
        tracker.track(streams.syn(0), &mut ignore);
        bencher.iter(|| tracker.track(streams.segment(0), &mut ignore));
    });
    group.bench_function("no-op parser", |bencher| {
        let mut driver = Driver::new(FiveTuple::bidirectional(), Nothing);
        let mut streams = Streams::new(1, 1460);
        driver.track(streams.syn(0), &mut ignore_session);
        bencher.iter(|| driver.track(streams.segment(0), &mut ignore_session));
    });
    group.finish();
}

/// Many connections, each in order.
fn crowd(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sessions/crowd");
    group.throughput(Throughput::Elements(PACKETS as u64));
    for live in [1_000, 1_000_000] {
        // Made when first measured, and gone before the next is made.
        let mut set_up = None;
        group.bench_function(format!("tracking alone/{live} flows"), |bencher| {
            let (tracker, streams) = set_up.get_or_insert_with(|| {
                let mut tracker = FlowTracker::new(FiveTuple::bidirectional());
                let mut streams = Streams::new(live, 100);
                for flow in 0..live {
                    tracker.track(streams.syn(flow), &mut ignore);
                    tracker.track(streams.segment(flow), &mut ignore);
                }
                (tracker, streams)
            });
            bencher.iter_batched(
                || streams.batch(PACKETS),
                |frames| {
                    tracker.track_batch(frames.iter().map(view), &mut ignore);
                    frames
                },
                BatchSize::LargeInput,
            );
        });
        drop(set_up);
        let mut set_up = None;
        group.bench_function(format!("no-op parser/{live} flows"), |bencher| {
            let (driver, streams) = set_up.get_or_insert_with(|| {
                let mut driver = Driver::new(FiveTuple::bidirectional(), Nothing);
                let mut streams = Streams::new(live, 100);
                for flow in 0..live {
                    // The SYN has data, which are held until it goes on.
                    driver.track(streams.syn(flow), &mut ignore_session);
                    driver.track(streams.segment(flow), &mut ignore_session);
                }
                (driver, streams)
            });
            bencher.iter_batched(
                || streams.batch(PACKETS),
                |frames| {
                    driver.track_batch(frames.iter().map(view), &mut ignore_session);
                    frames
                },
                BatchSize::LargeInput,
            );
            assert_eq!(driver.held_memory(), 0, "all is in order");
        });
    }
    group.finish();
}

fn ignore(_: FlowEvent<FiveTupleKey>) {}

fn ignore_session(_: Event) {}

const PACKETS: usize = 32 * 100;

criterion_group!(benches, elephant, crowd);
criterion_main!(benches);
