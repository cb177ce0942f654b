//! GTP-U (3GPP TS 29.281): the user plane of mobile networks. And version 0 of
//! GTP (GSM 09.60), in which that had no port of its own.

use super::{Cause, Inside, Layer, Next, Outer, Skip};
use super::{after, split};

/// Only data is opened: the protocol's other messages are between its ends.
pub(super) fn gtpu<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    const VERSION_1: u8 = 0b0011_0000;
    const HAS_OPTIONS: u8 = 0b0000_0111;
    const HAS_EXTENSIONS: u8 = 0b0000_0100;
    let ([flags, kind, len0, len1, tunnel @ ..], rest) = outer.bytes.split_first_chunk::<8>()?;
    if flags & 0b1111_0000 != VERSION_1 || *kind != G_PDU {
        return None;
    }
    outer.report(LAYER, Some(u32::from_be_bytes(*tunnel)));
    let rest = outer.up_to(rest, u16::from_be_bytes([*len0, *len1]).into());
    // Whichever of the three is there, so is room for all.
    let rest = match flags & HAS_OPTIONS {
        0 => Ok(rest),
        _ => options(rest, flags & HAS_EXTENSIONS != 0),
    };
    Some(rest.map(|rest| (content(rest), rest)))
}

/// Only data, again. Its tunnel is known by a flow label; the identifier behind
/// that does not fit into any other's.
pub(super) fn version_0<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    /// Charging records have the same port, and another protocol type.
    const GTP_OF_VERSION_0: u8 = 0b0001_0000;
    let [flags, kind] = outer.bytes.first_chunk()?;
    if flags & 0b1111_0000 != GTP_OF_VERSION_0 || *kind != G_PDU {
        return None;
    }
    let (header, rest) = match split::<20>(outer.bytes, LAYER) {
        Ok(split) => split,
        Err(skip) => return Some(Err(skip)),
    };
    let [_, _, len0, len1, _, _, label0, label1, ..] = *header;
    outer.report(LAYER, Some(u16::from_be_bytes([label0, label1]).into()));
    let rest = outer.up_to(rest, u16::from_be_bytes([len0, len1]).into());
    Some(Ok((content(rest), rest)))
}

/// Sequence number, N-PDU number, and the extension headers, each of which
/// ends with the type of the next.
fn options(bytes: &[u8], has_extensions: bool) -> Result<&[u8], Skip> {
    let ([_, _, _, first], mut rest) = split::<4>(bytes, LAYER)?;
    let mut next = if has_extensions { *first } else { 0 };
    while next != 0 {
        let ([words], _) = split::<1>(rest, LAYER)?;
        let Some(last) = (4 * usize::from(*words)).checked_sub(1) else {
            return Err(Skip::new(LAYER, Cause::BadLength));
        };
        ([next], rest) =
            split::<1>(after(rest, last, LAYER)?, LAYER).map(|([next], rest)| ([*next], rest))?;
    }
    Ok(rest)
}

/// What the session carries was agreed on when it was set up.
fn content(bytes: &[u8]) -> Next {
    match bytes {
        [] | [0x40..=0x4f | 0x60..=0x6f, ..] => Next::Ip,
        [0xff, 0x03, ..] | [0x00 | 0xc0, 0x21, ..] | [0x00, 0x57, ..] => Next::Ppp,
        _ => Next::Ethernet,
    }
}

