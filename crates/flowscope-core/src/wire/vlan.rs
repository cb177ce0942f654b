//! Tags between an Ethernet header and its payload.

use super::link::Next;
use super::{Layer, Passed, Skip, split};

/// An IEEE 802.1Q or 802.1ad tag, as it follows the EtherType that names it.
pub(super) fn vlan<'a>(
    bytes: &'a [u8],
    passed: &mut (impl Passed + ?Sized),
) -> Result<(Next, &'a [u8]), Skip> {
    let ([tci0, tci1, kind @ ..], rest) = split::<4>(bytes, Layer::Vlan)?;
    let id = u16::from_be_bytes([*tci0, *tci1]) & 0x0fff;
    passed.pass(Layer::Vlan, Some(id.into()));
    Ok((Next::from_type_or_length(*kind), rest))
}

/// A VN tag: four bytes of interface numbers, then an EtherType.
pub(super) fn vn_tag(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let ([_, _, _, _, kind @ ..], rest) = split::<6>(bytes, Layer::PortExtension)?;
    Ok((Next::from_type_or_length(*kind), rest))
}

/// An IEEE 802.1BR E-TAG: six bytes of port numbers, then an EtherType.
pub(super) fn e_tag(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let ([_, _, _, _, _, _, kind @ ..], rest) = split::<8>(bytes, Layer::PortExtension)?;
    Ok((Next::from_type_or_length(*kind), rest))
}

/// An IEEE 802.1ah service tag: a 24-bit instance, then a whole frame.
pub(super) fn pbb<'a>(
    bytes: &'a [u8],
    passed: &mut (impl Passed + ?Sized),
) -> Result<(Next, &'a [u8]), Skip> {
    let ([_, isid @ ..], rest) = split::<4>(bytes, Layer::Pbb)?;
    let [high, middle, low] = *isid;
    let service = u32::from_be_bytes([0, high, middle, low]);
    passed.pass(Layer::Pbb, Some(service));
    Ok((Next::Ethernet, rest))
}
