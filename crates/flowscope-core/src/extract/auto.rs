//! Looking through whatever is wrapped around the flow.

use super::{Extracted, FlowExtractor, KeyOfHeaders};
use crate::wire::{Depth, Headers, Passed, Skip};
use crate::{Orientation, PacketView};

/// Keys flows by the innermost IP packet, through whatever encapsulation the
/// frame holds.
///
/// Opens IP in IP and 6in4, besides what every extractor passes through: VLAN
/// tags, MPLS, PPPoE.
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
#[derive(Clone, Copy, Debug, Default)]
pub struct AutoDetectEncap<E> {
    inner: E,
}

impl<E> AutoDetectEncap<E> {
    /// Applies `inner` to the innermost IP packet.
    pub const fn new(inner: E) -> Self {
        Self { inner }
    }
}

impl<E: KeyOfHeaders> FlowExtractor for AutoDetectEncap<E> {
    type Key = E::Key;

    #[inline]
    fn extract<'a>(&self, packet: PacketView<'a>) -> Result<Extracted<'a, E::Key>, Skip> {
        Extracted::parse(&self.inner, packet, Depth::Innermost)
    }

    fn trace(&self, packet: PacketView<'_>, passed: &mut dyn Passed) -> Result<(), Skip> {
        Headers::trace(packet, Depth::Innermost, passed)
    }

    fn seen_from(key: E::Key, orientation: Orientation) -> E::Key {
        E::seen_from(key, orientation)
    }
}
