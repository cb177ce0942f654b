//! Finding the fragment in a packet.

use super::fragment_store::{Arrival, Owner};
use crate::Timestamp;
use crate::defrag::{Defragmenter, PushResult};
use crate::wire::{IpFragment, IpHeader, IpVersion, Layer, LayerVisitor, ReassembledHeader, Skip};

/// Adds the first fragment that a walk finds to its datagram.
pub(super) struct FragmentPush<'m, L> {
    pub(super) held: &'m mut Defragmenter<Owner, Arrival>,
    pub(super) link: &'m mut ReassembledHeader,
    pub(super) arrivals: &'m mut [Arrival],
    pub(super) now: Timestamp,
    /// Whether the flow of an owner is live.
    pub(super) is_live: L,
    pub(super) found: Option<PushedFragment>,
}

/// A fragment that was found and pushed.
#[derive(Clone, Copy, Debug)]
pub(super) struct PushedFragment {
    pub(super) pushed: PushResult,
    pub(super) version: IpVersion,
    /// Whether it is a first one, and no headers go on behind its end.
    pub(super) names_flow: bool,
}

impl<L: Fn(&Owner) -> bool> LayerVisitor for FragmentPush<'_, L> {
    fn layer(&mut self, layer: Layer, id: Option<u32>) {
        self.link.layer(layer, id);
    }

    fn tunnel(&mut self, layer: Layer, id: Option<u32>, carrier: &IpHeader) {
        self.link.tunnel(layer, id, carrier);
    }

    fn unopened_tunnel(&mut self, _: Skip) {
        if let Some(found) = &mut self.found {
            found.names_flow = false;
        }
    }

    fn fragment(&mut self, fragment: &IpFragment<'_>) {
        if self.found.is_some() {
            return;
        }
        self.link.fragment(fragment);
        for arrival in self.arrivals.iter_mut().filter(|it| it.ip_len == 0) {
            arrival.ip_len = fragment.ip_len;
        }
        let link = self.link.header();
        let pushed = self
            .held
            .push(fragment, link, self.arrivals, self.now, &self.is_live);
        self.found = Some(PushedFragment {
            pushed,
            version: fragment.version,
            names_flow: fragment.is_first(),
        });
    }
}
