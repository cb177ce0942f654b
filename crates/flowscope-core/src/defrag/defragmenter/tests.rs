//! Fragments as packets, so that wire and defragmenter are tested together.

use core::time::Duration;
use std::string::String;
use std::vec::Vec;

use super::*;
use crate::defrag::Overlap;
use crate::defrag::budget::LEAST;
use crate::wire::{Depth, Headers, Layer, LayerVisitor, REASSEMBLED, Transport};
use crate::{LinkType, PacketView};

mod limits;
mod model;

/// A fragment to be built: of the payload's bytes from `start` on.
#[derive(Clone, Debug)]
struct Part {
    version: IpVersion,
    source: u32,
    id: u16,
    start: u16,
    more: bool,
    payload: Vec<u8>,
}

type Holder = Defragmenter<&'static str, u32>;

fn v4(start: u16, more: bool, payload: &[u8]) -> Part {
    Part {
        version: IpVersion::V4,
        source: 1,
        id: 7,
        start,
        more,
        payload: payload.into(),
    }
}

fn v6(start: u16, more: bool, payload: &[u8]) -> Part {
    Part {
        version: IpVersion::V6,
        ..v4(start, more, payload)
    }
}

impl Part {
    fn packet(&self) -> Vec<u8> {
        let mut packet = Vec::new();
        let len = self.payload.len() as u16;
        match self.version {
            IpVersion::V4 => {
                packet.extend([0x45, 0]);
                packet.extend((20 + len).to_be_bytes());
                packet.extend(self.id.to_be_bytes());
                packet.extend((u16::from(self.more) << 13 | (self.start / 8)).to_be_bytes());
                packet.extend([64, 17, 0, 0]);
                packet.extend(self.source.to_be_bytes());
                packet.extend([10, 0, 0, 2]);
            }
            IpVersion::V6 => {
                packet.extend([0x60, 0, 0, 0]);
                packet.extend((16 + len).to_be_bytes());
                // Destination options between the fixed header and the fragment's.
                packet.extend([60, 64]);
                packet.extend([0x20; 12]);
                packet.extend(self.source.to_be_bytes());
                packet.extend([0x30; 16]);
                packet.extend([44, 0, 1, 4, 0, 0, 0, 0]);
                packet.extend([17, 0]);
                packet.extend((self.start | u16::from(self.more)).to_be_bytes());
                packet.extend([0, 0]);
                packet.extend(self.id.to_be_bytes());
            }
        }
        packet.extend(&self.payload);
        packet
    }
}

fn holder(overlap: Overlap) -> Holder {
    Holder::new(FragmentConfig {
        overlap,
        ..FragmentConfig::default()
    })
}

fn second(n: u64) -> Timestamp {
    Timestamp::new(1000 + n, 0)
}

/// Pushes a fragment of which the capture lacks the last `cut` bytes.
fn push_cut(
    holder: &mut Holder,
    part: &Part,
    cut: usize,
    arrival: u32,
    at: Timestamp,
) -> PushResult {
    let packet = part.packet();
    let captured = packet
        .get(..packet.len() - cut)
        .expect("less than all is cut");
    let view = PacketView::new(captured, at)
        .with_link(LinkType::RAW)
        .with_wire_len(packet.len() as u32);
    push_view(holder, view, &[], arrival)
}

fn push_view(holder: &mut Holder, view: PacketView<'_>, scope: &[u8], arrival: u32) -> PushResult {
    let mut feeder = Feeder {
        scope,
        push: |fragment: &IpFragment<'_>| {
            holder.push(fragment, LINK, &[arrival], view.timestamp, |_| true)
        },
        pushed: None,
    };
    let _ = Headers::trace(view, Depth::Outermost, &mut feeder);
    feeder.pushed.expect("a fragment")
}

/// Pushes the fragment that a walk meets.
struct Feeder<'s, F> {
    scope: &'s [u8],
    push: F,
    pushed: Option<PushResult>,
}

