//! A packet in a tunnel counts on the flow outside as well, where that is asked
//! for, whatever extractor is around whichever.

mod common;

use std::collections::BTreeMap;

use common::view;
use flowscope_core::engine::OuterFlows;
use flowscope_core::extract::{
    AutoDetectEncap, FiveTuple, FlowExtractor, FlowLabel, InnerVxlan, IpPair, MacPair, Scoped,
    StripVlan,
};
use flowscope_core::{EngineConfig, FlowEvent, FlowTracker};
use flowscope_fixtures::{Datagrams, Ethernet, Frame, Ipv4, Layer, Side, Vlan, Vxlan, address};

/// Packets by flow, of two datagrams that go through one tunnel.
fn packets<E: FlowExtractor<Key: core::fmt::Display>>(
    extractor: E,
    outer_flows: OuterFlows,
) -> BTreeMap<String, u64> {
    let config = EngineConfig {
        outer_flows,
        ..EngineConfig::default()
    };
    let mut tracker = FlowTracker::new(extractor).with_config(config);
    let mut packets = BTreeMap::new();
    let mut keep = |event: FlowEvent<E::Key>| {
        if let FlowEvent::Ended { key, stats, .. } = event {
            packets.insert(key.to_string(), stats.packets.total());
        }
    };
    for frame in tunnelled() {
        tracker.track(view(&frame), &mut keep);
    }
    tracker.finish(&mut keep);
    let stats = tracker.stats();
    let outer = match outer_flows {
        OuterFlows::Ignored => 0,
        OuterFlows::Counted => 2,
    };
    assert_eq!(stats.packets_outer, outer);
    assert_eq!(packets.values().sum::<u64>(), stats.packets + outer);
    packets
}

/// Two datagrams of different flows in VXLAN, in a VLAN.
fn tunnelled() -> Vec<Frame> {
    let ipv4 = |a, b| Layer::Ipv4(Ipv4::new([192, 0, 2, a].into(), [192, 0, 2, b].into()));
    let layers = [
        Layer::Ethernet(Ethernet::default()),
        Layer::Vlan(Vlan::new(7)),
        ipv4(1, 2),
        Layer::Vxlan(Vxlan::new(42)),
        Layer::Ethernet(Ethernet::default()),
    ];
    [4000, 4001]
        .into_iter()
        .flat_map(|port| {
            Datagrams::new(address(&format!("10.0.0.1:{port}")), address("10.0.0.2:53"))
                .over(&layers)
                .send(Side::Client, b"question")
                .frames()
        })
        .collect()
}

#[track_caller]
fn check<E: FlowExtractor<Key: core::fmt::Display> + Copy>(extractor: E, outer: &str) {
    let inner = packets(extractor, OuterFlows::Ignored);
    let name = core::any::type_name::<E>();
    assert!(!inner.contains_key(outer), "{name}: {inner:?}");
    let mut both = packets(extractor, OuterFlows::Counted);
    assert_eq!(both.remove(outer), Some(2), "{both:?}");
    assert_eq!(both, inner);
}

#[test]
fn every_extractor_has_outer_flows() {
    const OUTER: &str = "192.0.2.1:49941 → 192.0.2.2:4789 udp";
    let five = FiveTuple::bidirectional();
    check(AutoDetectEncap::new(five), OUTER);
    check(InnerVxlan(five), OUTER);
    check(StripVlan(InnerVxlan(five)), OUTER);
    check(StripVlan(AutoDetectEncap::new(five)), OUTER);
    check(AutoDetectEncap::new(StripVlan(five)), OUTER);
    check(AutoDetectEncap::new(IpPair), "192.0.2.1 → 192.0.2.2");
    let labelled = format!("{OUTER} label 0x00000");
    check(FlowLabel(AutoDetectEncap::new(five)), &labelled);
    check(AutoDetectEncap::new(FlowLabel(five)), &labelled);
    // The outer flow is in the VLAN, and not in the tunnel.
    let in_vlan = format!("{OUTER} vlan 7");
    let scoped = |extractor| Scoped::new(extractor).with_vlan().with_tunnel();
    check(scoped(AutoDetectEncap::new(five)), &in_vlan);
    check(
        AutoDetectEncap::new(Scoped::new(five).with_vlan().with_tunnel()),
        &in_vlan,
    );
    check(Scoped::new(InnerVxlan(five)).with_vlan(), &in_vlan);
}

