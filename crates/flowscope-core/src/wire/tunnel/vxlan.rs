//! VXLAN (RFC 7348), its group policy extension, and its generic protocol
//! extension (draft-ietf-nvo3-vxlan-gpe).

use super::{Cause, Inside, Layer, Next, Outer, Skip};

/// Ethernet, whatever the reserved bits say (RFC 7348, section 5).
pub(super) fn vxlan<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    let (_, rest) = header(outer)?;
    Some(Ok((Next::Ethernet, rest)))
}

/// VXLAN-GPE, which has a port of its own and uses bits that VXLAN reserves.
pub(super) fn generic<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    let ([flags, _, _, protocol, ..], rest) = header(outer)?;
    let next = match flags & HAS_PROTOCOL {
        0 => Some(Next::Ethernet),
        _ => of_protocol(*protocol),
    };
    Some(match next {
        Some(next) => Ok((next, rest)),
        None => Err(Skip::new(Layer::Vxlan, Cause::NotIp)),
    })
}

/// What of the two a header looks like, for a port that tells nothing.
pub(super) fn either<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    const GENERIC: u8 = HAS_NETWORK | HAS_PROTOCOL;
    match outer.bytes {
        [GENERIC, 0, 0, protocol, ..] if of_protocol(*protocol).is_some() => generic(outer),
        _ => vxlan(outer),
    }
}

/// A header that names a network, and what is behind it.
fn header<'a>(outer: &mut Outer<'a, '_>) -> Option<(&'a [u8; 8], &'a [u8])> {
    let (header, rest) = outer.bytes.split_first_chunk()?;
    let [flags, _, _, _, high, middle, low, _] = *header;
    if flags & HAS_NETWORK == 0 {
        return None;
    }
    let network = u32::from_be_bytes([0, high, middle, low]);
    outer.report(Layer::Vxlan, Some(network));
    Some((header, rest))
}

/// The numbers that VXLAN-GPE and NSH share.
pub(super) fn of_protocol(number: u8) -> Option<Next> {
    match number {
        1 => Some(Next::Ipv4),
        2 => Some(Next::Ipv6),
        3 => Some(Next::Ethernet),
        4 => Some(Next::Nsh),
        5 => Some(Next::Mpls),
        _ => None,
    }
}

const HAS_NETWORK: u8 = 0x08;
const HAS_PROTOCOL: u8 = 0x04;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use flowscope_fixtures::{Ethernet, Ipv4, Ipv6, Layer as OuterLayer, Udp, wrap};

    use super::super::super::{Depth, Headers, Layers};
    use super::*;
    use crate::{LinkType, PacketView, Timestamp};

    /// A header over either version of IP, around the same packet.
    fn datagrams(port: u16, header: [u8; 8], is_frame: bool) -> [Vec<u8>; 2] {
        let ethernet = OuterLayer::Ethernet(Ethernet::default());
        let ip = OuterLayer::Ipv4(Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into()));
        let mut inside = Vec::from([ip, OuterLayer::Udp(Udp::new(7, 9))]);
        if is_frame {
            inside.insert(0, ethernet);
        }
        let vxlan = [&header[..], &wrap(&inside, b"")].concat();
        let outside = [
            OuterLayer::Ipv4(Ipv4::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into())),
            OuterLayer::Ipv6(Ipv6::new([0x20; 16].into(), [0x21; 16].into())),
        ];
        outside.map(|ip| wrap(&[ip, OuterLayer::Udp(Udp::new(50000, port))], &vxlan))
    }

    fn network(packet: &[u8]) -> Option<u32> {
        let view = PacketView::new(packet, Timestamp::EPOCH).with_link(LinkType::RAW);
        let headers = Headers::parse(view, Depth::Innermost).expect("it is sound");
        let layers = Layers::around(view, Depth::Innermost);
        assert_eq!(layers.is_empty(), headers.ports.dst != 9);
        layers.first().and_then(|layer| layer.id)
    }

    #[test]
    fn reserved_bits_mean_nothing() {
        for flags in 0..=0xff {
            let expected = (flags & HAS_NETWORK != 0).then_some(0x0001_0203);
            for port in [4789, 8472] {
                let header = [flags, 0xd1, 0xf2, 1, 1, 2, 3, 0xff];
                for packet in datagrams(port, header, true) {
                    assert_eq!(network(&packet), expected, "{flags:x}");
                }
            }
        }
    }

    #[test]
    fn the_generic_extension_is_known_by_its_port() {
        for packet in datagrams(4790, [0x0c, 0, 0, 1, 0, 0, 7, 0], false) {
            assert_eq!(network(&packet), Some(7));
        }
        for packet in datagrams(4790, [0x08, 0, 0, 0, 0, 0, 7, 0], true) {
            assert_eq!(network(&packet), Some(7));
        }
        for packet in datagrams(4789, [0x0c, 0, 0, 1, 0, 0, 7, 0], false) {
            assert_eq!(network(&packet), None);
        }
    }
}
