//! Link layers: where a frame begins, and one step towards its IP header.

use smoltcp::wire::{EthernetAddress, EthernetFrame};

use super::next::{Next, Padding};
use super::{
    Cause, Headers, Layer, LayerVisitor, MacAddresses, Payload, Skip, after, ieee80211, mpls, ppp,
    reassembled, split, tunnel, vlan,
};
use crate::{LinkType, PacketView};

/// Reads the header that its link type says a frame begins with.
#[inline]
pub(super) fn begin<'a>(packet: &PacketView<'a>) -> Result<(Next, Payload<'a>), Skip> {
    let (next, bytes) = if packet.link == LinkType::ETHERNET {
        ethernet(packet.frame)?
    } else {
        begin_other(packet.link, packet.frame)?
    };
    let missing = packet.missing();
    Ok((next, Payload { bytes, missing }))
}

fn begin_other(link: LinkType, frame: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let next = match link {
        LinkType::RAW => Next::Ip,
        LinkType::IPV4 => Next::Ipv4,
        LinkType::IPV6 => Next::Ipv6,
        LinkType::NULL | LinkType::LOOP => return loopback(frame),
        LinkType::LINUX_SLL => return sll(frame),
        LinkType::LINUX_SLL2 => return sll2(frame),
        LinkType::PPP => Next::Ppp,
        LinkType::PPP_HDLC => match frame.first() {
            Some(0x0f | 0x8f) => Next::CiscoHdlc,
            _ => Next::Ppp,
        },
        LinkType::PPP_PPPD => return ppp::ppp_with_direction(frame),
        LinkType::PPP_WITH_DIR => return Ok((Next::Ppp, after(frame, 1, Layer::Ppp)?)),
        LinkType::PPP_ETHER => Next::Pppoe,
        LinkType::CISCO_HDLC => Next::CiscoHdlc,
        LinkType::MPLS => Next::Mpls,
        LinkType::CISCO_HDLC_WITH_DIR => {
            return Ok((Next::CiscoHdlc, after(frame, 1, Layer::Hdlc)?));
        }
        LinkType::FRAME_RELAY => return ppp::frame_relay(frame),
        LinkType::IEEE802_11 => Next::Ieee80211(Padding::None),
        LinkType::IEEE802_11_RADIOTAP => Next::Radiotap,
        LinkType::IEEE802_11_PRISM => {
            return Ok((Next::Ieee80211(Padding::None), ieee80211::prism(frame)?));
        }
        LinkType::IEEE802_11_AVS => {
            return Ok((Next::Ieee80211(Padding::None), ieee80211::avs(frame)?));
        }
        LinkType::PPI => Next::Ppi,
        LinkType::ATM_RFC1483 => Next::Llc,
        // Frame control and two addresses, then LLC.
        LinkType::FDDI => return Ok((Next::Llc, after(frame, 13, Layer::Link)?)),
        LinkType::IEEE802_5 => return token_ring(frame),
        LinkType::PFLOG => return pflog(frame),
        LinkType::ENC => {
            let ([family @ .., _, _, _, _, _, _, _, _], rest) = split::<12>(frame, Layer::Log)?;
            return Ok((address_family(*family, Layer::Log)?, rest));
        }
        LinkType::NFLOG => return nflog(frame),
        reassembled::REASSEMBLED => Next::Reassembled,
        _ => return Err(Skip::new(Layer::Link, Cause::Unsupported)),
    };
    Ok((next, frame))
}

/// Reads one header that is not IP, and says what comes after it.
pub(super) fn step<'a>(
    next: Next,
    rest: Payload<'a>,
    visitor: &mut (impl LayerVisitor + ?Sized),
) -> Result<(Next, Payload<'a>), Skip> {
    let (next, bytes) = match next {
        // These say where what they carry ends.
        Next::LlcOf(len) => return Ok((Next::Llc, rest.up_to(len.into()))),
        Next::Pppoe => return ppp::pppoe(rest, visitor),
        Next::Mpls => return mpls::mpls(rest, visitor),
        _ => step_over(next, rest.bytes, visitor)?,
    };
    Ok((next, Payload { bytes, ..rest }))
}

