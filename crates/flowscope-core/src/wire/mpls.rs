//! MPLS label stacks (RFC 3032) and what lies under them.

use super::next::Next;
use super::peek::{is_ethernet, is_ipv4, is_ipv6};
use super::{Cause, Layer, LayerVisitor, Payload, Skip, after, split};

/// One label. Under the last one nothing names the payload: it is known by its
/// first four bits, as routers do (RFC 4928).
pub(super) fn mpls<'a>(
    frame: Payload<'a>,
    visitor: &mut (impl LayerVisitor + ?Sized),
) -> Result<(Next, Payload<'a>), Skip> {
    let (entry, bytes) = split::<4>(frame.bytes, Layer::Mpls)?;
    let entry = u32::from_be_bytes(*entry);
    visitor.layer(Layer::Mpls, Some(entry >> 12));
    let bottom_of_stack = entry & 0x100 != 0;
    let rest = Payload { bytes, ..frame };
    if !bottom_of_stack {
        return Ok((Next::Mpls, rest));
    }
    content(rest)
}

/// What the last label leads to. The address of a frame may begin as a packet
/// does or as a control word does, so where the first bits could be either the
/// rest decides.
fn content(rest: Payload<'_>) -> Result<(Next, Payload<'_>), Skip> {
    /// A control word and the longer IP header.
    const ALL_TO_SEE: usize = 4 + 40;
    let bytes = rest.bytes;
    let frame = (Next::Ethernet, rest);
    let behind = |bytes| Payload { bytes, ..rest };
    Ok(match bytes {
        [] => return Err(Skip::new(Layer::Mpls, Cause::Truncated)),
        [first, ..] if first >> 4 == 4 && first & 0xf >= 5 => match is_ethernet(bytes) {
            true if !is_ipv4(bytes) => frame,
            _ => (Next::Ipv4, rest),
        },
        [first, ..] if first >> 4 == 6 => match is_ethernet(bytes) {
            true if !has_length_of_ipv6(bytes) => frame,
            _ => (Next::Ipv6, rest),
        },
        // A pseudowire's control word (RFC 4385), unless a frame begins here.
        [first, ..] if first >> 4 == 0 => {
            let inside = after(bytes, 4, Layer::Mpls)?;
            if is_ethernet(inside) {
                (Next::Ethernet, behind(inside))
            } else if is_ethernet(bytes) {
                frame
            } else if is_ipv4(inside) || is_ipv6(inside) {
                (Next::Ip, behind(inside))
            } else if bytes.len() < ALL_TO_SEE && rest.missing > 0 {
                return Err(Skip::new(Layer::Mpls, Cause::Truncated));
            } else {
                (Next::Ethernet, behind(inside))
            }
        }
        // An associated channel (RFC 5085), which may carry IP.
        [0x10, _, 0x00, 0x21, inside @ ..] => (Next::Ipv4, behind(inside)),
        [0x10, _, 0x00, 0x57, inside @ ..] => (Next::Ipv6, behind(inside)),
        // A pseudowire without a control word.
        _ => frame,
    })
}

/// Whether a packet of IPv6 would be as long as what is there.
fn has_length_of_ipv6(bytes: &[u8]) -> bool {
    let Some(([_, _, _, _, len @ ..], _)) = bytes.split_first_chunk::<6>() else {
        return false;
    };
    usize::from(u16::from_be_bytes(*len)) + 40 == bytes.len()
}
