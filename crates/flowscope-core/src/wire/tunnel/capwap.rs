//! CAPWAP data (RFC 5415): frames between access points and their controller.

use super::Padding;
use super::after;
use super::{Cause, Inside, Layer, Next, Outer, Skip};

pub(super) fn capwap<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    /// Version zero, and a header that follows in clear.
    const PLAIN: u8 = 0x00;
    const DTLS: u8 = 0x01;
    const IEEE_802_11: u8 = 1;
    let ([preamble, lengths, binding, flags, _, _, offset0, offset1], _) =
        outer.bytes.split_first_chunk()?;
    match *preamble {
        PLAIN => {}
        DTLS => return Some(Err(Skip::new(LAYER, Cause::Encrypted))),
        _ => return None,
    }
    let is_keep_alive = flags & 0x08 != 0;
    if is_keep_alive {
        return None;
    }
    let is_later_fragment =
        flags & 0x80 != 0 && u16::from_be_bytes([*offset0, *offset1]) & 0xfff8 != 0;
    if is_later_fragment {
        return Some(Err(Skip::new(LAYER, Cause::Unsupported)));
    }
    outer.report(LAYER, None);
    let is_native = binding & 0x01 != 0;
    let next = match (is_native, binding >> 1 & 0x1f) {
        (false, _) => Next::Ethernet,
        (true, IEEE_802_11) => Next::Ieee80211Swapped,
        (true, _) => return Some(Err(Skip::new(LAYER, Cause::Unsupported))),
    };
    let words = usize::from(lengths >> 3);
    Some(
        after(outer.bytes, 4 * words, LAYER).map(|rest| match (next, rest) {
            // Some swap the two bytes of the frame control field, some do not.
            (Next::Ieee80211Swapped, [first, ..]) if first & 0x0f == 0x08 => {
                (Next::Ieee80211(Padding::None), rest)
            }
            _ => (next, rest),
        }),
    )
}

const LAYER: Layer = Layer::Capwap;
