//! GTP-U (3GPP TS 29.281): the user plane of mobile networks.

use super::super::{after, split};
use super::{Cause, Inside, Layer, Next, Outer, Skip};

/// Only data is opened: the protocol's other messages are between its ends.
pub(super) fn gtpu<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    const VERSION_1: u8 = 0b0011_0000;
    const HAS_OPTIONS: u8 = 0b0000_0111;
    const HAS_EXTENSIONS: u8 = 0b0000_0100;
    const G_PDU: u8 = 0xff;
    let ([flags, kind, _, _, tunnel @ ..], rest) = outer.bytes.split_first_chunk::<8>()?;
    if flags & 0b1111_0000 != VERSION_1 || *kind != G_PDU {
        return None;
    }
    outer.tell(LAYER, Some(u32::from_be_bytes(*tunnel)));
    // Whichever of the three is there, so is room for all.
    let rest = match flags & HAS_OPTIONS {
        0 => Ok(rest),
        _ => options(rest, flags & HAS_EXTENSIONS != 0),
    };
    Some(rest.map(|rest| (content(rest), rest)))
}

/// Sequence number, N-PDU number, and the extension headers, each of which
/// ends with the type of the next.
fn options(bytes: &[u8], has_extensions: bool) -> Result<&[u8], Skip> {
    let ([_, _, _, first], mut rest) = split::<4>(bytes, LAYER)?;
    let mut next = if has_extensions { *first } else { 0 };
    while next != 0 {
        let ([words], _) = split::<1>(rest, LAYER)?;
        let Some(last) = (4 * usize::from(*words)).checked_sub(1) else {
            return Err(Skip::new(LAYER, Cause::BadLength));
        };
        ([next], rest) =
            split::<1>(after(rest, last, LAYER)?, LAYER).map(|([next], rest)| ([*next], rest))?;
    }
    Ok(rest)
}

/// What the session carries was agreed on when it was set up.
fn content(bytes: &[u8]) -> Next {
    match bytes {
        [] | [0x40..=0x4f | 0x60..=0x6f, ..] => Next::Ip,
        [0xff, 0x03, ..] | [0x00 | 0xc0, 0x21, ..] | [0x00, 0x57, ..] => Next::Ppp,
        _ => Next::Ethernet,
    }
}

const LAYER: Layer = Layer::GtpU;
