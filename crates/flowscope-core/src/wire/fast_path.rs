//! The walk over what most packets are.
//!
//! A walk fills in headers in memory. Here they stay in registers, and are
//! looked at once: IPv4 without options and IPv6 without extension headers,
//! over Ethernet with one VLAN tag or none, with sound headers that were
//! captured whole, and in them TCP, UDP, or what needs no look inside.
//! Everything else is a matter for [`Headers::walk`], which finds the same in
//! these.

use smoltcp::wire::{Ipv4Packet, Ipv6Packet, TcpPacket};

use super::read_transport::{HAVE_OPTIONS_READ, TcpOptions};
use super::{
    Addr, Depth, Headers, IpHeader, IpProtocol, IpVersion, Payload, Ports, TcpFlags, TcpHeader,
    Transport, tunnel,
};
use crate::{LinkType, PacketView, SeqNumber};

impl<'a> Headers<'a> {
    /// What [`walk`](Self::walk) finds, if the packet is a usual one.
    #[inline(always)]
    pub(crate) fn fast_path(packet: &PacketView<'a>, depth: Depth) -> Option<Self> {
        if packet.link != LinkType::ETHERNET {
            return None;
        }
        let ([.., high, low], mut bytes) = packet.frame.split_first_chunk::<14>()?;
        let mut kind = [*high, *low];
        if kind == VLAN {
            let ([_, _, high, low], behind) = bytes.split_first_chunk::<4>()?;
            (kind, bytes) = ([*high, *low], behind);
        }
        let rest = Payload {
            bytes,
            missing: packet.missing(),
        };
        let (ip, payload) = match kind {
            IPV4 => ipv4(rest)?,
            IPV6 => ipv6(rest)?,
            _ => return None,
        };
        let (transport, ports, payload) = match ip.protocol {
            IpProtocol::TCP => tcp(payload)?,
            IpProtocol::UDP => udp(payload)?,
            other if ip.version == IpVersion::V4 && is_opaque(other) => {
                (Transport::Other(other), Ports::default(), payload)
            }
            _ => return None,
        };
        if depth == Depth::Innermost && tunnel::is_possible(ip.protocol, ports, payload.bytes) {
            return None;
        }
        Some(Self {
            ip,
            transport,
            ports,
            payload,
            is_fragment: false,
        })
    }

    /// Whether nothing is around the IP header, found without a walk: most packets
    /// are so. Of one that is not said to be, a walk finds out.
    #[inline(never)]
    pub(crate) fn are_bare(packet: &PacketView<'_>, depth: Depth) -> bool {
        let is_tagged = |frame: &[u8]| frame.get(12..14) == Some(&VLAN);
        Headers::fast_path(packet, depth).is_some() && !is_tagged(packet.frame)
    }
}

#[inline(always)]
fn ipv4(rest: Payload<'_>) -> Option<(IpHeader, Payload<'_>)> {
    const FIXED: u32 = 20;
    let (header, behind) = rest.bytes.split_first_chunk::<{ FIXED as usize }>()?;
    let [0x45, ..] = header else {
        return None;
    };
    let packet = Ipv4Packet::new_unchecked(header.as_slice());
    if packet.more_frags() || packet.frag_offset() != 0 {
        return None;
    }
    let len = u32::from(packet.total_len()).min(rest.wire_len());
    let ip = IpHeader {
        addrs: [Addr::v4(packet.src_addr()), Addr::v4(packet.dst_addr())],
        version: IpVersion::V4,
        protocol: IpProtocol(packet.next_header().into()),
        len,
    };
    Some((ip, Payload::claimed(behind, len.checked_sub(FIXED)?)))
}

#[inline(always)]
fn ipv6(rest: Payload<'_>) -> Option<(IpHeader, Payload<'_>)> {
    const FIXED: u32 = 40;
    let (header, behind) = rest.bytes.split_first_chunk::<{ FIXED as usize }>()?;
    let packet = Ipv6Packet::new_unchecked(header.as_slice());
    if packet.version() != 6 || packet.payload_len() == 0 {
        return None;
    }
    let behind = Payload {
        bytes: behind,
        ..rest
    };
    let len = u32::from(packet.payload_len()).min(behind.wire_len());
    let ip = IpHeader {
        addrs: [Addr::v6(packet.src_addr()), Addr::v6(packet.dst_addr())],
        version: IpVersion::V6,
        protocol: IpProtocol(packet.next_header().into()),
        len: len + FIXED,
    };
    Some((ip, Payload::claimed(behind.bytes, len)))
}

/// Whether nothing behind the IPv4 header is read to tell the flow.
#[inline(always)]
fn is_opaque(protocol: IpProtocol) -> bool {
    !matches!(
        protocol,
        IpProtocol::AH
            | IpProtocol::ICMP
            | IpProtocol::ICMP6
            | IpProtocol::SCTP
            | IpProtocol::UDP_LITE
    )
}

