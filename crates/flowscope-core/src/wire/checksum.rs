//! Whether a packet's checksums are right.

use smoltcp::wire::Ipv4Packet;

#[cfg(test)]
use super::Depth;
use super::addr::{Addr, IpVersion};
use super::{Cause, Headers, IpProtocol, Layer, LayerVisitor, Payload, Skip, tunnel};
#[cfg(test)]
use crate::PacketView;

/// What is done about checksums.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Checksums {
    /// They are not looked at. A capture that lacks the end of its packets, or
    /// was made where they are sent, has few that could be verified.
    #[default]
    Ignore,
    /// A packet whose checksum is wrong is skipped
    /// and counted, as its receiver drops it. The others are taken.
    Verify,
}

/// What the checksums of a packet say.
///
/// Looked at are those of the innermost packet that a walk reaches: of the IPv4
/// header, and of TCP, UDP, UDP-Lite, ICMP or ICMPv6. That of SCTP is not.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum ChecksumVerdict {
    /// That of the transport is right, and so is that of an IPv4 header.
    ///
    /// Or it is what a sending host leaves to its network card, which is the
    /// sum of the addresses, protocol and length alone; such packets are seen
    /// where they are captured on that host. One in 65,536 damaged packets has
    /// this sum by chance, and who wants to deceive can write it.
    Right,
    /// There is none, or it cannot be verified.
    ///
    /// The capture lacks the end of the packet; or it is a fragment; or has no
    /// sum, as UDP over IPv4 may and tunnels in UDP over IPv6; or its real
    /// destination is in a routing header or option; or its length is blank,
    /// or more than Ethernet carries, because a network card is yet to cut it
    /// or has merged it of several and left the sum of one. A blank sum of an
    /// IPv4 header, which hosts leave to network cards, is none.
    #[default]
    Unknown,
    /// It is wrong at this layer.
    Wrong(Layer),
}

impl ChecksumVerdict {
    /// Walks the packet down to `depth`, as [`Headers::parse`] does, and
    /// verifies the IP packet it comes to.
    #[must_use]
    #[cfg(test)]
    pub(crate) fn of(packet: PacketView<'_>, depth: Depth) -> Self {
        Self::trace_of(|visitor| Headers::trace(packet, depth, visitor))
    }

    /// Verifies the last IP packet of a walk.
    pub(crate) fn trace_of(trace: impl FnOnce(&mut dyn LayerVisitor) -> Result<(), Skip>) -> Self {
        let mut verifier = Verifier(Self::Unknown);
        // What is skipped for another reason is not asked about.
        let _ = trace(&mut verifier);
        verifier.0
    }

    /// Why the packet is to be skipped, if it is.
    #[must_use]
    pub(crate) fn skip(self) -> Option<Skip> {
        match self {
            Self::Right | Self::Unknown => None,
            Self::Wrong(layer) => Some(Skip::new(layer, Cause::BadChecksum)),
        }
    }
}

struct Verifier(ChecksumVerdict);

impl LayerVisitor for Verifier {
    fn layer(&mut self, _: Layer, _: Option<u32>) {}

    fn ip_packet(&mut self, packet: &[u8]) {
        self.0 = verify(packet);
    }
}

/// Verifies the IP packet that `bytes` begin with.
fn verify(bytes: &[u8]) -> ChecksumVerdict {
    let mut headers = Headers::empty();
    // As if the capture lacked much, so that a length is as it is claimed and
    // a blank one is more than there is.
    let packet = Payload {
        bytes,
        missing: MISSING,
    };
    let (walk, is_redirected) = match bytes.first().map(|first| first >> 4) {
        Some(4) => {
            let header = ipv4_header(bytes);
            if !is_header_right(header) {
                return ChecksumVerdict::Wrong(Layer::Ipv4);
            }
            let walk = headers.ipv4(packet, &mut ());
            (walk, has_source_route(header))
        }
        Some(6) => {
            let walk = headers.ipv6(packet, &mut ());
            (walk, is_redirected(bytes, &headers))
        }
        _ => return ChecksumVerdict::Unknown,
    };
    if walk.is_err() || headers.is_fragment || is_redirected {
        return ChecksumVerdict::Unknown;
    }
    verify_transport(&headers)
}

fn ipv4_header(bytes: &[u8]) -> &[u8] {
    let len = bytes
        .first()
        .map_or(0, |first| 4 * usize::from(first & 0xf));
    bytes.get(..len).unwrap_or_default()
}

