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

mod ieee80211;
mod ip;
mod layers;
mod link;
mod mpls;
mod ppp;
mod skip;
mod transport;
mod vlan;

pub use ip::IpHeader;
pub use layers::{Layers, Peeled};
pub use skip::{Cause, Layer, Skip};
pub use transport::{IcmpHeader, Payload, Protocol, TcpFlags, TcpHeader, Transport};

use crate::PacketView;
use link::Next;

/// What a walk over a frame found.
///
/// ```
/// use flowscope_core::wire::{Headers, Transport};
/// use flowscope_core::{LinkType, PacketView, Timestamp};
///
/// // An IPv4 packet with a UDP datagram, without a link layer.
/// let packet = [
///     0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
///     0x30, 0x39, 0, 53, 0, 10, 0, 0, // UDP, 12345 to 53
///     b'h', b'i',
/// ];
/// let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
/// let headers = Headers::outermost(view)?;
///
/// assert_eq!(headers.ip.dst.to_string(), "10.0.0.2");
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
    /// The encapsulations passed on the way, outermost first.
    pub layers: Layers,
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
    /// Follows the frame to its first IP header.
    ///
    /// What lies below IP is passed through: link layers, any stack of VLAN
    /// tags and MPLS labels, PPPoE. IP inside IP is payload.
    ///
    /// # Errors
    ///
    /// A [`Skip`] says at which layer the walk ended and why.
    #[inline]
    pub fn outermost(packet: PacketView<'a>) -> Result<Self, Skip> {
        let mut layers = Layers::default();
        let ip = ip_datagram(packet, &mut layers)?;
        Self::within(ip, layers)
    }

    /// Follows the frame to its last IP header.
    ///
    /// As [`outermost`](Self::outermost), and then through IP in IP (RFC 2003,
    /// RFC 2473) and 6in4 (RFC 4213) as deep as it goes. Where the inner packet
    /// is cut or is none, the deepest one that holds is given.
    ///
    /// # Errors
    ///
    /// A [`Skip`] says at which layer the walk ended and why.
    #[inline]
    pub fn innermost(packet: PacketView<'a>) -> Result<Self, Skip> {
        let mut layers = Layers::default();
        let ip = ip_datagram(packet, &mut layers)?;
        if ip.is_tunnel() {
            return Self::through_tunnels(ip, layers);
        }
        Self::within(ip, layers)
    }

    #[cold]
    fn through_tunnels(outer: ip::Datagram<'a>, layers: Layers) -> Result<Self, Skip> {
        let mut deepest = Self::within(outer, layers)?;
        let (mut datagram, mut layers) = (outer, layers);
        for _ in 0..MAX_TUNNELS {
            let Some(inner) = datagram.tunnelled(&mut layers) else {
                break;
            };
            let Ok(headers) = Self::within(inner, layers) else {
                break;
            };
            deepest = headers;
            datagram = inner;
        }
        Ok(deepest)
    }

    #[inline]
    fn within(ip: ip::Datagram<'a>, layers: Layers) -> Result<Self, Skip> {
        let segment = transport::parse(&ip)?;
        Ok(Self {
            ip: ip.header,
            transport: segment.transport,
            ports: segment.ports,
            payload: segment.payload,
            layers,
        })
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
        link::mac_addresses(packet)
    }
}

/// Peels link layers and tags until an IP header begins.
#[inline]
fn ip_datagram<'a>(packet: PacketView<'a>, layers: &mut Layers) -> Result<ip::Datagram<'a>, Skip> {
    let missing = packet.missing();
    let (mut next, mut rest) = link::begin(packet.link, packet.frame)?;
    for _ in 0..MAX_LAYERS {
        (next, rest) = match next {
            Next::Ipv4 => return ip::ipv4(rest, missing),
            Next::Ipv6 => return ip::ipv6(rest, missing),
            other => link::step(other, rest, layers)?,
        };
    }
    Err(Skip::new(Layer::Link, Cause::TooDeep))
}

/// The first `N` bytes and the rest, or a skip that says `layer` was cut.
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

/// IP headers inside IP headers followed at the most.
const MAX_TUNNELS: usize = 8;
