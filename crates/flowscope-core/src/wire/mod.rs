//! From a frame's first byte to its transport payload.
//!
//! [`Headers`] is what a walk over a frame finds. The walk is lenient about
//! lengths, because captures are cut and hardware offloads leave fields blank,
//! and strict about everything that decides where the next header begins: a
//! packet it cannot follow is refused with a [`Skip`] that names the layer and
//! the cause. Nothing is copied; the payload is a slice of the frame.
//!
//! This is the only place in the crate that knows header layouts.
#![warn(clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::indexing_slicing, reason = "a test may panic"))]

mod aggregate;
mod checksum;
mod cut;
mod fast_path;
mod fingerprint;
mod fragment;
mod ieee80211;
mod ip;
mod layers;
mod length;
mod link;
mod mpls;
mod peel;
mod ppp;
mod reassembled;
mod skip;
mod transport;
mod tunnel;
mod vlan;

pub use aggregate::Subframes;
pub use checksum::{ChecksumVerdict, Checksums};
pub(crate) use fingerprint::{Fingerprint, ROUTED};
pub use fragment::IpFragment;
pub(crate) use fragment::set_payload_len;
pub use ip::IpHeader;
pub(crate) use ip::{Addr, IpVersion};
pub use layers::{Encapsulation, LayerVisitor, Layers};
pub(crate) use peel::{Peel, nested_frames};
pub(crate) use reassembled::{REASSEMBLED, ReassembledHeader};
pub use skip::{Cause, Layer, Skip};
pub use transport::{IcmpHeader, IpProtocol, Payload, TcpFlags, TcpHeader, Transport};

use crate::PacketView;
use link::Next;

/// What a walk over a frame found.
///
/// ```
/// use flowscope_core::wire::{Depth, Headers};
/// use flowscope_core::{LinkType, PacketView, Timestamp};
///
/// // An IPv4 packet with a UDP datagram, without a link layer.
/// let packet = [
///     0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
///     0x30, 0x39, 0, 53, 0, 10, 0, 0, // UDP, 12345 to 53
///     b'h', b'i',
/// ];
/// let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
/// let headers = Headers::parse(view, Depth::Outermost)?;
///
/// assert_eq!(headers.ip.dst().to_string(), "10.0.0.2");
/// assert_eq!((headers.ports.src, headers.ports.dst), (12345, 53));
/// assert_eq!(headers.payload.bytes, b"hi");
/// # Ok::<(), flowscope_core::wire::Skip>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// The IP header the transport belongs to.
    pub ip: IpHeader,
    /// The transport header.
    pub transport: Transport,
    /// Source and destination port, or what stands in for them: the echo
    /// identifier of ICMP, zero where there is none.
    pub ports: Ports,
    /// What the transport carries.
    pub payload: Payload<'a>,
    /// Whether the packet, or one around it, is a fragment: the first of
    /// several, at whose end everything inside it is cut.
    pub is_fragment: bool,
}

/// How deep to look into a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Depth {
    /// To the first IP header.
    ///
    /// What lies below IP is passed through: link layers, any stack of VLAN
    /// tags and MPLS labels, PPPoE. IP inside IP is payload.
    Outermost,
    /// To the last IP header.
    ///
    /// As [`Outermost`](Self::Outermost), and then through whatever tunnels
    /// there are, as deep as they go: IP in IP, 6in4 and 4in6, GRE in all its
    /// uses, VXLAN, Geneve, GTP-U, Teredo, L2TP and more. Where what is inside
    /// a tunnel is cut or is no packet, it is to the deepest one that holds.
    Innermost,
}

/// The two port numbers of a packet.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ports {
    /// The sender's.
    pub src: u16,
    /// The receiver's.
    pub dst: u16,
}

impl<'a> Headers<'a> {
    /// Follows the frame down to `depth`.
    ///
    /// # Errors
    ///
    /// A [`Skip`] says at which layer the walk ended and why.
    #[inline]
    pub fn parse(packet: PacketView<'a>, depth: Depth) -> Result<Self, Skip> {
        let mut headers = Self::none();
        headers.walk(packet, depth, &mut ())?;
        Ok(headers)
    }

