//! The networks around a packet that its key tells apart.

use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use crate::wire::{Addr, IpVersion, Layer};

/// The VLANs and tunnels that are part of a key, outermost first.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "Vec<ScopeLayer>", into = "Vec<ScopeLayer>")
)]
pub struct Scope {
    /// Layers with their identifiers; `None` where the next of `ends` stands
    /// for it.
    layers: [(Layer, Option<u32>); MAX_LAYERS],
    ends: [Ends; MAX_ENDS],
    layers_len: u8,
    ends_len: u8,
}

/// A layer in a [`Scope`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ScopeLayer {
    /// A layer with an identifier that both directions share.
    Id(Layer, u32),
    /// A tunnel known by its two ends, in order of their addresses.
    Between(Layer, [IpAddr; 2]),
}

impl fmt::Display for ScopeLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(layer, id) => write!(f, "{} {id}", layer.as_str()),
            Self::Between(layer, [a, b]) => write!(f, "{} {a} {b}", layer.as_str()),
        }
    }
}

/// The ends of a tunnel, the lower one first.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
struct Ends {
    addrs: [Addr; 2],
    version: IpVersion,
}

impl Ends {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.version as u8);
        for Addr { high, low } in self.addrs {
            out.extend(high.to_be_bytes());
            out.extend(low.to_be_bytes());
        }
    }
}

impl Scope {
    pub(super) const EMPTY: Self = Self {
        layers: [(Layer::Link, None); MAX_LAYERS],
        ends: [Ends {
            addrs: [Addr { high: 0, low: 0 }; 2],
            version: IpVersion::V4,
        }; MAX_ENDS],
        layers_len: 0,
        ends_len: 0,
    };

    /// Its layers, outermost first.
    pub fn layers(&self) -> impl Iterator<Item = ScopeLayer> {
        let mut ends = self.ends.iter();
        let layers = self.layers.iter().take(self.layers_len.into());
        layers.filter_map(move |&(layer, id)| match id {
            Some(id) => Some(ScopeLayer::Id(layer, id)),
            None => {
                let Ends { addrs, version } = ends.next()?;
                let ends = addrs.map(|addr| addr.read_as(*version));
                Some(ScopeLayer::Between(layer, ends))
            }
        })
    }

    pub(super) fn push(&mut self, layer: Layer, id: Option<u32>) -> Option<()> {
        *self.layers.get_mut(usize::from(self.layers_len))? = (layer, id);
        self.layers_len += 1;
        Some(())
    }

    #[cfg(feature = "serde")]
    pub(super) fn push_layer(&mut self, layer: ScopeLayer) -> Option<()> {
        match layer {
            ScopeLayer::Id(layer, id) => self.push(layer, Some(id)),
            ScopeLayer::Between(layer, ends) => {
                let [(a, version), (b, _)] = ends.map(Addr::of_ip);
                self.push_ends(layer, [a, b], version)
            }
        }
    }

    pub(super) fn push_ends(
        &mut self,
        layer: Layer,
        [src, dst]: [Addr; 2],
        version: IpVersion,
    ) -> Option<()> {
        let place = self.ends.get_mut(usize::from(self.ends_len))?;
        *place = Ends {
            addrs: [src.min(dst), src.max(dst)],
            version,
        };
        self.ends_len += 1;
        self.push(layer, None)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.layers_len == 0
    }

    /// Appends the scope as bytes, which are the same for the same scope alone.
    ///
    /// ```text
    /// ┌───────┬───────────────────────────────────────────────────┐
    /// │ count │ layer 1, kind 1, then by kind:                     │ ...
    /// │   1   │   identifier 4, or version 1 and two addresses 32  │
    /// └───────┴───────────────────────────────────────────────────┘
    /// ```
    ///
    /// The count and the kinds say where a scope ends. So the scopes of
    /// extractors around each other can follow one another, and no two lists of
    /// scopes are encoded alike.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut ends = self.ends.iter();
        out.push(self.layers_len);
        for (layer, id) in self.layers.iter().take(self.layers_len.into()) {
            out.extend([*layer as u8, u8::from(id.is_some())]);
            match id {
                Some(id) => out.extend(id.to_be_bytes()),
                None => ends.next().into_iter().for_each(|ends| ends.encode(out)),
            }
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.layers()).finish()
    }
}

/// More than networks stack.
const MAX_LAYERS: usize = 8;
const MAX_ENDS: usize = 2;
