//! How long IP packets are that leave their length blank.

use super::{IpProtocol, Payload};

/// The length of an IPv4 packet that leaves it blank, as hosts do whose network
/// cards cut segments: all that is there.
///
/// Cards cut nothing as short as the shortest Ethernet frame. There it is no
/// more than the TCP header if there are only zeros behind it, with which
/// frames are padded (RFC 894).
#[cold]
pub(super) fn blank_len(header_len: u8, protocol: IpProtocol, rest: Payload<'_>) -> u32 {
    let header_len = usize::from(header_len);
    let tcp = rest.bytes.get(header_len..).unwrap_or_default();
    match tcp {
        [_, _, _, _, _, _, _, _, _, _, _, _, offset, ..]
            if protocol == IpProtocol::TCP && rest.wire_len() <= SHORTEST =>
        {
            let tcp_len = 4 * usize::from(offset >> 4);
            match tcp.get(tcp_len..) {
                Some(behind) if behind.iter().all(|byte| *byte == 0) => {
                    // Both are below a hundred.
                    (header_len + tcp_len) as u32
                }
                _ => rest.wire_len(),
            }
        }
        _ => rest.wire_len(),
    }
}

/// The length of the payload that an IPv6 header says is of zero bytes: that
/// of a jumbogram (RFC 2675), or all that is there, where it was left blank as
/// in IPv4.
#[cold]
pub(super) fn zero_len(protocol: IpProtocol, payload: Payload<'_>) -> u32 {
    if is_empty(protocol, payload) {
        return 0;
    }
    jumbo_len(protocol, payload.bytes).unwrap_or(payload.wire_len())
}

/// Whether an IPv6 packet really has none of the payload that its header says
/// is of zero bytes: it says that nothing follows (RFC 8200, section 4.7), or
/// there is no more than what pads the shortest Ethernet frame, or nothing but
/// zeros, which no header is made of.
pub(super) fn is_empty(protocol: IpProtocol, payload: Payload<'_>) -> bool {
    const HEADER: u32 = 40;
    protocol == IpProtocol::IPV6_NONE
        || payload.wire_len() <= SHORTEST - HEADER
        || payload.missing == 0 && payload.bytes.iter().all(|byte| *byte == 0)
}

/// The length a jumbo payload option gives (RFC 2675, section 2).
#[cold]
fn jumbo_len(protocol: IpProtocol, payload: &[u8]) -> Option<u32> {
    const JUMBO: u8 = 0xc2;
    if protocol != IpProtocol::HOP_BY_HOP {
        return None;
    }
    let [_, units, ..] = payload else { return None };
    let mut options = payload.get(2..8 + 8 * usize::from(*units))?;
    loop {
        options = match options {
            [JUMBO, 4, len @ ..] => return Some(u32::from_be_bytes(*len.first_chunk()?)),
            [0, rest @ ..] => rest,
            [_, len, rest @ ..] => rest.get(usize::from(*len)..)?,
            _ => return None,
        };
    }
}

