//! A flood of connections: never more flows, nor more memory, than allowed.

mod common;

use core::time::Duration;

use allocation_counter::measure;
use common::{Event, ended, lookup, talk, tracker, view};
use flowscope_core::track::{EndReason, FlowState, IdleTimeouts};
use flowscope_core::{EngineConfig, FlowEvent, PacketView};
use flowscope_fixtures::{
    Close, Conversation, Disturbance, MILLISECOND, SECOND, START, Side, Tcp, address,
};

const MAX_FLOWS: usize = 10_000;
const MICROSECOND: u64 = 1000;

fn capped() -> common::Tracker {
    tracker(EngineConfig {
        max_flows: MAX_FLOWS,
        ..EngineConfig::default()
    })
}

/// A SYN each from so many sources, a microsecond apart. The next round is 45 s
/// later, and from other sources.
fn flood(round: u32, sources: u32, mut each: impl FnMut(PacketView<'_>)) {
    let mut frame = talk()
        .segment(Side::Client, Tcp::SYN, b"")
        .frames()
        .remove(0);
    for n in 0..sources {
        let sender = (0x0a00_0000 + (round << 20) + n).to_be_bytes();
        frame.bytes[26..30].copy_from_slice(&sender);
        frame.nanos = START + u64::from(round) * 45 * SECOND + u64::from(n) * MICROSECOND;
        each(view(&frame));
    }
}

#[test]
fn a_flood_never_holds_more_flows_than_allowed() {
    let mut tracker = capped();
    let (mut started, mut over) = (0, Vec::new());
    let mut on_event = |event: Event| match event {
        FlowEvent::Started { .. } => started += 1,
        FlowEvent::Ended { flow, reason, .. } => over.push((flow.number(), reason)),
        _ => {}
    };
    flood(0, 50_000, |packet| {
        tracker.track(packet, &mut on_event);
        assert!(tracker.stats().active <= MAX_FLOWS as u64);
    });
    tracker.finish(&mut on_event);

    assert_eq!(started, 50_000);
    // Each once and the oldest first, since all are equally long from their timeout.
    let expected = (1..=50_000).map(|number| match number {
        ..=40_000 => (number, EndReason::Evicted),
        _ => (number, EndReason::EndOfInput),
    });
    assert!(over.into_iter().eq(expected));
    assert_eq!(tracker.stats().peak, MAX_FLOWS as u64);
    assert_eq!(tracker.stats().ended(EndReason::Evicted), 40_000);
}

#[test]
fn a_long_flood_takes_no_more_memory_than_its_flows() {
    let allocated = measure(|| {
        let mut tracker = capped();
        flood(0, 400_000, |packet| {
            tracker.track(packet, &mut |_: Event| {});
        });
    });
    // More than a flow takes in a large table: a small one has fixed parts.
    let each = allocated.bytes_max / MAX_FLOWS as u64;
    assert!(each <= 410, "{each} bytes a flow");
}

#[test]
fn floods_that_come_and_go_leave_nothing_behind() {
    const SOURCES: u32 = 8000;
    let mut tracker = capped();
    let mut next = |round| {
        flood(round, SOURCES, |packet| {
            tracker.track(packet, &mut |_: Event| {});
        });
    };
    // Of each, some flows expire before the next and some are evicted by it.
    (0..4).for_each(&mut next);
    let later = measure(|| (4..44).for_each(&mut next));
    // The table may still double once, but not a byte is kept for each flow.
    let gone = 40 * i64::from(SOURCES);
    assert!(later.bytes_current < gone, "{later:?}");
    let stats = tracker.stats();
    assert!(stats.ended(EndReason::IdleTimeout) > 0 && stats.ended(EndReason::Evicted) > 0);
    assert_eq!(stats.active, MAX_FLOWS as u64);
}

#[test]
fn closed_flows_make_room_before_live_ones() {
    let mut tracker = tracker(EngineConfig {
        max_flows: 3,
        ..EngineConfig::default()
    });
    let open = |port: u16| {
        let client = format!("10.0.0.1:{port}");
        Conversation::new(address(&client), address("10.0.0.2:80"))
            .starting_at(START + u64::from(port) * 10 * MILLISECOND)
            .handshake()
    };
    let talks = [
        open(1),
        open(2)
            .disturb(Disturbance::Lose(2))
            .disturb(Disturbance::Lose(1)),
        open(3).close(Close::Fin(Side::Client)),
        open(4),
        open(5),
        open(6),
    ];
    let mut seen = Vec::new();
    for frame in talks.iter().flat_map(Conversation::frames) {
        tracker.track(view(&frame), &mut seen);
    }
    let left: Vec<(u64, FlowState)> = ended(&seen)
        .into_iter()
        .map(|event| match event {
            FlowEvent::Ended { flow, stats, .. } => (flow.number(), stats.state),
            _ => unreachable!("only ends were kept"),
        })
        .collect();
    let expected = [
        (3, FlowState::Closed),
        (2, FlowState::SynSent),
        (1, FlowState::Established),
    ];
    assert_eq!(left, expected);
}

/// The nearest of them is years away: it must not be waited for tick by tick.
#[test]
fn flows_that_never_expire_make_room_too() {
    let mut tracker = tracker(EngineConfig {
        max_flows: 1000,
        idle: IdleTimeouts {
            udp: Duration::MAX,
            ..IdleTimeouts::default()
        },
        ..EngineConfig::default()
    });
    let mut over = Vec::new();
    let mut on_event = |event: Event| {
        if let FlowEvent::Ended { flow, reason, .. } = event {
            over.push((flow.number(), reason));
        }
    };
    flood(0, 1, |packet| tracker.track(packet, &mut on_event));
    for port in 0..1100 {
        let asked = lookup(port, START + u64::from(port) * MILLISECOND);
        tracker.track(view(&asked[0]), &mut on_event);
    }
    let expected = (1..=101).map(|number| (number, EndReason::Evicted));
    assert!(over.into_iter().eq(expected));
}
