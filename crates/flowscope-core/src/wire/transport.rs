//! Transport headers: ports, the TCP fields flows are followed by, the payload.

use core::fmt;

use smoltcp::wire::{TcpOption, TcpPacket};

use super::ip::Datagram;
use super::{Cause, Layer, Ports, Skip, after, split};
use crate::SeqNumber;

/// A number of the IP protocol registry.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Protocol(pub u8);

impl Protocol {
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
    /// Authentication header.
    pub const AH: Self = Self(51);
    /// ICMPv6.
    pub const ICMP6: Self = Self(58);
    /// IPv6 destination options.
    pub const IPV6_OPTS: Self = Self(60);
    /// SCTP.
    pub const SCTP: Self = Self(132);
    /// UDP-Lite.
    pub const UDP_LITE: Self = Self(136);

    /// Whether its packets carry a source and a destination port that this
    /// crate reads.
    #[must_use]
    pub const fn has_ports(self) -> bool {
        matches!(self, Self::TCP | Self::UDP | Self::SCTP | Self::UDP_LITE)
    }
}

/// The usual name in lower case, or the number.
impl fmt::Display for Protocol {
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
    /// TCP of which the capture kept the ports but not the control bits.
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
    Other(Protocol),
    /// No IP at all, where the key is made of something below it.
    None,
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

impl Payload<'_> {
    /// Its length on the wire.
    #[inline]
    #[must_use]
    pub fn wire_len(&self) -> u32 {
        u32::try_from(self.bytes.len())
            .unwrap_or(u32::MAX)
            .saturating_add(self.missing)
    }
}

/// A transport header and the payload behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) transport: Transport,
    pub(super) ports: Ports,
    pub(super) payload: Payload<'a>,
}

#[inline]
pub(super) fn parse<'a>(datagram: &Datagram<'a>) -> Result<Segment<'a>, Skip> {
    match datagram.header.protocol {
        Protocol::TCP => tcp(datagram),
        Protocol::UDP => udp(datagram),
        Protocol::UDP_LITE => {
            let (ports, payload) = with_ports(datagram, 8, Layer::UdpLite)?;
            Ok(Segment {
                transport: Transport::UdpLite,
                ports,
                payload,
            })
        }
        Protocol::SCTP => {
            let (ports, payload) = with_ports(datagram, 12, Layer::Sctp)?;
            Ok(Segment {
                transport: Transport::Sctp,
                ports,
                payload,
            })
        }
        Protocol::ICMP => icmp(datagram, Layer::Icmp),
        Protocol::ICMP6 => icmp(datagram, Layer::Icmp6),
        other => Ok(Segment {
            transport: Transport::Other(other),
            ports: Ports::default(),
            payload: Payload {
                bytes: datagram.payload,
                missing: datagram.missing,
            },
        }),
    }
}

#[inline]
fn tcp<'a>(datagram: &Datagram<'a>) -> Result<Segment<'a>, Skip> {
    const FIXED: usize = 20;
    /// Where the control bits end; the window follows them.
    const CONTROL: usize = 14;
    let bytes = datagram.payload;
    let Some([.., flags]) = bytes.first_chunk::<CONTROL>() else {
        let (ports, payload) = with_ports(datagram, FIXED, Layer::Tcp)?;
        return Ok(Segment {
            transport: Transport::TcpCut,
            ports,
            payload,
        });
    };
    let packet = TcpPacket::new_unchecked(bytes);
    let header_len = usize::from(packet.header_len());
    if header_len < FIXED {
        return Err(Skip::new(Layer::Tcp, Cause::BadLength));
    }
    let payload = behind(datagram, header_len, Layer::Tcp)?;
    let flags = TcpFlags(*flags);
    let window_scale = if flags.contains(TcpFlags::SYN) {
        window_scale(bytes.get(FIXED..header_len.min(bytes.len())))
    } else {
        None
    };
    Ok(Segment {
        transport: Transport::Tcp(TcpHeader {
            // smoltcp keeps sequence numbers as signed integers.
            seq: SeqNumber(packet.seq_number().0.cast_unsigned()),
            ack: SeqNumber(packet.ack_number().0.cast_unsigned()),
            window: (bytes.len() >= CONTROL + 2).then(|| packet.window_len()),
            flags,
            window_scale,
        }),
        ports: Ports {
            src: packet.src_port(),
            dst: packet.dst_port(),
        },
        payload,
    })
}

