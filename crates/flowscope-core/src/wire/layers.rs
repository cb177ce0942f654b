//! The encapsulations around a packet.

use core::fmt;
use core::ops::Deref;

use super::Layer;

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
    #[inline]
    pub(crate) fn push(&mut self, layer: Layer, id: u32) {
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
