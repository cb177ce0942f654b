//! PPP, PPPoE, Cisco HDLC and Frame Relay.

use super::next::Next;
use super::{Cause, Layer, LayerVisitor, Payload, Skip, after, split};

/// A PPP frame, with or without its HDLC address and control (RFC 1662), its
/// protocol in two bytes or compressed to one (RFC 1661, section 6.5).
///
/// Or one of Cisco HDLC, which serial lines carry as well: its address, of one
/// station or of all, is no protocol of PPP (RFC 1547, section 4.3.1).
pub(super) fn ppp(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    if let [0x0f | 0x8f, 0x00, ..] = bytes {
        return Ok((Next::CiscoHdlc, bytes));
    }
    let bytes = bytes.strip_prefix(&[0xff, 0x03]).unwrap_or(bytes);
    let (protocol, rest) = match bytes {
        // The first byte alone may be anything.
        [] | [_] => return Err(Skip::new(Layer::Ppp, Cause::Truncated)),
        [short, rest @ ..] if short & 1 == 1 => (u16::from(*short), rest),
        [high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
    };
    let next = match protocol {
        0x0021 => Next::Ipv4,
        0x0057 => Next::Ipv6,
        0x0281 | 0x0283 => Next::Mpls,
        // Bridged frames without a pad or checksum (RFC 3518).
        0x0031 => return Ok((Next::Ethernet, after(rest, 2, Layer::Ppp)?)),
        // Multilink (RFC 1990): a packet that was not taken apart is whole behind
        // its long sequence number.
        0x003d if matches!(rest, [0xc0, ..]) => {
            return Ok((Next::Ppp, after(rest, 4, Layer::Ppp)?));
        }
        0x0053 => return Err(Skip::new(Layer::Ppp, Cause::Encrypted)),
        // Header-compressed, compressed and multilink payload.
        0x002d | 0x002f | 0x003d | 0x00fb | 0x00fd => {
            return Err(Skip::new(Layer::Ppp, Cause::Unsupported));
        }
        _ => return Err(Skip::new(Layer::Ppp, Cause::NotIp)),
    };
    Ok((next, rest))
}

/// PPP as a daemon logs it: a direction in place of the HDLC address.
pub(super) fn ppp_with_direction(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let rest = after(bytes, 1, Layer::Ppp)?;
    Ok((Next::Ppp, rest.strip_prefix(&[0x03]).unwrap_or(rest)))
}

/// A PPPoE session frame. Its length is that of its payload, and what is behind
/// that pads the frame (RFC 2516, section 4).
pub(super) fn pppoe<'a>(
    frame: Payload<'a>,
    visitor: &mut (impl LayerVisitor + ?Sized),
) -> Result<(Next, Payload<'a>), Skip> {
    let (header, bytes) = split::<6>(frame.bytes, Layer::Pppoe)?;
    let [version_type, code, session @ .., len0, len1] = header;
    if *version_type != 0x11 {
        return Err(Skip::new(Layer::Pppoe, Cause::BadVersion));
    }
    if *code != 0 {
        return Err(Skip::new(Layer::Pppoe, Cause::NotIp));
    }
    visitor.layer(Layer::Pppoe, Some(u16::from_be_bytes(*session).into()));
    let len = u16::from_be_bytes([*len0, *len1]);
    Ok((Next::Ppp, Payload { bytes, ..frame }.up_to(len.into())))
}

/// Cisco HDLC: address, control, EtherType.
pub(super) fn cisco_hdlc(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let ([_, _, kind @ ..], rest) = split::<4>(bytes, Layer::Hdlc)?;
    Ok((Next::from_ether_type(*kind), rest))
}

