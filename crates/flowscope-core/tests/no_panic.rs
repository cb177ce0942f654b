//! Any bytes at all: a flow or a reason, never a panic.

mod common;

use common::view;
use flowscope_core::extract::{
    AutoDetectEncap, FiveTuple, FlowExtractor, FlowLabel, InnerGre, InnerGtpU, InnerVxlan, IpPair,
    MacPair, StripMpls, StripVlan,
};
use flowscope_core::wire::{Cause, Skip};
use flowscope_core::{EngineConfig, FlowEvent, LinkType, PacketView, Timestamp};
use flowscope_fixtures::{Capture, Frame, captures};
use proptest::prelude::*;

/// Puts a frame through everything that reads frames.
fn read(packet: PacketView<'_>) -> Result<(), Skip> {
    let plain = FiveTuple::bidirectional().extract(packet).map(|it| {
        assert!(it.payload.bytes.len() <= packet.frame.len());
        assert!(it.ip_len <= packet.wire_len.max(packet.frame.len() as u32));
        it.layers().len()
    });
    let deep = AutoDetectEncap::new(FiveTuple::bidirectional()).extract(packet);
    let _ = IpPair.extract(packet);
    let _ = MacPair.extract(packet);
    read_by_name(packet);
    // Looking deeper never loses a flow, unless to a later fragment, of which
    // it is known that it is no packet of the outer flow alone.
    match &deep {
        Ok(_) => assert!(plain.is_ok()),
        Err(skip) => assert!(plain.is_err() || skip.cause == Cause::Fragment),
    }
    let mut tracker = common::tracker(EngineConfig::default());
    tracker.track(packet, &mut |_: common::Event| {});
    let on_flows: u64 = tracker
        .snapshot_flow_stats()
        .map(|(_, _, it)| it.packets.total())
        .sum();
    let stats = tracker.stats();
    // A frame of IEEE 802.11 may carry several.
    assert!(stats.packets >= 1);
    let counted = on_flows + stats.packets_skipped() + stats.packets_held;
    assert_eq!(counted, stats.packets);
    deep.map(|_| ())
}

/// The same with what takes encapsulations off or puts them into keys.
fn read_by_name(packet: PacketView<'_>) {
    let five = FiveTuple::bidirectional();
    let known = StripVlan(StripMpls(InnerVxlan(InnerGtpU(InnerGre(five)))));
    let plain = five.extract(packet);
    let found = known.extract(packet);
    match &found {
        Ok(found) => assert!(found.layers().len() <= 16),
        Err(skip) => assert!(plain.is_err() || skip.cause == Cause::Fragment),
    }
    let scoped = AutoDetectEncap::new(FlowLabel(five.with_vlan().with_tunnel()));
    let deep = AutoDetectEncap::new(five).extract(packet);
    match (scoped.extract(packet), deep) {
        (Ok(scoped), Ok(deep)) => assert_eq!(scoped.key.key.key, deep.key),
        (Err(skip), deep) => assert!(deep.is_err() || skip.cause == Cause::TooDeep),
        (Ok(_), Err(skip)) => panic!("only without a scope: {skip}"),
    }
    let inside = AutoDetectEncap::new(MacPair).extract(packet);
    assert!(inside.is_ok() || MacPair.extract(packet).is_err());
}

const LINKS: [u16; 28] = [
    0, 1, 6, 9, 10, 50, 51, 100, 101, 104, 105, 107, 108, 109, 113, 117, 119, 127, 163, 166, 192,
    204, 205, 228, 229, 239, 276, 9999,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn bytes_at_random(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        link in prop::sample::select(&LINKS[..]),
        wire_len in prop_oneof![0..300u32, any::<u32>()],
    ) {
        let packet = PacketView::new(&bytes, Timestamp::EPOCH);
        let _ = read(packet.with_link(LinkType(link)).with_wire_len(wire_len));
    }

    #[test]
    fn frames_with_bytes_changed_at_random(
        mut frame in prop::sample::select(short_frames().collect::<Vec<_>>()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        wire_len in prop_oneof![any::<u32>(), u32::MAX - 100..=u32::MAX],
        other_link in prop::option::weighted(0.2, prop::sample::select(&LINKS[..])),
    ) {
        for (at, byte) in changes {
            let at = at.index(frame.bytes.len());
            frame.bytes[at] = byte;
        }
        let packet = view(&frame).with_link(LinkType(other_link.unwrap_or(frame.link)));
        let _ = read(packet);
        let _ = read(packet.with_wire_len(wire_len));
    }

    #[test]
    fn captures_with_bytes_changed_at_random(
        capture in prop::sample::select(captures_of_frames()),
        changes in prop::collection::vec(any::<[prop::sample::Index; 2]>(), 1..100),
        byte in any::<u8>(),
        wire_len in any::<u32>(),
    ) {
        let mut frames = capture.frames;
        for [frame, at] in changes {
            let frame = frame.get_mut(&mut frames);
            let at = at.index(frame.bytes.len());
            frame.bytes[at] = byte;
            frame.wire_len = frame.wire_len.max(wire_len);
        }
        let mut tracker = common::tracker(EngineConfig::default());
        let mut on_flows = 0;
        let mut count = |event: common::Event| {
            if let FlowEvent::Ended { stats, .. } = event {
                on_flows += stats.packets.total();
            }
        };
        tracker.track_batch(frames.iter().map(view), &mut count);
        tracker.finish(&mut count);
        let stats = tracker.stats();
        prop_assert!(stats.packets >= frames.len() as u64);
        prop_assert_eq!(on_flows + stats.packets_skipped(), stats.packets);
    }
}

/// The fixtures that have something to change in every frame.
fn captures_of_frames() -> Vec<Capture> {
    let mut captures = captures();
    captures.retain(|capture| {
        let is_frame = |frame: &Frame| !frame.bytes.is_empty();
        !capture.frames.is_empty() && capture.frames.iter().all(is_frame)
    });
    captures
}

/// Frames of the fixtures that are not too long to do much with each.
fn short_frames() -> impl Iterator<Item = Frame> {
    let frames = captures().into_iter().flat_map(|capture| capture.frames);
    frames.filter(|frame| (1..400).contains(&frame.bytes.len()))
}

#[test]
fn a_frame_cut_anywhere_gives_a_flow_or_is_called_truncated() {
    for frame in short_frames().step_by(3) {
        let whole = read(view(&frame));
        for len in 0..frame.bytes.len() {
            if let Err(skip) = read(view(&frame.clone().cut(len))) {
                // A single byte of PPP may be a protocol number, compressed.
                let is_cut = skip.cause == Cause::Truncated || len < 2;
                assert!(whole.is_err() || is_cut, "{skip} at {len} of {frame:x?}");
            }
        }
    }
}

#[test]
fn a_frame_with_any_byte_changed_gives_a_flow_or_a_reason() {
    for mut frame in short_frames().step_by(5) {
        for at in 0..frame.bytes.len() {
            for change in [0x01, 0x80, 0xff] {
                frame.bytes[at] ^= change;
                let _ = read(view(&frame));
                frame.bytes[at] ^= change;
            }
        }
    }
}

#[test]
fn sound_frames_are_all_read() {
    for capture in captures() {
        let is_whole =
            !capture.name.starts_with("malformed") && !capture.name.starts_with("snaplen");
        for frame in capture.frames.iter().filter(|_| is_whole) {
            if let Err(skip) = read(view(frame)) {
                panic!("{}: {skip}", capture.name);
            }
        }
    }
}
