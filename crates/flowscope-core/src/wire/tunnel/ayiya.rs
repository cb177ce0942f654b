//! AYIYA: IPv6 from a tunnel broker, over UDP.

use super::after;
use super::{Inside, Layer, Next, Outer};

pub(super) fn ayiya<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    const LAYER: Layer = Layer::Ayiya;
    const FORWARD: u8 = 1;
    const IPV4: u8 = 4;
    const IPV6: u8 = 41;
    let ([identity, signature, operation, next, _, _, _, _], rest) =
        outer.bytes.split_first_chunk()?;
    let next = match (operation & 0x0f, *next) {
        (FORWARD, IPV4) => Next::Ipv4,
        (FORWARD, IPV6) => Next::Ipv6,
        _ => return None,
    };
    let len = (1 << (identity >> 4)) + 4 * usize::from(signature >> 4);
    outer.report(LAYER, None);
    Some(after(rest, len, LAYER).map(|rest| (next, rest)))
}
