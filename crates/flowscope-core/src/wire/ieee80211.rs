//! IEEE 802.11 and the radio metadata captured in front of it.

use super::next::{Next, Padding};
use super::{Cause, Layer, MacAddresses, Skip, after, split};

/// A frame without metadata: to the LLC header of a data frame.
///
/// Of an aggregate this is the first subframe's; for the others there is
/// [`Subframes`](super::Subframes).
pub(super) fn frame(bytes: &[u8], padding: Padding) -> Result<(Next, &[u8]), Skip> {
    body(Header::parse(bytes)?, bytes, padding)
}

/// The same with the two bytes of its frame control exchanged, as wireless
/// controllers get it from their access points.
pub(super) fn swapped_frame(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let ([flags, kind], _) = split::<2>(bytes, LAYER)?;
    body(Header::read(*kind, *flags, bytes)?, bytes, Padding::None)
}

fn body(header: Header, bytes: &[u8], padding: Padding) -> Result<(Next, &[u8]), Skip> {
    let body = after(bytes, header.len_with(padding), LAYER)?;
    if header.aggregate {
        let ([.., len0, len1], rest) = split::<SUBFRAME>(body, LAYER)?;
        return Ok((Next::LlcOf(u16::from_be_bytes([*len0, *len1])), rest));
    }
    Ok((Next::Llc, body))
}

/// The subframes of an aggregate (A-MSDU), if the frame is one.
pub(super) fn aggregate(bytes: &[u8], padding: Padding) -> Option<&[u8]> {
    let header = Header::parse(bytes).ok()?;
    if !header.aggregate {
        return None;
    }
    bytes.get(header.len_with(padding)..)
}

/// The addresses of a frame's source and destination, which sit in different
/// places by how the frame crosses the distribution system.
///
/// Those of an aggregate are in the header of its first subframe.
pub(super) fn addresses(bytes: &[u8], padding: Padding) -> Result<MacAddresses, Skip> {
    let header = Header::parse(bytes)?;
    if header.aggregate {
        let body = after(bytes, header.len_with(padding), LAYER)?;
        let (dst, rest) = split::<6>(body, LAYER)?;
        let (src, _) = split::<6>(rest, LAYER)?;
        return Ok(MacAddresses {
            src: *src,
            dst: *dst,
        });
    }
    let (fixed, rest) = split::<24>(bytes, LAYER)?;
    let [_, _, _, _, receiver @ .., _, _] = fixed;
    let [a1, a2, a3] = [receiver.get(..6), receiver.get(6..12), receiver.get(12..18)]
        .map(|a| a.and_then(|a| a.first_chunk().copied()).unwrap_or_default());
    let (src, dst) = match (header.to_ds, header.from_ds) {
        (false, false) => (a2, a1),
        (false, true) => (a3, a1),
        (true, false) => (a2, a3),
        (true, true) => (*split::<6>(rest, LAYER)?.0, a3),
    };
    Ok(MacAddresses { src, dst })
}

/// Radiotap: a little-endian length, a set of present fields, the fields.
pub(super) fn radiotap(bytes: &[u8]) -> Result<(Padding, &[u8]), Skip> {
    let ([_, _, len0, len1], _) = split::<4>(bytes, Layer::Radio)?;
    let len = usize::from(u16::from_le_bytes([*len0, *len1]));
    if len < 8 {
        return Err(Skip::new(Layer::Radio, Cause::BadLength));
    }
    let rest = after(bytes, len, Layer::Radio)?;
    let header = bytes.get(..len).unwrap_or_default();
    let padded = radiotap_flags(header).is_some_and(|flags| flags & 0x20 != 0);
    let padding = if padded {
        Padding::To32Bits
    } else {
        Padding::None
    };
    Ok((padding, rest))
}

/// The flags field, if present: it follows the bitmaps and the optional
/// timestamp, each aligned to its own size.
fn radiotap_flags(header: &[u8]) -> Option<u8> {
    const HAS_TSFT: u32 = 1;
    const HAS_FLAGS: u32 = 1 << 1;
    const HAS_MORE: u32 = 1 << 31;

    let word = |at: usize| {
        let bytes = header.get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    };
    let present = word(4)?;
    let (mut at, mut bitmap) = (4, present);
    while bitmap & HAS_MORE != 0 {
        at += 4;
        bitmap = word(at)?;
    }
    at += 4;
    if present & HAS_TSFT != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    (present & HAS_FLAGS != 0).then(|| header.get(at).copied())?
}

/// Prism headers give their length in the capturing host's byte order; some
/// captures of this type hold AVS headers instead.
pub(super) fn prism(bytes: &[u8]) -> Result<&[u8], Skip> {
    let ([code @ .., l0, l1, l2, l3], _) = split::<8>(bytes, Layer::Radio)?;
    let len = [*l0, *l1, *l2, *l3];
    let code: [u8; 4] = *code;
    if u32::from_be_bytes(code) & 0xffff_f000 == 0x8021_1000 {
        return avs(bytes);
    }
    let len = u32::from_le_bytes(len).min(u32::from_be_bytes(len));
    after(
        bytes,
        usize::try_from(len).unwrap_or(usize::MAX),
        Layer::Radio,
    )
}

/// AVS headers give their length in network byte order.
pub(super) fn avs(bytes: &[u8]) -> Result<&[u8], Skip> {
    let ([_, _, _, _, len @ ..], _) = split::<8>(bytes, Layer::Radio)?;
    let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
    after(bytes, len, Layer::Radio)
}

struct Header {
    len: usize,
    to_ds: bool,
    from_ds: bool,
    aggregate: bool,
}

impl Header {
    fn len_with(&self, padding: Padding) -> usize {
        match padding {
            Padding::None => self.len,
            Padding::To32Bits => self.len.next_multiple_of(4),
        }
    }

    fn parse(bytes: &[u8]) -> Result<Self, Skip> {
        let ([kind, flags], _) = split::<2>(bytes, LAYER)?;
        Self::read(*kind, *flags, bytes)
    }

    fn read(kind: u8, flags: u8, bytes: &[u8]) -> Result<Self, Skip> {
        if kind & 0x03 != 0 {
            return Err(Skip::new(LAYER, Cause::BadVersion));
        }
        let is_data = kind & 0x0c == 0x08;
        let has_no_body = kind & 0x40 != 0;
        if !is_data || has_no_body {
            return Err(Skip::new(LAYER, Cause::NotIp));
        }
        if flags & 0x40 != 0 {
            return Err(Skip::new(LAYER, Cause::Encrypted));
        }
        let (to_ds, from_ds) = (flags & 1 != 0, flags & 2 != 0);
        let is_qos = kind & 0x80 != 0;
        let mut len = 24;
        if to_ds && from_ds {
            len += 6;
        }
        let mut aggregate = false;
        if is_qos {
            aggregate = bytes.get(len).is_some_and(|control| control & 0x80 != 0);
            len += 2;
            let has_ht_control = flags & 0x80 != 0;
            if has_ht_control {
                len += 4;
            }
        }
        Ok(Self {
            len,
            to_ds,
            from_ds,
            aggregate,
        })
    }
}

const LAYER: Layer = Layer::Ieee80211;
/// The header of a subframe: two addresses and a length.
pub(super) const SUBFRAME: usize = 14;
