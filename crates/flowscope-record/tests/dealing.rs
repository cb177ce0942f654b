//! Records of several workers are those of one tracker, in the same order.

use core::mem;
use std::fs;
use std::path::Path;

use flowscope_core::engine::deal::Place;
use flowscope_core::engine::{OuterFlows, Pressure};
use flowscope_core::track::IdleTimeouts;
use flowscope_core::{EngineConfig, LinkType, PacketView, Timestamp};
use flowscope_pcap::PcapFlowSource;
use flowscope_record::{
    Goal, PlacedRecords, Record, RecordConfig, RecordDealer, RecordTracker, RecordWorker, json,
};
use proptest::prelude::*;

/// A frame of a capture.
#[derive(Clone, Debug)]
struct Frame {
    bytes: Vec<u8>,
    link: LinkType,
    nanos: u64,
    wire_len: u32,
}

impl Frame {
    fn view(&self) -> PacketView<'_> {
        PacketView::new(&self.bytes, Timestamp::from_nanos(self.nanos))
            .with_link(self.link)
            .with_wire_len(self.wire_len)
    }
}

/// The frames of each capture there is, as far as it can be read.
fn captures() -> Vec<Vec<Frame>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pcap");
    let mut files: Vec<_> = [root.clone(), root.join("recorded")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("the fixtures are there"))
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let frames = |path| {
        let mut frames = Vec::new();
        let Ok(mut source) = PcapFlowSource::open(path) else {
            return frames;
        };
        while let Ok(Some(packet)) = source.next_packet() {
            frames.push(Frame {
                bytes: packet.frame.to_vec(),
                link: packet.link,
                nanos: packet.timestamp.as_nanos(),
                wire_len: packet.wire_len,
            });
        }
        frames
    };
    files.into_iter().map(frames).collect()
}

fn text(record: &Record) -> String {
    let mut text = Vec::new();
    json::append(&mut text, record);
    // What has no schema of its own is told apart by more than its fields.
    format!("{} {}", record.kind(), String::from_utf8_lossy(&text))
}

/// What happens in between: the clock moves on without a packet.
fn expires_after(n: usize) -> bool {
    n % 97 == 96
}

fn of_a_tracker(frames: &[Frame], config: &RecordConfig) -> Vec<String> {
    let mut tracker = RecordTracker::new(config.clone());
    let mut records = Vec::new();
    let mut out = |record: Record| records.push(text(&record));
    for (n, frame) in frames.iter().enumerate() {
        tracker.track(frame.view(), &mut out);
        if expires_after(n) {
            tracker.expire(frame.view().timestamp, &mut out);
        }
    }
    tracker.finish(&mut out);
    records
}

/// Keeps places and records.
#[derive(Default)]
struct Placed(Vec<(Place, String)>);

impl PlacedRecords for Placed {
    fn push(&mut self, place: Place, record: Record) {
        self.0.push((place, text(&record)));
    }
}

fn of_workers(
    frames: &[Frame],
    config: &RecordConfig,
    workers: usize,
    at_once: usize,
) -> Vec<String> {
    let mut dealer = RecordDealer::new(config, workers).expect("no summary");
    let mut made: Vec<_> = (0..dealer.workers())
        .map(|_| RecordWorker::new(config, workers))
        .collect();
    let (mut records, mut spares) = (Vec::new(), Vec::new());
    let mut work = |dealer: &mut RecordDealer, blocks| {
        let mut placed = Placed::default();
        let batches = dealer.take(blocks, || spares.pop());
        for (worker, mut batch) in made.iter_mut().zip(batches) {
            let before = placed.0.len();
            worker.run(&mut batch, &mut placed);
            assert!(placed.0[before..].is_sorted_by_key(|(place, _)| *place));
            spares.push(batch);
        }
        // Stable: what one worker has at a place stays in its order.
        placed.0.sort_by_key(|(place, _)| *place);
        records.extend(placed.0.into_iter().map(|(_, record)| record));
    };
    let mut blocks = Vec::new();
    for (n, frame) in frames.iter().enumerate() {
        // Some lie in blocks that are given, and some are copied.
        if n % 5 > 1 && !frame.bytes.is_empty() {
            dealer.track_batch(&frame.bytes, [frame.view()]);
            blocks.push(frame.bytes.clone());
        } else {
            dealer.track_batch(&[], [frame.view()]);
        }
        if expires_after(n) {
            dealer.expire(frame.view().timestamp);
        }
        if n % at_once == at_once - 1 {
            work(&mut dealer, mem::take(&mut blocks));
        }
    }
    while dealer.finish() {
        work(&mut dealer, mem::take(&mut blocks));
    }
    work(&mut dealer, blocks);
    records
}

