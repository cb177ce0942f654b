//! The frame of a packet that was put together from fragments.
//!
//! The packet is put together without what was around its fragments, but its flow
//! may depend on that: on a VLAN, or on the tunnel it came through. So it gets a
//! link layer of our own, with the encapsulations on the way to the first
//! fragment:
//!
//! ```text
//! ┌────────┬──────────────────────────────────────┬───────────┐
//! │ length │ layer, id, carrier │ layer, ...       │ IP packet │
//! │   2    │  1      4   1 + 38 │                  │           │
//! └────────┴──────────────────────────────────────┴───────────┘
//! ```
//!
//! No capture has frames of this type. One that claims to has is read with the
//! same checks as any other.

use alloc::vec::Vec;

use super::addr::{Addr, IpVersion};
use super::next::Next;
use super::{Cause, IpFragment, IpHeader, IpProtocol, Layer, LayerVisitor, Skip, after, split};
use crate::LinkType;

/// What these frames begin with: a number that is assigned to nothing else.
pub(crate) const REASSEMBLED: LinkType = LinkType(u16::MAX);

/// Writes such a header, with the encapsulations up to the first fragment of a
/// walk.
#[derive(Debug, Default)]
pub(crate) struct ReassembledHeader {
    header: Vec<u8>,
    is_done: bool,
}

impl ReassembledHeader {
    /// Begins anew.
    pub(crate) fn clear(&mut self) {
        self.header.clear();
        self.header.extend([0; LENGTH]);
        self.is_done = false;
    }

    /// The header.
    pub(crate) fn header(&self) -> &[u8] {
        &self.header
    }

    fn write_layer(&mut self, layer: Layer, id: Option<u32>, carrier: Option<&IpHeader>) {
        if self.is_done || self.header.len() > MAX_LEN {
            return;
        }
        let flags = (u8::from(id.is_some()) * HAS_ID) | (u8::from(carrier.is_some()) * HAS_CARRIER);
        self.header.extend([layer as u8, flags]);
        if let Some(id) = id {
            self.header.extend(id.to_be_bytes());
        }
        if let Some(carrier) = carrier {
            let IpProtocol(protocol) = carrier.protocol;
            self.header.extend([carrier.version as u8, protocol]);
            self.header.extend(carrier.len.to_be_bytes());
            for Addr { high, low } in carrier.addrs {
                self.header.extend(high.to_be_bytes());
                self.header.extend(low.to_be_bytes());
            }
        }
    }

    /// Ends the header, behind which the packet begins.
    fn finish(&mut self) {
        self.is_done = true;
        let len = self.header.len().saturating_sub(LENGTH);
        let len = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
        if let Some(field) = self.header.first_chunk_mut() {
            *field = len;
        }
    }
}

impl LayerVisitor for ReassembledHeader {
    fn layer(&mut self, layer: Layer, id: Option<u32>) {
        self.write_layer(layer, id, None);
    }

    fn tunnel(&mut self, layer: Layer, id: Option<u32>, carrier: &IpHeader) {
        self.write_layer(layer, id, Some(carrier));
    }

    fn fragment(&mut self, _: &IpFragment<'_>) {
        self.finish();
    }
}

/// Reads such a header, and calls the visitor for each encapsulation in it.
pub(super) fn reassembled<'a>(
    bytes: &'a [u8],
    visitor: &mut (impl LayerVisitor + ?Sized),
) -> Result<(Next, &'a [u8]), Skip> {
    let (len, rest) = split::<LENGTH>(bytes, Layer::Link)?;
    let len = usize::from(u16::from_be_bytes(*len));
    let packet = after(rest, len, Layer::Link)?;
    let mut layers = rest.get(..len).unwrap_or_default();
    while !layers.is_empty() {
        layers = report_layer(layers, visitor)?;
    }
    Ok((Next::Ip, packet))
}

fn report_layer<'a>(
    layers: &'a [u8],
    visitor: &mut (impl LayerVisitor + ?Sized),
) -> Result<&'a [u8], Skip> {
    let ([layer, flags], mut rest) = split::<2>(layers, Layer::Link)?;
    let layer = Layer::ALL.get(usize::from(*layer));
    let layer = *layer.ok_or(Skip::new(Layer::Link, Cause::Unsupported))?;
    let mut id = None;
    if flags & HAS_ID != 0 {
        let (number, behind) = split::<4>(rest, Layer::Link)?;
        id = Some(u32::from_be_bytes(*number));
        rest = behind;
    }
    if flags & HAS_CARRIER == 0 {
        visitor.layer(layer, id);
        return Ok(rest);
    }
    let ([version, protocol], rest) = split::<2>(rest, Layer::Link)?;
    let (len, rest) = split::<4>(rest, Layer::Link)?;
    let (src, rest) = addr(rest)?;
    let (dst, rest) = addr(rest)?;
    let carrier = IpHeader {
        addrs: [src, dst],
        version: match version {
            4 => IpVersion::V4,
            _ => IpVersion::V6,
        },
        protocol: IpProtocol(*protocol),
        len: u32::from_be_bytes(*len),
    };
    visitor.tunnel(layer, id, &carrier);
    Ok(rest)
}

fn addr(bytes: &[u8]) -> Result<(Addr, &[u8]), Skip> {
    let (high, rest) = split::<8>(bytes, Layer::Link)?;
    let (low, rest) = split::<8>(rest, Layer::Link)?;
    let addr = Addr {
        high: u64::from_be_bytes(*high),
        low: u64::from_be_bytes(*low),
    };
    Ok((addr, rest))
}

const LENGTH: usize = 2;
const HAS_ID: u8 = 1;
const HAS_CARRIER: u8 = 2;

/// Where no more is noted: as many layers as anybody keeps.
const MAX_LEN: usize = 1024;