const LAYER: Layer = Layer::GtpU;
/// User data, called a T-PDU in version 0.
const G_PDU: u8 = 0xff;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use flowscope_fixtures::{Ipv4, Ipv6, Layer as OuterLayer, Udp, wrap};

    use super::super::super::{Depth, Headers, Layers};
    use super::*;
    use crate::{LinkType, PacketView, Timestamp};

    /// An IPv4 and an IPv6 packet of UDP that carries ten bytes.
    fn packets() -> [Vec<u8>; 2] {
        let v4 = Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let v6 = Ipv6::new([0x20; 16].into(), [0x21; 16].into());
        [OuterLayer::Ipv4(v4), OuterLayer::Ipv6(v6)]
            .map(|ip| wrap(&[ip, OuterLayer::Udp(Udp::new(7, 9))], &[0x2a; 10]))
    }

    fn datagram(ports: [u16; 2], header: &[u8], inside: &[u8]) -> Vec<u8> {
        let ip = Ipv4::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let [src, dst] = ports;
        let outside = [OuterLayer::Ipv4(ip), OuterLayer::Udp(Udp::new(src, dst))];
        wrap(&outside, &[header, inside].concat())
    }

    /// A header of version 0 with a flow label of 5.
    fn version_0(flags: u8, kind: u8, len: usize) -> [u8; 20] {
        let mut header = [0xff; 20];
        let [high, low] = (len as u16).to_be_bytes();
        header[..8].copy_from_slice(&[flags, kind, high, low, 0, 1, 0, 5]);
        header
    }

    fn view(packet: &[u8]) -> PacketView<'_> {
        PacketView::new(packet, Timestamp::EPOCH).with_link(LinkType::RAW)
    }

    /// The tunnel and the length of the payload of the packet inside.
    fn inside(packet: PacketView<'_>) -> Option<(Option<u32>, u32)> {
        let headers = Headers::parse(packet, Depth::Innermost).expect("it is sound");
        let layers = Layers::around(packet, Depth::Innermost);
        let found = layers.first()?;
        assert_eq!((found.layer, headers.ports.dst), (LAYER, 9));
        assert_eq!(headers.payload.missing, 0);
        Some((found.id, headers.payload.wire_len()))
    }

    #[test]
    fn version_0_carries_packets_as_well() {
        for packet in packets() {
            for ports in [[3386, 3386], [50000, 3386], [3386, 50000]] {
                for flags in [0x1e, 0x1f, 0x10] {
                    let header = version_0(flags, 0xff, packet.len());
                    let datagram = datagram(ports, &header, &packet);
                    assert_eq!(inside(view(&datagram)), Some((Some(5), 10)));
                }
            }
        }
    }

    #[test]
    fn other_messages_of_version_0_carry_none() {
        for packet in packets() {
            // Echo, signalling, another version, and charging records.
            for (flags, kind) in [(0x1e, 1), (0x1e, 16), (0x3e, 0xff), (0x0e, 0xff)] {
                let header = version_0(flags, kind, packet.len());
                let datagram = datagram([3386, 3386], &header, &packet);
                assert_eq!(inside(view(&datagram)), None);
            }
        }
        for nothing in [&b""[..], b"none", &[0; 40]] {
            let header = version_0(0x1e, 0xff, nothing.len());
            let datagram = datagram([3386, 3386], &header, nothing);
            assert_eq!(inside(view(&datagram)), None);
        }
    }

    #[test]
    fn a_header_that_is_not_all_there_is_told() {
        let header = version_0(0x1e, 0xff, 0);
        let closed = |packet| Layers::around(packet, Depth::Innermost).unopened_tunnel();
        let datagram = datagram([3386, 3386], &header[..19], b"");
        let whole = view(&datagram);
        assert_eq!(closed(whole), Some(Skip::new(LAYER, Cause::BadLength)));
        // As its UDP header says, even if the capture lacks what is behind it.
        let cut = whole.with_wire_len(99);
        assert_eq!(closed(cut), Some(Skip::new(LAYER, Cause::BadLength)));
        let mut longer = datagram.clone();
        (longer[3], longer[25]) = (99, 79);
        let cut = view(&longer).with_wire_len(99);
        assert_eq!(closed(cut), Some(Skip::new(LAYER, Cause::Truncated)));
    }

    #[test]
    fn what_is_inside_ends_where_the_length_says() {
        for packet in packets() {
            for (fewer, expected) in [(0, 10), (3, 7), (10, 0)] {
                let len = packet.len() - fewer;
                let header = [0x30, 0xff, 0, len as u8, 0, 0, 0, 6];
                let new = datagram([2152, 2152], &header, &packet);
                assert_eq!(inside(view(&new)), Some((Some(6), expected)));
                let header = version_0(0x1e, 0xff, len);
                let old = datagram([3386, 3386], &header, &packet);
                assert_eq!(inside(view(&old)), Some((Some(5), expected)));
            }
            // One that says more than there is says nothing.
            let header = [0x30, 0xff, 0xff, 0xff, 0, 0, 0, 6];
            let datagram = datagram([2152, 2152], &header, &packet);
            assert_eq!(inside(view(&datagram)), Some((Some(6), 10)));
        }
    }
}
