//! Geneve (RFC 8926).

use super::after;
use super::{Inside, Layer, Next, Outer};

pub(super) fn geneve<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    const LAYER: Layer = Layer::Geneve;
    let ([version_words, _, kind0, kind1, network @ .., _], rest) =
        outer.bytes.split_first_chunk::<8>()?;
    if version_words >> 6 != 0 {
        return None;
    }
    let [high, middle, low] = *network;
    outer.report(LAYER, Some(u32::from_be_bytes([0, high, middle, low])));
    let options = 4 * usize::from(version_words & 0x3f);
    let next = Next::from_ether_type([*kind0, *kind1]);
    Some(after(rest, options, LAYER).map(|rest| (next, rest)))
}
