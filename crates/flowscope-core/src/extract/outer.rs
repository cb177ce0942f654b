//! The flow outside of a tunnel.

use super::{Extracted, FlowExtractor, WalkPath};
use crate::PacketView;
use crate::wire::{Depth, Headers, REASSEMBLED};

/// What an extractor gives for the outermost IP packet, if that carries the
/// packet of `inner`; or, where that is not known, for whatever it carries.
///
/// The extractor is shown the frame as if the capture ended behind the outermost
/// transport header. So there is no tunnel to open, and no extractor has to know
/// that there are outer flows.
pub(crate) fn extract_outer<'a, E: FlowExtractor>(
    extractor: &E,
    packet: PacketView<'a>,
    inner: Option<&Extracted<'_, E::Key>>,
) -> Option<Extracted<'a, E::Key>> {
    if let Some(inner) = inner
        && inner.decaps().is_none()
        && Headers::fast_path(&packet, Depth::Innermost).is_some()
    {
        // Most packets can carry no other.
        return None;
    }
    let headers = Headers::parse(packet, Depth::Outermost).ok()?;
    let mut outer = extractor.extract(without_payload(packet, &headers)?).ok()?;
    let is_the_same = |inner: &Extracted<'_, _>| {
        outer.ip_len == inner.ip_len && outer.payload.wire_len() == inner.payload.wire_len()
    };
    if outer.is_fragment || inner.is_some_and(is_the_same) {
        return None;
    }
    outer.payload = headers.payload;
    outer.path = WalkPath::to(Some(Depth::Outermost));
    outer.packet = match packet.link {
        // It was never on the wire as one frame.
        REASSEMBLED => packet.with_wire_len(outer.ip_len),
        _ => packet,
    };
    Some(outer)
}

/// The frame up to the end of its headers.
fn without_payload<'a>(packet: PacketView<'a>, headers: &Headers<'a>) -> Option<PacketView<'a>> {
    let start = packet.frame.as_ptr().addr();
    let len = headers.payload.bytes.as_ptr().addr().checked_sub(start)?;
    let frame = packet.frame.get(..len)?;
    let view = PacketView::new(frame, packet.timestamp).with_link(packet.link);
    Some(view.with_wire_len(packet.wire_len))
}