/// What the shortest Ethernet frame carries (IEEE 802.3, section 3.2.8), with
/// the checksum of the frame where it was captured.
const SHORTEST: u32 = 46 + 4;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::super::{Cause, Depth, Fingerprint, Headers, Layer, Skip};
    use crate::{LinkType, PacketView, Timestamp};

    /// An IPv6 header that says it has no payload, and what is behind it.
    fn ipv6(next: u8, behind: &[u8]) -> Vec<u8> {
        let mut packet = Vec::from([0x60, 0, 0, 0, 0, 0, next, 64]);
        packet.extend([0x20; 32]);
        packet.extend(behind);
        packet
    }

    /// An IPv4 header that leaves its length blank, and what is behind it.
    fn ipv4(protocol: u8, behind: &[u8]) -> Vec<u8> {
        let mut packet = Vec::from([0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0]);
        packet.extend([10, 0, 0, 1, 10, 0, 0, 2]);
        packet.extend(behind);
        packet
    }

    fn tcp(payload: &[u8]) -> Vec<u8> {
        let mut segment = [0; 20];
        (segment[1], segment[3], segment[12], segment[13]) = (7, 9, 0x50, 0x10);
        [&segment[..], payload].concat()
    }

    /// Bytes of the packet and of its payload.
    fn lens(packet: &[u8]) -> Result<(u32, u32), Skip> {
        let view = PacketView::new(packet, Timestamp::EPOCH).with_link(LinkType::RAW);
        let headers = Headers::parse(view, Depth::Outermost)?;
        assert_eq!(headers.payload.missing, 0);
        Ok((headers.ip.len, headers.payload.wire_len()))
    }

    #[test]
    fn a_payload_of_zero_bytes_is_none_or_left_blank() {
        let udp = |len: u8| [0, 7, 0, 9, 0, len, 0, 0];
        let cases = [
            // Nothing follows, whatever comes after it.
            (ipv6(59, &[]), Ok((40, 0))),
            (ipv6(59, &[0; 6]), Ok((40, 0))),
            (ipv6(59, &[1; 60]), Ok((40, 0))),
            // The padding of the shortest frame, and its checksum.
            (ipv6(17, &[0; 6]), Err(Layer::Udp)),
            (ipv6(17, &udp(10)), Err(Layer::Udp)),
            (ipv6(6, &[0; 10]), Err(Layer::Tcp)),
            (ipv6(58, &[128, 0, 0, 0, 0, 0]), Err(Layer::Icmp6)),
            (ipv6(250, &[0; 6]), Ok((40, 0))),
            (ipv6(6, &[0; 60]), Err(Layer::Tcp)),
            // What a network card is yet to cut.
            (ipv6(6, &tcp(&[7; 9000])), Ok((9060, 9000))),
            (
                ipv6(17, &[&udp(0), &[7; 3000][..]].concat()),
                Ok((3048, 3000)),
            ),
        ];
        for (n, (packet, expected)) in cases.into_iter().enumerate() {
            let expected = expected.map_err(|layer| Skip::new(layer, Cause::BadLength));
            assert_eq!(lens(&packet), expected, "{n}");
        }
    }

    #[test]
    fn a_jumbogram_says_its_length_in_an_option() {
        let mut payload = Vec::from([6, 0, 0xc2, 4, 0, 0, 0, 8 + 25]);
        payload.extend(tcp(&[7; 5]));
        // More than it says, as padding is.
        payload.extend([0; 30]);
        assert_eq!(lens(&ipv6(0, &payload)), Ok((73, 5)));
    }

    #[test]
    fn a_blank_length_is_that_of_the_rest_but_for_padding() {
        let cases = [
            (ipv4(6, &tcp(&[7; 3000])), Ok((3040, 3000))),
            (ipv4(6, &tcp(&[0; 3000])), Ok((3040, 3000))),
            (ipv4(6, &tcp(b"short")), Ok((45, 5))),
            (ipv4(6, &tcp(&[])), Ok((40, 0))),
            (ipv4(6, &tcp(&[0; 6])), Ok((40, 0))),
            (
                ipv4(17, &[0, 7, 0, 9, 0, 10, 0, 0, 1, 2, 0, 0, 0]),
                Ok((33, 2)),
            ),
        ];
        for (n, (packet, expected)) in cases.into_iter().enumerate() {
            assert_eq!(lens(&packet), expected, "{n}");
        }
    }

    /// The shortest frame, tagged or not, pads a packet without payload.
    #[test]
    fn padded_packets_without_payload_have_none() {
        let packet = ipv6(59, &[]);
        let plain = [&[2; 12], &[0x86, 0xdd][..], &packet].concat();
        let tagged = [&[2; 12], &[0x81, 0, 0, 7, 0x86, 0xdd][..], &packet].concat();
        for (mut frame, shortest) in [(plain, 60), (tagged.clone(), 60), (tagged, 64)] {
            frame.resize(shortest, 0);
            let view = PacketView::new(&frame, Timestamp::EPOCH);
            let headers = Headers::parse(view, Depth::Innermost).expect("it is sound");
            assert_eq!((headers.ip.len, headers.payload.wire_len()), (40, 0));
            let fingerprint = Fingerprint::of_packet(&view);
            assert_eq!((fingerprint.bytes, fingerprint.wire_len), (&packet[..], 40));
        }
    }
}
