//! Generic Routing Encapsulation: RFC 2784 and RFC 2890, version 1 as PPTP
//! uses it (RFC 2637), and what goes inside besides network packets.

use super::Padding;
use super::{Cause, Inside, Layer, Next, Outer, Skip, erspan, peek};
use super::{after, split};

pub(super) fn gre<'a>(outer: &mut Outer<'a, '_>) -> Inside<'a> {
    let (header, rest) = split::<4>(outer.bytes, LAYER)?;
    let [flags, version, kind @ ..] = *header;
    let mut options = Options { rest };
    match version & 0x07 {
        0 => {
            if flags & (CHECKSUM | ROUTING) != 0 {
                options.word()?;
            }
            let key = options.word_if(flags & KEY != 0)?.map(u32::from_be_bytes);
            let sequence = options.word_if(flags & SEQUENCE != 0)?;
            if flags & ROUTING != 0 {
                options.routes()?;
            }
            outer.report(LAYER, key);
            payload(kind, sequence.is_some(), options.rest, outer)
        }
        1 => {
            let call = options.word_if(flags & KEY != 0)?;
            options.word_if(flags & SEQUENCE != 0)?;
            options.word_if(version & ACKNOWLEDGMENT != 0)?;
            let mut rest = options.rest;
            if let Some([len0, len1, ..]) = call {
                rest = outer.up_to(rest, u16::from_be_bytes([len0, len1]).into());
            }
            let call = call.map(|[_, _, high, low]| u16::from_be_bytes([high, low]).into());
            outer.report(Layer::Pptp, call);
            payload(kind, false, rest, outer)
        }
        _ => Err(Skip::new(LAYER, Cause::BadVersion)),
    }
}

fn payload<'a>(
    kind: [u8; 2],
    in_sequence: bool,
    bytes: &'a [u8],
    outer: &mut Outer<'a, '_>,
) -> Inside<'a> {
    match u16::from_be_bytes(kind) {
        // Mirrored frames. The first version had no header of its own, and no
        // sequence numbers in GRE, which is all that tells it from the second.
        0x88be if !in_sequence => Ok((Next::Ethernet, bytes)),
        0x88be | 0x22eb => erspan::erspan(bytes, outer.visitor),
        // What routers redirect to caches (WCCP); version 2 has four bytes of
        // its own in front of the packet.
        0x883e if peek::is_ipv4(bytes) => Ok((Next::Ipv4, bytes)),
        0x883e => Ok((Next::Ipv4, after(bytes, 4, LAYER)?)),
        // Frames as access points of Aruba send them to their controller, of
        // which the number says on which virtual access point they came in.
        0x8200..=0x83ff | 0x9000 => Ok((Next::Ieee80211(Padding::None), bytes)),
        _ => Ok((Next::from_ether_type(kind), bytes)),
    }
}

/// The optional words behind the first.
struct Options<'a> {
    rest: &'a [u8],
}

impl Options<'_> {
    fn word(&mut self) -> Result<[u8; 4], Skip> {
        let (word, rest) = split::<4>(self.rest, LAYER)?;
        self.rest = rest;
        Ok(*word)
    }

    fn word_if(&mut self, is_present: bool) -> Result<Option<[u8; 4]>, Skip> {
        is_present.then(|| self.word()).transpose()
    }

    /// Source route entries (RFC 1701), to the one that is empty. Each takes
    /// at least the four bytes of its own header.
    fn routes(&mut self) -> Result<(), Skip> {
        loop {
            let [family0, family1, _, len] = self.word()?;
            if [family0, family1, len] == [0; 3] {
                return Ok(());
            }
            self.rest = after(self.rest, len.into(), LAYER)?;
        }
    }
}

const LAYER: Layer = Layer::Gre;
const CHECKSUM: u8 = 0x80;
const ROUTING: u8 = 0x40;
const KEY: u8 = 0x20;
const SEQUENCE: u8 = 0x10;
const ACKNOWLEDGMENT: u8 = 0x80;
