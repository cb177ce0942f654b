//! What is known of a transport header.

use super::IpProtocol;
use crate::SeqNumber;

/// A transport header.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
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
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
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
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
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
    pub(crate) const fn intersects(self, flags: Self) -> bool {
        self.0 & flags.0 != 0
    }
}

/// The first fields of an ICMP or ICMPv6 message.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct IcmpHeader {
    /// Message type.
    pub kind: u8,
    /// Message code.
    pub code: u8,
}

/// The two port numbers of a packet.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Ports {
    /// The sender's.
    pub src: u16,
    /// The receiver's.
    pub dst: u16,
}
