//! Reads transport headers: ports, the TCP fields flows are followed by, the
//! payload.

use smoltcp::wire::TcpPacket;

use super::{
    Cause, Headers, IcmpHeader, IpProtocol, Layer, Payload, Ports, Skip, TcpFlags, TcpHeader,
    Transport,
};
use crate::SeqNumber;

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
            return Err(Skip::new(
                layer,
                self.cause_of_shortage(self.payload, FIXED),
            ));
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
            return Err(Skip::new(layer, self.cause_of_shortage(self.payload, 4)));
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
