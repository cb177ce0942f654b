//! Packets that a capture saw twice.

mod common;

use core::time::Duration;

use allocation_counter::measure;
use common::{talk, view};
use flowscope_core::dedup::{Compare, DedupConfig};
use flowscope_core::{Dedup, LinkType, PacketView, Timestamp};
use flowscope_fixtures::{Close, Conversation, Ethernet, Layer, Side, Vlan, address};
use proptest::prelude::*;

#[test]
fn a_doubled_conversation_is_seen_once() {
    let frames = conversation().frames();
    let mut dedup = Dedup::loopback();
    for frame in &frames {
        let fingerprint = view(frame);
        let later = fingerprint.timestamp + Duration::from_micros(20);
        assert!(!dedup.is_duplicate(&fingerprint));
        let copy = PacketView {
            timestamp: later,
            ..fingerprint
        };
        assert!(dedup.is_duplicate(&copy), "a copy");
        assert!(dedup.is_duplicate(&copy), "a third one");
    }
    assert_eq!(dedup.dropped(), 2 * frames.len() as u64);
}

#[test]
fn a_conversation_with_retransmissions_is_seen_whole() {
    let talk = conversation().stall(Side::Client, &[9; 3000]);
    let mut dedup = Dedup::loopback();
    for frame in &talk.frames() {
        assert!(!dedup.is_duplicate(&view(frame)));
    }
}

#[test]
fn a_copy_may_come_first_in_time() {
    let mut dedup = Dedup::loopback();
    assert!(!dedup.is_duplicate(&packet(b"x", 5_000)));
    assert!(dedup.is_duplicate(&packet(b"x", 4_001)));
    assert!(!dedup.is_duplicate(&packet(b"x", 4_000)));
}

#[test]
fn a_steady_stream_is_thinned_and_not_lost() {
    let mut dedup = Dedup::loopback();
    let kept = (0..10_000u64).step_by(600);
    let kept = kept.filter(|micros| !dedup.is_duplicate(&packet(b"x", *micros)));
    assert_eq!(kept.count(), 9);
}

#[test]
fn one_byte_or_length_makes_another_packet() {
    let mut dedup = Dedup::loopback();
    for len in [1, 60, 255, 256, 257, 1500, 9000] {
        let mut bytes = vec![3; len];
        assert!(!dedup.is_duplicate(&packet(&bytes, 0)));
        let cut = packet(&bytes, 0).with_wire_len(9001);
        assert!(!dedup.is_duplicate(&cut));
        for at in [0, len / 2, len - 1] {
            bytes[at] += 1;
            assert!(!dedup.is_duplicate(&packet(&bytes, 0)), "{at} of {len}");
        }
    }
}

#[test]
fn mirrors_differ_around_the_packet() {
    let plain = talk().send(Side::Client, &[1; 400]).frames().remove(0);
    let tagged = talk().over(&[
        Layer::Ethernet(Ethernet::default()),
        Layer::Vlan(Vlan::new(7)),
    ]);
    let tagged = tagged.send(Side::Client, &[1; 400]).frames().remove(0);
    let mut hop_on = plain.clone();
    hop_on.bytes[22] -= 1;
    hop_on.bytes[24] ^= 1;
    let cases = [
        (Compare::Frame, [false, false]),
        (Compare::Packet, [true, false]),
        (Compare::Routed, [true, true]),
    ];
    for (compare, copies) in cases {
        let mut dedup = Dedup::new(DedupConfig {
            compare,
            ..DedupConfig::default()
        });
        assert!(!dedup.is_duplicate(&view(&plain)));
        let found = [&tagged, &hop_on].map(|frame| dedup.is_duplicate(&view(frame)));
        assert_eq!(found, copies, "{compare:?}");
    }
}

#[test]
fn on_any_interface_the_direction_tells_copies_from_repetitions() {
    const OUT: u8 = 4;
    const IN: u8 = 0;
    let mut dedup = Dedup::loopback();
    let mut keeps = |direction| {
        let mut frame = vec![8, 0, 0, 0, 0, 0, 0, 1, 3, 4, direction, 6];
        frame.extend([0; 8]);
        frame.extend(b"a repeated ACK");
        let frame = packet(&frame, 0)
            .with_link(LinkType::LINUX_SLL2)
            .frame
            .to_vec();
        !dedup.is_duplicate(&packet(&frame, 0).with_link(LinkType::LINUX_SLL2))
    };
    let kept = [OUT, IN, OUT, IN, IN].map(&mut keeps);
    assert_eq!(kept, [true, false, true, false, false]);
}

