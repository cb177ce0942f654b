//! Addresses of either version of IP.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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

    /// The address, and its version.
    #[cfg(feature = "serde")]
    pub(crate) fn of_ip(addr: IpAddr) -> (Self, IpVersion) {
        match addr {
            IpAddr::V4(addr) => (Self::v4(addr), IpVersion::V4),
            IpAddr::V6(addr) => (Self::v6(addr), IpVersion::V6),
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
