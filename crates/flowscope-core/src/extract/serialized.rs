//! Keys as they are serialized: by what they show, and not by how they are
//! packed.

use alloc::vec::Vec;
use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::five_tuple::FiveTupleKey;
use super::ip_pair::{IpPairKey, KeyView};
use super::mac_pair::MacPairKey;
use super::scope::{Scope, ScopeLayer};
use crate::Orientation;
use crate::wire::IpProtocol;

/// A [`FiveTupleKey`].
#[derive(Deserialize, Serialize)]
pub(super) struct FiveTuple {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    /// Zero, or the identifier of ICMP echo messages, where there are no ports.
    pub(super) src_port: u16,
    pub(super) dst_port: u16,
    pub(super) protocol: IpProtocol,
    /// Which way a packet from `src` runs along the key.
    pub(super) orientation: Orientation,
}

/// An [`IpPairKey`] or a [`MacPairKey`].
#[derive(Deserialize, Serialize)]
pub(super) struct Pair<A> {
    src: A,
    dst: A,
    /// Which way a packet from `src` runs along the key.
    orientation: Orientation,
}

impl<A> Pair<A> {
    fn new(ends: [A; 2], view: KeyView) -> Self {
        let (src, dst) = view.in_order(ends);
        let KeyView(orientation) = view;
        Self {
            src,
            dst,
            orientation,
        }
    }

    fn ends(self) -> ([A; 2], KeyView) {
        let view = KeyView(self.orientation);
        let (first, second) = view.in_order([self.src, self.dst]);
        ([first, second], view)
    }
}

impl From<FiveTupleKey> for FiveTuple {
    fn from(key: FiveTupleKey) -> Self {
        key.to_serialized()
    }
}

impl From<FiveTuple> for FiveTupleKey {
    fn from(key: FiveTuple) -> Self {
        Self::from_serialized(&key)
    }
}

impl From<IpPairKey> for Pair<IpAddr> {
    fn from(key: IpPairKey) -> Self {
        Self::new(key.ends, key.view)
    }
}

impl From<Pair<IpAddr>> for IpPairKey {
    fn from(pair: Pair<IpAddr>) -> Self {
        let (ends, view) = pair.ends();
        Self { ends, view }
    }
}

impl From<MacPairKey> for Pair<[u8; 6]> {
    fn from(key: MacPairKey) -> Self {
        Self::new(key.ends, key.view)
    }
}

impl From<Pair<[u8; 6]>> for MacPairKey {
    fn from(pair: Pair<[u8; 6]>) -> Self {
        let (ends, view) = pair.ends();
        Self { ends, view }
    }
}

impl From<Scope> for Vec<ScopeLayer> {
    fn from(scope: Scope) -> Self {
        scope.layers().collect()
    }
}

impl TryFrom<Vec<ScopeLayer>> for Scope {
    type Error = &'static str;

    fn try_from(layers: Vec<ScopeLayer>) -> Result<Self, Self::Error> {
        let mut scope = Self::EMPTY;
        for layer in layers {
            scope
                .push_layer(layer)
                .ok_or("more layers than a scope has")?;
        }
        Ok(scope)
    }
}