/// Frame Relay with the multiprotocol encapsulation of RFC 2427.
pub(super) fn frame_relay(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let layer = Layer::FrameRelay;
    let ([_, address_end, control], rest) = split::<3>(bytes, layer)?;
    if address_end & 1 == 0 || *control != 0x03 {
        return Err(Skip::new(layer, Cause::Unsupported));
    }
    // A pad byte may stand before the protocol identifier.
    let rest = rest.strip_prefix(&[0]).unwrap_or(rest);
    let ([nlpid], rest) = split::<1>(rest, layer)?;
    match nlpid {
        0xcc => Ok((Next::Ipv4, rest)),
        0x8e => Ok((Next::Ipv6, rest)),
        0x80 => Ok((Next::Snap, rest)),
        _ => Err(Skip::new(layer, Cause::NotIp)),
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use flowscope_fixtures::{Ethernet, Ipv4, Ipv6, Layer as OuterLayer, Udp, Vlan, wrap};

    use super::super::{Depth, Headers};
    use super::*;
    use crate::{LinkType, PacketView, Timestamp};

    /// An IPv4 and an IPv6 packet of UDP that carries ten bytes.
    fn packets() -> [(u16, Vec<u8>); 2] {
        let v4 = Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let v6 = Ipv6::new([0x20; 16].into(), [0x21; 16].into());
        [(0x21, OuterLayer::Ipv4(v4)), (0x57, OuterLayer::Ipv6(v6))].map(|(protocol, ip)| {
            (
                protocol,
                wrap(&[ip, OuterLayer::Udp(Udp::new(7, 9))], &[0x2a; 10]),
            )
        })
    }

    /// In PPPoE that says so many bytes fewer than there are, with padding.
    fn in_pppoe(tags: &[OuterLayer], fewer: usize) -> Vec<Vec<u8>> {
        let frames = packets().map(|(protocol, packet)| {
            let len = packet.len() + 2 - fewer;
            let mut session = Vec::from([0x11, 0, 0, 1]);
            session.extend((len as u16).to_be_bytes());
            session.extend(protocol.to_be_bytes());
            session.extend(packet);
            session.extend([0; 6]);
            let outside = [&[OuterLayer::Ethernet(Ethernet::default())], tags].concat();
            let mut frame = wrap(&outside, &session);
            let kind = frame.len() - session.len() - 2;
            frame[kind..kind + 2].copy_from_slice(&[0x88, 0x64]);
            frame
        });
        frames.into()
    }

    fn payload(packet: PacketView<'_>) -> Result<(usize, u32), Skip> {
        let headers = Headers::parse(packet, Depth::Innermost)?;
        assert_eq!((headers.ports.src, headers.ports.dst), (7, 9));
        Ok((headers.payload.bytes.len(), headers.payload.missing))
    }

    #[test]
    fn a_pppoe_frame_ends_where_its_length_says() {
        for tags in [&[][..], &[OuterLayer::Vlan(Vlan::new(7))]] {
            for (fewer, expected) in [(0, 10), (2, 8), (10, 0)] {
                for frame in in_pppoe(tags, fewer) {
                    let packet = PacketView::new(&frame, Timestamp::EPOCH);
                    assert_eq!(payload(packet), Ok((expected, 0)), "{fewer}");
                    // Where only padding was cut nothing is missing, and of the
                    // payload what its length has room for.
                    for (cut, missing) in [(6, 0), (6 + fewer, 0), (7 + fewer, 1)] {
                        let cut = &frame[..frame.len() - cut];
                        let packet = PacketView::new(cut, Timestamp::EPOCH);
                        let packet = packet.with_wire_len(frame.len() as u32);
                        let missing = if expected == 0 { 0 } else { missing };
                        let there = expected - missing;
                        assert_eq!(payload(packet), Ok((there, missing as u32)), "{fewer}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_pppoe_frame_without_room_for_a_header_was_not_cut() {
        let len = packets()[0].1.len() + 2;
        let bad = |layer| Err(Skip::new(layer, Cause::BadLength));
        for (kept, expected) in [
            (0, bad(Layer::Ppp)),
            (2, bad(Layer::Ipv4)),
            (22, bad(Layer::Udp)),
        ] {
            let frame = in_pppoe(&[], len - kept).swap_remove(0);
            let packet = PacketView::new(&frame, Timestamp::EPOCH);
            assert_eq!(payload(packet), expected, "{kept}");
        }
    }

    #[test]
    fn serial_lines_carry_ppp_or_cisco_hdlc() {
        let links = [
            (LinkType::PPP, &[][..]),
            (LinkType::PPP_HDLC, &[]),
            (LinkType::PPP_WITH_DIR, &[0]),
            (LinkType::PPI, &[0, 0, 8, 0, 9, 0, 0, 0]),
        ];
        let hdlc_only = [
            (LinkType::CISCO_HDLC, &[][..]),
            (LinkType::CISCO_HDLC_WITH_DIR, &[1]),
        ];
        for (protocol, packet) in packets() {
            let ether_type: &[u8] = if protocol == 0x21 {
                &[0x08, 0x00]
            } else {
                &[0x86, 0xdd]
            };
            let read = |link, in_front: &[u8], header: &[u8]| {
                let frame = [in_front, header, &packet].concat();
                let view = PacketView::new(&frame, Timestamp::EPOCH).with_link(link);
                payload(view)
            };
            for address in [0x0f, 0x8f] {
                let header = [&[address, 0], ether_type].concat();
                for (link, in_front) in links.into_iter().chain(hdlc_only) {
                    assert_eq!(read(link, in_front, &header), Ok((10, 0)), "{link:?}");
                }
            }
            let low = protocol as u8;
            for header in [
                &[0xff, 0x03, 0, low][..],
                &[0xff, 0x03, low],
                &[0, low],
                &[low],
            ] {
                for (link, in_front) in links {
                    assert_eq!(read(link, in_front, header), Ok((10, 0)), "{link:?}");
                }
            }
        }
    }
}
