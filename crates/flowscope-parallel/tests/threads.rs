//! What threads give is what one engine gives, however fast each of them is.

use core::ops::ControlFlow;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use core::time::Duration;
use std::sync::Arc;
use std::thread;

use flowscope_core::engine::deal::Place;
use flowscope_core::engine::{Engine, Lifecycle};
use flowscope_core::extract::{AutoDetectEncap, FiveTuple, FiveTupleKey};
use flowscope_core::{EngineConfig, FlowEvent, LinkType, PacketView, Timestamp};
use flowscope_fixtures::{Frame, captures};
use flowscope_parallel::{Chunk, Feed, ParallelEngine, Pipeline, Worker};
use flowscope_record::{
    PlacedRecords, Record, RecordBatch, RecordConfig, RecordDealer, RecordTracker, RecordWorker,
    json,
};

type Event = FlowEvent<FiveTupleKey>;

/// The frames of all captures that are made in code, one after the other.
fn frames() -> Vec<Frame> {
    let mut nanos = 1_700_000_000_000_000_000;
    let all = captures().into_iter().flat_map(|capture| capture.frames);
    all.map(|frame| {
        nanos += 10_000_000;
        Frame { nanos, ..frame }
    })
    .collect()
}

fn view(frame: &Frame) -> PacketView<'_> {
    PacketView::new(&frame.bytes, Timestamp::from_nanos(frame.nanos))
        .with_link(LinkType(frame.link))
        .with_wire_len(frame.wire_len)
}

fn engine_config() -> EngineConfig {
    EngineConfig {
        shards: 64,
        max_flows: 50,
        ..EngineConfig::default()
    }
}

fn extractor() -> AutoDetectEncap<FiveTuple> {
    AutoDetectEncap::new(FiveTuple::bidirectional())
}

#[test]
fn events_are_those_of_an_engine() {
    let mut expected: Vec<Event> = Vec::new();
    let mut engine =
        Engine::with_consumer(extractor(), Lifecycle::<()>::default(), engine_config());
    let frames = Arc::new(frames());
    engine.track_batch(frames.iter().map(view), &mut expected);
    engine.finish(&mut expected);
    for workers in [1, 2, 3, 8, 100] {
        let engine = ParallelEngine::new(
            extractor(),
            engine_config(),
            workers,
            Lifecycle::<()>::default,
        );
        let (mut events, tracked) = (Vec::new(), frames.clone());
        let ran = engine.run(
            move |tracker| {
                tracker.track_batch(tracked.iter().map(view))?;
                tracker.finish()
            },
            |event: Event| {
                events.push(event);
                ControlFlow::Continue(())
            },
        );
        assert!(ran.is_ok());
        assert_eq!(events, expected, "{workers}");
    }
}

/// Makes text, now and then slowly; and panics where it is told to.
struct TextWorker {
    worker: RecordWorker,
    random: u32,
    panics_at: Option<Arc<AtomicUsize>>,
}

struct Text<'a>(&'a mut Chunk<Vec<u8>>, Option<&'a AtomicUsize>);

impl PlacedRecords for Text<'_> {
    fn reach(&mut self, place: Place) {
        self.0.reach(place);
    }

    fn push(&mut self, place: Place, record: Record) {
        if let Some(left) = self.1
            && left
                .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
                .is_err()
        {
            panic!("as it was told to");
        }
        json::append(&mut self.0.body, &record);
        self.0.add(place, self.0.body.len());
    }
}

impl Worker for TextWorker {
    type Batch = RecordBatch;
    type Body = Vec<u8>;

    fn run(&mut self, batch: &mut RecordBatch, chunk: &mut Chunk<Vec<u8>>) {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        match self.random % 16 {
            0 => thread::sleep(Duration::from_millis(2)),
            1..4 => thread::yield_now(),
            _ => {}
        }
        chunk.body.clear();
        self.worker
            .run(batch, &mut Text(chunk, self.panics_at.as_deref()));
    }
}

fn record_config() -> RecordConfig {
    RecordConfig {
        engine: engine_config(),
        ..RecordConfig::default()
    }
}

fn expected_lines(frames: &[Frame]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut tracker = RecordTracker::new(record_config());
    let mut out = |record: Record| {
        let mut line = Vec::new();
        json::append(&mut line, &record);
        lines.push(line);
    };
    tracker.track_batch(frames.iter().map(view), &mut out);
    tracker.finish(&mut out);
    lines
}