#[track_caller]
fn assert_same(
    frames: &[Frame],
    config: &RecordConfig,
    workers: &[usize],
    at_once: usize,
) -> usize {
    let expected = of_a_tracker(frames, config);
    for &workers in workers {
        let records = of_workers(frames, config, workers, at_once);
        let differs = records.iter().zip(&expected).position(|(a, b)| a != b);
        if let Some(n) = differs {
            panic!(
                "{workers} workers, {:?}, record {n}:\n{}\nin place of\n{}",
                config.goal, records[n], expected[n]
            );
        }
        assert_eq!(records.len(), expected.len(), "{workers} workers");
    }
    expected.len()
}

const GOALS: [Goal; 7] = [
    Goal::All,
    Goal::Events,
    Goal::Flows,
    Goal::Http,
    Goal::Tls,
    Goal::Dns,
    Goal::Streams,
];

fn config(goal: Goal, engine: EngineConfig) -> RecordConfig {
    RecordConfig {
        goal,
        engine,
        ..RecordConfig::default()
    }
}

#[test]
fn every_capture_gives_the_same_records() {
    let mut records = 0;
    for frames in captures() {
        for goal in GOALS {
            let engine = EngineConfig {
                shards: 64,
                ..EngineConfig::default()
            };
            let mut config = config(goal, engine);
            records += assert_same(&frames, &config, &[1, 3], 50);
            config.connections = true;
            config.frames = true;
            records += assert_same(&frames, &config, &[2], 7);
        }
    }
    assert!(records > 10_000, "{records}");
}

#[test]
fn a_summary_is_not_dealt() {
    assert!(RecordDealer::new(&config(Goal::Summary, EngineConfig::default()), 2).is_none());
}

/// Frames of several captures in turns, with damage, at odd times.
fn mixture(captures: &[Vec<Frame>], seed: u64, len: usize) -> Vec<Frame> {
    let mut state = seed | 1;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % below
    };
    let mut talks: Vec<(usize, usize, u8)> = (0..8)
        .map(|_| (random(captures.len() as u64) as usize, 0, 0))
        .collect();
    let (mut frames, mut nanos) = (Vec::new(), 1_700_000_000_000_000_000);
    while frames.len() < len {
        let turn = random(8) as usize;
        let (capture, next, host) = talks[turn];
        let Some(frame) = captures[capture].get(next) else {
            talks[turn] = (random(captures.len() as u64) as usize, 0, random(4) as u8);
            nanos += 1;
            // Not all captures have a frame.
            if random(200) == 0 {
                nanos += 1_000_000_000;
            }
            continue;
        };
        talks[turn].1 += 1;
        let mut frame = frame.clone();
        nanos += match random(400) {
            0 => 70_000_000_000,
            1..8 => 3_000_000_000,
            8..100 => 0,
            _ => random(20_000_000),
        };
        // Some come late.
        frame.nanos = nanos
            - if random(50) == 0 {
                random(5_000_000_000)
            } else {
                0
            };
        // Other hosts say the same.
        if let Some(byte) = frame.bytes.get_mut(29) {
            *byte ^= host;
        }
        match random(60) {
            0 => continue,
            1 => frames.push(frame.clone()),
            2 => {
                let at = random(frame.bytes.len().max(1) as u64) as usize;
                if let Some(byte) = frame.bytes.get_mut(at) {
                    *byte ^= 1 << random(8);
                }
            }
            3 => frame
                .bytes
                .truncate(random(frame.bytes.len() as u64 + 1) as usize),
            _ => {}
        }
        frames.push(frame);
    }
    frames
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_comes_the_records_are_the_same(
        seed in any::<u64>(),
        goal in 0..GOALS.len(),
        workers in 1..=9usize,
        at_once in 1..300usize,
        max_flows in prop::sample::select(vec![1, 5, 40, 100_000]),
        max_memory in prop::sample::select(vec![0, 10_000, 300_000, 256 << 20]),
        shards in prop::sample::select(vec![16, 64]),
        current in any::<bool>(),
        outer in any::<bool>(),
        short in any::<bool>(),
    ) {
        let captures = captures();
        let idle = |seconds| core::time::Duration::from_secs(seconds);
        let engine = EngineConfig {
            max_flows,
            max_memory,
            shards,
            pressure: if current { Pressure::Current } else { Pressure::Oldest },
            outer_flows: if outer { OuterFlows::Counted } else { OuterFlows::Ignored },
            idle: if short {
                IdleTimeouts { udp: idle(1), tcp: idle(3), ..IdleTimeouts::default() }
            } else {
                IdleTimeouts::default()
            },
            ..EngineConfig::default()
        };
        let frames = mixture(&captures, seed, 1500);
        assert_same(&frames, &config(GOALS[goal], engine), &[workers], at_once);
    }
}
