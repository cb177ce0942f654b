//! The encapsulations around a packet.

use core::fmt;
use core::ops::Deref;

#[cfg(test)]
use super::{Depth, Headers};
use super::{Layer, LayerVisitor, Skip};
#[cfg(test)]
use crate::PacketView;

/// One encapsulation that was passed: its kind, and its identifier.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Encapsulation {
    /// What kind of header it was. For a tunnel without a header of its own,
    /// the protocol that carries it: [`Layer::Ipv4`] for an IP packet in IPv4.
    pub layer: Layer,
    /// VLAN identifier, MPLS label, PPPoE session, service instance, VXLAN or
    /// Geneve network, GRE key, GTP-U tunnel endpoint (in version 0 the flow
    /// label), L2TP session (in version 2 behind 16 bits of tunnel), PPTP call,
    /// ERSPAN session, NSH path or LISP instance; `None` for kinds that have
    /// none.
    pub id: Option<u32>,
}

/// The encapsulations around a packet, outermost first.
///
/// The first sixteen are kept, which is more than networks stack; deeper ones
/// are passed through without a record. Reads as a slice of [`Encapsulation`].
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Layers {
    layers: [Encapsulation; CAPACITY],
    len: u8,
    unopened: Option<Skip>,
}

impl Layers {
    /// Walks the packet down to `depth`, as [`Headers::parse`] does, and keeps
    /// what was passed. A walk that ends early keeps what was passed until then.
    #[cfg(test)]
    pub(crate) fn around(packet: PacketView<'_>, depth: Depth) -> Self {
        let mut layers = Self::default();
        // The walk for the headers returns the same error.
        let _ = Headers::empty().walk(packet, depth, &mut layers);
        layers
    }

    /// Why a tunnel that the innermost of these packets carries was not opened:
    /// what is inside is cut, or broken, or no IP.
    #[must_use]
    pub fn unopened_tunnel(&self) -> Option<Skip> {
        self.unopened
    }
}

impl LayerVisitor for Layers {
    fn layer(&mut self, layer: Layer, id: Option<u32>) {
        if let Some(slot) = self.layers.get_mut(usize::from(self.len)) {
            *slot = Encapsulation { layer, id };
            self.len += 1;
        }
    }

    fn unopened_tunnel(&mut self, why: Skip) {
        self.unopened = Some(why);
    }
}

impl Deref for Layers {
    type Target = [Encapsulation];

    #[inline]
    fn deref(&self) -> &[Encapsulation] {
        self.layers.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl Default for Layers {
    #[inline]
    fn default() -> Self {
        const NONE: Encapsulation = Encapsulation {
            layer: Layer::Link,
            id: None,
        };
        Self {
            layers: [NONE; CAPACITY],
            len: 0,
            unopened: None,
        }
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

const CAPACITY: usize = 16;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::{LinkType, Timestamp};

    #[test]
    fn layers_have_the_identifiers_that_their_kind_has() {
        // An Ethernet frame of VLAN 7 with IPv4 in IPv4.
        let mut frame = [0; 12].to_vec();
        frame.extend_from_slice(&[0x81, 0, 0, 7, 0x08, 0]);
        frame.extend_from_slice(&ipv4(40, 4));
        frame.extend_from_slice(&ipv4(20, 59));
        let view = PacketView::new(&frame, Timestamp::EPOCH);
        let layers = Layers::around(view, Depth::Innermost);
        let found: Vec<_> = layers
            .iter()
            .map(|layers| (layers.layer, layers.id))
            .collect();
        assert_eq!(found, [(Layer::Vlan, Some(7)), (Layer::Ipv4, None)]);

        let raw = PacketView::new(&[], Timestamp::EPOCH).with_link(LinkType::RAW);
        assert!(Layers::around(raw, Depth::Innermost).is_empty());
    }

    fn ipv4(len: u8, protocol: u8) -> [u8; 20] {
        let mut header = [0; 20];
        header[..10].copy_from_slice(&[0x45, 0, 0, len, 0, 0, 0, 0, 64, protocol]);
        header
    }
}