fn step_over<'a>(
    next: Next,
    bytes: &'a [u8],
    visitor: &mut (impl LayerVisitor + ?Sized),
) -> Result<(Next, &'a [u8]), Skip> {
    match next {
        Next::Ethernet => ethernet(bytes),
        Next::Llc => llc(bytes),
        Next::Snap => snap(bytes),
        Next::Vlan => vlan::vlan(bytes, visitor),
        Next::VnTag => vlan::vn_tag(bytes, visitor),
        Next::ETag => vlan::e_tag(bytes, visitor),
        Next::Pbb => vlan::pbb(bytes, visitor),
        Next::Trill => vlan::trill(bytes, visitor),
        Next::FabricPath => vlan::fabric_path(bytes, visitor),
        Next::CiscoMetadata => vlan::cisco_metadata(bytes),
        Next::MacSecurity => vlan::mac_security(bytes, visitor),
        Next::Redundancy => vlan::redundancy(bytes),
        Next::Ppp => ppp::ppp(bytes),
        Next::CiscoHdlc => ppp::cisco_hdlc(bytes),
        Next::Ieee80211(padding) => ieee80211::frame(bytes, padding),
        Next::Ieee80211Swapped => ieee80211::swapped_frame(bytes),
        Next::Nsh => tunnel::nsh(bytes, visitor),
        Next::Reassembled => reassembled::reassembled(bytes, visitor),
        Next::Radiotap => {
            let (padding, rest) = ieee80211::radiotap(bytes)?;
            Ok((Next::Ieee80211(padding), rest))
        }
        Next::Ppi => ppi(bytes),
        Next::Ip => match bytes.first().map(|first| first >> 4) {
            Some(4) => Ok((Next::Ipv4, bytes)),
            Some(6) => Ok((Next::Ipv6, bytes)),
            Some(_) => Err(Skip::new(Layer::Link, Cause::NotIp)),
            None => Err(Skip::new(Layer::Link, Cause::Truncated)),
        },
        Next::LlcOf(_) | Next::Mpls | Next::Pppoe | Next::Ipv4 | Next::Ipv6 => Ok((next, bytes)),
        Next::Arp => Err(Skip::new(Layer::Arp, Cause::NotIp)),
        Next::Other => Err(Skip::new(Layer::Link, Cause::NotIp)),
    }
}

impl MacAddresses {
    /// Reads the addresses of a frame whose link type has two.
    ///
    /// # Errors
    ///
    /// A [`Skip`] if the frame is too short or its link type has no addresses.
    pub(crate) fn of(packet: PacketView<'_>) -> Result<Self, Skip> {
        mac_addresses(packet).map_err(|skip| Headers::empty().with_cause(skip, packet.missing()))
    }
}

/// See [`MacAddresses::of`].
fn mac_addresses(packet: PacketView<'_>) -> Result<MacAddresses, Skip> {
    match packet.link {
        LinkType::ETHERNET => {
            split::<HEADER>(packet.frame, Layer::Ethernet)?;
            let frame = EthernetFrame::new_unchecked(packet.frame);
            let (EthernetAddress(src), EthernetAddress(dst)) = (frame.src_addr(), frame.dst_addr());
            Ok(MacAddresses { src, dst })
        }
        LinkType::IEEE802_11 => ieee80211::addresses(packet.frame, Padding::None),
        LinkType::IEEE802_11_RADIOTAP => {
            let (padding, frame) = ieee80211::radiotap(packet.frame)?;
            ieee80211::addresses(frame, padding)
        }
        _ => Err(Skip::new(Layer::Link, Cause::Unsupported)),
    }
}

#[inline]
fn ethernet(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let (header, rest) = split::<HEADER>(bytes, Layer::Ethernet)?;
    let kind = u16::from(EthernetFrame::new_unchecked(header.as_slice()).ethertype());
    Ok((Next::from_type_or_length(kind.to_be_bytes()), rest))
}

