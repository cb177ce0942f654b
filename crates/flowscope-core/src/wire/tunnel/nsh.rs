//! The network service header (RFC 8300).

use super::vxlan::of_protocol;
use super::{Cause, Layer, LayerVisitor, Next, Skip};
use super::{after, split};

pub(in crate::wire) fn nsh<'a>(
    bytes: &'a [u8],
    visitor: &mut (impl LayerVisitor + ?Sized),
) -> Result<(Next, &'a [u8]), Skip> {
    const LAYER: Layer = Layer::Nsh;
    let ([version, words, _, protocol, path @ .., _], _) = split::<8>(bytes, LAYER)?;
    if version >> 6 != 0 {
        return Err(Skip::new(LAYER, Cause::BadVersion));
    }
    let words = usize::from(words & 0x3f);
    if words < 2 {
        return Err(Skip::new(LAYER, Cause::BadLength));
    }
    let rest = after(bytes, words * 4, LAYER)?;
    let [high, middle, low] = *path;
    visitor.layer(LAYER, Some(u32::from_be_bytes([0, high, middle, low])));
    let next = of_protocol(*protocol).ok_or(Skip::new(LAYER, Cause::NotIp))?;
    Ok((next, rest))
}
