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
/// outside is the flow's, and [`Layers::unopened_tunnel`] says why.
///
/// An extractor that reads no more than headers reads those of the innermost
/// IP packet. Any other is given the innermost frame that it can read.
///
/// [`Layers::unopened_tunnel`]: crate::wire::Layers::unopened_tunnel
///
/// ```
/// use flowscope_core::extract::{AutoDetectEncap, FiveTuple, FlowExtractor};
/// use flowscope_core::{FlowSide, LinkType, PacketView, Timestamp};
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
/// assert_eq!(outer.key.addr(FlowSide::Initiator).to_string(), "192.0.2.1");
/// let inner = AutoDetectEncap::new(FiveTuple::bidirectional()).extract(view)?;
/// assert_eq!(inner.key.addr(FlowSide::Initiator).to_string(), "2020:2020:2020:2020:2020:2020:2020:2020");
/// # Ok::<(), flowscope_core::wire::Skip>(())
/// ```
///
/// [`EngineConfig::outer_flows`](crate::engine::EngineConfig::outer_flows) has an
/// engine count a packet in a tunnel on the flows outside as well.
#[derive(Clone, Copy, Debug, Default)]
pub struct AutoDetectEncap<E> {
    inner: E,
}

impl<E> AutoDetectEncap<E> {
    /// Applies `inner` to the innermost packet.
    pub const fn new(inner: E) -> Self {
        Self { inner }
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

    fn seen_from(key: E::Key, orientation: Orientation) -> E::Key {
        E::seen_from(key, orientation)
    }
}