/// IEEE 802.2: SNAP, or the one service access point that means IP.
fn llc(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let (header, rest) = split::<3>(bytes, Layer::Llc)?;
    match header {
        [0xaa, 0xaa, 0x03] => Ok((Next::Snap, rest)),
        [0x06, 0x06, 0x03] => Ok((Next::Ipv4, rest)),
        _ => Err(Skip::new(Layer::Llc, Cause::NotIp)),
    }
}

/// The sub-network access protocol: an organisation, then its protocol number.
fn snap(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    match split::<5>(bytes, Layer::Llc)? {
        // Plain EtherTypes, and those of bridges that tunnel them (RFC 1042,
        // IEEE 802.1H).
        ([0, 0, 0 | 0xf8, kind @ ..], rest) => Ok((Next::from_ether_type(*kind), rest)),
        // Bridged Ethernet behind a pad (RFC 2684), with or without checksum.
        ([0, 0x80, 0xc2, 0, 1 | 7], rest) => Ok((Next::Ethernet, after(rest, 2, Layer::Llc)?)),
        _ => Err(Skip::new(Layer::Llc, Cause::NotIp)),
    }
}

/// NULL and LOOP: four bytes of address family, in whichever byte order.
fn loopback(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let (family, rest) = split::<4>(bytes, Layer::Loopback)?;
    Ok((address_family(*family, Layer::Loopback)?, rest))
}

/// An address family in either byte order. IPv6 has a different number on
/// every system that writes such captures.
fn address_family(field: [u8; 4], layer: Layer) -> Result<Next, Skip> {
    let family = u32::from_be_bytes(field).min(u32::from_le_bytes(field));
    match family {
        2 => Ok(Next::Ipv4),
        10 | 23 | 24 | 26 | 28 | 30 => Ok(Next::Ipv6),
        // Some writers put an EtherType there.
        0x0800 | 0x0008 => Ok(Next::Ipv4),
        0x86dd | 0xdd86 => Ok(Next::Ipv6),
        _ => Err(Skip::new(layer, Cause::NotIp)),
    }
}

/// Linux cooked capture: packet type, hardware type, address, protocol.
fn sll(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let (header, rest) = split::<16>(bytes, Layer::Sll)?;
    let [_, _, arp0, arp1, .., kind0, kind1] = *header;
    sll_payload(u16::from_be_bytes([arp0, arp1]), [kind0, kind1], rest)
}

/// Version 2 of it, with the protocol in front and an interface index.
fn sll2(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let (header, rest) = split::<20>(bytes, Layer::Sll)?;
    let [kind0, kind1, _, _, _, _, _, _, arp0, arp1, ..] = *header;
    sll_payload(u16::from_be_bytes([arp0, arp1]), [kind0, kind1], rest)
}

/// What a cooked header's ARPHRD and protocol fields together announce.
fn sll_payload(hardware: u16, kind: [u8; 2], rest: &[u8]) -> Result<(Next, &[u8]), Skip> {
    const NETLINK: u16 = 824;
    const FRAD: u16 = 770;
    let next = match (hardware, u16::from_be_bytes(kind)) {
        (NETLINK | FRAD, _) => return Err(Skip::new(Layer::Sll, Cause::NotIp)),
        (801, _) => Next::Ieee80211(Padding::None),
        (803, _) => Next::Radiotap,
        // "802.2 frames", as packet(7) calls them.
        (_, 0x0004) => Next::Llc,
        (_, 0x0000..0x0600) => return Err(Skip::new(Layer::Sll, Cause::NotIp)),
        _ => Next::from_ether_type(kind),
    };
    Ok((next, rest))
}