/// Whether the sum over an IPv4 header is right or blank, or the header is none.
fn is_header_right(header: &[u8]) -> bool {
    header.len() < 20
        || Ipv4Packet::new_unchecked(header).checksum() == 0
        || fold(sum(header)) == u16::MAX
}

/// Whether an IPv4 packet names its destination in an option (RFC 791).
fn has_source_route(header: &[u8]) -> bool {
    const LOOSE: u8 = 131;
    const STRICT: u8 = 137;
    let mut options = header.get(20..).unwrap_or_default();
    loop {
        options = match options {
            [] | [0, ..] => return false,
            [1, rest @ ..] => rest,
            [LOOSE | STRICT, ..] => return true,
            [_, len, ..] if *len >= 2 => options.get(usize::from(*len)..).unwrap_or_default(),
            // Where the options end is not known.
            _ => return true,
        };
    }
}

/// Whether an IPv6 packet names its destination or its source in an extension
/// header: a route with hops left (RFC 8200, section 8.1), or a home address
/// (RFC 6275, section 6.3).
fn is_redirected(bytes: &[u8], headers: &Headers<'_>) -> bool {
    const FIXED: usize = 40;
    let Some([_, _, _, _, _, _, first, ..]) = bytes.first_chunk::<FIXED>() else {
        return false;
    };
    let mut next = IpProtocol(*first);
    let mut rest = bytes.get(FIXED..).unwrap_or_default();
    while next != headers.ip.protocol {
        let Some([follows, units, _, segments_left, _, _, _, _]) = rest.first_chunk() else {
            return true;
        };
        let len = match next {
            IpProtocol::IPV6_ROUTE if *segments_left > 0 => return true,
            IpProtocol::HOP_BY_HOP | IpProtocol::IPV6_ROUTE => 8 + 8 * usize::from(*units),
            IpProtocol::IPV6_FRAG => 8,
            IpProtocol::AH => 8 + 4 * usize::from(*units),
            // Home addresses are among these; hardly anything else is.
            _ => return true,
        };
        next = IpProtocol(*follows);
        let Some(behind) = rest.get(len..) else {
            return true;
        };
        rest = behind;
    }
    false
}

/// Verifies what a whole packet carries.
fn verify_transport(headers: &Headers<'_>) -> ChecksumVerdict {
    if headers.payload.missing > 0 {
        return verify_cut(headers);
    }
    let bytes = headers.payload.bytes;
    match headers.ip.protocol {
        IpProtocol::TCP if bytes.len() >= 20 => tcp(headers),
        IpProtocol::UDP => udp(headers),
        IpProtocol::UDP_LITE => udp_lite(headers, bytes.len()),
        IpProtocol::ICMP if headers.ip.version == IpVersion::V4 && bytes.len() >= 4 => {
            verdict(fold(sum(bytes)) == u16::MAX, Layer::Icmp)
        }
        IpProtocol::ICMP6 if headers.ip.version == IpVersion::V6 && bytes.len() >= 4 => {
            let total = pseudo_header(headers, bytes.len()) + sum(bytes);
            verdict(fold(total) == u16::MAX, Layer::Icmp6)
        }
        _ => ChecksumVerdict::Unknown,
    }
}

/// Of UDP-Lite it may be that only what is there is summed.
fn verify_cut(headers: &Headers<'_>) -> ChecksumVerdict {
    match headers.ip.protocol {
        // A blank length is none to sum.
        IpProtocol::UDP_LITE if headers.ip.len <= MAX_LEN => {
            udp_lite(headers, headers.payload.wire_len() as usize)
        }
        _ => ChecksumVerdict::Unknown,
    }
}

fn tcp(headers: &Headers<'_>) -> ChecksumVerdict {
    let bytes = headers.payload.bytes;
    let Some([.., high, low, _, _]) = bytes.first_chunk::<20>() else {
        return ChecksumVerdict::Unknown;
    };
    let pseudo = pseudo_header(headers, bytes.len());
    let is_right = is_right_or_partial(bytes, pseudo, [*high, *low]);
    if !is_right && headers.ip.len > MTU {
        return ChecksumVerdict::Unknown;
    }
    verdict(is_right, Layer::Tcp)
}

