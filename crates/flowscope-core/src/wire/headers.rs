//! What a walk finds, header by header.

use super::{IpHeader, Payload, Ports, Transport};

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
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
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
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
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

impl Headers<'_> {
    /// Nothing found yet: what a walk fills in, header by header.
    ///
    /// Headers are filled in rather than returned because they are large: a
    /// `Result` of them at each step costs more than reading them.
    #[inline]
    pub(crate) fn empty() -> Self {
        Self {
            ip: IpHeader::NONE,
            transport: Transport::None,
            ports: Ports::default(),
            payload: Payload::default(),
            is_fragment: false,
        }
    }
}
