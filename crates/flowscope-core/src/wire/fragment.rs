//! Fragments of IP packets, and the headers of the packets they make.

use alloc::boxed::Box;
use core::net::IpAddr;

use smoltcp::wire::{Ipv4Packet, Ipv6Packet};

use super::ip::{Addr, IpVersion};
use super::{Depth, Headers, Payload, Protocol};
use crate::PacketView;

/// A part of an IP packet that the network or its sender cut into pieces.
///
/// A packet that is its own only fragment (RFC 6946) is none of these: it is
/// read as the whole that it is.
///
/// ```
/// use flowscope_core::wire::{Depth, IpFragment};
/// use flowscope_core::{LinkType, PacketView, Timestamp};
///
/// // The second eight bytes of an IPv4 packet's payload; more are to come.
/// let packet = [
///     0x45, 0, 0, 28, 0, 77, 0x20, 1, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
///     b'f', b'r', b'a', b'g', b'm', b'e', b'n', b't',
/// ];
/// let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
/// let fragment = IpFragment::outermost(view, Depth::Outermost).unwrap();
///
/// assert_eq!((fragment.identification, fragment.offset), (77, 8));
/// assert!(fragment.more);
/// assert_eq!(fragment.payload.bytes, b"fragment");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct IpFragment<'a> {
    pub(crate) addrs: [Addr; 2],
    pub(crate) version: IpVersion,
    /// What the packet carries, as this fragment has it.
    pub protocol: Protocol,
    /// The number that the fragments of a packet share.
    pub identification: u32,
    /// Where its payload belongs in that of the packet.
    pub offset: u16,
    /// Whether there are others behind it.
    pub more: bool,
    /// Its part of the packet's payload.
    pub payload: Payload<'a>,
    /// Bytes of its IP header and payload on the wire.
    pub ip_len: u32,
    /// The headers in front, without that of the fragment.
    pub(super) header: &'a [u8],
    /// Where in `header` the number of what follows it is.
    pub(super) next_at: usize,
}

impl<'a> IpFragment<'a> {
    /// The outermost fragment that a walk over the packet down to `depth`
    /// meets.
    #[must_use]
    pub fn outermost(packet: PacketView<'a>, depth: Depth) -> Option<Self> {
        let mut headers = Headers::none();
        // Where there is a fragment, the walk may well end there.
        let _ = headers.walk(packet, depth, &mut ());
        headers.fragment
    }

    /// The sender of the packet.
    #[must_use]
    pub fn src(&self) -> IpAddr {
        self.addrs[0].read_as(self.version)
    }

    /// The receiver of the packet.
    #[must_use]
    pub fn dst(&self) -> IpAddr {
        self.addrs[1].read_as(self.version)
    }

    /// Whether the packet begins with it.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.offset == 0
    }

    /// How much payload the packet has room for behind the headers in front.
    pub(crate) fn room(&self) -> u32 {
        let counted = match self.version {
            IpVersion::V4 => self.header.len(),
            IpVersion::V6 => self.header.len().saturating_sub(IPV6_FIXED),
        };
        MAX_LEN.saturating_sub(u32::try_from(counted).unwrap_or(u32::MAX))
    }

    /// The headers of the whole packet as the first fragment tells them, but
    /// for its length.
    pub(crate) fn whole_header(&self) -> Box<[u8]> {
        let mut header: Box<[u8]> = self.header.into();
        match self.version {
            IpVersion::V4 => {
                let mut packet = Ipv4Packet::new_unchecked(&mut header);
                packet.set_more_frags(false);
                packet.set_frag_offset(0);
            }
            IpVersion::V6 => {
                if let Some(next) = header.get_mut(self.next_at) {
                    *next = self.protocol.0;
                }
            }
        }
        header
    }
}

