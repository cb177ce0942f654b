//! Teredo (RFC 4380): IPv6 over UDP, through address translators.

use super::{Inside, IpVersion, Layer, Next, Outer, Skip};
use super::{after, split};

/// Between a client and its server, whose port is known.
pub(super) fn teredo<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    let packet = behind_indications(outer.bytes);
    if let Ok([first, ..]) = packet
        && first >> 4 != 6
    {
        return None;
    }
    outer.report(LAYER, None);
    Some(packet.map(|packet| (Next::Ipv6, packet)))
}

/// Between a client and a relay or another client (RFC 4380, sections 5.2.3 and
/// 5.4.1), on ports that may be any.
///
/// It is known by its form: a datagram that is filled by a packet of IPv6 with
/// a Teredo address, in which is written to where the packet outside goes or
/// from where it comes. A client behind an address translator may have another
/// address where this was captured, or another port, hardly ever both.
pub(super) fn relayed<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    if outer.ip.version != IpVersion::V4 || !may_be_relayed(outer.bytes) {
        return None;
    }
    let packet = behind_indications(outer.bytes).ok()?;
    let header = Header::read(packet)?;
    let on_wire = packet.len() + usize::try_from(outer.missing).ok()?;
    let is_filled = match header.len {
        // A bubble, which opens a way through a translator; some have trailers.
        len if header.next == NO_NEXT_HEADER => len <= on_wire,
        len if outer.is_fragment => len >= on_wire,
        len => len == on_wire,
    };
    // Both of Teredo's addresses and IP's are in this order.
    let [from, to] = outer.ip.addrs.map(|addr| addr.low);
    let is_here = is_client(header.src, from, outer.ports.src, to)
        || is_client(header.dst, to, outer.ports.dst, from);
    if !is_filled || !is_here {
        return None;
    }
    outer.report(LAYER, None);
    Some(Ok((Next::Ipv6, packet)))
}

/// Whether it is worth a closer look: there is an IPv6 header with a Teredo
/// address, or what may stand in front of it and then that header.
#[inline]
pub(super) fn may_be_relayed(bytes: &[u8]) -> bool {
    let Some([first, second, ..]) = bytes.first_chunk::<IPV6>() else {
        return false;
    };
    match [*first, *second] {
        [0, 0 | 1] => has_header_behind(bytes),
        // Nothing else begins so, but one datagram in four of some protocols
        // has the first byte of IPv6: so what hardly any has is asked first.
        [first, _] => has_teredo_address(bytes) && first >> 4 == 6,
    }
}

#[cold]
fn has_header_behind(bytes: &[u8]) -> bool {
    behind_indications(bytes)
        .is_ok_and(|packet| matches!(packet, [0x60..=0x6f, ..]) && has_teredo_address(packet))
}

/// Whether the source or the destination of an IPv6 header is of Teredo.
#[inline]
fn has_teredo_address(packet: &[u8]) -> bool {
    Header::read(packet).is_some_and(|header| {
        // Both, without a branch between them.
        header.src.starts_with(&PREFIX) | header.dst.starts_with(&PREFIX)
    })
}

/// Whether `addr` is that of a client (RFC 4380, section 4) which is at this
/// end of a packet between IPv4 addresses, by its own address or port, or by
/// that of its server at the other end.
fn is_client(addr: &[u8; 16], here: u64, port: u16, there: u64) -> bool {
    let [_, _, _, _, s0, s1, s2, s3, _, _, p0, p1, c0, c1, c2, c3] = *addr;
    let server = u32::from_be_bytes([s0, s1, s2, s3]);
    // What translators could take for an address of theirs is written inverted.
    let mapped_port = !u16::from_be_bytes([p0, p1]);
    let mapped = !u32::from_be_bytes([c0, c1, c2, c3]);
    addr.starts_with(&PREFIX)
        && (mapped_port == port || u64::from(mapped) == here || u64::from(server) == there)
}