impl<F: FnMut(&IpFragment<'_>) -> PushResult> LayerVisitor for Feeder<'_, F> {
    fn layer(&mut self, _: Layer, _: Option<u32>) {}

    fn fragment(&mut self, fragment: &IpFragment<'_>) {
        self.pushed = Some((self.push)(&fragment.in_scope(self.scope)));
    }
}

/// A link layer of nothing but its length.
const LINK: &[u8] = &[0; 2];

fn push(holder: &mut Holder, part: &Part) -> PushResult {
    push_cut(holder, part, 0, 0, second(0))
}

/// The payload of the datagram that the parts make, once it is whole.
fn payload(holder: &mut Holder, parts: &[Part]) -> Option<Vec<u8>> {
    let mut whole = None;
    for part in parts {
        let pushed = push(holder, part);
        if pushed.is_whole {
            whole = holder.take_whole(pushed.datagram);
        }
    }
    Some(payload_of(&whole?))
}

/// What is behind the header of a packet that has been put together.
fn behind_header<'a>(whole: &'a RemovedDatagram<&str, u32>) -> &'a [u8] {
    let header_len = match whole.version {
        IpVersion::V4 => 20,
        IpVersion::V6 => 48,
    };
    let packet = whole.packet.as_ref().expect("a packet");
    packet
        .bytes
        .get(LINK.len() + header_len..)
        .expect("a header")
}

/// The payload of a packet that has been put together, by its headers.
fn payload_of(whole: &RemovedDatagram<&str, u32>) -> Vec<u8> {
    let packet = whole.packet.as_ref().expect("a packet");
    let view = PacketView::new(&packet.bytes, second(0))
        .with_link(REASSEMBLED)
        .with_wire_len(packet.wire_len);
    // Some are too short for a UDP header; what there is of headers is right.
    if let Ok(headers) = Headers::parse(view, Depth::Outermost) {
        assert_eq!(
            headers.ip.len as usize + LINK.len(),
            packet.wire_len as usize
        );
        assert_eq!(headers.transport, Transport::Udp);
        assert!(!headers.is_fragment);
    }
    behind_header(whole).into()
}

#[test]
fn fragments_in_any_order_make_the_datagram() {
    for of in [v4, v6] {
        let parts = [
            of(0, true, b"fragment"),
            of(8, true, b"s in any"),
            of(16, false, b" order"),
        ];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
            let mut holder = holder(Overlap::Bsd);
            let parts = order.map(|n| parts[n].clone());
            let whole = payload(&mut holder, &parts).expect("it is whole");
            assert_eq!(whole, b"fragments in any order");
            assert!(holder.drain().is_none() && holder.charge == 0);
        }
    }
}

#[test]
fn a_whole_packet_has_its_own_headers() {
    let mut holder = holder(Overlap::Bsd);
    for (of, header) in [
        (
            v4 as fn(_, _, &[u8]) -> _,
            &[0x45, 0, 0, 36, 0, 7, 0, 0, 64, 17][..],
        ),
        (v6, &[0x60, 0, 0, 0, 0, 24, 60, 64]),
    ] {
        push(&mut holder, &of(8, false, b"12345678"));
        let pushed = push(&mut holder, &of(0, true, b"abcdefgh"));
        let whole = holder.take_whole(pushed.datagram).expect("it is whole");
        assert_eq!(payload_of(&whole), b"abcdefgh12345678");
        let whole_packet = whole.packet.expect("a packet");
        assert_eq!(whole_packet.bytes.len(), whole_packet.wire_len as usize);
        let packet = &whole_packet.bytes[LINK.len()..];
        assert!(packet.starts_with(header), "{packet:x?}");
        match whole.version {
            // A sum over a sound header, its checksum included, is all ones.
            IpVersion::V4 => {
                let words = packet[..20].chunks(2);
                let sum: u32 = words
                    .map(|two| u32::from(two[0]) << 8 | u32::from(two[1]))
                    .sum();
                assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
            }
            // The options announce UDP, where they announced a fragment.
            IpVersion::V6 => assert_eq!(packet[40], 17),
        }
        holder.recycle(whole_packet);
    }
}

