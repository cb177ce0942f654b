//! Any bytes at all: a flow or a reason, never a panic.

mod common;

use common::view;
use flowscope_core::extract::{AutoDetectEncap, FiveTuple, FlowExtractor, IpPair, MacPair};
use flowscope_core::track::Config;
use flowscope_core::wire::{Layer, Skip};
use flowscope_core::{LinkType, PacketView, Timestamp};
use flowscope_fixtures::{Frame, captures};
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
    // Looking deeper never loses a flow.
    assert_eq!(plain.is_ok(), deep.is_ok());
    let mut tracker = common::tracker(Config::default());
    tracker.track(packet, &mut |_: common::Event| {});
    let on_flows: u64 = tracker
        .snapshot_flow_stats()
        .map(|(_, it)| it.packets.total())
        .sum();
    assert_eq!(on_flows + tracker.stats().packets_skipped(), 1);
    deep.map(|_| ())
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
}

fn fixture_frames() -> impl Iterator<Item = Frame> {
    captures().into_iter().flat_map(|capture| capture.frames)
}

#[test]
fn a_frame_cut_anywhere_gives_a_flow_or_a_reason() {
    for frame in fixture_frames()
        .filter(|frame| frame.bytes.len() < 400)
        .step_by(3)
    {
        for len in 0..frame.bytes.len() {
            let cut = frame.clone().cut(len);
            if let Err(skip) = read(view(&cut)) {
                assert!(Layer::ALL.contains(&skip.layer));
            }
        }
    }
}

#[test]
fn a_frame_with_any_byte_changed_gives_a_flow_or_a_reason() {
    for mut frame in fixture_frames()
        .filter(|frame| frame.bytes.len() < 400)
        .step_by(5)
    {
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
