//! LISP data packets (RFC 9300): IP over UDP between sites.

use super::{Inside, Layer, Next, Outer};

pub(super) fn lisp<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    const HAS_INSTANCE: u8 = 0x08;
    let ([flags, _, _, _, instance @ .., _], rest) = outer.bytes.split_first_chunk::<8>()?;
    if !matches!(rest.first(), Some(first) if matches!(first >> 4, 4 | 6)) {
        return None;
    }
    let [high, middle, low] = *instance;
    let instance = u32::from_be_bytes([0, high, middle, low]);
    outer.report(Layer::Lisp, (flags & HAS_INSTANCE != 0).then_some(instance));
    Some(Ok((Next::Ip, rest)))
}
