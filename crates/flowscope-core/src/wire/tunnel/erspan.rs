//! ERSPAN, versions II and III: frames that a switch mirrors over GRE.

use super::{Cause, Inside, Layer, Next, Skip};
use super::{after, split};
use crate::wire::LayerVisitor;

pub(super) fn erspan<'a>(bytes: &'a [u8], visitor: &mut dyn LayerVisitor) -> Inside<'a> {
    const LAYER: Layer = Layer::Erspan;
    /// What follows is a frame, not an IP packet.
    const IS_FRAME: u8 = 0;
    let ([version, _, session @ .., _, _, _, _], rest) = split::<8>(bytes, LAYER)?;
    let session = u16::from_be_bytes(*session) & 0x03ff;
    visitor.layer(LAYER, Some(session.into()));
    match version >> 4 {
        1 => Ok((Next::Ethernet, rest)),
        2 => {
            let ([_, _, kind, flags], rest) = split::<4>(rest, LAYER)?;
            let has_subheader = flags & 0x01 != 0;
            let subheader = if has_subheader { 8 } else { 0 };
            let next = match kind >> 2 & 0x1f {
                IS_FRAME => Next::Ethernet,
                _ => Next::Ip,
            };
            Ok((next, after(rest, subheader, LAYER)?))
        }
        _ => Err(Skip::new(LAYER, Cause::BadVersion)),
    }
}