    /// Follows the frame down to `depth`, and tells `visitor` what lies on the
    /// way.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    pub fn trace(
        packet: PacketView<'a>,
        depth: Depth,
        mut visitor: &mut dyn LayerVisitor,
    ) -> Result<(), Skip> {
        Self::none().walk(packet, depth, &mut visitor)
    }

    /// Nothing found yet: what a walk fills in, header by header.
    ///
    /// Headers are filled in rather than returned because they are large: a
    /// `Result` of them at each step costs more than reading them.
    #[inline]
    pub(crate) fn none() -> Self {
        Self {
            ip: IpHeader::NONE,
            transport: Transport::None,
            ports: Ports::default(),
            payload: Payload::default(),
            is_fragment: false,
        }
    }

    /// [`parse`](Self::parse) in place, with somebody to tell what is passed on
    /// the way.
    #[inline]
    pub(crate) fn walk(
        &mut self,
        packet: PacketView<'a>,
        depth: Depth,
        visitor: &mut impl LayerVisitor,
    ) -> Result<(), Skip> {
        self.reach_ip(packet, visitor)?;
        match depth {
            Depth::Outermost => self.transport(),
            Depth::Innermost => {
                self.transport()?;
                if self.may_be_tunnel() {
                    return self.enter_tunnels(visitor);
                }
                Ok(())
            }
        }
    }

    /// Peels link layers and tags until an IP header begins, and reads that.
    #[inline]
    fn reach_ip(
        &mut self,
        packet: PacketView<'a>,
        visitor: &mut (impl LayerVisitor + ?Sized),
    ) -> Result<(), Skip> {
        let (next, rest) = match link::begin(&packet) {
            Ok(begun) => begun,
            Err(skip) => return Err(self.judge(skip, packet.missing())),
        };
        self.follow(next, rest, visitor)
    }

    /// Peels what `rest` begins with until an IP header begins, and reads that.
    #[inline]
    fn follow(
        &mut self,
        mut next: Next,
        mut rest: Payload<'a>,
        visitor: &mut (impl LayerVisitor + ?Sized),
    ) -> Result<(), Skip> {
        for _ in 0..MAX_LAYERS {
            // One by one and not by a table, as most are the first.
            if next == Next::Ipv4 {
                visitor.ip_packet(rest.bytes);
                return self.ipv4(rest, visitor);
            }
            if next == Next::Ipv6 {
                visitor.ip_packet(rest.bytes);
                return self.ipv6(rest, visitor);
            }
            (next, rest) = match link::step(next, rest, visitor) {
                Ok(stepped) => stepped,
                Err(skip) => return Err(self.judge(skip, rest.missing)),
            };
        }
        Err(Skip::new(Layer::Link, Cause::TooDeep))
    }

    /// Goes on to the deepest IP packet that holds, with its transport.
    ///
    /// A later fragment holds, but has no ports: there is no flow to be had
    /// before its datagram is whole.
    #[cold]
    #[inline(never)]
    fn enter_tunnels(&mut self, visitor: &mut dyn LayerVisitor) -> Result<(), Skip> {
        let mut inner = *self;
        for _ in 0..MAX_TUNNELS {
            match self.descend(&mut inner, &mut ()) {
                None => return Ok(()),
                Some(Err(skip)) if skip.cause != Cause::Fragment => {
                    visitor.unopened_tunnel(skip);
                    return Ok(());
                }
                Some(found) => {
                    if visitor.is_active() {
                        // The same again, for who is told only of what holds.
                        let _ = self.descend(&mut inner, visitor);
                    }
                    found?;
                    *self = inner;
                }
            }
            if !self.may_be_tunnel() {
                return Ok(());
            }
        }
        if self.descend(&mut inner, &mut ()).is_some() {
            visitor.unopened_tunnel(Skip::new(Layer::Link, Cause::TooDeep));
        }
        Ok(())
    }

    /// Whether it is worth asking what the packet carries.
    #[inline]
    fn may_be_tunnel(&self) -> bool {
        tunnel::is_possible(self.ip.protocol, self.ports, self.payload.bytes)
    }

    /// Fills in the packet inside this one, if it carries any.
    fn descend(
        &self,
        inner: &mut Self,
        visitor: &mut dyn LayerVisitor,
    ) -> Option<Result<(), Skip>> {
        let (next, rest) = match tunnel::open(self, visitor)? {
            Ok(inside) => inside,
            Err(skip) => return Some(Err(skip)),
        };
        let found = inner.follow(next, rest, visitor);
        Some(found.and_then(|()| inner.transport()))
    }
}

/// The two link-layer addresses of a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MacAddresses {
    /// The sender's.
    pub src: [u8; 6],
    /// The receiver's.
    pub dst: [u8; 6],
}

impl MacAddresses {
    /// Reads the addresses of a frame whose link type has two.
    ///
    /// # Errors
    ///
    /// A [`Skip`] if the frame is too short or its link type has no addresses.
    pub fn of(packet: PacketView<'_>) -> Result<Self, Skip> {
        link::mac_addresses(packet).map_err(|skip| Headers::none().judge(skip, packet.missing()))
    }
}

/// The first `N` bytes and the rest, or a skip that says `layer` was cut: it
/// is for who knows what the capture lacks to say that it was not.
#[inline]
fn split<const N: usize>(bytes: &[u8], layer: Layer) -> Result<(&[u8; N], &[u8]), Skip> {
    bytes
        .split_first_chunk()
        .ok_or(Skip::new(layer, Cause::Truncated))
}

/// Everything after the first `len` bytes, or a skip that says `layer` was cut.
#[inline]
fn after(bytes: &[u8], len: usize, layer: Layer) -> Result<&[u8], Skip> {
    bytes.get(len..).ok_or(Skip::new(layer, Cause::Truncated))
}

/// More headers below IP than any network stacks; a crafted frame could
/// otherwise hold thousands.
const MAX_LAYERS: usize = 32;

/// Tunnels inside tunnels followed at the most.
const MAX_TUNNELS: usize = 8;