#[inline(always)]
fn tcp(segment: Payload<'_>) -> Option<(Transport, Ports, Payload<'_>)> {
    let header = segment.bytes.first_chunk::<TCP_FIXED>()?;
    let packet = TcpPacket::new_unchecked(header.as_slice());
    let header_len = usize::from(packet.header_len());
    let options_len = header_len.checked_sub(TCP_FIXED)?;
    let (header_and_options, bytes) = segment.bytes.split_at_checked(TCP_FIXED + options_len)?;
    let [_, _, _, _, _, _, _, _, _, _, _, _, _, flags, ..] = *header;
    let flags = TcpFlags(flags);
    let options = if flags.intersects(HAVE_OPTIONS_READ) {
        TcpOptions::read(header_and_options.get(TCP_FIXED..))
    } else {
        TcpOptions::default()
    };
    let transport = Transport::Tcp(TcpHeader {
        // smoltcp keeps sequence numbers as signed integers.
        seq: SeqNumber(packet.seq_number().0.cast_unsigned()),
        ack: SeqNumber(packet.ack_number().0.cast_unsigned()),
        window: Some(packet.window_len()),
        flags,
        window_scale: options.window_scale,
        is_signed: options.is_signed,
    });
    let ports = Ports {
        src: packet.src_port(),
        dst: packet.dst_port(),
    };
    Some((transport, ports, Payload { bytes, ..segment }))
}

#[inline(always)]
fn udp(datagram: Payload<'_>) -> Option<(Transport, Ports, Payload<'_>)> {
    const HEADER: u32 = 8;
    let (header, bytes) = datagram.bytes.split_first_chunk::<{ HEADER as usize }>()?;
    let [src0, src1, dst0, dst1, len0, len1, _, _] = *header;
    let ports = Ports {
        src: u16::from_be_bytes([src0, src1]),
        dst: u16::from_be_bytes([dst0, dst1]),
    };
    let claimed = u32::from(u16::from_be_bytes([len0, len1])).checked_sub(HEADER)?;
    let behind = Payload { bytes, ..datagram };
    Some((Transport::Udp, ports, behind.up_to(claimed)))
}

const TCP_FIXED: usize = 20;
const VLAN: [u8; 2] = [0x81, 0x00];
const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];

#[cfg(test)]
mod tests {
    use std::format;
    use std::vec::Vec;

    use flowscope_fixtures::{Conversation, Datagrams, Ethernet, Layer, Side, Tcp, Vlan, address};
    use proptest::prelude::*;

    use super::*;
    use crate::Timestamp;
    use crate::wire::Layers;

    /// Frames of TCP, with and without options, of UDP and of another protocol,
    /// over IPv4 and IPv6, with a tag and without.
    fn frames() -> Vec<Vec<u8>> {
        let tagged = [
            Layer::Ethernet(Ethernet::default()),
            Layer::Vlan(Vlan::new(7)),
        ];
        let mut frames = Vec::new();
        for ends in [
            ["10.0.0.1:40000", "10.0.0.2:4789"],
            ["[2001:db8::1]:40000", "[2001:db8::2]:4789"],
        ] {
            let [client, server] = ends.map(address);
            for around in [&tagged[..1], &tagged] {
                let talk = Conversation::new(client, server).over(around);
                for flags in [Tcp::ACK, Tcp::SYN] {
                    let segment = talk.clone().segment(Side::Client, flags, b"payload");
                    frames.extend(segment.frames());
                }
                let datagrams = Datagrams::new(client, server).over(around);
                frames.extend(datagrams.send(Side::Client, b"payload").frames());
            }
        }
        let mut frames: Vec<_> = frames.into_iter().map(|frame| frame.bytes).collect();
        // A SYN whose payload begins with an option.
        let mut with_options = frames.get(1).cloned().unwrap_or_default();
        put(&mut with_options, 46, 0x60);
        for (at, byte) in (54..).zip([1, 3, 3, 7]) {
            put(&mut with_options, at, byte);
        }
        frames.push(with_options);
        let mut gre = frames.first().cloned().unwrap_or_default();
        put(&mut gre, 23, 47);
        frames.push(gre);
        frames
    }

    const FRAMES: usize = 14;

    /// Changes a byte, if it is there.
    fn put(frame: &mut [u8], at: usize, byte: u8) {
        if let Some(place) = frame.get_mut(at) {
            *place = byte;
        }
    }

    fn both(view: PacketView<'_>, depth: Depth) -> (Option<Headers<'_>>, String) {
        let mut walked = Headers::empty();
        let end = walked.walk(view, depth, &mut ());
        let usual = Headers::fast_path(&view, depth);
        (usual, format!("{:?}", end.map(|()| walked)))
    }

    #[test]
    fn usual_packets_are_known_as_such() {
        assert_eq!(frames().len(), FRAMES);
        for frame in frames() {
            let view = PacketView::new(&frame, Timestamp::EPOCH);
            let (usual, walked) = both(view, Depth::Outermost);
            let usual = usual.expect("it is a usual packet");
            assert_eq!(format!("{:?}", Ok::<_, super::super::Skip>(usual)), walked);
        }
    }

    proptest! {
        /// Any few bytes changed, any end cut.
        #[test]
        fn the_walk_finds_the_same(
            which in 0..FRAMES,
            changes in prop::collection::vec((12..82usize, any::<u8>()), 0..3),
            kept in 40..100usize,
            missing in 0..40u32,
            innermost in any::<bool>(),
        ) {
            let mut frame = frames().swap_remove(which);
            for (at, byte) in changes {
                put(&mut frame, at, byte);
            }
            frame.truncate(kept);
            let wire_len = frame.len() as u32 + missing;
            let view = PacketView::new(&frame, Timestamp::EPOCH).with_wire_len(wire_len);
            let depth = if innermost { Depth::Innermost } else { Depth::Outermost };
            let (usual, walked) = both(view, depth);
            if Headers::are_bare(&view, depth) {
                let layers = Layers::around(view, depth);
                prop_assert!(layers.is_empty() && layers.unopened_tunnel().is_none());
            }
            if let Some(usual) = usual {
                prop_assert_eq!(format!("{:?}", Ok::<_, super::super::Skip>(usual)), walked);
            }
        }
    }
}
