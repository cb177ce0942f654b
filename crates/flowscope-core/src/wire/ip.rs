//! IPv4 and IPv6 headers, with what captures and offloads do to their lengths.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smoltcp::wire::{Ipv4Packet, Ipv6Packet};

use super::length::{blank_len, zero_len};
use super::{Cause, Headers, IpFragment, IpProtocol, Layer, LayerVisitor, Payload, Skip};

/// The parts of an IP header that flows are made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IpHeader {
    /// Source and destination.
    pub(crate) addrs: [Addr; 2],
    pub(crate) version: IpVersion,
    /// What the packet carries, behind extension headers.
    pub protocol: IpProtocol,
    /// Bytes of header and payload on the wire: as the header claims, unless
    /// the frame had no room for so many.
    pub len: u32,
}

impl IpHeader {
    /// No header yet.
    pub(super) const NONE: Self = Self {
        addrs: [Addr { high: 0, low: 0 }; 2],
        version: IpVersion::V4,
        protocol: IpProtocol(0),
        len: 0,
    };

    /// The sender.
    #[must_use]
    pub fn src(&self) -> IpAddr {
        self.addrs[0].read_as(self.version)
    }

    /// The receiver.
    #[must_use]
    pub fn dst(&self) -> IpAddr {
        self.addrs[1].read_as(self.version)
    }
}

/// Which version of IP a packet is of.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub(crate) enum IpVersion {
    V4 = 4,
    V6 = 6,
}

/// An address of either version as a 128-bit number: its high and its low
/// half, which are quicker to compare and to hash than bytes.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Addr {
    pub(crate) high: u64,
    pub(crate) low: u64,
}

impl Addr {
    #[inline]
    pub(super) fn v4(addr: Ipv4Addr) -> Self {
        Self {
            high: 0,
            low: addr.to_bits().into(),
        }
    }

    #[inline]
    pub(super) fn v6(addr: Ipv6Addr) -> Self {
        let bits = addr.to_bits();
        Self {
            high: (bits >> 64) as u64,
            // The low half is meant.
            low: bits as u64,
        }
    }

    pub(crate) fn read_as(self, version: IpVersion) -> IpAddr {
        match version {
            // The upper half of the low half is zero by construction.
            IpVersion::V4 => Ipv4Addr::from_bits(self.low as u32).into(),
            IpVersion::V6 => {
                Ipv6Addr::from_bits(u128::from(self.high) << 64 | u128::from(self.low)).into()
            }
        }
    }
}

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
            return Err(Skip::new(LAYER, self.shortage(rest, FIXED)));
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
            return Err(Skip::new(LAYER, self.shortage(rest, header_len.into())));
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
            scope: 0,
            header,
            next_at: 9,
        };
        self.meet_fragment(&fragment, visitor)
    }

    /// Goes on with a first fragment. A later one has no transport header.
    fn meet_fragment(
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
            return Err(Skip::new(LAYER, self.shortage(rest, FIXED as usize)));
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
            .ok_or_else(|| Skip::new(layer, self.shortage(self.payload, 8)))
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
                        scope: 0,
                        header: packet.get(..at).unwrap_or(packet),
                        next_at,
                    };
                    if fragment.more || !fragment.is_first() {
                        self.meet_fragment(&fragment, visitor)?;
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
                return Err(Skip::new(layer, self.shortage(self.payload, len)));
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
