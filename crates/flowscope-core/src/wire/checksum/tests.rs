use std::vec::Vec;

use flowscope_fixtures::{
    Conversation, Datagrams, Ethernet, Layer as OuterLayer, Side, Tcp, Vxlan, address,
};
use proptest::prelude::*;

use super::*;
use crate::{LinkType, Timestamp};

const V4: [&str; 2] = ["10.0.0.1:40000", "10.0.0.2:80"];
const V6: [&str; 2] = ["[2001:db8::1]:40000", "[2001:db8::2]:80"];

/// Frames of TCP and of UDP over both versions of IP, and their layers.
fn frames(payload: &[u8]) -> Vec<(Vec<u8>, Layer)> {
    let mut frames = Vec::new();
    for [client, server] in [V4, V6].map(|ends| ends.map(address)) {
        let talk = Conversation::new(client, server);
        let segment = talk.segment(Side::Client, Tcp::ACK, payload).frames();
        let datagrams = Datagrams::new(client, server).send(Side::Client, payload);
        for (mut sent, layer) in [(segment, Layer::Tcp), (datagrams.frames(), Layer::Udp)] {
            frames.push((sent.remove(0).bytes, layer));
        }
    }
    frames
}

fn of(frame: &[u8]) -> ChecksumVerdict {
    ChecksumVerdict::of(PacketView::new(frame, Timestamp::EPOCH), Depth::Innermost)
}

/// Where in a frame the transport header begins.
fn transport_at(frame: &[u8]) -> usize {
    if frame.get(14) == Some(&0x45) { 34 } else { 54 }
}

/// Where its checksum is.
fn field_at(frame: &[u8], layer: Layer) -> usize {
    transport_at(frame) + if layer == Layer::Tcp { 16 } else { 6 }
}

fn put(frame: &mut [u8], at: usize, field: [u8; 2]) {
    frame
        .get_mut(at..at + 2)
        .expect("the frame is long enough")
        .copy_from_slice(&field);
}

fn ip(frame: &[u8]) -> &[u8] {
    frame.get(14..).expect("the frame has a packet")
}

#[test]
fn every_changed_bit_is_noticed() {
    for (frame, layer) in frames(b"odd") {
        assert_eq!(of(&frame), ChecksumVerdict::Right);
        for at in transport_at(&frame) + 14..frame.len() {
            let mut changed = frame.clone();
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= 0x20;
            }
            assert_eq!(of(&changed), ChecksumVerdict::Wrong(layer), "byte {at}");
        }
    }
}

#[test]
fn a_wrong_ipv4_header_is_found_also_where_the_rest_is_unknown() {
    let mut frames = frames(b"x");
    frames.truncate(2);
    for (mut frame, _) in frames {
        // A time to live, and a frame that ends behind the header.
        put(&mut frame, 22, [1, 1]);
        frame.truncate(34);
        assert_eq!(of(&frame), ChecksumVerdict::Wrong(Layer::Ipv4));
        put(&mut frame, 24, [0, 0]);
        assert_eq!(of(&frame), ChecksumVerdict::Unknown, "left to the card");
    }
}

#[test]
fn what_is_cut_is_unknown() {
    for (frame, _) in frames(b"hello") {
        for len in 0..frame.len() {
            let cut = frame.get(..len).expect("it is shorter");
            assert_eq!(of(cut), ChecksumVerdict::Unknown, "{len}");
        }
        // Padding and a frame's own checksum are not part of the packet.
        let padded = [&frame[..], &[0xff; 9]].concat();
        assert_eq!(of(&padded), ChecksumVerdict::Right);
    }
}

#[test]
fn partial_checksums_are_right() {
    for (mut frame, layer) in frames(b"offloaded") {
        let mut headers = Headers::empty();
        let view = PacketView::new(&frame, Timestamp::EPOCH);
        headers.reach_ip(view, &mut ()).expect("it has a packet");
        let sum = fold(pseudo_header(&headers, headers.payload.bytes.len()));
        let at = field_at(&frame, layer);
        put(&mut frame, at, sum.to_le_bytes());
        assert_eq!(of(&frame), ChecksumVerdict::Right);
        put(&mut frame, at, (sum ^ 1).to_le_bytes());
        assert_eq!(of(&frame), ChecksumVerdict::Wrong(layer));
    }
}

#[test]
fn datagrams_may_have_no_checksum_over_ipv4_alone() {
    for (mut frame, layer) in frames(b"x") {
        let at = field_at(&frame, layer);
        put(&mut frame, at, [0, 0]);
        let is_v4 = transport_at(&frame) == 34;
        let expected = match layer {
            Layer::Udp if is_v4 => ChecksumVerdict::Unknown,
            _ => ChecksumVerdict::Wrong(layer),
        };
        assert_eq!(of(&frame), expected);
        if layer == Layer::Udp {
            // To the port of VXLAN.
            let at = transport_at(&frame) + 2;
            put(&mut frame, at, 4789u16.to_be_bytes());
            assert_eq!(of(&frame), ChecksumVerdict::Unknown);
        }
    }
}

#[test]
fn fragments_and_blank_lengths_are_unknown() {
    for (frame, _) in frames(b"x") {
        let mut changed = frame.clone();
        if transport_at(&frame) == 34 {
            put(&mut changed, 24, [0, 0]);
            let mut blank = changed.clone();
            put(&mut blank, 16, [0, 0]);
            put(&mut blank, 34, [9, 9]);
            assert_eq!(of(&blank), ChecksumVerdict::Unknown);
            put(&mut changed, 20, [0x20, 0]);
        } else {
            put(&mut changed, 18, [0, 0]);
        }
        put(&mut changed, transport_at(&frame), [9, 9]);
        assert_eq!(of(&changed), ChecksumVerdict::Unknown);
    }
}