#[test]
fn datagrams_are_told_apart() {
    let mut holder = holder(Overlap::Bsd);
    let first = v4(0, true, b"first...");
    let others = [
        Part {
            id: 8,
            ..first.clone()
        },
        Part {
            source: 2,
            ..first.clone()
        },
        v6(0, true, b"first..."),
    ];
    let place = push(&mut holder, &first).datagram;
    for other in &others {
        assert_ne!(push(&mut holder, other).datagram, place);
    }
    let again = push(&mut holder, &first);
    assert_eq!((again.datagram, again.verdict), (place, Verdict::Repeated));
}

#[test]
fn two_scopes_never_share_a_datagram() {
    let mut holder = holder(Overlap::Bsd);
    let packet = v4(0, true, b"01234567").packet();
    let view = PacketView::new(&packet, second(0)).with_link(LinkType::RAW);
    let scopes: [&[u8]; 6] = [&[], &[0], &[0, 0], &[1], &[1, 0], &[0, 1]];
    let places: Vec<DatagramIndex> = scopes
        .iter()
        .map(|scope| {
            let pushed = push_view(&mut holder, view, scope, 0);
            assert_eq!(pushed.verdict, Verdict::Held, "{scope:?}");
            pushed.datagram
        })
        .collect();
    for (scope, place) in scopes.iter().zip(&places) {
        let again = push_view(&mut holder, view, scope, 0);
        assert_eq!((again.datagram, again.verdict), (*place, Verdict::Repeated));
    }
}

#[test]
fn the_memory_of_a_scope_is_counted() {
    let packet = v4(0, true, &[0; 4096]).packet();
    let view = PacketView::new(&packet, second(0)).with_link(LinkType::RAW);
    let memory = |scope: &[u8]| {
        let mut holder = holder(Overlap::Bsd);
        push_view(&mut holder, view, scope, 0);
        let memory = holder.memory();
        assert!(holder.drain().is_some());
        assert_eq!(holder.memory(), 0);
        memory
    };
    assert!(memory(&[7; 100]) >= memory(&[]) + 100);
}

/// Each number is a fragment of so many units of eight bytes, at the place
/// where it stands; the last one ends the datagram.
fn drawn(units: &[(u16, &str)]) -> Vec<Part> {
    let last = units.len() - 1;
    let parts = units.iter().enumerate().map(|(n, (start, units))| {
        let payload: Vec<u8> = units.bytes().flat_map(|unit| [unit; 8]).collect();
        v4(start * 8, n < last, &payload)
    });
    parts.collect()
}

#[test]
fn each_policy_favours_its_own() {
    // The pattern by which Shankar and Paxson tell hosts apart.
    let pattern = &[
        (0, "111"),
        (4, "22"),
        (6, "333"),
        (1, "4444"),
        (6, "555"),
        (9, "666"),
    ];
    let enclosed = &[(0, "1"), (2, "22"), (1, "3333"), (5, "4")];
    let same_end = &[(0, "1"), (2, "22"), (1, "333"), (4, "4")];
    let same_start = &[(0, "1"), (1, "22"), (1, "333"), (4, "4")];
    let policies = [
        (Overlap::First, "111422333666", "132234", "13224", "12234"),
        (Overlap::Last, "144442555666", "133334", "13334", "13334"),
        (Overlap::Bsd, "111442333666", "133334", "13334", "12234"),
        (Overlap::Linux, "111442555666", "133334", "13334", "13334"),
        (Overlap::Windows, "111422333666", "133334", "13224", "12234"),
        (Overlap::Solaris, "111422333666", "133334", "13334", "12234"),
    ];
    assert_eq!(policies.map(|(policy, ..)| policy), Overlap::ALL);
    for (policy, first, second, third, fourth) in policies {
        let cases = [
            (&pattern[..], first),
            (enclosed, second),
            (same_end, third),
            (same_start, fourth),
        ];
        for (units, expected) in cases {
            let whole = payload(&mut holder(policy), &drawn(units)).expect("it is whole");
            let seen: String = whole.chunks(8).map(|unit| char::from(unit[0])).collect();
            assert_eq!(seen, expected, "{policy:?}");
            assert!(
                whole
                    .chunks(8)
                    .all(|unit| unit.iter().all(|byte| *byte == unit[0]))
            );
        }
    }
}

