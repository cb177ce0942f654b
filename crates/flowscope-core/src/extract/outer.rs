//! The flows outside of tunnels.

use super::{Extracted, FlowExtractor, WalkPath};
use crate::PacketView;
use crate::wire::{Depth, Headers, MAX_TUNNELS, REASSEMBLED};

/// The packets that carry one, in a frame.
pub(crate) struct OuterPackets<'a> {
    packet: PacketView<'a>,
    nested: [Headers<'a>; 1 + MAX_TUNNELS],
    /// How many of them there are yet to be looked at.
    left: usize,
}

impl<'a> OuterPackets<'a> {
    /// Those that carry the packet of `inner`; or, where that is not known, whatever
    /// is carried. `None` if it is known that there are none.
    pub(crate) fn of<K>(packet: PacketView<'a>, inner: Option<&Extracted<'_, K>>) -> Option<Self> {
        let outermost = Headers::parse(packet, Depth::Outermost).ok()?;
        if inner.is_some_and(|inner| is_of(&outermost, inner)) {
            return None;
        }
        let (nested, left) = outermost.nested();
        Some(Self {
            packet,
            nested,
            left,
        })
    }

    /// What an extractor gives for the next one outside of those before, the innermost
    /// first.
    pub(crate) fn next<E: FlowExtractor>(
        &mut self,
        extractor: &E,
        inner: Option<&Extracted<'_, E::Key>>,
    ) -> Option<Extracted<'a, E::Key>> {
        while let Some(level) = self.left.checked_sub(1) {
            self.left = level;
            let headers = *self.nested.get(level)?;
            if inner.is_some_and(|inner| is_of(&headers, inner)) {
                continue;
            }
            let outer = self.extract(extractor, level, &headers);
            let is_the_same = |outer: &Extracted<'_, _>, inner: &Extracted<'_, _>| {
                outer.ip_len == inner.ip_len && outer.payload.wire_len() == inner.payload.wire_len()
            };
            let is_outside = |outer: &Extracted<'_, _>| {
                !outer.is_fragment && !inner.is_some_and(|inner| is_the_same(outer, inner))
            };
            if let Some(mut outer) = outer.filter(is_outside) {
                outer.payload = headers.payload;
                return Some(outer);
            }
        }
        None
    }

    /// What is extracted at a level.
    ///
    /// The extractor is shown the frame as if the capture ended behind the transport
    /// header. So there is no tunnel to open, and no extractor has to know that there
    /// are outer flows.
    fn extract<E: FlowExtractor>(
        &self,
        extractor: &E,
        level: usize,
        headers: &Headers<'a>,
    ) -> Option<Extracted<'a, E::Key>> {
        let packet = self.packet;
        let mut outer = extractor.extract(without_payload(packet, headers)?).ok()?;
        if outer.ip_len != headers.ip.len && level > 0 {
            // The extractor does not look into tunnels, or not into this one.
            return None;
        }
        outer.path = WalkPath::to(Some(Depth::Outermost));
        outer.path.tunnels = u8::try_from(level).unwrap_or(u8::MAX);
        outer.packet = match packet.link {
            // It was never on the wire as one frame.
            REASSEMBLED => packet.with_wire_len(outer.ip_len),
            _ => packet,
        };
        Some(outer)
    }
}

/// Whether a packet is the one with these headers.
fn is_of<K>(headers: &Headers<'_>, packet: &Extracted<'_, K>) -> bool {
    headers.ip.len == packet.ip_len && headers.payload.wire_len() == packet.payload.wire_len()
}

/// The frame up to the end of its headers.
fn without_payload<'a>(packet: PacketView<'a>, headers: &Headers<'a>) -> Option<PacketView<'a>> {
    let start = packet.frame.as_ptr().addr();
    let len = headers.payload.bytes.as_ptr().addr().checked_sub(start)?;
    let frame = packet.frame.get(..len)?;
    let view = PacketView::new(frame, packet.timestamp).with_link(packet.link);
    Some(view.with_wire_len(packet.wire_len))
}