/// An IPv6 header.
struct Header<'a> {
    /// With what follows it.
    len: usize,
    next: u8,
    src: &'a [u8; 16],
    dst: &'a [u8; 16],
}

impl<'a> Header<'a> {
    #[inline]
    fn read(packet: &'a [u8]) -> Option<Self> {
        let (fixed, rest) = packet.split_first_chunk::<8>()?;
        let (src, rest) = rest.split_first_chunk()?;
        let dst = rest.first_chunk()?;
        let [_, _, _, _, len0, len1, next, _] = *fixed;
        let len = IPV6 + usize::from(u16::from_be_bytes([len0, len1]));
        Some(Self {
            len,
            next,
            src,
            dst,
        })
    }
}

/// Passes over the authentication and the origin of a packet, if they are
/// there; in this order if both are.
fn behind_indications(mut bytes: &[u8]) -> Result<&[u8], Skip> {
    if let Some(rest) = bytes.strip_prefix(&[0, 1]) {
        let ([client, authentication], rest) = split::<2>(rest, LAYER)?;
        let nonce_and_confirmation = 9;
        let len = usize::from(*client) + usize::from(*authentication) + nonce_and_confirmation;
        bytes = after(rest, len, LAYER)?;
        // It takes two bytes to tell an origin from a packet.
        split::<2>(bytes, LAYER)?;
    }
    if let Some(port_and_address) = bytes.strip_prefix(&[0, 0]) {
        bytes = after(port_and_address, 6, LAYER)?;
    }
    Ok(bytes)
}