#[test]
fn an_ipv6_datagram_whose_fragments_overlap_is_given_up() {
    let first = v6(0, true, b"0123456789abcdef");
    let mut holder = holder(Overlap::Last);
    assert_eq!(push(&mut holder, &first).verdict, Verdict::Held);
    assert_eq!(push(&mut holder, &first).verdict, Verdict::Repeated);
    let inside = v6(8, true, b"89abcdef");
    assert_eq!(push(&mut holder, &inside).verdict, Verdict::Overlapping);
    // Those still to come begin no other datagram.
    for part in [first, v6(16, false, b"end")] {
        let pushed = push(&mut holder, &part);
        assert_eq!((pushed.verdict, pushed.is_whole), (Verdict::GivenUp, false));
    }
    assert!(holder.drain().is_some());
    assert!(holder.drain().is_none());

    let other = v6(0, true, b"0123456789abcde!");
    push(&mut holder, &v6(0, true, b"0123456789abcdef"));
    assert_eq!(push(&mut holder, &other).verdict, Verdict::Overlapping);
}

#[test]
fn lengths_that_lie_are_refused() {
    let (first, last) = (v4(0, true, b"01234567"), v4(8, false, b"end"));
    let never = [
        // A first part that is no multiple of eight, or nothing.
        v4(0, true, b"0123456"),
        v4(0, true, b""),
        // Longer than any datagram.
        v4(65_528, false, b"ping of death"),
    ];
    // Other ends than the one that was told.
    let too_late = [
        v4(8, false, b"ends"),
        v4(8, false, b"e"),
        v4(16, true, b"overflow"),
    ];
    for lie in never.iter().chain(&too_late) {
        let mut holder = holder(Overlap::Bsd);
        push(&mut holder, &last);
        assert_eq!(push(&mut holder, lie).verdict, Verdict::Refused, "{lie:?}");
        let whole = payload(&mut holder, core::slice::from_ref(&first));
        assert_eq!(whole.as_deref(), Some(&b"01234567end"[..]), "{lie:?}");
    }
    for lie in &never {
        let mut holder = holder(Overlap::Bsd);
        assert_eq!(push(&mut holder, lie).verdict, Verdict::Refused, "{lie:?}");
        let whole = payload(&mut holder, &[last.clone(), first.clone()]);
        assert_eq!(whole.as_deref(), Some(&b"01234567end"[..]), "{lie:?}");
    }
}

#[test]
fn a_last_fragment_that_ends_inside_another_is_refused() {
    // As teardrop sends them.
    let mut holder = holder(Overlap::Bsd);
    assert_eq!(
        push(&mut holder, &v4(0, true, &[1; 40])).verdict,
        Verdict::Held
    );
    assert_eq!(
        push(&mut holder, &v4(24, false, &[2; 4])).verdict,
        Verdict::Refused
    );
    assert_eq!(
        push(&mut holder, &v4(40, false, &[3; 4])).verdict,
        Verdict::Held
    );
}

