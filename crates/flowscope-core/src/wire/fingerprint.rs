//! The part of a packet that all its copies in a capture have in common.
//!
//! A capture may have a packet several times: as it leaves and as it arrives, on
//! two interfaces, before and after a router. Which bytes the copies share
//! depends on header layouts.

use smoltcp::wire::{Ipv4Packet, Ipv6Packet};

use super::link;
use super::next::Next;
use super::{IpProtocol, IpVersion, Layer, MAX_LAYERS, Payload, length, split};
use crate::{LinkType, PacketView};

/// The bytes by which copies of a packet are recognised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fingerprint<'a> {
    pub(crate) bytes: &'a [u8],
    /// How many there were on the wire.
    pub(crate) wire_len: u32,
    /// The interface and direction, as far as 15 bits tell them apart; zero
    /// where the capture does not say.
    pub(crate) interface: u16,
    /// Of an IP packet that the bytes begin with.
    version: Option<IpVersion>,
}

impl<'a> Fingerprint<'a> {
    /// The frame, unless the capture put something in front of it.
    #[inline]
    pub(crate) fn of_plain_frame(packet: &PacketView<'a>) -> Option<Self> {
        let is_cooked = matches!(packet.link, LinkType::LINUX_SLL | LinkType::LINUX_SLL2);
        (!is_cooked).then_some(Self {
            bytes: packet.frame,
            wire_len: packet.wire_len,
            interface: 0,
            version: None,
        })
    }

    /// The frame, without what only the capture put in front of it.
    #[inline]
    pub(crate) fn of_frame(packet: &PacketView<'a>) -> Self {
        Self::of_plain_frame(packet).unwrap_or_else(|| {
            let (bytes, interface) = behind_cooked(packet);
            Self {
                bytes,
                wire_len: packet.wire_len,
                interface,
                version: None,
            }
        })
    }

    /// The IP packet, without what is around it: link layers, tags, padding.
    /// The frame where there is none.
    #[inline]
    pub(crate) fn of_packet(packet: &PacketView<'a>) -> Self {
        let frame = Self::of_frame(packet);
        let Some((version, rest)) = ip_packet(packet) else {
            return frame;
        };
        let bytes = rest.bytes;
        let claimed = match version {
            IpVersion::V4 => ipv4_len(bytes),
            IpVersion::V6 => ipv6_len(rest),
        };
        let version = Some(version);
        match claimed {
            // Too short to tell, or left blank.
            None | Some(0) => Self {
                bytes,
                version,
                ..frame
            },
            Some(len) => Self {
                bytes: bytes.get(..usize::from(len)).unwrap_or(bytes),
                wire_len: len.into(),
                version,
                ..frame
            },
        }
    }

    /// What an IP packet begins with, without what a router changes in it.
    pub(crate) fn routed(&self) -> Option<[u8; ROUTED]> {
        let mut first = *self.bytes.first_chunk()?;
        match self.version? {
            IpVersion::V4 => {
                // Time to live, and the checksum over it.
                first[8] = 0;
                [first[10], first[11]] = [0; 2];
            }
            // Hop limit.
            IpVersion::V6 => first[7] = 0,
        }
        Some(first)
    }
}

/// What a fingerprint begins with that [`Fingerprint::routed`] looks at.
pub(crate) const ROUTED: usize = 20;

/// The frame behind the Linux "cooked" header, with the interface and the
/// direction of version 2.
#[cold]
fn behind_cooked<'a>(packet: &PacketView<'a>) -> (&'a [u8], u16) {
    let frame = packet.frame;
    if packet.link == LinkType::LINUX_SLL {
        return (frame.get(16..).unwrap_or(frame), 0);
    }
    let Ok((header, rest)) = split::<20>(frame, Layer::Sll) else {
        return (frame, 0);
    };
    let [_, _, _, _, _, _, high, low, _, _, kind, ..] = *header;
    let interface = u16::from_be_bytes([high, low]) & 0x0fff;
    (rest, 0x8000 | interface << 3 | u16::from(kind & 7))
}

