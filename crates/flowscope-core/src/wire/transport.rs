//! Transport headers: ports, the TCP fields flows are followed by, the payload.

use core::fmt;

use smoltcp::wire::TcpPacket;

use super::{Cause, Headers, Layer, Ports, Skip};
use crate::SeqNumber;

/// A number of the IP protocol registry.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct IpProtocol(pub u8);

impl IpProtocol {
    /// IPv6 hop-by-hop options.
    pub const HOP_BY_HOP: Self = Self(0);
    /// ICMP.
    pub const ICMP: Self = Self(1);
    /// IPv4 inside IP.
    pub const IPV4: Self = Self(4);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// IPv6 inside IP.
    pub const IPV6: Self = Self(41);
    /// IPv6 routing header.
    pub const IPV6_ROUTE: Self = Self(43);
    /// IPv6 fragment header.
    pub const IPV6_FRAG: Self = Self(44);
    /// Generic routing encapsulation.
    pub const GRE: Self = Self(47);
    /// Authentication header.
    pub const AH: Self = Self(51);
    /// ICMPv6.
    pub const ICMP6: Self = Self(58);
    /// No header follows in IPv6.
    pub const IPV6_NONE: Self = Self(59);
    /// IPv6 destination options.
    pub const IPV6_OPTS: Self = Self(60);
    /// EtherIP.
    pub const ETHERIP: Self = Self(97);
    /// IpProtocol independent multicast.
    pub const PIM: Self = Self(103);
    /// L2TP, version 3.
    pub const L2TP: Self = Self(115);
    /// SCTP.
    pub const SCTP: Self = Self(132);
    /// UDP-Lite.
    pub const UDP_LITE: Self = Self(136);
    /// MPLS inside IP (RFC 4023).
    pub const MPLS: Self = Self(137);
    /// Ethernet inside IP (RFC 8986).
    pub const ETHERNET: Self = Self(143);

    /// Whether its packets carry a source and a destination port that this
    /// crate reads.
    #[must_use]
    pub const fn has_ports(self) -> bool {
        matches!(self, Self::TCP | Self::UDP | Self::SCTP | Self::UDP_LITE)
    }
}

/// The usual name in lower case, or the number.
impl fmt::Display for IpProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TCP => f.write_str("tcp"),
            Self::UDP => f.write_str("udp"),
            Self::ICMP => f.write_str("icmp"),
            Self::ICMP6 => f.write_str("icmp6"),
            Self::SCTP => f.write_str("sctp"),
            Self(number) => number.fmt(f),
        }
    }
}

/// A transport header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Transport {
    /// TCP.
    Tcp(TcpHeader),
    /// TCP of which only the ports are known: the capture cut the control bits,
    /// or the header's length is impossible.
    TcpCut,
    /// UDP.
    Udp,
    /// UDP-Lite (RFC 3828).
    UdpLite,
    /// SCTP (RFC 9260).
    Sctp,
    /// ICMP (RFC 792).
    Icmp(IcmpHeader),
    /// ICMPv6 (RFC 4443).
    Icmp6(IcmpHeader),
    /// Anything else that runs over IP.
    Other(IpProtocol),
    /// No IP at all, where the key is made of something below it.
    None,
}

impl Transport {
    /// Whether the packet is of TCP, however much of its header is known.
    #[inline]
    #[must_use]
    pub const fn is_tcp(&self) -> bool {
        matches!(self, Self::Tcp(_) | Self::TcpCut)
    }
}

/// What a TCP header says about the connection (RFC 9293, section 3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TcpHeader {
    /// Sequence number.
    pub seq: SeqNumber,
    /// Acknowledgment number, meaningless without [`TcpFlags::ACK`].
    pub ack: SeqNumber,
    /// Receive window, before scaling; `None` if the capture ends before it.
    pub window: Option<u16>,
    /// Control bits.
    pub flags: TcpFlags,
    /// The window scale option, read on segments with a SYN (RFC 7323).
    pub window_scale: Option<u8>,
    /// Whether there is a signature of the segment among the options (RFC 2385,
    /// RFC 5925), looked for on segments with a SYN or an RST.
    pub is_signed: bool,
}

/// The control bits of a TCP header.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset the connection.
    pub const RST: Self = Self(0x04);
    /// Push.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgment number counts.
    pub const ACK: Self = Self(0x10);
    /// The urgent pointer counts.
    pub const URG: Self = Self(0x20);

    /// Whether every bit of `flags` is set.
    #[inline]
    #[must_use]
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Whether any bit of `flags` is set.
    #[inline]
    #[must_use]
    pub const fn intersects(self, flags: Self) -> bool {
        self.0 & flags.0 != 0
    }
}

