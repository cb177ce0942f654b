//! VXLAN (RFC 7348), its group policy extension, and its generic protocol
//! extension (draft-ietf-nvo3-vxlan-gpe).

use super::{Cause, Inside, Layer, Next, Outer, Skip};

pub(super) fn vxlan<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    const HAS_NETWORK: u8 = 0x08;
    const HAS_PROTOCOL: u8 = 0x04;
    let ([flags, _, _, protocol, network @ .., _], rest) = outer.bytes.split_first_chunk::<8>()?;
    if flags & HAS_NETWORK == 0 {
        return None;
    }
    let [high, middle, low] = *network;
    outer.tell(
        Layer::Vxlan,
        Some(u32::from_be_bytes([0, high, middle, low])),
    );
    let next = match flags & HAS_PROTOCOL {
        0 => Next::Ethernet,
        _ => match of_protocol(*protocol) {
            Some(next) => next,
            None => return Some(Err(Skip::new(Layer::Vxlan, Cause::NotIp))),
        },
    };
    Some(Ok((next, rest)))
}

/// The numbers that VXLAN-GPE and NSH share.
pub(super) fn of_protocol(number: u8) -> Option<Next> {
    match number {
        1 => Some(Next::Ipv4),
        2 => Some(Next::Ipv6),
        3 => Some(Next::Ethernet),
        4 => Some(Next::Nsh),
        5 => Some(Next::Mpls),
        _ => None,
    }
}