/// The window scale option, if the options hold one and are sound so far.
fn window_scale(options: Option<&[u8]>) -> Option<u8> {
    let mut options = options?;
    while !options.is_empty() {
        let (rest, option) = TcpOption::parse(options).ok()?;
        match option {
            TcpOption::EndOfList => return None,
            // RFC 7323, section 2.3: more than 14 is taken as 14.
            TcpOption::WindowScale(shift) => return Some(shift.min(14)),
            _ => options = rest,
        }
    }
    None
}

#[inline]
fn udp<'a>(datagram: &Datagram<'a>) -> Result<Segment<'a>, Skip> {
    const HEADER: u32 = 8;
    let (ports, mut payload) = with_ports(datagram, HEADER as usize, Layer::Udp)?;
    let claimed = match datagram.payload {
        [_, _, _, _, len0, len1, ..] => u16::from_be_bytes([*len0, *len1]).into(),
        _ => 0,
    };
    match claimed {
        // Longer than a datagram can say (RFC 2675), or cut before the field.
        0 => {}
        1..HEADER => return Err(Skip::new(Layer::Udp, Cause::BadLength)),
        _ => {
            let len = (claimed - HEADER).min(payload.wire_len());
            let captured = usize::try_from(len).unwrap_or(usize::MAX);
            payload.bytes = payload.bytes.get(..captured).unwrap_or(payload.bytes);
            payload.missing = 0;
            payload.missing = len - payload.wire_len();
        }
    }
    Ok(Segment {
        transport: Transport::Udp,
        ports,
        payload,
    })
}

fn icmp<'a>(datagram: &Datagram<'a>, layer: Layer) -> Result<Segment<'a>, Skip> {
    let ([kind, code], _) = split::<2>(datagram.payload, layer)?;
    let header = IcmpHeader {
        kind: *kind,
        code: *code,
    };
    let has_identifier = match layer {
        Layer::Icmp => matches!(kind, 0 | 8 | 13..=18),
        _ => matches!(kind, 128 | 129),
    };
    let identifier = match datagram.payload {
        [_, _, _, _, id0, id1, ..] if has_identifier => u16::from_be_bytes([*id0, *id1]),
        _ => 0,
    };
    Ok(Segment {
        transport: match layer {
            Layer::Icmp => Transport::Icmp(header),
            _ => Transport::Icmp6(header),
        },
        ports: Ports {
            src: identifier,
            dst: identifier,
        },
        // A message may be cut anywhere behind its type.
        payload: behind(datagram, 8, layer).unwrap_or_default(),
    })
}

/// The two ports a header begins with, and what lies behind its `header_len`
/// bytes. A header that the capture cut behind the ports will do; one that
/// the packet itself has no room for will not.
#[inline]
fn with_ports<'a>(
    datagram: &Datagram<'a>,
    header_len: usize,
    layer: Layer,
) -> Result<(Ports, Payload<'a>), Skip> {
    let Ok(([s0, s1, d0, d1], _)) = split::<4>(datagram.payload, layer) else {
        let cause = if datagram.missing == 0 {
            Cause::BadLength
        } else {
            Cause::Truncated
        };
        return Err(Skip::new(layer, cause));
    };
    let ports = Ports {
        src: u16::from_be_bytes([*s0, *s1]),
        dst: u16::from_be_bytes([*d0, *d1]),
    };
    Ok((ports, behind(datagram, header_len, layer)?))
}

/// What lies behind the first `header_len` bytes of the datagram's payload,
/// which may be less than nothing of what was captured.
#[inline]
fn behind<'a>(
    datagram: &Datagram<'a>,
    header_len: usize,
    layer: Layer,
) -> Result<Payload<'a>, Skip> {
    if let Ok(bytes) = after(datagram.payload, header_len, layer) {
        return Ok(Payload {
            bytes,
            missing: datagram.missing,
        });
    }
    let cut = header_len - datagram.payload.len();
    let cut = u32::try_from(cut).unwrap_or(u32::MAX);
    match datagram.missing.checked_sub(cut) {
        Some(missing) => Ok(Payload {
            bytes: &[],
            missing,
        }),
        None => Err(Skip::new(layer, Cause::BadLength)),
    }
}