/// The first fields of an ICMP or ICMPv6 message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IcmpHeader {
    /// Message type.
    pub kind: u8,
    /// Message code.
    pub code: u8,
}

/// What a transport carries.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Payload<'a> {
    /// The captured part.
    pub bytes: &'a [u8],
    /// How many bytes the headers claim that the capture lacks.
    pub missing: u32,
}

impl<'a> Payload<'a> {
    /// The first `claimed` bytes of what was captured, as far as they go.
    #[inline]
    pub(super) fn claimed(captured: &'a [u8], claimed: u32) -> Self {
        match captured.get(..usize::try_from(claimed).unwrap_or(usize::MAX)) {
            Some(bytes) => Self { bytes, missing: 0 },
            None => Self {
                bytes: captured,
                // There are fewer than claimed, so their number fits.
                missing: claimed - captured.len() as u32,
            },
        }
    }

    /// No more of it than a header in front says there is. One that says more
    /// than there was on the wire is not believed.
    #[inline]
    pub(super) fn up_to(self, claimed: u32) -> Self {
        Self::claimed(self.bytes, claimed.min(self.wire_len()))
    }

    /// Its length on the wire.
    #[inline]
    #[must_use]
    pub fn wire_len(&self) -> u32 {
        u32::try_from(self.bytes.len())
            .unwrap_or(u32::MAX)
            .saturating_add(self.missing)
    }
}

