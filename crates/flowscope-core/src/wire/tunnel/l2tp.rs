//! L2TP data messages: version 2 (RFC 2661), and version 3 (RFC 3931) over IP
//! and over UDP. Control messages are between the ends of the tunnel.

use super::{Cause, Inside, Layer, Next, Outer, Skip, peek};
use super::{after, split};

/// Version 3 over IP: a session of zero marks control messages.
pub(super) fn over_ip<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    match split::<4>(outer.bytes, LAYER) {
        Ok(([0, 0, 0, 0], _)) => None,
        Ok((session, rest)) => Some(version_3(u32::from_be_bytes(*session), rest, outer)),
        Err(skip) => Some(Err(skip)),
    }
}

/// Either version over UDP.
pub(super) fn over_udp<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    const IS_CONTROL: u8 = 0x80;
    let ([flags, version], rest) = outer.bytes.split_first_chunk()?;
    match version & 0x0f {
        _ if flags & IS_CONTROL != 0 => None,
        2 => Some(version_2(*flags, rest, outer)),
        3 => {
            let ([_, _, session @ ..], rest) = rest.split_first_chunk::<6>()?;
            Some(version_3(u32::from_be_bytes(*session), rest, outer))
        }
        _ => None,
    }
}

fn version_2<'a>(flags: u8, bytes: &'a [u8], outer: &mut Outer<'a, '_>) -> Inside<'a> {
    const HAS_LENGTH: u8 = 0x40;
    const HAS_SEQUENCE: u8 = 0x08;
    const HAS_OFFSET: u8 = 0x02;
    /// Flags and version, which the length counts, too.
    const IN_FRONT: u32 = 2;
    let bytes = if flags & HAS_LENGTH != 0 {
        let (length, _) = split::<2>(bytes, LAYER)?;
        let length = u32::from(u16::from_be_bytes(*length));
        after(
            outer.up_to(bytes, length.saturating_sub(IN_FRONT)),
            2,
            LAYER,
        )?
    } else {
        bytes
    };
    let (tunnel_and_session, rest) = split::<4>(bytes, LAYER)?;
    outer.report(LAYER, Some(u32::from_be_bytes(*tunnel_and_session)));
    let sequence = if flags & HAS_SEQUENCE != 0 { 4 } else { 0 };
    let rest = after(rest, sequence, LAYER)?;
    if flags & HAS_OFFSET == 0 {
        return Ok((Next::Ppp, rest));
    }
    let (padding, rest) = split::<2>(rest, LAYER)?;
    let padding = u16::from_be_bytes(*padding).into();
    Ok((Next::Ppp, after(rest, padding, LAYER)?))
}

/// What follows the session was agreed on when it was set up: a cookie of up
/// to eight bytes, four bytes of sublayer, and what kind of frames. So the
/// first place at which something known begins is taken.
fn version_3<'a>(session: u32, bytes: &'a [u8], outer: &mut Outer<'a, '_>) -> Inside<'a> {
    outer.report(LAYER, Some(session));
    let begins = [0, 4, 8, 12].into_iter().filter_map(|at| bytes.get(at..));
    for frame in begins {
        let next = match frame {
            _ if peek::is_ethernet(frame) => Next::Ethernet,
            [0xff, 0x03, 0x00, 0x21 | 0x57, ..] => Next::Ppp,
            [0x0f | 0x8f, 0x00, 0x08 | 0x86, 0x00 | 0xdd, ..] => Next::CiscoHdlc,
            _ if peek::is_ipv4(frame) => Next::Ipv4,
            _ if peek::is_ipv6(frame) => Next::Ipv6,
            _ => continue,
        };
        return Ok((next, frame));
    }
    /// Cookie, sublayer and the longer IP header.
    const ALL_TO_SEE: usize = 8 + 4 + 40;
    let cause = match bytes.len() {
        0..ALL_TO_SEE if outer.is_cut() => Cause::Truncated,
        _ => Cause::NotIp,
    };
    Err(Skip::new(LAYER, cause))
}

const LAYER: Layer = Layer::L2tp;
