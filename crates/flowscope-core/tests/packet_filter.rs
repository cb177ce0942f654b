//! Packets that are turned away: copies, and those with wrong checksums.

mod common;

use common::{talk, tracker, view};
use flowscope_core::wire::{Cause, Checksums, Layer, Skip};
use flowscope_core::{Dedup, EngineConfig, FlowEvent};
use flowscope_fixtures::{Close, Frame, Side};

fn frames() -> Vec<Frame> {
    talk()
        .handshake()
        .send(Side::Client, b"question")
        .send(Side::Server, b"answer")
        .close(Close::Fin(Side::Client))
        .frames()
}

fn payload(events: &[common::Event]) -> Vec<(u64, u64)> {
    let stats = events.iter().filter_map(|event| match event {
        FlowEvent::Ended { stats, .. } => Some(stats),
        _ => None,
    });
    stats
        .map(|stats| (stats.packets.total(), stats.payload_bytes.total()))
        .collect()
}

#[test]
fn a_doubled_capture_is_tracked_as_a_single_one() {
    let frames = frames();
    let mut tracker = tracker(EngineConfig::default()).with_dedup(Dedup::loopback());
    let mut events = Vec::new();
    for frame in &frames {
        tracker.track(view(frame), &mut events);
        tracker.track(view(frame), &mut events);
    }
    tracker.finish(&mut events);

    assert_eq!(payload(&events), payload(&common::events(&frames)));
    let copies = frames.len() as u64;
    let skipped: Vec<_> = tracker.stats().skipped().collect();
    assert_eq!(
        skipped,
        [(Skip::new(Layer::Link, Cause::Duplicate), copies)]
    );
    assert_eq!(tracker.stats().packets, 2 * copies);
}

#[test]
fn a_damaged_packet_is_dropped_only_where_checksums_are_verified() {
    let sound = frames();
    let mut damaged = sound.clone();
    // The last byte of the question.
    let question = damaged
        .iter_mut()
        .find(|frame| frame.bytes.ends_with(b"question"))
        .expect("it is asked");
    *question.bytes.last_mut().expect("it has bytes") ^= 1;

    for (checksums, lost) in [(Checksums::Ignore, 0), (Checksums::Verify, 1)] {
        let mut tracker = tracker(EngineConfig {
            checksums,
            ..EngineConfig::default()
        });
        let mut events = Vec::new();
        for frame in &damaged {
            tracker.track(view(frame), &mut events);
        }
        tracker.finish(&mut events);
        let skipped: Vec<_> = tracker.stats().skipped().collect();
        let expected = (Skip::new(Layer::Tcp, Cause::BadChecksum), 1);
        assert_eq!(skipped, [expected][..lost]);
        let counted: u64 = payload(&events).iter().map(|(packets, _)| packets).sum();
        assert_eq!(counted + lost as u64, sound.len() as u64);
    }
}

#[test]
fn a_wrong_checksum_is_in_the_history_of_a_live_flow() {
    let mut frames = frames();
    let damaged = |frame: &Frame| {
        let mut damaged = frame.clone();
        *damaged.bytes.last_mut().expect("it has bytes") ^= 1;
        damaged
    };
    let is_answer = |frame: &Frame| frame.bytes.ends_with(b"answer");
    let answer = frames.iter().position(is_answer).expect("it is sent");
    // The first packet, of which there is no flow yet, and eleven copies of the answer.
    let copies = vec![damaged(&frames[answer]); 11];
    let first = damaged(&frames[0]);
    frames.splice(answer..answer, copies);
    frames.insert(0, first);

    let histories = |checksums| {
        let mut tracker = tracker(EngineConfig {
            checksums,
            ..EngineConfig::default()
        });
        let mut events = Vec::new();
        for frame in &frames {
            tracker.track(view(frame), &mut events);
        }
        tracker.finish(&mut events);
        let ended = events.iter().filter_map(|event| match event {
            FlowEvent::Ended { stats, .. } => Some(stats.history.to_string()),
            _ => None,
        });
        ended.collect::<Vec<_>>()
    };
    assert_eq!(histories(Checksums::Verify), ["ShADaccdFf"]);
    assert!(!histories(Checksums::Ignore)[0].contains('c'));
}