#[test]
fn merged_segments_are_not_called_wrong() {
    for (mut frame, layer) in frames(&[5; 1480]) {
        assert_eq!(of(&frame), ChecksumVerdict::Right);
        let at = field_at(&frame, layer);
        put(&mut frame, at, [1, 2]);
        let expected = match layer {
            Layer::Tcp => ChecksumVerdict::Unknown,
            _ => ChecksumVerdict::Wrong(layer),
        };
        assert_eq!(of(&frame), expected);
    }
}

#[test]
fn the_innermost_packet_counts() {
    let [client, server] = V4.map(address);
    let outer = Conversation::new(client, server).over(&[
        OuterLayer::Ethernet(Ethernet::default()),
        OuterLayer::Ipv4(flowscope_fixtures::Ipv4::new(
            [192, 0, 2, 1].into(),
            [192, 0, 2, 2].into(),
        )),
        OuterLayer::Vxlan(Vxlan::new(7)),
        OuterLayer::Ethernet(Ethernet::default()),
    ]);
    let frames = outer.segment(Side::Client, Tcp::ACK, b"inside").frames();
    let mut frame = frames.into_iter().next().expect("there is one").bytes;
    assert_eq!(of(&frame), ChecksumVerdict::Right);
    if let Some(last) = frame.last_mut() {
        *last ^= 1;
    }
    assert_eq!(of(&frame), ChecksumVerdict::Wrong(Layer::Tcp));
}

#[test]
fn a_route_ahead_hides_the_destination() {
    let [_, _, (tcp, _), _] = <[_; 4]>::try_from(frames(b"x")).expect("four frames");
    let (header, transport) = ip(&tcp).split_at(40);
    for (segments_left, expected) in [(1, ChecksumVerdict::Unknown), (0, ChecksumVerdict::Right)] {
        let mut packet = header.to_vec();
        put(&mut packet, 4, (transport.len() as u16 + 8).to_be_bytes());
        put(&mut packet, 6, [43, 64]);
        packet.extend([6, 0, 0, segments_left, 0, 0, 0, 0]);
        packet.extend(transport);
        let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
        assert_eq!(ChecksumVerdict::of(view, Depth::Outermost), expected);
    }
}

#[test]
fn other_protocols_have_sums_of_their_own() {
    // An echo request each, and UDP-Lite that covers its header.
    let icmp = [8, 0, 0xf7, 0xfd, 0, 1, 0, 1];
    assert_eq!(over_ipv4(1, &icmp), ChecksumVerdict::Right);
    let wrong = [8, 0, 0xf7, 0xfd, 0, 1, 0, 2];
    assert_eq!(over_ipv4(1, &wrong), ChecksumVerdict::Wrong(Layer::Icmp));
    // 10.0.0.1 + 10.0.0.2 + 136 + 12 + 1 + 2 + 8 = 0x14a2.
    let lite = [0, 1, 0, 2, 0, 8, 0xeb, 0x5d, 1, 2, 3, 4];
    assert_eq!(over_ipv4(136, &lite), ChecksumVerdict::Right);
    let wrong = [0, 1, 0, 3, 0, 8, 0xeb, 0x5d, 1, 2, 3, 4];
    assert_eq!(
        over_ipv4(136, &wrong),
        ChecksumVerdict::Wrong(Layer::UdpLite)
    );
    assert_eq!(over_ipv4(132, &[0; 12]), ChecksumVerdict::Unknown);
}

fn over_ipv4(protocol: u8, transport: &[u8]) -> ChecksumVerdict {
    let len = 20 + transport.len() as u8;
    let mut packet = Vec::from([0x45, 0, 0, len, 0, 0, 0, 0, 64, protocol, 0, 0]);
    packet.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend(transport);
    let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
    ChecksumVerdict::of(view, Depth::Outermost)
}

#[test]
fn the_example_of_rfc_1071() {
    let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
    assert_eq!(fold(sum(&bytes)).swap_bytes(), 0xddf2);
}

#[test]
fn a_verdict_is_a_skip_only_if_wrong() {
    assert_eq!(ChecksumVerdict::Right.skip(), None);
    assert_eq!(ChecksumVerdict::Unknown.skip(), None);
    let skip = ChecksumVerdict::Wrong(Layer::Tcp)
        .skip()
        .expect("it is wrong");
    assert_eq!(skip.to_string(), "tcp: wrong checksum");
}

proptest! {
    #[test]
    fn sums_are_those_of_one_word_after_the_other(
        bytes in prop::collection::vec(any::<u8>(), 0..3000),
    ) {
        let mut naive = 0u32;
        for word in bytes.chunks(2) {
            let mut pair = [0; 2];
            pair.iter_mut().zip(word).for_each(|(place, byte)| *place = *byte);
            naive += u32::from(u16::from_be_bytes(pair));
            naive = (naive & 0xffff) + (naive >> 16);
        }
        prop_assert_eq!(u32::from(fold(sum(&bytes)).swap_bytes()), naive);
    }

    #[test]
    fn folds_are_remainders(sum: u64) {
        let folded = u64::from(fold(sum));
        prop_assert_eq!(folded % 0xffff, sum % 0xffff);
        prop_assert_eq!(folded == 0, sum == 0);
    }

    #[test]
    fn no_bytes_panic(
        first in prop::sample::select(&[0x45u8, 0x46, 0x60][..]),
        next: u8,
        mut packet in prop::collection::vec(any::<u8>(), 1..200),
    ) {
        for (at, byte) in [(0, first), (6, next), (9, next)] {
            if let Some(place) = packet.get_mut(at) {
                *place = byte;
            }
        }
        let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
        let _ = ChecksumVerdict::of(view, Depth::Innermost);
    }
}
