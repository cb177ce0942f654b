//! The visitor of a walk.

use super::{IpFragment, IpHeader, Layer, Skip};

/// Is called for each encapsulation that a walk passes, outermost first.
///
/// A walk keeps nothing of them itself, because most packets are only walked for
/// their flow. See
/// [`FlowExtractor::trace`](crate::extract::FlowExtractor::trace).
pub trait LayerVisitor {
    /// A header was passed. `id` is as in [`Encapsulation::id`](super::Encapsulation::id).
    fn layer(&mut self, layer: Layer, id: Option<u32>);

    /// A tunnel was opened that `carrier` carries. Calls [`layer`](Self::layer)
    /// unless implemented otherwise.
    fn tunnel(&mut self, layer: Layer, id: Option<u32>, carrier: &IpHeader) {
        let _ = carrier;
        self.layer(layer, id);
    }

    /// A tunnel was not opened, because of what was found in it. The packet that
    /// carries it is the innermost one that could be read.
    fn unopened_tunnel(&mut self, why: Skip) {
        let _ = why;
    }

    /// An IP header begins; `packet` is what was captured of the packet from
    /// there on. Of nested packets, the innermost that could be read comes last.
    #[inline]
    fn ip_packet(&mut self, packet: &[u8]) {
        let _ = packet;
    }

    /// The last IP header is that of a fragment. What is inside a first fragment
    /// follows, as far as it goes.
    fn fragment(&mut self, fragment: &IpFragment<'_>) {
        let _ = fragment;
    }

    /// Whether it does anything: a walk may leave out calls if not.
    fn is_active(&self) -> bool {
        true
    }
}

impl LayerVisitor for () {
    #[inline]
    fn layer(&mut self, _: Layer, _: Option<u32>) {}

    fn is_active(&self) -> bool {
        false
    }
}

impl LayerVisitor for &mut (dyn LayerVisitor + '_) {
    fn layer(&mut self, layer: Layer, id: Option<u32>) {
        (**self).layer(layer, id);
    }

    fn tunnel(&mut self, layer: Layer, id: Option<u32>, carrier: &IpHeader) {
        (**self).tunnel(layer, id, carrier);
    }

    fn unopened_tunnel(&mut self, why: Skip) {
        (**self).unopened_tunnel(why);
    }

    fn ip_packet(&mut self, packet: &[u8]) {
        (**self).ip_packet(packet);
    }

    fn fragment(&mut self, fragment: &IpFragment<'_>) {
        (**self).fragment(fragment);
    }

    fn is_active(&self) -> bool {
        (**self).is_active()
    }
}
