//! What is known of an IP header.

use core::net::IpAddr;

use super::addr::{Addr, IpVersion};
use super::protocol::IpProtocol;

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
