//! Teredo (RFC 4380): IPv6 over UDP, through address translators.

use super::super::{after, split};
use super::{Inside, Layer, Next, Outer, Skip};

pub(super) fn teredo<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    let packet = behind_indications(outer.bytes);
    if let Ok([first, ..]) = packet
        && first >> 4 != 6
    {
        return None;
    }
    outer.tell(LAYER, None);
    Some(packet.map(|packet| (Next::Ipv6, packet)))
}

/// Passes over the authentication and the origin of a packet, if they are
/// there; in this order if both are.
fn behind_indications(mut bytes: &[u8]) -> Result<&[u8], Skip> {
    if let Some(rest) = bytes.strip_prefix(&[0, 1]) {
        let ([client, authentication], rest) = split::<2>(rest, LAYER)?;
        let nonce_and_confirmation = 9;
        let len = usize::from(*client) + usize::from(*authentication) + nonce_and_confirmation;
        bytes = after(rest, len, LAYER)?;
        // It takes two bytes to tell an origin from a packet.
        split::<2>(bytes, LAYER)?;
    }
    if let Some(port_and_address) = bytes.strip_prefix(&[0, 0]) {
        bytes = after(port_and_address, 6, LAYER)?;
    }
    Ok(bytes)
}

const LAYER: Layer = Layer::Teredo;
