//! Looking through whatever is wrapped around the flow.

use super::{Extracted, FlowExtractor};
use crate::wire::{LayerVisitor, Skip};
use crate::{Orientation, PacketView};

/// Keys flows by the innermost packet, through whatever encapsulation the
/// frame holds.
///
/// Opens IP in IP, 6in4 and 4in6, GRE and what it carries, VXLAN and
/// VXLAN-GPE, Geneve, GTP-U, Teredo, L2TP, network service headers, MPLS in
/// UDP, CAPWAP, LISP and more, besides what every extractor passes through:
/// VLAN tags, MPLS, PPPoE. A protocol number or a port is not believed: a
/// tunnel is opened if the headers inside it hold. Otherwise the packet
/// outside is the flow's, and [`Layers::left_closed`] says why.
///
/// An extractor that reads no more than headers reads those of the innermost
/// IP packet. Any other is given the innermost frame that it can read.
///
/// [`Layers::left_closed`]: crate::wire::Layers::left_closed
///
/// ```
/// use flowscope_core::extract::{AutoDetectEncap, FiveTuple, FlowExtractor};
/// use flowscope_core::{LinkType, PacketView, Timestamp};
///
/// // 6in4: an IPv4 header, and inside it an IPv6 packet without payload.
/// let mut packet = vec![
///     0x45, 0, 0, 60, 0, 0, 0, 0, 64, 41, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2,
///     0x60, 0, 0, 0, 0, 0, 59, 64,
/// ];
/// packet.extend_from_slice(&[0x20; 16]);
/// packet.extend_from_slice(&[0x30; 16]);
/// let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
///
/// let outer = FiveTuple::bidirectional().extract(view)?;
/// assert_eq!(outer.key.src_addr().to_string(), "192.0.2.1");
/// let inner = AutoDetectEncap::new(FiveTuple::bidirectional()).extract(view)?;
/// assert_eq!(inner.key.src_addr().to_string(), "2020:2020:2020:2020:2020:2020:2020:2020");
/// # Ok::<(), flowscope_core::wire::Skip>(())
/// ```
///
/// [`with_outer`](Self::with_outer) asks for the flow of the packet outside as
/// well. An engine then counts a packet in a tunnel on both:
///
/// ```
/// # use flowscope_core::extract::{AutoDetectEncap, FiveTuple, FlowExtractor};
/// # use flowscope_core::{LinkType, PacketView, Timestamp};
/// # let mut packet = vec![
/// #     0x45, 0, 0, 60, 0, 0, 0, 0, 64, 41, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2,
/// #     0x60, 0, 0, 0, 0, 0, 59, 64,
/// # ];
/// # packet.extend_from_slice(&[0x20; 32]);
/// # let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
/// let both = AutoDetectEncap::new(FiveTuple::bidirectional()).with_outer();
/// let inner = both.extract(view)?;
/// let outer = both.outer(&inner).expect("it is in a tunnel");
/// assert_eq!(outer.key.src_addr().to_string(), "192.0.2.1");
/// # Ok::<(), flowscope_core::wire::Skip>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AutoDetectEncap<E> {
    inner: E,
    levels: Levels,
}

/// Of which packets the flows are wanted.
#[derive(Clone, Copy, Debug, Default)]
enum Levels {
    #[default]
    Innermost,
    Both,
}

impl<E> AutoDetectEncap<E> {
    /// Applies `inner` to the innermost packet.
    pub const fn new(inner: E) -> Self {
        Self {
            inner,
            levels: Levels::Innermost,
        }
    }

    /// Has an [`outer`](FlowExtractor::outer) flow for packets in a tunnel,
    /// beside the inner one: that of the outermost packet, whatever is between
    /// the two.
    #[must_use]
    pub fn with_outer(self) -> Self {
        Self {
            levels: Levels::Both,
            ..self
        }
    }
}

impl<E: FlowExtractor> AutoDetectEncap<E> {
    /// The flow of the packet that carries the one of `inner`, if one does.
    #[inline(never)]
    fn outside<'a>(&self, inner: &Extracted<'a, E::Key>) -> Option<Extracted<'a, E::Key>> {
        let outer = self.inner.extract(inner.packet).ok()?;
        let is_the_same = outer.payload == inner.payload && outer.ip_len == inner.ip_len;
        (!is_the_same).then_some(outer)
    }
}

impl<E: FlowExtractor> FlowExtractor for AutoDetectEncap<E> {
    type Key = E::Key;

    #[inline(always)]
    fn extract<'a>(&self, packet: PacketView<'a>) -> Result<Extracted<'a, E::Key>, Skip> {
        self.inner.extract_innermost(packet)
    }

    fn trace(&self, packet: PacketView<'_>, visitor: &mut dyn LayerVisitor) -> Result<(), Skip> {
        self.inner.trace_innermost(packet, visitor)
    }

    #[inline(always)]
    fn outer<'a>(&self, inner: &Extracted<'a, E::Key>) -> Option<Extracted<'a, E::Key>> {
        match self.levels {
            Levels::Innermost => None,
            Levels::Both => self.outside(&inner.clone()),
        }
    }

    fn outermost<'a>(&self, packet: PacketView<'a>) -> Option<Extracted<'a, E::Key>> {
        match self.levels {
            Levels::Innermost => None,
            Levels::Both => self.inner.extract(packet).ok(),
        }
    }

    fn seen_from(key: E::Key, orientation: Orientation) -> E::Key {
        E::seen_from(key, orientation)
    }
}
