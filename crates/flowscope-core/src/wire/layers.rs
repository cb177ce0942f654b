//! The encapsulations around a packet.

use core::fmt;
use core::ops::Deref;

use super::{Depth, Headers, Layer};
use crate::PacketView;

/// One encapsulation that was passed: its kind, and its identifier.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Peeled {
    /// What kind of header it was.
    pub layer: Layer,
    /// VLAN identifier, MPLS label, PPPoE session or service instance; zero
    /// for kinds that have none.
    pub id: u32,
}

/// The encapsulations around a packet, outermost first.
///
/// The first eight are kept, which is more than networks stack; deeper ones
/// are passed through without a record. Reads as a slice of [`Peeled`].
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Layers {
    peeled: [Peeled; CAPACITY],
    len: u8,
}

impl Layers {
    /// Walks the packet down to `depth`, as [`Headers::parse`] does, and keeps
    /// what was passed. A walk that ends early keeps what was passed until then.
    #[must_use]
    pub fn around(packet: PacketView<'_>, depth: Depth) -> Self {
        let mut layers = Self::default();
        // Why the walk ended is told by whoever walks for the headers.
        let _ = Headers::none().walk(packet, depth, &mut layers);
        layers
    }
}

/// Is told which encapsulations a walk passes.
///
/// Nothing is kept unless asked for: on most packets nobody asks.
pub(crate) trait Passed {
    fn pass(&mut self, layer: Layer, id: u32);
}

impl Passed for () {
    #[inline]
    fn pass(&mut self, _: Layer, _: u32) {}
}

impl Passed for Layers {
    fn pass(&mut self, layer: Layer, id: u32) {
        if let Some(slot) = self.peeled.get_mut(usize::from(self.len)) {
            *slot = Peeled { layer, id };
            self.len += 1;
        }
    }
}

impl Deref for Layers {
    type Target = [Peeled];

    #[inline]
    fn deref(&self) -> &[Peeled] {
        self.peeled.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl Default for Layers {
    #[inline]
    fn default() -> Self {
        const NONE: Peeled = Peeled {
            layer: Layer::Link,
            id: 0,
        };
        Self {
            peeled: [NONE; CAPACITY],
            len: 0,
        }
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

const CAPACITY: usize = 8;