fn pipeline(
    workers: usize,
    seed: u32,
    panics_at: Option<usize>,
) -> (RecordDealer, Pipeline<TextWorker>) {
    let config = record_config();
    let dealer = RecordDealer::new(&config, workers).expect("no summary");
    let panics_at = panics_at.map(|records| Arc::new(AtomicUsize::new(records)));
    let worker = |n: usize| TextWorker {
        worker: RecordWorker::new(&config, workers),
        random: seed + n as u32,
        panics_at: panics_at.clone(),
    };
    let workers = (0..dealer.workers()).map(worker).collect();
    (dealer, Pipeline::new(workers))
}

/// Deals frames out, so many at a time.
fn deal(
    mut dealer: RecordDealer,
    frames: Arc<Vec<Frame>>,
    at_once: usize,
) -> impl FnOnce(&mut Feed<RecordBatch>) -> Result<(), flowscope_parallel::Stopped> + Send {
    move |feed| {
        for frames in frames.chunks(at_once) {
            dealer.track_batch(&[], frames.iter().map(view));
            let batches = dealer.take(Vec::new(), || feed.spare());
            feed.send(batches)?;
        }
        while dealer.finish() {}
        let batches = dealer.take(Vec::new(), || feed.spare());
        feed.send(batches)
    }
}

#[test]
fn slow_workers_change_nothing() {
    let frames = Arc::new(frames());
    let expected = expected_lines(&frames);
    assert!(expected.len() > 500);
    for seed in 1..12 {
        let workers = [1, 2, 3, 8][seed % 4];
        let (dealer, pipeline) = pipeline(workers, seed as u32 * 7919, None);
        let deal = deal(dealer, frames.clone(), seed * 13);
        let mut lines = Vec::new();
        let ran = pipeline.run(deal, |_, text, range| {
            lines.push(text[range].to_vec());
            ControlFlow::Continue(())
        });
        assert!(ran.is_ok());
        assert!(lines == expected, "{workers} workers, seed {seed}");
    }
}

#[test]
fn a_worker_that_panics_ends_the_run_behind_what_came_before() {
    let frames = Arc::new(frames());
    let expected = expected_lines(&frames);
    for (workers, records) in [(1, 0), (1, 100), (3, 50), (3, 200), (8, 120)] {
        let (dealer, pipeline) = pipeline(workers, 1, Some(records));
        let mut lines = Vec::new();
        let ran = pipeline.run(deal(dealer, frames.clone(), 20), |_, text, range| {
            lines.push(text[range].to_vec());
            ControlFlow::Continue(())
        });
        let panicked = ran.expect_err("a worker panicked");
        assert_eq!(
            panicked.0.downcast_ref::<&str>(),
            Some(&"as it was told to")
        );
        assert!(lines.len() <= records && lines[..] == expected[..lines.len()]);
        assert!(workers > 1 || lines.len() == records, "{}", lines.len());
    }
}

#[test]
fn who_deals_stops_when_nobody_wants_more() {
    let frames = Arc::new(frames());
    let expected = expected_lines(&frames);
    let (mut dealer, pipeline) = pipeline(2, 1, None);
    let (is_over, over) = (Arc::new(AtomicBool::new(false)), frames.clone());
    let told = is_over.clone();
    let mut lines = Vec::new();
    let ran = pipeline.run(
        move |feed| {
            // It would go on for ever.
            let stopped = loop {
                dealer.track_batch(&[], over.iter().map(view));
                let batches = dealer.take(Vec::new(), || feed.spare());
                if let Err(stopped) = feed.send(batches) {
                    break stopped;
                }
            };
            told.store(true, Relaxed);
            Err(stopped)
        },
        |_, text, range| {
            lines.push(text[range].to_vec());
            match lines.len() {
                10 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        },
    );
    assert!(ran.is_ok());
    assert!(lines[..] == expected[..10]);
    while !is_over.load(Relaxed) {
        thread::yield_now();
    }
}

#[test]
fn who_deals_may_panic() {
    let (dealer, pipeline) = pipeline(2, 1, None);
    let ran = pipeline.run(
        move |_| {
            assert!(dealer.packets() > 0, "there are none");
            Ok(())
        },
        |_, _, _| ControlFlow::Continue(()),
    );
    assert!(ran.is_err());
}
