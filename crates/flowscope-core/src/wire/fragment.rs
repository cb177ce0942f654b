//! Fragments of IP packets, and the headers of the packets they make.

use alloc::vec::Vec;

use smoltcp::wire::{Ipv4Packet, Ipv6Packet};

use super::addr::{Addr, IpVersion};
use super::{IpProtocol, Payload};

/// A part of an IP packet that the network or its sender cut into pieces.
///
/// A packet that is its own only fragment (RFC 6946) is none of these: it is
/// read as the whole that it is.
///
/// ```
/// use flowscope_core::wire::{Depth, Headers, IpFragment, Layer, LayerVisitor};
/// use flowscope_core::{LinkType, PacketView, Timestamp};
///
/// #[derive(Default)]
/// struct Offsets(Vec<u16>);
///
/// impl LayerVisitor for Offsets {
///     fn layer(&mut self, _: Layer, _: Option<u32>) {}
///
///     fn fragment(&mut self, fragment: &IpFragment<'_>) {
///         self.0.push(fragment.offset);
///     }
/// }
///
/// // The second eight bytes of an IPv4 packet's payload; more are to come.
/// let packet = [
///     0x45, 0, 0, 28, 0, 77, 0x20, 1, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
///     b'f', b'r', b'a', b'g', b'm', b'e', b'n', b't',
/// ];
/// let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
/// let mut offsets = Offsets::default();
/// let skip = Headers::trace(view, Depth::Outermost, &mut offsets).unwrap_err();
///
/// assert_eq!(skip.to_string(), "ipv4: fragment without ports");
/// assert_eq!(offsets.0, [8]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct IpFragment<'a> {
    pub(crate) addrs: [Addr; 2],
    pub(crate) version: IpVersion,
    /// What the packet carries, as this fragment has it.
    pub protocol: IpProtocol,
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
    /// The networks that the packet is in, as far as the key of its flow tells
    /// them apart: bytes that are equal for equal networks alone. Empty where
    /// the key has none.
    pub(crate) scope: &'a [u8],
    /// The headers in front, without that of the fragment.
    pub(super) header: &'a [u8],
    /// Where in `header` the number of what follows it is.
    pub(super) next_at: usize,
}

impl<'a> IpFragment<'a> {
    /// Whether the packet begins with it.
    #[must_use]
    pub(crate) fn is_first(&self) -> bool {
        self.offset == 0
    }

    /// The same fragment in `scope`: it is never put together with a fragment
    /// of another scope.
    pub(crate) fn in_scope(self, scope: &'a [u8]) -> Self {
        Self { scope, ..self }
    }

    /// How much payload the packet has room for behind the headers in front.
    pub(crate) fn room(&self) -> u32 {
        let counted = match self.version {
            IpVersion::V4 => self.header.len(),
            IpVersion::V6 => self.header.len().saturating_sub(IPV6_FIXED),
        };
        MAX_LEN.saturating_sub(u32::try_from(counted).unwrap_or(u32::MAX))
    }

    /// Writes the headers of the whole packet as the first fragment tells them,
    /// but for its length.
    pub(crate) fn write_header(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(self.header);
        let header = out.get_mut(start..).unwrap_or_default();
        match self.version {
            IpVersion::V4 => {
                let mut packet = Ipv4Packet::new_unchecked(header);
                packet.set_more_frags(false);
                packet.set_frag_offset(0);
            }
            IpVersion::V6 => {
                if let Some(next) = header.get_mut(self.next_at) {
                    *next = self.protocol.0;
                }
            }
        }
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

    use super::super::{Cause, Depth, Headers, Layer, LayerVisitor, Skip};
    use super::*;
    use crate::{LinkType, PacketView, Timestamp};

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

    /// IpProtocol, offset and payload of the fragments met.
    #[derive(Default)]
    struct Met(Vec<(IpProtocol, u16, Vec<u8>)>);

    impl LayerVisitor for Met {
        fn layer(&mut self, _: Layer, _: Option<u32>) {}

        fn fragment(&mut self, it: &IpFragment<'_>) {
            assert_eq!(it.identification, 7);
            assert_eq!(
                it.ip_len as usize,
                it.header.len() + fragment_header(it) + it.payload.bytes.len()
            );
            self.0
                .push((it.protocol, it.offset, it.payload.bytes.into()));
        }
    }

    fn fragment_header(fragment: &IpFragment<'_>) -> usize {
        match fragment.version {
            IpVersion::V4 => 0,
            IpVersion::V6 => 8,
        }
    }

    /// Of a fragment its protocol, offset and payload.
    type Seen = (IpProtocol, u16, Vec<u8>);

    fn met(packet: &[u8], depth: Depth) -> (Result<(), Skip>, Vec<Seen>) {
        let mut met = Met::default();
        (Headers::trace(view(packet), depth, &mut met), met.0)
    }

    #[test]
    fn a_first_fragment_has_ports_and_is_known_for_one() {
        for packet in [ipv4([0x20, 0], 17, UDP), ipv6([0, 1], UDP)] {
            let headers = Headers::parse(view(&packet), Depth::Outermost).expect("it has ports");
            assert!(headers.is_fragment);
            assert_eq!(headers.ports.dst, 53);
            let (_, met) = met(&packet, Depth::Outermost);
            assert_eq!(met, [(IpProtocol::UDP, 0, UDP.into())]);
        }
    }

    #[test]
    fn a_later_fragment_is_one_though_it_has_no_ports() {
        for (packet, layer) in [
            (ipv4([0x20, 2], 17, UDP), Layer::Ipv4),
            (ipv6([0, 17], UDP), Layer::Ipv6),
        ] {
            let (end, met) = met(&packet, Depth::Outermost);
            assert_eq!(end, Err(Skip::new(layer, Cause::Fragment)));
            assert_eq!(met, [(IpProtocol::UDP, 16, UDP.into())]);
        }
    }

    #[test]
    fn a_packet_that_is_its_own_only_fragment_is_none() {
        for packet in [ipv4([0x40, 0], 17, UDP), ipv6([0, 0], UDP)] {
            let headers = Headers::parse(view(&packet), Depth::Outermost).expect("it has ports");
            assert!(!headers.is_fragment);
            assert!(met(&packet, Depth::Outermost).1.is_empty());
        }
    }

    #[test]
    fn fragments_in_fragments_are_met_in_turn() {
        let offsets = |packet: &[u8], depth| {
            let (_, met) = met(packet, depth);
            met.into_iter()
                .map(|(_, offset, _)| offset)
                .collect::<Vec<_>>()
        };
        for inner in [[0x20, 0], [0x20, 2]] {
            let inside = u16::from(inner[1]) * 8;
            let inner = ipv4(inner, 17, UDP);
            let whole = ipv4([0, 0], 4, &inner);
            assert!(offsets(&whole, Depth::Outermost).is_empty());
            assert_eq!(offsets(&whole, Depth::Innermost), [inside]);
            let first = ipv4([0x20, 0], 4, &inner);
            assert_eq!(offsets(&first, Depth::Innermost), [0, inside]);
        }
    }
}
