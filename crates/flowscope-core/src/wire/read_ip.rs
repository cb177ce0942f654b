//! Reads IPv4 and IPv6 headers, with what captures and offloads do to their
//! lengths.

use smoltcp::wire::{Ipv4Packet, Ipv6Packet};

use super::length::{blank_len, zero_len};
use super::{
    Addr, Cause, Headers, IpFragment, IpHeader, IpProtocol, IpVersion, Layer, LayerVisitor,
    Payload, Skip,
};

impl<'a> Headers<'a> {
    /// Reads an IPv4 packet.
    #[inline]
    pub(super) fn ipv4(
        &mut self,
        rest: Payload<'a>,
        visitor: &mut (impl LayerVisitor + ?Sized),
    ) -> Result<(), Skip> {
        const LAYER: Layer = Layer::Ipv4;
        const FIXED: usize = 20;

        let bytes = rest.bytes;
        let Some(header) = bytes.first_chunk::<FIXED>() else {
            return Err(Skip::new(LAYER, self.cause_of_shortage(rest, FIXED)));
        };
        let packet = Ipv4Packet::new_unchecked(header.as_slice());
        if packet.version() != 4 {
            return Err(Skip::new(LAYER, Cause::BadVersion));
        }
        let header_len = packet.header_len();
        if usize::from(header_len) < FIXED {
            return Err(Skip::new(LAYER, Cause::BadLength));
        }
        let protocol = IpProtocol(packet.next_header().into());
        let len = match packet.total_len() {
            0 => blank_len(header_len, protocol, rest),
            len if len < u16::from(header_len) => return Err(Skip::new(LAYER, Cause::BadLength)),
            len => u32::from(len).min(rest.wire_len()),
        };
        self.ip = IpHeader {
            addrs: [Addr::v4(packet.src_addr()), Addr::v4(packet.dst_addr())],
            version: IpVersion::V4,
            protocol,
            len,
        };
        let Some(payload) = bytes.get(header_len.into()..) else {
            return Err(Skip::new(
                LAYER,
                self.cause_of_shortage(rest, header_len.into()),
            ));
        };
        self.payload = Payload::claimed(payload, len.saturating_sub(header_len.into()));
        if packet.more_frags() || packet.frag_offset() != 0 {
            self.ipv4_fragment(bytes, visitor)?;
        }
        match protocol {
            IpProtocol::AH => self.pass_extensions(bytes, header_len.into(), visitor),
            _ => Ok(()),
        }
    }

    /// Tells of the IPv4 fragment that `bytes` begin with.
    #[cold]
    fn ipv4_fragment(
        &mut self,
        bytes: &'a [u8],
        visitor: &mut (impl LayerVisitor + ?Sized),
    ) -> Result<(), Skip> {
        let packet = Ipv4Packet::new_unchecked(bytes);
        let header_len = usize::from(packet.header_len());
        let header = bytes.get(..header_len).unwrap_or(bytes);
        let fragment = IpFragment {
            addrs: self.ip.addrs,
            version: IpVersion::V4,
            protocol: self.ip.protocol,
            identification: packet.ident().into(),
            offset: packet.frag_offset(),
            more: packet.more_frags(),
            payload: self.payload,
            ip_len: self.ip.len,
            scope: &[],
            header,
            next_at: 9,
        };
        self.visit_fragment(&fragment, visitor)
    }

    /// Goes on with a first fragment. A later one has no transport header.
    fn visit_fragment(
        &mut self,
        fragment: &IpFragment<'_>,
        visitor: &mut (impl LayerVisitor + ?Sized),
    ) -> Result<(), Skip> {
        visitor.fragment(fragment);
        self.is_fragment = true;
        match (fragment.is_first(), fragment.version) {
            (true, _) => Ok(()),
            (false, IpVersion::V4) => Err(Skip::new(Layer::Ipv4, Cause::Fragment)),
            (false, IpVersion::V6) => Err(Skip::new(Layer::Ipv6, Cause::Fragment)),
        }
    }