/// The first IP header and all behind it.
#[inline]
fn ip_packet<'a>(packet: &PacketView<'a>) -> Option<(IpVersion, Payload<'a>)> {
    let (mut next, mut rest) = link::begin(packet).ok()?;
    for _ in 0..MAX_LAYERS {
        if next == Next::Ipv4 {
            return Some((IpVersion::V4, rest));
        }
        if next == Next::Ipv6 {
            return Some((IpVersion::V6, rest));
        }
        (next, rest) = link::step(next, rest, &mut ()).ok()?;
    }
    None
}

#[inline]
fn ipv4_len(bytes: &[u8]) -> Option<u16> {
    let header: &[u8; 20] = bytes.first_chunk()?;
    Some(Ipv4Packet::new_unchecked(header).total_len())
}

#[inline]
fn ipv6_len(packet: Payload<'_>) -> Option<u16> {
    const HEADER: u16 = 40;
    let (header, bytes) = packet.bytes.split_first_chunk::<{ HEADER as usize }>()?;
    let payload = Payload { bytes, ..packet };
    let header = Ipv6Packet::new_unchecked(header);
    let protocol = IpProtocol(header.next_header().into());
    match header.payload_len() {
        0 if length::is_empty(protocol, payload) => Some(HEADER),
        0 => Some(0),
        len => len.checked_add(HEADER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    const IPV4: [u8; 22] = [
        0x45, 0, 0, 22, 0, 0, 0, 0, 64, 250, 1, 2, 10, 0, 0, 1, 10, 0, 0, 2, b'h', b'i',
    ];

    #[test]
    fn a_packet_is_the_same_behind_any_tag_and_before_any_padding() {
        let plain = [&[0; 12], &[0x08, 0][..], &IPV4].concat();
        let tagged = [&[1; 12], &[0x81, 0, 0, 7, 0x08, 0][..], &IPV4, &[0; 20]].concat();
        for frame in [plain, tagged] {
            let fingerprint = Fingerprint::of_packet(&PacketView::new(&frame, Timestamp::EPOCH));
            assert_eq!((fingerprint.bytes, fingerprint.wire_len), (&IPV4[..], 22));
        }
    }

    #[test]
    fn what_is_no_ip_is_compared_as_a_frame() {
        let arp = [&[0; 12], &[0x08, 0x06][..], &[7; 28]].concat();
        let fingerprint = Fingerprint::of_packet(&PacketView::new(&arp, Timestamp::EPOCH));
        assert_eq!((fingerprint.bytes, fingerprint.wire_len), (&arp[..], 42));
    }

    #[test]
    fn a_router_changes_hops_and_their_checksum() {
        let routed = |packet: &[u8]| {
            let view = PacketView::new(packet, Timestamp::EPOCH).with_link(LinkType::RAW);
            Fingerprint::of_packet(&view)
                .routed()
                .expect("it is a packet")
        };
        let (mut v4, mut v6) = (IPV4, [0x60; 42]);
        let before = [routed(&v4), routed(&v6)];
        (v4[8], v4[10], v4[11], v6[7]) = (63, 3, 4, 9);
        assert_eq!([routed(&v4), routed(&v6)], before);
        v4[1] = 1;
        assert_ne!(routed(&v4), before[0]);
    }

    #[test]
    fn a_router_changes_nothing_in_what_is_no_ip() {
        // Whose first byte could be that of an IP packet.
        let arp = [&[0x46; 12], &[0x08, 0x06][..], &[7; 28]].concat();
        let fingerprint = Fingerprint::of_packet(&PacketView::new(&arp, Timestamp::EPOCH));
        assert_eq!(fingerprint.routed(), None);
    }

    #[test]
    fn cooked_headers_say_which_way() {
        let fingerprint = |link, header: &[u8]| {
            let frame = [header, &IPV4].concat().leak();
            Fingerprint::of_frame(&PacketView::new(frame, Timestamp::EPOCH).with_link(link))
        };
        let v1 = fingerprint(
            LinkType::LINUX_SLL,
            &[0, 4, 3, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0],
        );
        assert_eq!((v1.bytes, v1.interface), (&IPV4[..], 0));
        let mut header = [0; 20];
        (header[7], header[10]) = (1, 4);
        let v2 = fingerprint(LinkType::LINUX_SLL2, &header);
        assert_eq!((v2.bytes, v2.interface), (&IPV4[..], 0x800c));
    }
}