fn udp(headers: &Headers<'_>) -> ChecksumVerdict {
    let bytes = headers.payload.bytes;
    let Some([s0, s1, d0, d1, len0, len1, high, low]) = bytes.first_chunk() else {
        return ChecksumVerdict::Unknown;
    };
    if (*high, *low) == (0, 0) {
        let ports = super::Ports {
            src: u16::from_be_bytes([*s0, *s1]),
            dst: u16::from_be_bytes([*d0, *d1]),
        };
        // Over IPv6 only tunnels may do without (RFC 6935).
        return match headers.ip.version {
            IpVersion::V6 if !tunnel::has_port(ports) => ChecksumVerdict::Wrong(Layer::Udp),
            IpVersion::V4 | IpVersion::V6 => ChecksumVerdict::Unknown,
        };
    }
    let len = usize::from(u16::from_be_bytes([*len0, *len1]));
    match bytes.get(..len) {
        Some(datagram) if len >= 8 => {
            let pseudo = pseudo_header(headers, len);
            let is_right = is_right_or_partial(datagram, pseudo, [*high, *low]);
            verdict(is_right, Layer::Udp)
        }
        _ => ChecksumVerdict::Unknown,
    }
}

/// UDP-Lite (RFC 3828), of which the sum covers the front of its `len` bytes.
fn udp_lite(headers: &Headers<'_>, len: usize) -> ChecksumVerdict {
    let bytes = headers.payload.bytes;
    let Some([_, _, _, _, covered0, covered1, high, low]) = bytes.first_chunk() else {
        return ChecksumVerdict::Unknown;
    };
    let covered = match u16::from_be_bytes([*covered0, *covered1]) {
        0 => len,
        covered => covered.into(),
    };
    match bytes.get(..covered) {
        Some(front) if covered >= 8 => {
            let pseudo = pseudo_header(headers, len);
            let is_right = is_right_or_partial(front, pseudo, [*high, *low]);
            verdict(is_right, Layer::UdpLite)
        }
        _ => ChecksumVerdict::Unknown,
    }
}

fn verdict(is_right: bool, layer: Layer) -> ChecksumVerdict {
    if is_right {
        ChecksumVerdict::Right
    } else {
        ChecksumVerdict::Wrong(layer)
    }
}

/// Whether `bytes` with their pseudo-header have a sum that is right, or one
/// over the pseudo-header alone, which is not complemented.
fn is_right_or_partial(bytes: &[u8], pseudo: u64, field: [u8; 2]) -> bool {
    fold(pseudo) == u16::from_le_bytes(field) || fold(pseudo + sum(bytes)) == u16::MAX
}

/// The sum over addresses, protocol and length (RFC 9293, section 3.1, and
/// RFC 8200, section 8.1), which are the same in either version of IP.
fn pseudo_header(headers: &Headers<'_>, len: usize) -> u64 {
    let words = |word: u64| (word >> 32) + (word & 0xffff_ffff);
    let addrs = headers.ip.addrs.iter();
    let addrs = addrs.map(|Addr { high, low }| words(high.swap_bytes()) + words(low.swap_bytes()));
    let len = u32::try_from(len).unwrap_or(u32::MAX).swap_bytes();
    let IpProtocol(protocol) = headers.ip.protocol;
    addrs.sum::<u64>() + u64::from(len) + u64::from(u16::from(protocol).swap_bytes())
}

/// The sum of the 16-bit words of `bytes` (RFC 1071), each with its bytes
/// exchanged: the ones' complement sum is the same but for that, and so are
/// those of words twice as long.
///
/// Packets are shorter than the 4 GiB at which this could overflow.
#[inline]
fn sum(bytes: &[u8]) -> u64 {
    let mut lanes = [0u64; 8];
    let (blocks, rest) = bytes.as_chunks::<32>();
    for block in blocks {
        let (words, _) = block.as_chunks::<4>();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane += u64::from(u32::from_le_bytes(*word));
        }
    }
    let (words, rest) = rest.as_chunks::<4>();
    let words = words
        .iter()
        .map(|word| u64::from(u32::from_le_bytes(*word)));
    let mut last = [0; 4];
    for (place, byte) in last.iter_mut().zip(rest) {
        *place = *byte;
    }
    lanes.iter().sum::<u64>() + words.sum::<u64>() + u64::from(u32::from_le_bytes(last))
}

/// A sum in 16 bits, zero only if everything is.
#[inline]
fn fold(sum: u64) -> u16 {
    let sum = (sum & 0xffff_ffff) + (sum >> 32);
    let sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    // Two carries leave none.
    sum as u16
}

/// What no capture lacks of a packet.
const MISSING: u32 = u32::MAX;
/// The longest packet that can say its length without options.
const MAX_LEN: u32 = 65_575;
/// What Ethernet carries. Longer packets may be jumbo frames, but most are the
/// work of a network card.
const MTU: u32 = 1500;

#[cfg(test)]
mod tests;