    /// Reads an IPv6 packet.
    #[inline]
    pub(super) fn ipv6(
        &mut self,
        rest: Payload<'a>,
        visitor: &mut (impl LayerVisitor + ?Sized),
    ) -> Result<(), Skip> {
        const LAYER: Layer = Layer::Ipv6;
        const FIXED: u32 = 40;

        let bytes = rest.bytes;
        let Some((header, payload)) = bytes.split_first_chunk::<{ FIXED as usize }>() else {
            return Err(Skip::new(
                LAYER,
                self.cause_of_shortage(rest, FIXED as usize),
            ));
        };
        let packet = Ipv6Packet::new_unchecked(header.as_slice());
        if packet.version() != 6 {
            return Err(Skip::new(LAYER, Cause::BadVersion));
        }
        let protocol = IpProtocol(packet.next_header().into());
        let behind = Payload {
            bytes: payload,
            ..rest
        };
        let len = match packet.payload_len() {
            0 => zero_len(protocol, behind),
            len => len.into(),
        };
        let len = len.min(behind.wire_len());
        self.ip = IpHeader {
            addrs: [Addr::v6(packet.src_addr()), Addr::v6(packet.dst_addr())],
            version: IpVersion::V6,
            protocol,
            len: len.saturating_add(FIXED),
        };
        self.payload = Payload::claimed(payload, len);
        match protocol {
            IpProtocol::TCP | IpProtocol::UDP => Ok(()),
            _ => self.pass_extensions(bytes, FIXED as usize, visitor),
        }
    }

    /// The least that an extension header has, and what is behind that.
    fn extension(&self, layer: Layer) -> Result<(&'a [u8; 8], &'a [u8]), Skip> {
        let bytes = self.payload.bytes;
        bytes
            .split_first_chunk()
            .ok_or_else(|| Skip::new(layer, self.cause_of_shortage(self.payload, 8)))
    }

    /// Passes over extension headers (RFC 8200, section 4) to the upper layer.
    /// They begin `at` bytes into the `packet`.
    fn pass_extensions(
        &mut self,
        packet: &'a [u8],
        mut at: usize,
        visitor: &mut (impl LayerVisitor + ?Sized),
    ) -> Result<(), Skip> {
        // Where the number of the header at hand was, in IPv6.
        let mut next_at = 6;
        for _ in 0..MAX_EXTENSIONS {
            let layer = match self.ip.protocol {
                IpProtocol::AH => Layer::Ah,
                _ => Layer::Ipv6,
            };
            let (next, len) = match self.ip.protocol {
                IpProtocol::HOP_BY_HOP | IpProtocol::IPV6_ROUTE | IpProtocol::IPV6_OPTS => {
                    let ([next, units, ..], _) = self.extension(layer)?;
                    (*next, 8 + 8 * usize::from(*units))
                }
                IpProtocol::IPV6_FRAG if self.ip.version == IpVersion::V6 => {
                    let (header, rest) = self.extension(layer)?;
                    let [next, _, offset0, offset1, identification @ ..] = header;
                    let offset = u16::from_be_bytes([*offset0, *offset1]);
                    let fragment = IpFragment {
                        addrs: self.ip.addrs,
                        version: IpVersion::V6,
                        protocol: IpProtocol(*next),
                        identification: u32::from_be_bytes(*identification),
                        offset: offset & 0xfff8,
                        more: offset & 1 != 0,
                        payload: Payload {
                            bytes: rest,
                            ..self.payload
                        },
                        ip_len: self.ip.len,
                        scope: &[],
                        header: packet.get(..at).unwrap_or(packet),
                        next_at,
                    };
                    if fragment.more || !fragment.is_first() {
                        self.visit_fragment(&fragment, visitor)?;
                    }
                    (*next, 8)
                }
                IpProtocol::AH => {
                    let ([next, words, ..], _) = self.extension(layer)?;
                    (*next, 8 + 4 * usize::from(*words))
                }
                _ => return Ok(()),
            };
            let Some(rest) = self.payload.bytes.get(len..) else {
                return Err(Skip::new(layer, self.cause_of_shortage(self.payload, len)));
            };
            self.payload.bytes = rest;
            self.ip.protocol = IpProtocol(next);
            next_at = at;
            at += len;
        }
        Err(Skip::new(Layer::Ipv6, Cause::TooDeep))
    }
}

/// More extension headers than any sender uses.
const MAX_EXTENSIONS: usize = 16;
