//! MPLS label stacks (RFC 3032) and what lies under them.

use super::link::Next;
use super::{Layer, Passed, Skip, split};

/// One label. Under the last one nothing names the payload: it is told by its
/// first four bits, as routers do (RFC 4928).
pub(super) fn mpls<'a>(
    bytes: &'a [u8],
    passed: &mut (impl Passed + ?Sized),
) -> Result<(Next, &'a [u8]), Skip> {
    let (entry, rest) = split::<4>(bytes, Layer::Mpls)?;
    let entry = u32::from_be_bytes(*entry);
    passed.pass(Layer::Mpls, Some(entry >> 12));
    let bottom_of_stack = entry & 0x100 != 0;
    if !bottom_of_stack {
        return Ok((Next::Mpls, rest));
    }
    match rest {
        [first, ..] if first >> 4 == 4 && first & 0xf >= 5 => Ok((Next::Ipv4, rest)),
        [first, ..] if first >> 4 == 6 => Ok((Next::Ipv6, rest)),
        // A pseudowire's control word (RFC 4385), then an Ethernet frame.
        [first, _, _, _, frame @ ..] if first >> 4 == 0 => Ok((Next::Ethernet, frame)),
        // A pseudowire without one.
        _ => Ok((Next::Ethernet, rest)),
    }
}
