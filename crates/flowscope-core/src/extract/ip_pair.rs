//! Flows by the two hosts.

use core::fmt;
use core::net::IpAddr;

use super::KeyOfHeaders;
use crate::Orientation;
use crate::wire::Headers;

/// Keys flows by the two IP addresses, whatever they speak.
#[derive(Clone, Copy, Debug, Default)]
pub struct IpPair;

impl KeyOfHeaders for IpPair {
    type Key = IpPairKey;

    #[inline]
    fn key(&self, headers: &Headers<'_>) -> (IpPairKey, Orientation) {
        let (src, dst) = (headers.ip.src(), headers.ip.dst());
        let (ends, orientation) = if src <= dst {
            ([src, dst], Orientation::Forward)
        } else {
            ([dst, src], Orientation::Reverse)
        };
        let key = IpPairKey {
            ends,
            view: Seen(Orientation::Forward),
        };
        (key, orientation)
    }

    fn seen_from(key: IpPairKey, orientation: Orientation) -> IpPairKey {
        IpPairKey {
            view: Seen(orientation),
            ..key
        }
    }
}

/// The key of [`IpPair`]. In events `src` is the flow's initiator.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct IpPairKey {
    ends: [IpAddr; 2],
    view: Seen,
}

impl IpPairKey {
    /// The initiator's address.
    #[must_use]
    pub fn src_addr(&self) -> IpAddr {
        self.view.pick(self.ends).0
    }

    /// The responder's address.
    #[must_use]
    pub fn dst_addr(&self) -> IpAddr {
        self.view.pick(self.ends).1
    }
}

impl fmt::Display for IpPairKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.src_addr(), self.dst_addr())
    }
}

/// Which end of a key is shown first. Every view of a key is the same key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen(pub(super) Orientation);

impl Seen {
    /// The ends, the one shown first in front.
    pub(super) fn pick<T>(self, [first, second]: [T; 2]) -> (T, T) {
        match self.0 {
            Orientation::Forward => (first, second),
            Orientation::Reverse => (second, first),
        }
    }
}

impl PartialEq for Seen {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Seen {}

impl core::hash::Hash for Seen {
    fn hash<H: core::hash::Hasher>(&self, _: &mut H) {}
}