impl Headers<'_> {
    /// Reads the transport header that the IP packet's payload begins with.
    #[inline]
    pub(super) fn transport(&mut self) -> Result<(), Skip> {
        match self.ip.protocol {
            IpProtocol::TCP => self.tcp(),
            IpProtocol::UDP => self.udp(),
            _ => self.other(),
        }
    }

    #[inline]
    fn tcp(&mut self) -> Result<(), Skip> {
        match self.payload.bytes.first_chunk::<TCP_WINDOW_END>() {
            Some(header) => self.tcp_header(header, |packet| Some(packet.window_len())),
            None => self.tcp_cut(),
        }
    }

    /// A header of which the capture ends before or in the window.
    #[cold]
    fn tcp_cut(&mut self) -> Result<(), Skip> {
        /// Where the control bits end; the window follows them.
        const CONTROL_END: usize = 14;
        let bytes = self.payload.bytes;
        if bytes.len() < CONTROL_END {
            return self.tcp_ports(TCP_FIXED);
        }
        let mut header = [0; TCP_WINDOW_END];
        for (place, byte) in header.iter_mut().zip(bytes) {
            *place = *byte;
        }
        self.tcp_header(&header, |_| None)
    }

    #[inline]
    fn tcp_header(
        &mut self,
        header: &[u8; TCP_WINDOW_END],
        window: impl FnOnce(&TcpPacket<&[u8]>) -> Option<u16>,
    ) -> Result<(), Skip> {
        let bytes = self.payload.bytes;
        let packet = TcpPacket::new_unchecked(header.as_slice());
        let header_len = usize::from(packet.header_len());
        if header_len < TCP_FIXED || !self.has_room_for(header_len) {
            return self.tcp_ports(header_len);
        }
        self.ports = Ports {
            src: packet.src_port(),
            dst: packet.dst_port(),
        };
        self.pass_header(header_len, Layer::Tcp)?;
        let [.., flags, _, _] = *header;
        let flags = TcpFlags(flags);
        let options = if flags.intersects(HAVE_OPTIONS_READ) {
            TcpOptions::read(bytes.get(TCP_FIXED..header_len.min(bytes.len())))
        } else {
            TcpOptions::default()
        };
        self.transport = Transport::Tcp(TcpHeader {
            // smoltcp keeps sequence numbers as signed integers.
            seq: SeqNumber(packet.seq_number().0.cast_unsigned()),
            ack: SeqNumber(packet.ack_number().0.cast_unsigned()),
            window: window(&packet),
            flags,
            window_scale: options.window_scale,
            is_signed: options.is_signed,
        });
        Ok(())
    }

    /// A header that says no more than its ports. Where it cannot be as long
    /// as it claims, nothing behind it is payload.
    #[cold]
    fn tcp_ports(&mut self, header_len: usize) -> Result<(), Skip> {
        self.transport = Transport::TcpCut;
        self.read_ports(Layer::Tcp)?;
        if header_len < TCP_FIXED || self.pass_header(header_len, Layer::Tcp).is_err() {
            self.payload = Payload::default();
        }
        Ok(())
    }

    #[inline]
    fn udp(&mut self) -> Result<(), Skip> {
        const HEADER: u32 = 8;
        let claimed = match self.payload.bytes {
            [_, _, _, _, len0, len1, ..] => u16::from_be_bytes([*len0, *len1]).into(),
            _ => 0,
        };
        self.transport = Transport::Udp;
        self.read_ports(Layer::Udp)?;
        if self.pass_header(HEADER as usize, Layer::Udp).is_err() {
            self.payload = Payload::default();
        }
        match claimed {
            // Longer than a datagram can say (RFC 2675), or cut before the field.
            0 => {}
            // No length of a datagram, which has still gone between its ports.
            1..HEADER => self.payload = Payload::default(),
            _ => self.payload = self.payload.up_to(claimed - HEADER),
        }
        Ok(())
    }

    fn other(&mut self) -> Result<(), Skip> {
        match self.ip.protocol {
            IpProtocol::UDP_LITE => {
                self.transport = Transport::UdpLite;
                self.ports_of_header(8, Layer::UdpLite)
            }
            IpProtocol::SCTP => {
                self.transport = Transport::Sctp;
                self.ports_of_header(12, Layer::Sctp)
            }
            IpProtocol::ICMP => self.icmp(Layer::Icmp),
            IpProtocol::ICMP6 => self.icmp(Layer::Icmp6),
            other => {
                self.transport = Transport::Other(other);
                self.ports = Ports::default();
                Ok(())
            }
        }
    }

    fn icmp(&mut self, layer: Layer) -> Result<(), Skip> {
        /// Type, code and checksum (RFC 792, and RFC 4443, section 2.1). What
        /// follows depends on the type.
        const FIXED: usize = 4;
        let bytes = self.payload.bytes;
        let Some([kind, code]) = bytes.first_chunk().filter(|_| self.may_hold(FIXED)) else {
            return Err(Skip::new(layer, self.shortage(self.payload, FIXED)));
        };
        let header = IcmpHeader {
            kind: *kind,
            code: *code,
        };
        let has_identifier = match layer {
            Layer::Icmp => matches!(kind, 0 | 8 | 13..=18),
            _ => matches!(kind, 128 | 129),
        };
        let identifier = match bytes {
            [_, _, _, _, id0, id1, ..] if has_identifier => u16::from_be_bytes([*id0, *id1]),
            _ => 0,
        };
        self.transport = match layer {
            Layer::Icmp => Transport::Icmp(header),
            _ => Transport::Icmp6(header),
        };
        self.ports = Ports {
            src: identifier,
            dst: identifier,
        };
        // A message may be cut anywhere behind its type.
        if self.pass_header(8, layer).is_err() {
            self.payload = Payload::default();
        }
        Ok(())
    }

    /// Reads the two ports that a header begins with, and passes over its
    /// `header_len` bytes. A header that was cut behind the ports will do, by
    /// the capture or into fragments; one that the packet itself has no room
    /// for will not.
    #[inline]
    fn ports_of_header(&mut self, header_len: usize, layer: Layer) -> Result<(), Skip> {
        self.read_ports(layer)?;
        match self.pass_header(header_len, layer) {
            Err(_) if self.is_fragment => {
                self.payload = Payload::default();
                Ok(())
            }
            passed => passed,
        }
    }

    /// Reads the two ports that a header begins with.
    #[inline]
    fn read_ports(&mut self, layer: Layer) -> Result<(), Skip> {
        let Some([s0, s1, d0, d1]) = self.payload.bytes.first_chunk() else {
            return Err(Skip::new(layer, self.shortage(self.payload, 4)));
        };
        self.ports = Ports {
            src: u16::from_be_bytes([*s0, *s1]),
            dst: u16::from_be_bytes([*d0, *d1]),
        };
        Ok(())
    }

    /// Whether the packet, captured or not, is at least so long.
    #[inline]
    fn has_room_for(&self, header_len: usize) -> bool {
        header_len <= self.payload.bytes.len() || header_len <= self.payload.wire_len() as usize
    }

    /// Whether a header so long may be there, if not in this fragment then in
    /// the next.
    #[inline]
    fn may_hold(&self, header_len: usize) -> bool {
        self.is_fragment || self.has_room_for(header_len)
    }

    /// Leaves the payload behind a header of `header_len` bytes, which may be
    /// less than nothing of what was captured.
    #[inline]
    fn pass_header(&mut self, header_len: usize, layer: Layer) -> Result<(), Skip> {
        let Payload { bytes, missing } = self.payload;
        if let Some(bytes) = bytes.get(header_len..) {
            self.payload.bytes = bytes;
            return Ok(());
        }
        let cut = u32::try_from(header_len - bytes.len()).unwrap_or(u32::MAX);
        let Some(missing) = missing.checked_sub(cut) else {
            return Err(Skip::new(layer, Cause::BadLength));
        };
        self.payload = Payload {
            bytes: &[],
            missing,
        };
        Ok(())
    }
}