/// Tells the headers of a whole packet how much payload they have, at most as
/// much as [`IpFragment::room`].
pub(crate) fn set_payload_len(version: IpVersion, header: &mut [u8], payload_len: u32) {
    let counted = match version {
        IpVersion::V4 => header.len(),
        IpVersion::V6 => header.len().saturating_sub(IPV6_FIXED),
    };
    let len = u32::try_from(counted)
        .unwrap_or(u32::MAX)
        .saturating_add(payload_len);
    let len = u16::try_from(len).unwrap_or(u16::MAX);
    match version {
        IpVersion::V4 => {
            let mut packet = Ipv4Packet::new_unchecked(header);
            packet.set_total_len(len);
            packet.fill_checksum();
        }
        IpVersion::V6 => Ipv6Packet::new_unchecked(header).set_payload_len(len),
    }
}

const IPV6_FIXED: usize = 40;

/// The longest IPv4 packet, and the longest payload of an IPv6 packet.
const MAX_LEN: u32 = 65_535;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::super::{Cause, Layer, Skip};
    use super::*;
    use crate::{LinkType, Timestamp};

    fn ipv4(fragment: [u8; 2], protocol: u8, payload: &[u8]) -> Vec<u8> {
        let len = 20 + payload.len() as u8;
        let mut packet = Vec::from([0x45, 0, 0, len, 0, 7]);
        packet.extend(fragment);
        packet.extend([64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        packet.extend(payload);
        packet
    }

    fn ipv6(fragment: [u8; 2], payload: &[u8]) -> Vec<u8> {
        let len = 8 + payload.len() as u8;
        let mut packet = Vec::from([0x60, 0, 0, 0, 0, len, 44, 64]);
        packet.extend([0x20; 32]);
        packet.extend([17, 0]);
        packet.extend(fragment);
        packet.extend([0, 0, 0, 7]);
        packet.extend(payload);
        packet
    }

    fn view(packet: &[u8]) -> PacketView<'_> {
        PacketView::new(packet, Timestamp::EPOCH).with_link(LinkType::RAW)
    }

    const UDP: &[u8] = &[0x30, 0x39, 0, 53, 0, 24, 0, 0];

    #[test]
    fn a_first_fragment_has_ports_and_is_known_for_one() {
        for packet in [ipv4([0x20, 0], 17, UDP), ipv6([0, 1], UDP)] {
            let headers = Headers::parse(view(&packet), Depth::Outermost).expect("it has ports");
            assert_eq!(headers.ports.dst, 53);
            let fragment = headers.fragment.expect("it is a fragment");
            assert!(fragment.is_first() && fragment.more);
            assert_eq!((fragment.identification, fragment.payload.bytes), (7, UDP));
            assert_eq!(fragment.ip_len as usize, packet.len());
        }
    }

    #[test]
    fn a_later_fragment_is_one_though_it_has_no_ports() {
        for (packet, layer) in [
            (ipv4([0x20, 2], 17, UDP), Layer::Ipv4),
            (ipv6([0, 17], UDP), Layer::Ipv6),
        ] {
            let headers = Headers::parse(view(&packet), Depth::Outermost);
            assert_eq!(headers.err(), Some(Skip::new(layer, Cause::Fragment)));
            let fragment = IpFragment::outermost(view(&packet), Depth::Outermost);
            assert_eq!(fragment.map(|fragment| fragment.offset), Some(16));
        }
    }

    #[test]
    fn a_packet_that_is_its_own_only_fragment_is_none() {
        for packet in [ipv4([0x40, 0], 17, UDP), ipv6([0, 0], UDP)] {
            let headers = Headers::parse(view(&packet), Depth::Outermost).expect("it has ports");
            assert!(headers.fragment.is_none());
        }
    }

    #[test]
    fn the_outermost_fragment_comes_first() {
        let inner = ipv4([0x20, 0], 17, UDP);
        let outer = ipv4([0x20, 0], 4, &inner);
        let found = IpFragment::outermost(view(&outer), Depth::Innermost);
        assert_eq!(found.map(|it| it.protocol), Some(Protocol::IPV4));
        let whole = ipv4([0, 0], 4, &inner);
        let found = IpFragment::outermost(view(&whole), Depth::Innermost);
        assert_eq!(found.map(|it| it.protocol), Some(Protocol::UDP));
        assert!(IpFragment::outermost(view(&whole), Depth::Outermost).is_none());
    }
}
