//! What the feature `serde` serializes is read back as it was.
#![cfg(feature = "serde")]

mod common;

use common::view;
use flowscope_core::extract::{
    AutoDetectEncap, FiveTuple, FlowExtractor, FlowLabel, IpPair, KeyOfHeaders, MacPair,
};
use flowscope_core::reassemble::StreamStats;
use flowscope_core::track::{Anomalies, AnomalyKind};
use flowscope_core::wire::{Cause, Layer, Skip};
use flowscope_core::{
    FlowEvent, FlowSide, FlowTracker, LinkType, PacketView, SeqNumber, Timestamp,
};
use flowscope_fixtures::{Conversation, Side, address};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[track_caller]
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + core::fmt::Debug>(value: &T) -> String {
    let json = serde_json::to_string(value).expect("it can be written");
    let read: T = serde_json::from_str(&json).expect("it can be read");
    assert_eq!(read, *value, "{json}");
    json
}

fn talk() -> Conversation {
    Conversation::new(address("10.0.0.2:40000"), address("10.0.0.1:80"))
        .handshake()
        .send(Side::Client, b"hello")
        .send(Side::Server, b"hi")
}

/// The events of a conversation between a client and a server.
fn events<E: FlowExtractor>(extractor: E) -> (Vec<FlowEvent<E::Key>>, FlowTracker<E>) {
    let mut tracker = FlowTracker::new(extractor);
    let mut events = Vec::new();
    for frame in talk().frames() {
        tracker.track(view(&frame), &mut events);
    }
    let garbage = PacketView::new(&[0; 9], Timestamp::new(1, 0)).with_link(LinkType::RAW);
    tracker.track(garbage, &mut events);
    tracker.finish(&mut events);
    (events, tracker)
}

#[test]
fn events_and_statistics_are_read_back() {
    let (events, tracker) = events(FiveTuple::bidirectional());
    assert!(events.len() > 5);
    for event in &events {
        round_trip(event);
    }
    let stats = tracker.stats();
    let json = round_trip(stats);
    assert!(json.contains(r#""ended":[["end_of_input",1]]"#), "{json}");
    round_trip(&StreamStats::default());
}

#[test]
fn a_key_is_written_as_it_is_seen_from_the_initiator() {
    let (events, _) = events(FiveTuple::bidirectional());
    let Some(FlowEvent::Started { key, .. }) = events.first() else {
        panic!("a flow starts");
    };
    let json = round_trip(key);
    let expected = concat!(
        r#"{"src":"10.0.0.2","dst":"10.0.0.1","src_port":40000,"dst_port":80,"#,
        r#""protocol":6,"orientation":"reverse"}"#
    );
    assert_eq!(json, expected);
    // Equality does not look at what is shown, so that is compared, too.
    let read: <FiveTuple as KeyOfHeaders>::Key = serde_json::from_str(&json).expect("a key");
    assert_eq!(read.to_string(), key.to_string());
}

#[test]
fn every_kind_of_key_is_read_back() {
    fn check<E: FlowExtractor>(extractor: E)
    where
        E::Key: Serialize + DeserializeOwned + core::fmt::Debug + core::fmt::Display,
    {
        for frame in talk().frames() {
            let key = extractor.extract(view(&frame)).expect("a flow").key;
            let json = round_trip(&key);
            let read: E::Key = serde_json::from_str(&json).expect("a key");
            assert_eq!(read.to_string(), key.to_string());
        }
    }
    check(FiveTuple::unidirectional());
    check(IpPair);
    check(MacPair);
    check(FlowLabel(FiveTuple::bidirectional()));
}

#[test]
fn a_scope_is_read_back() {
    // A VLAN and IP in IP, which is known by its ends.
    let mut frame = [0; 12].to_vec();
    frame.extend([0x81, 0, 0, 7, 0x08, 0]);
    frame.extend([
        0x45, 0, 0, 48, 0, 0, 0, 0, 64, 4, 0, 0, 10, 0, 0, 9, 10, 0, 0, 8,
    ]);
    frame.extend([
        0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ]);
    frame.extend([0x30, 0x39, 0, 53, 0, 8, 0, 0]);
    let scoped = AutoDetectEncap::new(FiveTuple::bidirectional().with_vlan().with_tunnel());
    let packet = PacketView::new(&frame, Timestamp::EPOCH);
    let key = scoped.extract(packet).expect("a flow").key;
    assert_eq!(key.scope.layers().count(), 2);
    round_trip(&key);
}

#[test]
fn small_values_are_written_plainly() {
    assert_eq!(round_trip(&Timestamp::new(1, 5)), "1000000005");
    assert_eq!(round_trip(&SeqNumber(7)), "7");
    assert_eq!(round_trip(&LinkType::ETHERNET), "1");
    assert_eq!(round_trip(&FlowSide::Responder), r#""responder""#);
    let skip = Skip::new(Layer::Ipv4, Cause::BadLength);
    assert_eq!(
        round_trip(&skip),
        r#"{"layer":"ipv4","cause":"impossible length"}"#
    );
    let mut anomalies = Anomalies::default();
    anomalies.insert(FlowSide::Responder, AnomalyKind::StreamGap);
    assert_eq!(round_trip(&anomalies), r#"[["responder","stream_gap"]]"#);
}

#[test]
fn an_unknown_word_is_refused() {
    let layer = serde_json::from_str::<Layer>(r#""tokenring""#);
    let message = layer.expect_err("there is no such layer").to_string();
    assert!(message.contains("one of `link`"), "{message}");
}
