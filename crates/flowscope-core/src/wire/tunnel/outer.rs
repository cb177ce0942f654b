//! The packet that carries a tunnel, as the readers of tunnel headers see it.

use super::{IpHeader, IpVersion, Layer, LayerVisitor, Next, Payload, Ports, Skip};

/// What a tunnel's header leads to.
pub(super) type Inside<'a> = Result<(Next, &'a [u8]), Skip>;

/// A packet that may carry a tunnel.
pub(super) struct Outer<'a, 'p> {
    pub(super) ip: &'p IpHeader,
    pub(super) ports: Ports,
    /// What it carries.
    pub(super) bytes: &'a [u8],
    /// How much of the end of that the capture lacks.
    pub(super) missing: u32,
    /// Whether it is the first fragment of more.
    pub(super) is_fragment: bool,
    pub(super) visitor: &'p mut dyn LayerVisitor,
}

impl<'a> Outer<'a, '_> {
    /// Whether the end of what it carries is not here.
    pub(super) fn is_cut(&self) -> bool {
        self.missing > 0 || self.is_fragment
    }

    /// As much of `rest`, which the packet ends with, as a header says there is.
    pub(super) fn up_to(&mut self, rest: &'a [u8], claimed: u32) -> &'a [u8] {
        let missing = self.missing;
        let rest = Payload {
            bytes: rest,
            missing,
        };
        let Payload { bytes, missing } = rest.up_to(claimed);
        self.missing = missing;
        bytes
    }

    /// Reports a tunnel over this packet to the visitor.
    pub(super) fn report(&mut self, layer: Layer, id: Option<u32>) {
        self.visitor.tunnel(layer, id, self.ip);
    }

    /// Reports a tunnel without a header of its own, such as IP in IP.
    pub(super) fn report_carrier(&mut self) {
        let layer = match self.ip.version {
            IpVersion::V4 => Layer::Ipv4,
            IpVersion::V6 => Layer::Ipv6,
        };
        self.report(layer, None);
    }
}
