//! Which protocol an IP packet carries.

use core::fmt;

/// A number of the IANA registry of IP protocols.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct IpProtocol(pub u8);

impl IpProtocol {
    /// IPv6 hop-by-hop options.
    pub(crate) const HOP_BY_HOP: Self = Self(0);
    /// ICMP.
    pub const ICMP: Self = Self(1);
    /// IPv4 inside IP.
    pub(crate) const IPV4: Self = Self(4);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// IPv6 inside IP.
    pub(crate) const IPV6: Self = Self(41);
    /// IPv6 routing header.
    pub(crate) const IPV6_ROUTE: Self = Self(43);
    /// IPv6 fragment header.
    pub(crate) const IPV6_FRAG: Self = Self(44);
    /// Generic routing encapsulation.
    pub(crate) const GRE: Self = Self(47);
    /// Authentication header.
    pub(crate) const AH: Self = Self(51);
    /// ICMPv6.
    pub const ICMP6: Self = Self(58);
    /// No header follows in IPv6.
    pub(crate) const IPV6_NONE: Self = Self(59);
    /// IPv6 destination options.
    pub(crate) const IPV6_OPTS: Self = Self(60);
    /// EtherIP.
    pub(crate) const ETHERIP: Self = Self(97);
    /// Protocol Independent Multicast (RFC 7761).
    pub(crate) const PIM: Self = Self(103);
    /// L2TP, version 3.
    pub(crate) const L2TP: Self = Self(115);
    /// SCTP.
    pub(crate) const SCTP: Self = Self(132);
    /// UDP-Lite.
    pub(crate) const UDP_LITE: Self = Self(136);
    /// MPLS inside IP (RFC 4023).
    pub(crate) const MPLS: Self = Self(137);
    /// Ethernet inside IP (RFC 8986).
    pub(crate) const ETHERNET: Self = Self(143);

    /// Whether its packets carry a source and a destination port that this
    /// crate reads.
    #[must_use]
    pub(crate) const fn has_ports(self) -> bool {
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