#[test]
fn payload_is_read_again_at_the_first_sign() {
    let mut dedup = Dedup::new(DedupConfig {
        patience: 100,
        ..DedupConfig::default()
    });
    let frame = |n: u8| [vec![n; 128], vec![0; 1000]].concat();
    for n in 0..100 {
        assert!(!dedup.is_duplicate(&packet(&frame(n), 0)));
    }
    let other_payload = [vec![100; 128], vec![1; 1000]].concat();
    assert!(!dedup.is_duplicate(&packet(&frame(100), 0)));
    assert!(!dedup.is_duplicate(&packet(&other_payload, 0)), "a sign");
    assert!(dedup.is_duplicate(&packet(&other_payload, 0)));
    assert!(!dedup.is_duplicate(&packet(&frame(101), 0)));
    assert!(dedup.is_duplicate(&packet(&frame(101), 0)));
}

#[test]
fn nothing_is_allocated_after_the_start() {
    let mut made = None;
    let table = measure(|| made = Some(Dedup::loopback()));
    let mut dedup = made.expect("it was made");
    assert_eq!(table.bytes_total, dedup.memory() as u64);
    let allocated = measure(|| {
        for n in 0..100_000u32 {
            let bytes = n.to_be_bytes();
            assert!(!dedup.is_duplicate(&packet(&bytes, u64::from(n))));
        }
    });
    assert_eq!(allocated.count_total, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// As many different frames as the table has room for, sent and copied at
    /// any times, are told as by a list of them all.
    #[test]
    fn a_list_of_all_packets_says_the_same(
        packets in prop::collection::vec((0..40u8, any::<bool>(), 0..4_000u64), 1..300),
        compare in prop::sample::select(&[Compare::Frame, Compare::Packet, Compare::Routed][..]),
    ) {
        let max_entries = 1 << 20;
        let mut dedup = Dedup::new(DedupConfig { compare, max_entries, ..DedupConfig::default() });
        let mut kept: Vec<(Vec<u8>, u8, u64)> = Vec::new();
        let mut dropped = 0;
        for (content, other, micros) in packets {
            // Two ways for each, one of which may be unknown: a bucket has room
            // for what two contents that share it can fill.
            let way = content % 2 + u8::from(other);
            let bytes = vec![content; 20 + 17 * usize::from(content)];
            let mut copied = kept.iter().filter(|(known, ..)| *known == bytes);
            let expected = copied.any(|(_, known_way, at)| {
                (*known_way != way || way == 0) && at.abs_diff(micros) < 1000
            });
            // WalkPath 0 is a link type that does not say.
            let found = if way == 0 {
                dedup.is_duplicate(&packet(&bytes, micros).with_link(LinkType(147)))
            } else {
                let mut frame = vec![0x88, 0xb5, 0, 0, 0, 0, 0, way, 3, 4, 0, 6];
                frame.extend([0; 8]);
                frame.extend(&bytes);
                let view = packet(&frame, micros).with_link(LinkType::LINUX_SLL2);
                // As long as the same without it.
                dedup.is_duplicate(&view.with_wire_len(bytes.len() as u32))
            };
            prop_assert_eq!(found, expected);
            if expected {
                dropped += 1;
            } else {
                // The last of each way counts.
                kept.retain(|(known, known_way, _)| (known, *known_way) != (&bytes, way));
                kept.push((bytes, way, micros));
            }
        }
        prop_assert_eq!(dedup.dropped(), dropped);
    }

    #[test]
    fn no_bytes_panic(
        frame in prop::collection::vec(any::<u8>(), 0..400),
        link in prop::sample::select(&[0u16, 1, 101, 113, 228, 229, 239, 276, 65535][..]),
        wire_len: u32,
        nanos: u64,
    ) {
        for compare in [Compare::Frame, Compare::Packet, Compare::Routed] {
            let mut dedup = Dedup::new(DedupConfig { compare, ..DedupConfig::default() });
            let view = PacketView::new(&frame, Timestamp::from_nanos(nanos))
                .with_link(LinkType(link))
                .with_wire_len(wire_len);
            prop_assert!(!dedup.is_duplicate(&view));
        }
    }
}

fn conversation() -> Conversation {
    Conversation::new(address("[2001:db8::1]:40000"), address("[2001:db8::2]:80"))
        .handshake()
        .send(Side::Client, &[1; 3000])
        .acknowledge(Side::Server)
        .send(Side::Server, &[2; 5000])
        .acknowledge(Side::Client)
        .close(Close::Fin(Side::Client))
}

fn packet(frame: &[u8], micros: u64) -> PacketView<'_> {
    PacketView::new(frame, Timestamp::new(1, 0) + Duration::from_micros(micros))
}
