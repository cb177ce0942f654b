//! Tags between an Ethernet header and its payload.

use super::next::Next;
use super::{Cause, Layer, LayerVisitor, Skip, after, split};

/// An IEEE 802.1Q or 802.1ad tag, as it follows the EtherType that names it.
pub(super) fn vlan<'a>(
    bytes: &'a [u8],
    visitor: &mut (impl LayerVisitor + ?Sized),
) -> Result<(Next, &'a [u8]), Skip> {
    let ([tci0, tci1, kind @ ..], rest) = split::<4>(bytes, Layer::Vlan)?;
    let id = u16::from_be_bytes([*tci0, *tci1]) & 0x0fff;
    visitor.layer(Layer::Vlan, Some(id.into()));
    Ok((Next::from_type_or_length(*kind), rest))
}

/// A VN tag: four bytes of interface numbers, then an EtherType.
pub(super) fn vn_tag<'a>(
    bytes: &'a [u8],
    visitor: &mut (impl LayerVisitor + ?Sized),
) -> Result<(Next, &'a [u8]), Skip> {
    let ([_, _, _, _, kind @ ..], rest) = split::<6>(bytes, Layer::PortExtension)?;
    visitor.layer(Layer::PortExtension, None);
    Ok((Next::from_type_or_length(*kind), rest))
}

/// An IEEE 802.1BR E-TAG: six bytes of port numbers, then an EtherType.
pub(super) fn e_tag<'a>(
    bytes: &'a [u8],
    visitor: &mut (impl LayerVisitor + ?Sized),
) -> Result<(Next, &'a [u8]), Skip> {
    let ([_, _, _, _, _, _, kind @ ..], rest) = split::<8>(bytes, Layer::PortExtension)?;
    visitor.layer(Layer::PortExtension, None);
    Ok((Next::from_type_or_length(*kind), rest))
}

/// An IEEE 802.1ah service tag: a 24-bit instance, then a whole frame.
pub(super) fn pbb<'a>(
    bytes: &'a [u8],
    visitor: &mut (impl LayerVisitor + ?Sized),
) -> Result<(Next, &'a [u8]), Skip> {
    let ([_, isid @ ..], rest) = split::<4>(bytes, Layer::Pbb)?;
    let [high, middle, low] = *isid;
    let service = u32::from_be_bytes([0, high, middle, low]);
    visitor.layer(Layer::Pbb, Some(service));
    Ok((Next::Ethernet, rest))
}

/// A tag of frames that are sent on two ways (IEEE 802.1CB, or HSR of IEC
/// 62439-3): four bytes, of which two are a sequence number, then an EtherType.
pub(super) fn redundancy(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let ([_, _, _, _, kind @ ..], rest) = split::<6>(bytes, Layer::Link)?;
    Ok((Next::from_type_or_length(*kind), rest))
}

/// Cisco metadata: six bytes with a security group, then an EtherType.
pub(super) fn cisco_metadata(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let ([_, _, _, _, _, _, kind @ ..], rest) = split::<8>(bytes, Layer::Link)?;
    Ok((Next::from_type_or_length(*kind), rest))
}

/// IEEE 802.1AE: only what is not encrypted can be read.
pub(super) fn mac_security<'a>(
    bytes: &'a [u8],
    visitor: &mut (impl LayerVisitor + ?Sized),
) -> Result<(Next, &'a [u8]), Skip> {
    const LAYER: Layer = Layer::MacSecurity;
    const HAS_CHANNEL: u8 = 0x20;
    const IS_CHANGED: u8 = 0x0c;
    let ([control, _, _, _, _, _], rest) = split::<6>(bytes, LAYER)?;
    if control & IS_CHANGED != 0 {
        return Err(Skip::new(LAYER, Cause::Encrypted));
    }
    let channel = if control & HAS_CHANNEL != 0 { 8 } else { 0 };
    let (kind, rest) = split::<2>(after(rest, channel, LAYER)?, LAYER)?;
    visitor.layer(LAYER, None);
    Ok((Next::from_type_or_length(*kind), rest))
}

/// TRILL (RFC 6325): six bytes and options, then a whole frame.
pub(super) fn trill<'a>(
    bytes: &'a [u8],
    visitor: &mut (impl LayerVisitor + ?Sized),
) -> Result<(Next, &'a [u8]), Skip> {
    const LAYER: Layer = Layer::Trill;
    let ([high, low, _, _, _, _], rest) = split::<6>(bytes, LAYER)?;
    let option_words = u16::from_be_bytes([*high, *low]) >> 6 & 0x1f;
    let rest = after(rest, 4 * usize::from(option_words), LAYER)?;
    visitor.layer(LAYER, None);
    Ok((Next::Ethernet, rest))
}

/// FabricPath: a tree and a time to live, then a whole frame.
pub(super) fn fabric_path<'a>(
    bytes: &'a [u8],
    visitor: &mut (impl LayerVisitor + ?Sized),
) -> Result<(Next, &'a [u8]), Skip> {
    let rest = after(bytes, 2, Layer::FabricPath)?;
    visitor.layer(Layer::FabricPath, None);
    Ok((Next::Ethernet, rest))
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::super::{Depth, Headers};
    use super::*;
    use crate::{PacketView, Timestamp};

    /// Ethernet of a type, a header, and IPv4 in a frame of its own or not.
    fn read(kind: u16, header: &[u8]) -> Result<(), Skip> {
        let mut frame = [0; 12].to_vec();
        frame.extend(kind.to_be_bytes());
        frame.extend(header);
        frame.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0]);
        frame.extend([10, 0, 0, 1, 10, 0, 0, 2, 0, 1, 0, 2, 0, 8, 0, 0]);
        let packet = PacketView::new(&frame, Timestamp::EPOCH);
        Headers::parse(packet, Depth::Outermost).map(|headers| {
            assert_eq!((headers.ports.src, headers.ports.dst), (1, 2));
        })
    }

    #[test]
    fn tags_lead_to_what_they_announce() {
        const IPV4: &[u8] = &[0x08, 0x00];
        let inner_frame = [&[0; 12], IPV4].concat();
        let cases: [(u16, &[u8], &[u8]); 8] = [
            (0x8926, &[0; 4], IPV4),
            (0x893f, &[0; 6], IPV4),
            (0xf1c1, &[0, 0, 0, 9], IPV4),
            (0x892f, &[0, 70, 0, 9], IPV4),
            (0x8909, &[1, 1, 0, 1, 0, 5], IPV4),
            (0x88e5, &[0x00, 0, 0, 0, 0, 1], IPV4),
            (0x22f3, &[0x00, 0x40, 0, 1, 0, 2, 9, 9, 9, 9], &inner_frame),
            (0x8903, &[0x00, 0x60], &inner_frame),
        ];
        for (kind, header, next) in cases {
            let header: Vec<_> = [header, next].concat();
            assert_eq!(read(kind, &header), Ok(()), "{kind:#x}");
        }
        let with_channel = [&[0x20, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8], IPV4].concat();
        assert_eq!(read(0x88e5, &with_channel), Ok(()));
        let encrypted = read(0x88e5, &[0x2c, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8]);
        let skip = Skip::new(Layer::MacSecurity, Cause::Encrypted);
        assert_eq!(encrypted, Err(skip));
    }
}