/// Per-Packet Information: a length, a link type, fields, then the frame.
fn ppi(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let ([_, _, len0, len1, dlt @ ..], _) = split::<8>(bytes, Layer::Radio)?;
    let len = u16::from_le_bytes([*len0, *len1]);
    if len < 8 {
        return Err(Skip::new(Layer::Radio, Cause::BadLength));
    }
    let rest = after(bytes, len.into(), Layer::Radio)?;
    let next = match u32::from_le_bytes(*dlt) {
        1 => Next::Ethernet,
        9 => Next::Ppp,
        12 | 101 => Next::Ip,
        105 => Next::Ieee80211(Padding::None),
        127 => Next::Radiotap,
        _ => return Err(Skip::new(Layer::Radio, Cause::Unsupported)),
    };
    Ok((next, rest))
}

/// IEEE 802.5: access and frame control, two addresses, an optional source
/// route announced by the source's group bit, then LLC.
fn token_ring(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let (header, rest) = split::<14>(bytes, Layer::Link)?;
    let [_, _, _, _, _, _, _, _, source, ..] = *header;
    let route = match rest.first() {
        Some(control) if source & 0x80 != 0 => usize::from(control & 0x1f),
        _ => 0,
    };
    Ok((Next::Llc, after(rest, route, Layer::Link)?))
}

/// The packet filter's log: a length to be rounded up, an address family.
fn pflog(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let ([len, family], _) = split::<2>(bytes, Layer::Log)?;
    let rest = after(bytes, usize::from(*len).next_multiple_of(4), Layer::Log)?;
    Ok((address_family([0, 0, 0, *family], Layer::Log)?, rest))
}

/// Linux netfilter's log: an address family, then type-length-values of which
/// one is the packet. Lengths are in the capturing host's byte order.
fn nflog(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    const PAYLOAD: u16 = 9;
    let ([family, _version, _, _], mut rest) = split::<4>(bytes, Layer::Log)?;
    let next = address_family([0, 0, 0, *family], Layer::Log)?;
    loop {
        let ([l0, l1, t0, t1], value) = split::<4>(rest, Layer::Log)?;
        let little = (
            u16::from_le_bytes([*l0, *l1]),
            u16::from_le_bytes([*t0, *t1]),
        );
        let big = (
            u16::from_be_bytes([*l0, *l1]),
            u16::from_be_bytes([*t0, *t1]),
        );
        // Types are below 256, which tells the byte order.
        let (len, kind) = if little.1 & 0x7fff < 0x100 {
            little
        } else {
            big
        };
        let Some(value_len) = len.checked_sub(4) else {
            return Err(Skip::new(Layer::Log, Cause::BadLength));
        };
        if kind & 0x7fff == PAYLOAD {
            let payload = value.get(..value_len.into()).unwrap_or(value);
            return Ok((next, payload));
        }
        rest = after(rest, usize::from(len).next_multiple_of(4), Layer::Log)?;
    }
}

/// Length of an Ethernet header.
const HEADER: usize = 14;

#[cfg(test)]
mod tests {
    use super::super::{Depth, Headers};
    use super::*;
    use crate::Timestamp;

    /// The length of an IEEE 802.3 frame is that of what it carries, as well.
    #[test]
    fn a_frame_ends_where_its_length_says() {
        let mut packet = [0; 32];
        packet[..4].copy_from_slice(&[0x45, 0, 0, 32]);
        (packet[9], packet[25], packet[31]) = (17, 12, 4);
        let llc = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &packet].concat();
        for (fewer, expected) in [(0, Ok(4)), (1, Ok(3)), (4, Ok(0)), (10, Err(Layer::Udp))] {
            let len = llc.len() as u8 - fewer;
            for tag in [&[][..], &[0x81, 0, 0, 7]] {
                let frame = [&[2; 12], tag, &[0, len], &llc, &[0; 9]].concat();
                let view = PacketView::new(&frame, Timestamp::EPOCH);
                let headers = Headers::parse(view, Depth::Outermost);
                let payload = headers.map(|it| (it.payload.bytes.len(), it.payload.missing));
                let expected = expected.map(|len| (len, 0));
                let expected = expected.map_err(|layer| Skip::new(layer, Cause::BadLength));
                assert_eq!(payload, expected, "{fewer}");
            }
        }
    }
}