const LAYER: Layer = Layer::Teredo;
/// What Teredo addresses begin with (RFC 4380, section 2.6).
const PREFIX: [u8; 4] = [0x20, 0x01, 0, 0];
const NO_NEXT_HEADER: u8 = 59;
/// Length of an IPv6 header.
const IPV6: usize = 40;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use flowscope_fixtures::{Ipv4, Ipv6, Layer as OuterLayer, Udp, wrap};

    use super::super::super::{Depth, Headers, Layers};
    use super::*;
    use crate::{LinkType, PacketView, Timestamp};

    /// A client of the server 203.0.113.80 that is known outside by port 4000
    /// of 198.51.100.9.
    const CLIENT: [u8; 16] = [
        0x20, 0x01, 0, 0, 203, 0, 113, 80, 0x80, 0, !0x0f, !0xa0, !198, !51, !100, !9,
    ];
    const OTHER: [u8; 16] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    const RELAY: [u8; 4] = [192, 0, 2, 7];

    fn inner(from: [u8; 16], to: [u8; 16]) -> Vec<u8> {
        let ip = OuterLayer::Ipv6(Ipv6::new(from.into(), to.into()));
        wrap(&[ip, OuterLayer::Udp(Udp::new(7, 9))], b"payload")
    }

    fn outer(from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
        let ip = OuterLayer::Ipv4(Ipv4::new(from.0.into(), to.0.into()));
        wrap(&[ip, OuterLayer::Udp(Udp::new(from.1, to.1))], payload)
    }

    fn view(packet: &[u8]) -> PacketView<'_> {
        PacketView::new(packet, Timestamp::EPOCH).with_link(LinkType::RAW)
    }

    fn is_opened(packet: &[u8]) -> bool {
        let view = view(packet);
        let layers = Layers::around(view, Depth::Innermost);
        let opened = layers.first().is_some_and(|it| it.layer == LAYER);
        let headers = Headers::parse(view, Depth::Innermost).expect("it is sound");
        assert_eq!(opened, headers.ip.version == IpVersion::V6);
        opened
    }

    const INDICATIONS: [&[u8]; 4] = [
        &[],
        &[0, 0, 0xf0, 0x5f, 1, 2, 3, 4],
        &[0, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0],
        &[
            0, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0xf0, 0x5f, 1, 2, 3, 4,
        ],
    ];

    #[test]
    fn a_relay_is_known_by_the_client_it_serves() {
        let ends = [
            // By both, and behind translators by one of the two.
            ([198, 51, 100, 9], 4000),
            ([192, 168, 1, 9], 4000),
            ([198, 51, 100, 9], 1234),
        ];
        for client in ends {
            for in_front in INDICATIONS {
                let relay = (RELAY, 32900);
                let there = [in_front, &inner(CLIENT, OTHER)].concat();
                assert!(is_opened(&outer(client, relay, &there)), "{client:?}");
                let back = [in_front, &inner(OTHER, CLIENT)].concat();
                assert!(is_opened(&outer(relay, client, &back)), "{client:?}");
            }
        }
        // Its server, from a port of its own.
        let server = ([203, 0, 113, 80], 9);
        let client = ([192, 168, 1, 9], 1234);
        assert!(is_opened(&outer(client, server, &inner(CLIENT, OTHER))));
    }

    #[test]
    fn what_only_looks_like_it_is_not_opened() {
        let (client, relay) = (([198, 51, 100, 9], 4000), (RELAY, 32900));
        let sound = inner(CLIENT, OTHER);
        let changed = |at: usize, byte: u8| {
            let mut packet = sound.clone();
            packet[at] = byte;
            packet
        };
        let cases = [
            // Another version, length or prefix; more or less than a packet.
            outer(client, relay, &changed(0, 0x50)),
            outer(client, relay, &changed(5, 14)),
            outer(client, relay, &changed(5, 16)),
            outer(client, relay, &changed(11, 1)),
            outer(client, relay, &sound[..39]),
            outer(client, relay, &[&sound[..], &[0]].concat()),
            outer(client, relay, &inner(OTHER, OTHER)),
            // The other way, and between others.
            outer(relay, client, &sound),
            outer((RELAY, 1), (RELAY, 2), &sound),
            // Not in place of anything.
            outer(client, relay, &[&[0, 2], &sound[..]].concat()),
        ];
        for (n, packet) in cases.iter().enumerate() {
            assert!(!is_opened(packet), "{n}");
        }
        // Nor over IPv6, over which it does not run.
        let ip = OuterLayer::Ipv6(Ipv6::new(OTHER.into(), OTHER.into()));
        let packet = wrap(&[ip, OuterLayer::Udp(Udp::new(4000, 1))], &sound);
        assert!(Layers::around(view(&packet), Depth::Innermost).is_empty());
    }

    #[test]
    fn a_bubble_may_have_a_trailer() {
        let ip = OuterLayer::Ipv6(Ipv6::new(CLIENT.into(), OTHER.into()));
        let bubble = wrap(&[ip, OuterLayer::Protocol(NO_NEXT_HEADER)], b"");
        for trailer in [&[][..], &[1, 4, 9, 9, 9, 9]] {
            let payload = [&bubble, trailer].concat();
            let packet = outer(([198, 51, 100, 9], 4000), (RELAY, 32900), &payload);
            let headers = Headers::parse(view(&packet), Depth::Innermost).expect("it is sound");
            assert_eq!(
                (headers.ip.protocol.0, headers.ip.len),
                (NO_NEXT_HEADER, 40)
            );
        }
    }

    #[test]
    fn a_cut_or_fragmented_packet_is_opened_as_far_as_it_goes() {
        let whole = outer(
            ([198, 51, 100, 9], 4000),
            (RELAY, 32900),
            &inner(CLIENT, OTHER),
        );
        let cut = view(&whole[..whole.len() - 5]).with_wire_len(whole.len() as u32);
        let headers = Headers::parse(cut, Depth::Innermost).expect("its ports are there");
        assert_eq!((headers.ports.dst, headers.payload.missing), (9, 5));
        let mut first = whole[..whole.len() - 7].to_vec();
        first[3] -= 7;
        first[6] = 0x20;
        let headers = Headers::parse(view(&first), Depth::Innermost).expect("it is the first");
        assert_eq!((headers.ports.dst, headers.is_fragment), (9, true));
    }
}
