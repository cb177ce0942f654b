//! Taking one encapsulation off: a frame to the smaller frame inside it.

use super::link;
use super::next::{Next, Padding};
use super::{
    Cause, Depth, Headers, IpProtocol, LayerVisitor, MAX_LAYERS, MAX_TUNNELS, Payload, Transport,
    tunnel,
};
use crate::{LinkType, PacketView};

/// An encapsulation to take off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Decap {
    /// VLAN tags, all that follow each other.
    Vlan,
    /// An MPLS label stack.
    Mpls,
    /// VXLAN on the ports that are known for it.
    Vxlan,
    /// VXLAN on another port.
    VxlanOn(u16),
    /// GTP-U.
    GtpU,
    /// GRE.
    Gre,
}

impl Decap {
    /// What is inside the first such encapsulation, and says what it passed.
    /// `None` if there is none, or if it cannot be read.
    pub(crate) fn decapsulate<'a>(
        self,
        packet: PacketView<'a>,
        visitor: &mut dyn LayerVisitor,
    ) -> Option<PacketView<'a>> {
        match self {
            Self::Vlan => behind_tags(packet, Next::Vlan, visitor),
            Self::Mpls => behind_tags(packet, Next::Mpls, visitor),
            Self::Vxlan | Self::VxlanOn(_) | Self::GtpU | Self::Gre => {
                self.open_tunnel(packet, visitor)
            }
        }
    }

    fn open_tunnel<'a>(
        self,
        packet: PacketView<'a>,
        visitor: &mut dyn LayerVisitor,
    ) -> Option<PacketView<'a>> {
        let mut outer = Headers::empty();
        outer
            .walk(packet, Depth::Outermost, &mut &mut *visitor)
            .ok()?;
        let goes_to = |wanted: &[u16]| {
            let ports = [outer.ports.src, outer.ports.dst];
            outer.transport == Transport::Udp && ports.iter().any(|port| wanted.contains(port))
        };
        let inside = match self {
            Self::Gre if outer.ip.protocol == IpProtocol::GRE => tunnel::open(&outer, visitor),
            Self::GtpU if goes_to(&tunnel::GTPU) => tunnel::open(&outer, visitor),
            Self::Vxlan if goes_to(&tunnel::VXLAN) => tunnel::open(&outer, visitor),
            Self::VxlanOn(port) if goes_to(&[port]) => tunnel::open_vxlan(&outer, visitor),
            _ => None,
        };
        let (next, rest) = match inside? {
            Ok(inside) => inside,
            Err(skip) => {
                visitor.unopened_tunnel(skip);
                return None;
            }
        };
        frame_of(next, rest, packet, visitor)
    }
}

/// What is behind the first tags of a kind.
fn behind_tags<'a>(
    packet: PacketView<'a>,
    tag: Next,
    visitor: &mut dyn LayerVisitor,
) -> Option<PacketView<'a>> {
    let (mut next, mut rest) = link::begin(&packet).ok()?;
    let mut is_behind = false;
    for _ in 0..MAX_LAYERS {
        if next == tag {
            is_behind = true;
        } else if is_behind {
            return frame_of(next, rest, packet, visitor);
        } else if matches!(next, Next::Ipv4 | Next::Ipv6) {
            return None;
        }
        (next, rest) = link::step(next, rest, visitor).ok()?;
    }
    None
}

/// The rest of a frame as a frame of its own. What no link type begins with is
/// visitor, too.
fn frame_of<'a>(
    mut next: Next,
    mut rest: Payload<'a>,
    packet: PacketView<'a>,
    visitor: &mut dyn LayerVisitor,
) -> Option<PacketView<'a>> {
    for _ in 0..MAX_LAYERS {
        if let Some(link) = next.link_type() {
            let inner = PacketView::new(rest.bytes, packet.timestamp).with_link(link);
            return Some(inner.with_wire_len(rest.wire_len()));
        }
        (next, rest) = link::step(next, rest, visitor).ok()?;
    }
    None
}

/// The frames inside each other in a packet, itself first.
pub(crate) fn nested_frames(
    packet: PacketView<'_>,
) -> impl DoubleEndedIterator<Item = PacketView<'_>> {
    let mut frames = [None; 1 + MAX_TUNNELS];
    let [outermost, nested @ ..] = &mut frames;
    *outermost = Some(packet);
    let mut outer = Headers::empty();
    let mut holds = outer.walk(packet, Depth::Outermost, &mut ()).is_ok();
    for place in nested {
        if !holds {
            break;
        }
        let Some(Ok((next, rest))) = tunnel::open(&outer, &mut ()) else {
            break;
        };
        let mut inner = outer;
        holds = match outer.descend(&mut inner, &mut ()) {
            Some(Ok(())) => true,
            // It holds, but nothing can be found in it.
            Some(Err(skip)) if skip.cause == Cause::Fragment => false,
            _ => break,
        };
        *place = frame_of(next, rest, packet, &mut ());
        outer = inner;
    }
    frames.into_iter().flatten()
}

impl Next {
    /// The link type of frames that begin like this.
    fn link_type(self) -> Option<LinkType> {
        match self {
            Self::Ethernet => Some(LinkType::ETHERNET),
            Self::Llc => Some(LinkType::ATM_RFC1483),
            Self::Mpls => Some(LinkType::MPLS),
            Self::Pppoe => Some(LinkType::PPP_ETHER),
            Self::Ppp => Some(LinkType::PPP),
            Self::CiscoHdlc => Some(LinkType::CISCO_HDLC),
            Self::Ieee80211(Padding::None) => Some(LinkType::IEEE802_11),
            Self::Radiotap => Some(LinkType::IEEE802_11_RADIOTAP),
            Self::Ppi => Some(LinkType::PPI),
            Self::Ip => Some(LinkType::RAW),
            Self::Ipv4 => Some(LinkType::IPV4),
            Self::Ipv6 => Some(LinkType::IPV6),
            Self::LlcOf(_)
            | Self::Snap
            | Self::Vlan
            | Self::VnTag
            | Self::ETag
            | Self::Pbb
            | Self::Trill
            | Self::FabricPath
            | Self::CiscoMetadata
            | Self::MacSecurity
            | Self::Redundancy
            | Self::Nsh
            | Self::Reassembled
            | Self::Ieee80211(Padding::To32Bits)
            | Self::Ieee80211Swapped
            | Self::Arp
            | Self::Other => None,
        }
    }
}