/// Two tunnels in each other are two flows, and none of them is counted by who does
/// not look into tunnels.
#[test]
fn every_tunnel_of_several_in_each_other_is_a_flow() {
    let ipv4 = |a, b| Layer::Ipv4(Ipv4::new([192, 0, 2, a].into(), [192, 0, 2, b].into()));
    let layers = [
        Layer::Ethernet(Ethernet::default()),
        ipv4(1, 2),
        Layer::Vxlan(Vxlan::new(42)),
        Layer::Ethernet(Ethernet::default()),
        ipv4(3, 4),
        Layer::Vxlan(Vxlan::new(43)),
        Layer::Ethernet(Ethernet::default()),
    ];
    let frames = Datagrams::new(address("10.0.0.1:4000"), address("10.0.0.2:53"))
        .over(&layers)
        .send(Side::Client, b"question")
        .frames();
    let outside = counted(FiveTuple::bidirectional(), &frames);
    let [(outermost, 1)] = outside.as_slice() else {
        panic!("{outside:?}");
    };
    let all = counted(AutoDetectEncap::new(FiveTuple::bidirectional()), &frames);
    let keys: Vec<&str> = all.iter().map(|(key, _)| key.as_str()).collect();
    let [inner, middle, outer] = keys[..] else {
        panic!("{all:?}");
    };
    assert_eq!(inner, "10.0.0.1:4000 → 10.0.0.2:53 udp");
    assert!(middle.starts_with("192.0.2.3:") && middle.ends_with(" → 192.0.2.4:4789 udp"));
    assert_eq!(outer, outermost);
    assert!(all.iter().all(|(_, packets)| *packets == 1));
    // What is around each is known.
    let scoped = Scoped::new(AutoDetectEncap::new(FiveTuple::bidirectional())).with_tunnel();
    let scoped = counted(scoped, &frames);
    assert_eq!(scoped.len(), 3, "{scoped:?}");
    assert!(scoped[1].0.starts_with(middle), "{scoped:?}");
    assert_ne!(scoped[1].0, middle, "it is in a tunnel itself");
    assert_eq!(scoped[2].0, *outermost);
}

/// The flows of frames in the order in which they began, and their packets.
fn counted<E: FlowExtractor<Key: core::fmt::Display>>(
    extractor: E,
    frames: &[Frame],
) -> Vec<(String, u64)> {
    let config = EngineConfig {
        outer_flows: OuterFlows::Counted,
        ..EngineConfig::default()
    };
    let mut tracker = FlowTracker::new(extractor).with_config(config);
    let mut flows = Vec::new();
    let mut keep = |event: FlowEvent<E::Key>| {
        if let FlowEvent::Ended { key, stats, .. } = event {
            flows.push((key.to_string(), stats.packets.total()));
        }
    };
    for frame in frames {
        tracker.track(view(frame), &mut keep);
    }
    tracker.finish(&mut keep);
    flows
}

#[test]
fn a_packet_outside_of_any_tunnel_counts_once() {
    for outer_flows in [OuterFlows::Ignored, OuterFlows::Counted] {
        let config = EngineConfig {
            outer_flows,
            ..EngineConfig::default()
        };
        let frames = Datagrams::new(address("10.0.0.1:4000"), address("10.0.0.2:53"))
            .send(Side::Client, b"question")
            .frames();
        let mut tracker = FlowTracker::new(AutoDetectEncap::new(MacPair)).with_config(config);
        let mut events = Vec::new();
        for frame in &frames {
            tracker.track(view(frame), &mut events);
        }
        assert_eq!(tracker.stats().active, 1);
        assert_eq!(tracker.stats().packets_outer, 0);
    }
}
