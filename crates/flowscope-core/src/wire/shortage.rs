//! The error for a header that is not complete.
//!
//! There is one rule for all layers: the capture has cut the header if there was
//! room for it on the wire, and its length is impossible if there was not.

use super::{Cause, Headers, Payload, Skip};

impl Headers<'_> {
    /// Why there is no room in `rest` for a header of `needed` bytes.
    ///
    /// The capture has cut one that there was room for on the wire. What a
    /// first fragment lacks comes in the others, so there is always room.
    #[cold]
    pub(super) fn cause_of_shortage(&self, rest: Payload<'_>, needed: usize) -> Cause {
        let on_wire = usize::try_from(rest.wire_len()).unwrap_or(usize::MAX);
        if self.is_fragment || needed <= on_wire {
            Cause::Truncated
        } else {
            Cause::BadLength
        }
    }

    /// The same for a header whose reader knows only that its bytes end too
    /// early: the capture has cut it if that is what lacks `missing` bytes.
    #[cold]
    pub(super) fn with_cause(&self, skip: Skip, missing: u32) -> Skip {
        match skip.cause {
            Cause::Truncated if missing == 0 && !self.is_fragment => {
                Skip::new(skip.layer, Cause::BadLength)
            }
            _ => skip,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Depth, Layer};
    use super::*;
    use crate::{LinkType, PacketView, Timestamp};

    /// A header that does not fit is cut if the capture has cut it, and else
    /// its length is impossible: at every layer.
    #[test]
    fn what_is_too_short_was_cut_or_was_never_there() {
        let ipv4 = |protocol: u8, payload: &[u8]| {
            let mut packet = std::vec![0x45, 0, 0, 60, 0, 0, 0, 0, 64, protocol, 0, 0];
            packet.extend_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
            packet.extend_from_slice(payload);
            packet
        };
        let ipv6 = |next: u8, payload: &[u8]| {
            let mut packet = std::vec![0x60, 0, 0, 0, 0, 60, next, 64];
            packet.extend_from_slice(&[0x20; 32]);
            packet.extend_from_slice(payload);
            packet
        };
        let ethernet = |kind: [u8; 2], payload: &[u8]| [&[2; 12], &kind[..], payload].concat();
        let cases = [
            (ethernet([8, 0], &[])[..13].to_vec(), Layer::Ethernet),
            (ethernet([8, 0], &[]), Layer::Ipv4),
            (ethernet([8, 0], &ipv4(17, &[])[..19]), Layer::Ipv4),
            (
                ethernet([8, 0], &[&[0x46], &ipv4(17, &[])[1..]].concat()),
                Layer::Ipv4,
            ),
            (ethernet([8, 0], &ipv4(17, &[0, 7, 0])), Layer::Udp),
            (ethernet([8, 0], &ipv4(136, &[0, 7, 0])), Layer::UdpLite),
            (ethernet([8, 0], &ipv4(6, &[0])), Layer::Tcp),
            (ethernet([8, 0], &ipv4(132, &[0, 7, 0])), Layer::Sctp),
            (ethernet([8, 0], &ipv4(1, &[8])), Layer::Icmp),
            (ethernet([8, 0], &ipv4(51, &[6, 4, 0, 0])), Layer::Ah),
            (
                ethernet([8, 0], &ipv4(51, &[6, 4, 0, 0, 0, 0, 0, 0])),
                Layer::Ah,
            ),
            (ethernet([0x86, 0xdd], &ipv6(58, &[128])), Layer::Icmp6),
            (ethernet([0x86, 0xdd], &ipv6(58, &[])), Layer::Icmp6),
            (ethernet([0x86, 0xdd], &ipv6(0, &[6])), Layer::Ipv6),
            (
                ethernet([0x86, 0xdd], &ipv6(60, &[6, 1, 0, 0, 0, 0, 0, 0, 0])),
                Layer::Ipv6,
            ),
            (ethernet([0x86, 0xdd], &ipv6(44, &[6, 0, 0])), Layer::Ipv6),
            (ethernet([0x86, 0xdd], &ipv6(6, &[])[..39]), Layer::Ipv6),
            (ethernet([0x81, 0], &[0, 7, 8]), Layer::Vlan),
            (ethernet([0x88, 0x47], &[0, 1]), Layer::Mpls),
            (ethernet([0x88, 0x47], &[0, 1, 1, 64]), Layer::Mpls),
            (ethernet([0x88, 0x64], &[0x11, 0, 0]), Layer::Pppoe),
            (ethernet([0x89, 0x4f], &[0, 2, 1]), Layer::Nsh),
            (ethernet([0, 60], &[0xaa, 0xaa]), Layer::Llc),
        ];
        for (frame, layer) in cases {
            let whole = PacketView::new(&frame, Timestamp::EPOCH);
            let cut = whole.with_wire_len(200);
            for depth in [Depth::Outermost, Depth::Innermost] {
                for (view, cause) in [(whole, Cause::BadLength), (cut, Cause::Truncated)] {
                    let skip = Headers::parse(view, depth).map(|it| it.transport);
                    assert_eq!(skip, Err(Skip::new(layer, cause)), "{frame:x?}");
                }
            }
        }
    }

    /// The capture lacks a byte, with which the header would not fit, either.
    #[test]
    fn what_would_not_fit_if_it_were_there_was_not_cut() {
        for protocol in [1, 6, 17, 132, 136] {
            let mut packet = [0; 22];
            packet[..4].copy_from_slice(&[0x45, 0, 0, 23]);
            packet[9] = protocol;
            let view = PacketView::new(&packet, Timestamp::EPOCH).with_wire_len(23);
            let skip = Headers::parse(view.with_link(LinkType::RAW), Depth::Outermost);
            let cause = skip.map(|it| it.transport).map_err(|it| it.cause);
            assert_eq!(cause, Err(Cause::BadLength), "{protocol}");
        }
    }

    #[test]
    fn what_a_first_fragment_lacks_comes_in_the_next() {
        // Eight bytes of a longer header, and a byte of a shorter one.
        let cases: [(u8, &[u8], bool); 3] = [
            (132, &[0x30, 0x39, 0, 80, 0, 0, 0, 0], true),
            (51, &[6, 4, 0, 0, 0, 0, 0, 0], false),
            (1, &[8], false),
        ];
        for (protocol, payload, has_flow) in cases {
            let len = 20 + payload.len() as u8;
            let mut packet = std::vec![0x45, 0, 0, len, 0, 0, 0x20, 0, 64, protocol, 0, 0];
            packet.extend_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
            packet.extend_from_slice(payload);
            let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
            match Headers::parse(view, Depth::Outermost) {
                Ok(headers) => assert_eq!((has_flow, headers.ports.dst), (true, 80)),
                Err(skip) => assert_eq!((has_flow, skip.cause), (false, Cause::Truncated)),
            }
        }
    }
}
