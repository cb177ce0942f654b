//! TZSP: frames that a sensor or router sends to who analyses them.

use super::Padding;
use super::{Cause, Inside, Layer, Next, Outer, Skip};

pub(super) fn tzsp<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    const RECEIVED: u8 = 0;
    const TO_TRANSMIT: u8 = 1;
    let ([1, RECEIVED | TO_TRANSMIT, protocol @ ..], rest) =
        outer.bytes.split_first_chunk::<4>()?
    else {
        return None;
    };
    let next = match u16::from_be_bytes(*protocol) {
        1 => Next::Ethernet,
        18 => Next::Ieee80211(Padding::None),
        _ => return None,
    };
    outer.report(LAYER, None);
    Some(behind_tags(rest).map(|rest| (next, rest)))
}

/// Passes over tags with their lengths, and over padding, to the end tag.
fn behind_tags(mut bytes: &[u8]) -> Result<&[u8], Skip> {
    const PADDING: u8 = 0;
    const END: u8 = 1;
    loop {
        bytes = match bytes {
            [END, rest @ ..] => return Ok(rest),
            [PADDING, rest @ ..] => rest,
            [_, len, rest @ ..] => rest.get(usize::from(*len)..).ok_or(CUT)?,
            _ => return Err(CUT),
        };
    }
}

const LAYER: Layer = Layer::Tzsp;
const CUT: Skip = Skip::new(LAYER, Cause::Truncated);