#[test]
fn linux_cuts_what_is_no_multiple_of_eight() {
    let parts = [v4(0, true, b"0123456789"), v4(8, false, b"end")];
    let by = |policy| payload(&mut holder(policy), &parts);
    assert_eq!(by(Overlap::Linux).as_deref(), Some(&b"01234567end"[..]));
    assert_eq!(by(Overlap::Bsd), None);
}

#[test]
fn the_largest_datagram_goes_in() {
    for (of, most) in [(v4 as fn(_, _, &[u8]) -> _, 65_515), (v6, 65_527)] {
        let bytes: Vec<u8> = (0..=most as u32).map(|n| (n / 7) as u8).collect();
        for (len, is_whole) in [(most, true), (most + 1, false)] {
            let bytes = &bytes[..len];
            let parts: Vec<Part> = (0..len)
                .step_by(1024)
                .map(|start| {
                    let end = len.min(start + 1024);
                    of(start as u16, end < len, &bytes[start..end])
                })
                .collect();
            let whole = payload(&mut holder(Overlap::Bsd), &parts);
            assert_eq!(whole.is_some_and(|whole| whole == bytes), is_whole, "{len}");
        }
    }
}

#[test]
fn what_the_capture_lacks_is_known_to_be_missing() {
    let mut holder = holder(Overlap::Bsd);
    push_cut(
        &mut holder,
        &v4(0, true, b"0123456789abcdef"),
        4,
        0,
        second(0),
    );
    let pushed = push(&mut holder, &v4(16, false, b"end"));
    let whole = holder.take_whole(pushed.datagram).expect("it is whole");
    assert_eq!(payload_of(&whole), b"0123456789ab");
    let packet = whole.packet.expect("a packet");
    assert_eq!(packet.wire_len as usize, LINK.len() + 20 + 19);
}

#[test]
fn an_owner_gets_the_arrivals_of_before() {
    let mut holder = holder(Overlap::Bsd);
    let later = push_cut(&mut holder, &v4(8, true, b"01234567"), 0, 1, second(0));
    assert!(later.is_kept && holder.owner(later.datagram).is_none());
    let first = push_cut(&mut holder, &v4(0, true, b"01234567"), 0, 2, second(1));
    assert_eq!(holder.assign(first.datagram, "flow"), [1, 2]);

    let last = push_cut(&mut holder, &v4(16, false, b"end"), 0, 3, second(2));
    assert!(last.is_whole && !last.is_kept);
    assert_eq!(holder.owner(last.datagram), Some(&mut "flow"));
    let whole = holder.take_whole(last.datagram).expect("it is whole");
    assert_eq!((whole.owner, whole.arrivals), (Some("flow"), Vec::new()));
}

#[test]
fn what_is_too_old_comes_out_in_order() {
    let mut holder = holder(Overlap::Bsd);
    let old = [(v6 as fn(_, _, &[u8]) -> _, 0), (v4, 10), (v4, 20), (v6, 5)];
    for (n, (of, at)) in old.into_iter().enumerate() {
        let part = Part {
            id: n as u16,
            ..of(0, true, b"01234567")
        };
        push_cut(&mut holder, &part, 0, n as u32, second(at));
    }
    assert_eq!(holder.next_deadline(), Some(second(40)));
    assert!(holder.expire(second(39)).is_none());
    let mut gone = Vec::new();
    while let Some(lost) = holder.expire(second(60)) {
        gone.extend(lost.arrivals);
    }
    assert_eq!(gone, [1, 2, 0]);
    assert_eq!(holder.next_deadline(), Some(second(65)));
    assert_eq!(
        holder.drain().map(|lost| lost.arrivals),
        Some(Vec::from([3]))
    );
    assert_eq!(holder.next_deadline(), None);
}

#[test]
fn a_timeout_is_a_setting() {
    let mut holder = Holder::new(FragmentConfig {
        timeout_ipv4: Duration::from_secs(1),
        ..FragmentConfig::default()
    });
    push(&mut holder, &v4(0, true, b"01234567"));
    assert!(holder.expire(second(1)).is_some());
}
