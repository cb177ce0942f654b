//! Flows with their IPv6 flow label.

use core::fmt;

use super::{Extracted, FlowExtractor};
use crate::wire::{Layer, LayerVisitor, Skip};
use crate::{Orientation, PacketView};

/// Adds the IPv6 flow label (RFC 6437) to the key of another extractor; it is
/// zero for IPv4.
///
/// Senders choose their labels. So the two directions of a conversation are
/// one flow only if the answering host returns the label of the other, or if
/// neither uses any.
///
/// ```
/// use flowscope_core::extract::{FiveTuple, FlowExtractor, FlowLabel};
/// use flowscope_core::{LinkType, PacketView, Timestamp};
///
/// let mut packet = [0; 40];
/// packet[..8].copy_from_slice(&[0x60, 0x01, 0x23, 0x45, 0, 0, 59, 64]);
/// let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
///
/// let extracted = FlowLabel(FiveTuple::bidirectional()).extract(view)?;
/// assert_eq!(extracted.key.label, 0x12345);
/// # Ok::<(), flowscope_core::wire::Skip>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct FlowLabel<E>(
    /// What makes the rest of the key.
    pub E,
);

/// The key of [`FlowLabel`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct FlowLabelKey<K> {
    /// The key without the flow label.
    pub key: K,
    /// The label, of 20 bits.
    pub label: u32,
}

impl<K: fmt::Display> fmt::Display for FlowLabelKey<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} label {:#07x}", self.key, self.label)
    }
}

impl<E: FlowExtractor> FlowExtractor for FlowLabel<E> {
    type Key = FlowLabelKey<E::Key>;

    fn extract<'a>(&self, packet: PacketView<'a>) -> Result<Extracted<'a, Self::Key>, Skip> {
        let extracted = self.0.extract(packet)?;
        let label = Label::trace_of(|visitor| self.0.trace(packet, visitor));
        Ok(extracted.with_key(|key| FlowLabelKey { key, label }))
    }

    fn extract_innermost<'a>(
        &self,
        packet: PacketView<'a>,
    ) -> Result<Extracted<'a, Self::Key>, Skip> {
        let extracted = self.0.extract_innermost(packet)?;
        let label = Label::trace_of(|visitor| self.0.trace_innermost(packet, visitor));
        Ok(extracted.with_key(|key| FlowLabelKey { key, label }))
    }

    fn trace(&self, packet: PacketView<'_>, visitor: &mut dyn LayerVisitor) -> Result<(), Skip> {
        self.0.trace(packet, visitor)
    }

    fn trace_innermost(
        &self,
        packet: PacketView<'_>,
        visitor: &mut dyn LayerVisitor,
    ) -> Result<(), Skip> {
        self.0.trace_innermost(packet, visitor)
    }

    fn seen_from(key: Self::Key, orientation: Orientation) -> Self::Key {
        FlowLabelKey {
            key: E::seen_from(key.key, orientation),
            ..key
        }
    }
}

/// The label of the last IP header of a walk.
struct Label(u32);

impl Label {
    fn trace_of(trace: impl FnOnce(&mut dyn LayerVisitor) -> Result<(), Skip>) -> u32 {
        let mut label = Self(0);
        // The packet has a flow, so this walk ends where that one did.
        let _ = trace(&mut label);
        label.0
    }
}

impl LayerVisitor for Label {
    fn layer(&mut self, _: Layer, _: Option<u32>) {}

    fn ip_packet(&mut self, packet: &[u8]) {
        self.0 = match packet {
            [0x60..=0x6f, high, middle, low, ..] => {
                u32::from_be_bytes([0, high & 0x0f, *middle, *low])
            }
            _ => 0,
        };
    }
}
