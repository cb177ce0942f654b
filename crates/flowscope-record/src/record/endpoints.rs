//! Who talks to whom.

use core::net::IpAddr;

use flowscope_core::FlowSide;
use flowscope_core::extract::{FiveTupleKey, IpPairKey, MacPairKey};
use flowscope_core::wire::{IcmpHeader, IpProtocol};

use crate::host::Host;
use crate::visit::FieldVisitor;

/// The two ends of a flow, in whatever terms flows are told apart.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Endpoints {
    /// The initiator.
    pub src: Host,
    /// The responder.
    pub dst: Host,
    /// Their ports, the initiator's first, where the key has any.
    pub ports: Option<(u16, u16)>,
    /// The IP protocol, where the key says it.
    pub protocol: Option<IpProtocol>,
}

/// A flow key that knows its two ends.
pub(crate) trait KeyEndpoints: Clone {
    fn endpoints(&self) -> Endpoints;
}

impl KeyEndpoints for FiveTupleKey {
    #[inline]
    fn endpoints(&self) -> Endpoints {
        Endpoints {
            src: Host::Ip(self.addr(FlowSide::Initiator)),
            dst: Host::Ip(self.addr(FlowSide::Responder)),
            ports: (self.port(FlowSide::Initiator)).zip(self.port(FlowSide::Responder)),
            protocol: Some(self.protocol()),
        }
    }
}

impl KeyEndpoints for IpPairKey {
    fn endpoints(&self) -> Endpoints {
        Endpoints {
            src: Host::Ip(self.addr(FlowSide::Initiator)),
            dst: Host::Ip(self.addr(FlowSide::Responder)),
            ports: None,
            protocol: None,
        }
    }
}

impl KeyEndpoints for MacPairKey {
    fn endpoints(&self) -> Endpoints {
        Endpoints {
            src: Host::Mac(self.addr(FlowSide::Initiator)),
            dst: Host::Mac(self.addr(FlowSide::Responder)),
            ports: None,
            protocol: None,
        }
    }
}

impl Endpoints {
    /// Gives the fields that all records of a flow share.
    pub(crate) fn visit(&self, icmp: Option<IcmpHeader>, fields: &mut impl FieldVisitor) {
        let icmp = icmp.filter(|_| self.is_icmp());
        fields.plain_text("proto", self.protocol);
        fields.host("src", self.src);
        fields.number("src_port", self.ports.map(|(src, _)| src.into()));
        fields.host("dst", self.dst);
        fields.number("dst_port", self.ports.map(|(_, dst)| dst.into()));
        fields.number("icmp_type", icmp.map(|icmp| icmp.kind.into()));
        fields.number("icmp_code", icmp.map(|icmp| icmp.code.into()));
    }

    /// The address of the end that is not `side`.
    pub(crate) fn peer_address(&self, side: FlowSide) -> Option<IpAddr> {
        let peer = match side {
            FlowSide::Initiator => self.dst,
            FlowSide::Responder => self.src,
        };
        match peer {
            Host::Ip(address) => Some(address),
            Host::Mac(_) => None,
        }
    }

    /// Whether they exchange ICMP messages.
    #[must_use]
    pub fn is_icmp(&self) -> bool {
        matches!(self.protocol, Some(IpProtocol::ICMP | IpProtocol::ICMP6))
    }

    /// The source with its port, if it has one: `10.0.0.1:40000`.
    #[must_use]
    pub fn source(&self) -> String {
        self.src.with_port(self.ports.map(|(src, _)| src))
    }

    /// The destination with its port, if it has one: `10.0.0.2:80`.
    #[must_use]
    pub fn destination(&self) -> String {
        self.dst.with_port(self.ports.map(|(_, dst)| dst))
    }
}
