//! PPP, PPPoE, Cisco HDLC and Frame Relay.

use super::link::Next;
use super::{Cause, Layer, Passed, Skip, after, split};

/// A PPP frame, with or without its HDLC address and control (RFC 1662), its
/// protocol in two bytes or compressed to one (RFC 1661, section 6.5).
pub(super) fn ppp(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let bytes = bytes.strip_prefix(&[0xff, 0x03]).unwrap_or(bytes);
    let (protocol, rest) = match bytes {
        // The first byte alone may be anything.
        [] | [_] => return Err(Skip::new(Layer::Ppp, Cause::Truncated)),
        [short, rest @ ..] if short & 1 == 1 => (u16::from(*short), rest),
        [high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
    };
    let next = match protocol {
        0x0021 => Next::Ipv4,
        0x0057 => Next::Ipv6,
        0x0281 | 0x0283 => Next::Mpls,
        // Bridged frames without a pad or checksum (RFC 3518).
        0x0031 => return Ok((Next::Ethernet, after(rest, 2, Layer::Ppp)?)),
        // Multilink (RFC 1990): a packet that was not taken apart is whole behind
        // its long sequence number.
        0x003d if matches!(rest, [0xc0, ..]) => {
            return Ok((Next::Ppp, after(rest, 4, Layer::Ppp)?));
        }
        0x0053 => return Err(Skip::new(Layer::Ppp, Cause::Encrypted)),
        // Header-compressed, compressed and multilink payload.
        0x002d | 0x002f | 0x003d | 0x00fb | 0x00fd => {
            return Err(Skip::new(Layer::Ppp, Cause::Unsupported));
        }
        _ => return Err(Skip::new(Layer::Ppp, Cause::NotIp)),
    };
    Ok((next, rest))
}

/// PPP as a daemon logs it: a direction in place of the HDLC address.
pub(super) fn ppp_with_direction(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let rest = after(bytes, 1, Layer::Ppp)?;
    Ok((Next::Ppp, rest.strip_prefix(&[0x03]).unwrap_or(rest)))
}

/// A PPPoE session frame (RFC 2516).
pub(super) fn pppoe<'a>(
    bytes: &'a [u8],
    passed: &mut (impl Passed + ?Sized),
) -> Result<(Next, &'a [u8]), Skip> {
    let ([version_type, code, session @ .., _, _], rest) = split::<6>(bytes, Layer::Pppoe)?;
    if *version_type != 0x11 {
        return Err(Skip::new(Layer::Pppoe, Cause::BadVersion));
    }
    if *code != 0 {
        return Err(Skip::new(Layer::Pppoe, Cause::NotIp));
    }
    passed.pass(Layer::Pppoe, Some(u16::from_be_bytes(*session).into()));
    Ok((Next::Ppp, rest))
}

/// Cisco HDLC: address, control, EtherType.
pub(super) fn cisco_hdlc(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let ([_, _, kind @ ..], rest) = split::<4>(bytes, Layer::Hdlc)?;
    Ok((Next::from_ether_type(*kind), rest))
}

/// Frame Relay with the multiprotocol encapsulation of RFC 2427.
pub(super) fn frame_relay(bytes: &[u8]) -> Result<(Next, &[u8]), Skip> {
    let layer = Layer::FrameRelay;
    let ([_, address_end, control], rest) = split::<3>(bytes, layer)?;
    if address_end & 1 == 0 || *control != 0x03 {
        return Err(Skip::new(layer, Cause::Unsupported));
    }
    // A pad byte may stand before the protocol identifier.
    let rest = rest.strip_prefix(&[0]).unwrap_or(rest);
    let ([nlpid], rest) = split::<1>(rest, layer)?;
    match nlpid {
        0xcc => Ok((Next::Ipv4, rest)),
        0x8e => Ok((Next::Ipv6, rest)),
        0x80 => Ok((Next::Snap, rest)),
        _ => Err(Skip::new(layer, Cause::NotIp)),
    }
}
