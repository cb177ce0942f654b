//! GTP-U (3GPP TS 29.281): the user plane of mobile networks.

use super::super::{after, split};
use super::{Cause, Inside, Layer, Next, Outer, Skip};

/// Only data is opened: the protocol's other messages are between its ends.
pub(super) fn gtpu<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    const VERSION_1: u8 = 0b0011_0000;
    const HAS_OPTIONS: u8 = 0b0000_0111;
    const HAS_EXTENSIONS: u8 = 0b0000_0100;
    let ([flags, kind, len0, len1, tunnel @ ..], rest) = outer.bytes.split_first_chunk::<8>()?;
    if flags & 0b1111_0000 != VERSION_1 || *kind != G_PDU {
        return None;
    }
    outer.tell(LAYER, Some(u32::from_be_bytes(*tunnel)));
    let rest = outer.up_to(rest, u16::from_be_bytes([*len0, *len1]).into());
    // Whichever of the three is there, so is room for all.
    let rest = match flags & HAS_OPTIONS {
        0 => Ok(rest),
        _ => options(rest, flags & HAS_EXTENSIONS != 0),
    };
    Some(rest.map(|rest| (content(rest), rest)))
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
/// User data.
const G_PDU: u8 = 0xff;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use flowscope_fixtures::{Ipv4, Ipv6, Layer as Around, Udp, wrap};

    use super::super::super::{Depth, Headers, Layers};
    use super::*;
    use crate::{LinkType, PacketView, Timestamp};

    /// An IPv4 and an IPv6 packet of UDP that carries ten bytes.
    fn packets() -> [Vec<u8>; 2] {
        let v4 = Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let v6 = Ipv6::new([0x20; 16].into(), [0x21; 16].into());
        [Around::Ipv4(v4), Around::Ipv6(v6)]
            .map(|ip| wrap(&[ip, Around::Udp(Udp::new(7, 9))], &[0x2a; 10]))
    }

    fn datagram(ports: [u16; 2], header: &[u8], inside: &[u8]) -> Vec<u8> {
        let ip = Ipv4::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let [src, dst] = ports;
        let outside = [Around::Ipv4(ip), Around::Udp(Udp::new(src, dst))];
        wrap(&outside, &[header, inside].concat())
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
    fn what_is_inside_ends_where_the_length_says() {
        for packet in packets() {
            for (fewer, expected) in [(0, 10), (3, 7), (10, 0)] {
                let len = packet.len() - fewer;
                let header = [0x30, 0xff, 0, len as u8, 0, 0, 0, 6];
                let new = datagram([2152, 2152], &header, &packet);
                assert_eq!(inside(view(&new)), Some((Some(6), expected)));
            }
            // One that says more than there is says nothing.
            let header = [0x30, 0xff, 0xff, 0xff, 0, 0, 0, 6];
            let datagram = datagram([2152, 2152], &header, &packet);
            assert_eq!(inside(view(&datagram)), Some((Some(6), 10)));
        }
    }
}
