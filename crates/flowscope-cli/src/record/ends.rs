//! Who talks to whom.

use core::fmt;
use core::net::IpAddr;

use flowscope::extract::{FiveTupleKey, IpPairKey, MacPairKey};
use flowscope::wire::{IcmpHeader, IpProtocol};

use super::Fields;

/// The two ends of a flow, in whatever terms flows are told apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    /// The initiator.
    pub(crate) src: Host,
    /// The responder.
    pub(crate) dst: Host,
    /// Their ports, where the key has any.
    pub(crate) ports: Option<(u16, u16)>,
    /// What they speak, where the key says so.
    pub(crate) protocol: Option<IpProtocol>,
}

/// A network or link-layer address.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Host {
    Ip(IpAddr),
    Mac([u8; 6]),
}

/// A flow key that knows its two ends.
pub(crate) trait HasEnds: Clone {
    fn ends(&self) -> Ends;
}

impl HasEnds for FiveTupleKey {
    fn ends(&self) -> Ends {
        Ends {
            src: Host::Ip(self.src_addr()),
            dst: Host::Ip(self.dst_addr()),
            ports: self.src_port().zip(self.dst_port()),
            protocol: Some(self.protocol()),
        }
    }
}

impl HasEnds for IpPairKey {
    fn ends(&self) -> Ends {
        Ends {
            src: Host::Ip(self.src_addr()),
            dst: Host::Ip(self.dst_addr()),
            ports: None,
            protocol: None,
        }
    }
}

impl HasEnds for MacPairKey {
    fn ends(&self) -> Ends {
        Ends {
            src: Host::Mac(self.src()),
            dst: Host::Mac(self.dst()),
            ports: None,
            protocol: None,
        }
    }
}

impl Ends {
    /// Tells the fields that all records of a flow share.
    pub(crate) fn tell(&self, icmp: Option<IcmpHeader>, fields: &mut impl Fields) {
        let icmp = icmp.filter(|_| self.is_icmp());
        fields.word("proto", self.protocol);
        fields.word("src", Some(self.src));
        fields.number("src_port", self.ports.map(|(src, _)| src.into()));
        fields.word("dst", Some(self.dst));
        fields.number("dst_port", self.ports.map(|(_, dst)| dst.into()));
        fields.number("icmp_type", icmp.map(|icmp| icmp.kind.into()));
        fields.number("icmp_code", icmp.map(|icmp| icmp.code.into()));
    }

    /// Whether they exchange ICMP messages.
    pub(crate) fn is_icmp(&self) -> bool {
        matches!(self.protocol, Some(IpProtocol::ICMP | IpProtocol::ICMP6))
    }

    /// The protocol as tables show it.
    pub(crate) fn proto(&self) -> String {
        self.protocol.map_or_else(String::new, |it| it.to_string())
    }

    /// The source as tables show it.
    pub(crate) fn source(&self) -> String {
        self.src.with_port(self.ports.map(|(src, _)| src))
    }

    /// The destination as tables show it.
    pub(crate) fn destination(&self) -> String {
        self.dst.with_port(self.ports.map(|(_, dst)| dst))
    }
}

impl Host {
    fn with_port(self, port: Option<u16>) -> String {
        match (self, port) {
            (host, None) => host.to_string(),
            (Self::Ip(IpAddr::V6(addr)), Some(port)) => format!("[{addr}]:{port}"),
            (host, Some(port)) => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::Mac([first, rest @ ..]) => {
                write!(f, "{first:02x}")?;
                rest.iter().try_for_each(|byte| write!(f, ":{byte:02x}"))
            }
        }
    }
}
