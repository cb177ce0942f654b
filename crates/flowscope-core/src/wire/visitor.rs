//! Who is told what a walk passes.

use super::{IpFragment, IpHeader, Layer, Skip};

/// Is told which encapsulations a walk passes, outermost first.
///
/// Nothing is kept unless asked for: on most packets nobody asks. See
/// [`FlowExtractor::trace`](crate::extract::FlowExtractor::trace).
pub trait LayerVisitor {
    /// A header was passed. `id` is as in [`Encapsulation::id`](super::Encapsulation::id).
    fn layer(&mut self, layer: Layer, id: Option<u32>);

    /// A tunnel was opened that `carrier` carries; in the same order as what
    /// [`layer`](Self::layer) is told, and told to it unless said otherwise.
    fn tunnel(&mut self, layer: Layer, id: Option<u32>, carrier: &IpHeader) {
        let _ = carrier;
        self.layer(layer, id);
    }

    /// A tunnel stays closed, for what was found in it: the packet that
    /// carries it is the deepest that holds.
    fn unopened_tunnel(&mut self, why: Skip) {
        let _ = why;
    }

    /// An IP header begins; `packet` is what was captured of the packet from
    /// there on. Of packets in each other, the last that holds is told last.
    #[inline]
    fn ip_packet(&mut self, packet: &[u8]) {
        let _ = packet;
    }

    /// The IP header that was told last is a fragment's. What is inside the
    /// first of several is told behind it, as far as it goes.
    fn fragment(&mut self, fragment: &IpFragment<'_>) {
        let _ = fragment;
    }

    /// Whether anything is done with what is told.
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
