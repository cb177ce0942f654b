//! Frames to views, and events to something a test can compare.
#![allow(dead_code, reason = "each test uses its own part of this")]

pub(crate) mod connection_model;
pub(crate) mod endpoint;
pub(crate) mod excuse;
pub(crate) mod lines;
pub(crate) mod link;
pub(crate) mod link_scripts;
pub(crate) mod link_story;
pub(crate) mod link_trace;
pub(crate) mod pair;
pub(crate) mod rules;
pub(crate) mod stream_log;
pub(crate) mod stream_model;
pub(crate) mod stream_steps;
pub(crate) mod tcb;
pub(crate) mod verdict;
pub(crate) mod witness;

use flowscope_core::extract::{AutoDetectEncap, FiveTuple, FiveTupleKey};
use flowscope_core::{EngineConfig, FlowEvent, FlowTracker, LinkType, PacketView, Timestamp};
use flowscope_fixtures::{Conversation, Datagrams, Frame, Side, address};
use proptest::test_runner::Config as ProptestConfig;

pub(crate) type Event = FlowEvent<FiveTupleKey>;
pub(crate) type Tracker = FlowTracker<AutoDetectEncap<FiveTuple>>;

/// So many cases, or as many as `PROPTEST_CASES` says.
pub(crate) fn cases(usually: u32) -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(usually),
    }
}

pub(crate) fn view(frame: &Frame) -> PacketView<'_> {
    PacketView::new(&frame.bytes, Timestamp::from_nanos(frame.nanos))
        .with_link(LinkType(frame.link))
        .with_wire_len(frame.wire_len)
}

pub(crate) fn tracker(config: EngineConfig) -> Tracker {
    FlowTracker::new(AutoDetectEncap::new(FiveTuple::bidirectional())).with_config(config)
}

/// All events of some frames, to the end of the input.
pub(crate) fn events(frames: &[Frame]) -> Vec<Event> {
    let mut tracker = tracker(EngineConfig::default());
    let mut events = Vec::new();
    for frame in frames {
        tracker.track(view(frame), &mut events);
    }
    tracker.finish(&mut events);
    events
}

/// The events of flows that ended.
pub(crate) fn ended(events: &[Event]) -> Vec<&Event> {
    events
        .iter()
        .filter(|event| matches!(event, FlowEvent::Ended { .. }))
        .collect()
}

/// A conversation between the usual two, not yet begun.
pub(crate) fn talk() -> Conversation {
    Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"))
}

/// A datagram each way between the usual two.
pub(crate) fn lookup(port: u16, nanos: u64) -> Vec<Frame> {
    let client = format!("10.0.0.1:{port}");
    Datagrams::new(address(&client), address("10.0.0.2:53"))
        .starting_at(nanos)
        .send(Side::Client, b"who")
        .send(Side::Server, b"me")
        .frames()
}