/// What is read of a TCP header's options.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TcpOptions {
    pub(super) window_scale: Option<u8>,
    pub(super) is_signed: bool,
}

impl TcpOptions {
    /// Reads options as far as they go and were captured.
    pub(super) fn read(options: Option<&[u8]>) -> Self {
        const END_OF_LIST: u8 = 0;
        const NO_OPERATION: u8 = 1;
        const WINDOW_SCALE: u8 = 3;
        // RFC 2385 and RFC 5925.
        const MD5_SIGNATURE: u8 = 19;
        const AUTHENTICATION: u8 = 29;
        let mut found = Self::default();
        let mut options = options.unwrap_or_default();
        loop {
            options = match options {
                [] | [END_OF_LIST, ..] => return found,
                [NO_OPERATION, rest @ ..] => rest,
                [kind, len, ..] if *len >= 2 => {
                    match (*kind, options) {
                        // RFC 7323, section 2.3: more than 14 is taken as 14.
                        (WINDOW_SCALE, [_, 3, shift, ..]) => {
                            found.window_scale.get_or_insert((*shift).min(14));
                        }
                        (MD5_SIGNATURE | AUTHENTICATION, _) => found.is_signed = true,
                        _ => {}
                    }
                    match options.get(usize::from(*len)..) {
                        Some(rest) => rest,
                        None => return found,
                    }
                }
                [_, ..] => return found,
            };
        }
    }
}

/// The control bits of segments whose options are read.
pub(super) const HAVE_OPTIONS_READ: TcpFlags = TcpFlags(TcpFlags::SYN.0 | TcpFlags::RST.0);

/// Length of a TCP header without options.
const TCP_FIXED: usize = 20;
/// Where its window ends; the checksum follows it.
const TCP_WINDOW_END: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::{Depth, IpVersion};
    use super::*;
    use crate::{LinkType, PacketView, Timestamp};

    /// Headers of an IPv4 packet that carries `transport`, all of it captured.
    fn carrying(protocol: IpProtocol, transport: &[u8]) -> Result<Headers<'static>, Skip> {
        let len = u8::try_from(20 + transport.len()).expect("a short packet");
        let mut packet = std::vec![0x45, 0, 0, len, 0, 0, 0, 0, 64, protocol.0, 0, 0];
        packet.extend_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
        packet.extend_from_slice(transport);
        let view = PacketView::new(packet.leak(), Timestamp::EPOCH).with_link(LinkType::RAW);
        let headers = Headers::parse(view, Depth::Outermost)?;
        assert_eq!(headers.ip.version, IpVersion::V4);
        Ok(headers)
    }

    fn tcp(data_offset: u8) -> [u8; 24] {
        let mut header = [0; 24];
        header[..4].copy_from_slice(&[0x30, 0x39, 0, 80]);
        header[12] = data_offset << 4;
        header[13] = TcpFlags::SYN.0;
        header
    }

    #[test]
    fn a_tcp_header_of_impossible_length_still_has_ports() {
        for data_offset in [0, 4, 7, 15] {
            let headers = carrying(IpProtocol::TCP, &tcp(data_offset)).expect("it has ports");
            assert_eq!(headers.transport, Transport::TcpCut, "{data_offset}");
            assert_eq!(headers.ports, PORTS);
            assert_eq!(headers.payload.wire_len(), 0);
        }
        let sound = carrying(IpProtocol::TCP, &tcp(5)).expect("it is sound");
        assert!(matches!(sound.transport, Transport::Tcp(_)));
        assert_eq!(sound.payload.wire_len(), 4);
    }

    #[test]
    fn a_udp_header_of_impossible_length_still_has_ports() {
        for len in 1..8 {
            let datagram = [0x30, 0x39, 0, 80, 0, len, 0, 0, b'h', b'i'];
            let headers = carrying(IpProtocol::UDP, &datagram).expect("it has ports");
            assert_eq!((headers.transport, headers.ports), (Transport::Udp, PORTS));
            assert_eq!(headers.payload.wire_len(), 0, "{len}");
        }
    }

    #[test]
    fn without_ports_there_is_no_flow() {
        let cases = [
            (IpProtocol::TCP, Layer::Tcp),
            (IpProtocol::UDP, Layer::Udp),
            (IpProtocol::SCTP, Layer::Sctp),
        ];
        for (protocol, layer) in cases {
            let skip = carrying(protocol, &[0x30, 0x39, 0]).expect_err("three bytes are no ports");
            assert_eq!(skip, Skip::new(layer, Cause::BadLength));
        }
    }

    const PORTS: Ports = Ports {
        src: 12345,
        dst: 80,
    };
}
