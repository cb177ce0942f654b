//! Why a packet belongs to no flow.

use core::fmt;

use crate::words::words;

/// Why a packet belongs to no flow: the layer at which the walk ended, and
/// what was found there.
///
/// A skip is not an error of the program: traffic is what it is. It is counted
/// by reason in [`TrackerStats`](crate::track::TrackerStats).
///
/// ```
/// use flowscope_core::wire::{Cause, Layer, Skip};
///
/// let skip = Skip::new(Layer::Tcp, Cause::Truncated);
/// assert_eq!(skip.to_string(), "tcp: header cut by the capture");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Skip {
    /// Where the walk ended.
    pub layer: Layer,
    /// What was found there.
    pub cause: Cause,
}

impl Skip {
    /// A skip at `layer` for `cause`.
    #[must_use]
    pub const fn new(layer: Layer, cause: Cause) -> Self {
        Self { layer, cause }
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.layer, self.cause)
    }
}

impl core::error::Error for Skip {}

words! {
    /// A protocol layer, as it appears in a [`Skip`] or among the
    /// encapsulations a packet was found in.
    pub enum Layer {
        /// A link type, or a link-layer header that has no name of its own here.
        Link => "link",
        /// Ethernet II or IEEE 802.3.
        Ethernet => "ethernet",
        /// IEEE 802.2 LLC, with or without SNAP.
        Llc => "llc",
        /// A BSD loopback header.
        Loopback => "loopback",
        /// A Linux "cooked" capture header.
        Sll => "sll",
        /// PPP.
        Ppp => "ppp",
        /// Cisco HDLC.
        Hdlc => "hdlc",
        /// Frame Relay.
        FrameRelay => "frame_relay",
        /// Radiotap, Prism, AVS or PPI metadata in front of a frame.
        Radio => "radio",
        /// IEEE 802.11.
        Ieee80211 => "ieee802_11",
        /// A packet filter's or firewall's log header.
        Log => "log",
        /// An IEEE 802.1Q or 802.1ad tag.
        Vlan => "vlan",
        /// An IEEE 802.1BR or VN tag.
        PortExtension => "port_extension",
        /// IEEE 802.1ah, MAC in MAC.
        Pbb => "pbb",
        /// TRILL (RFC 6325).
        Trill => "trill",
        /// FabricPath.
        FabricPath => "fabric_path",
        /// IEEE 802.1AE, MAC security.
        MacSecurity => "macsec",
        /// An MPLS label.
        Mpls => "mpls",
        /// PPPoE.
        Pppoe => "pppoe",
        /// The network service header (RFC 8300).
        Nsh => "nsh",
        /// Generic routing encapsulation.
        Gre => "gre",
        /// Generic routing encapsulation as PPTP uses it (RFC 2637).
        Pptp => "pptp",
        /// Frames mirrored over GRE.
        Erspan => "erspan",
        /// VXLAN, with or without its extensions.
        Vxlan => "vxlan",
        /// Geneve.
        Geneve => "geneve",
        /// The user plane of GTP.
        GtpU => "gtpu",
        /// Teredo.
        Teredo => "teredo",
        /// L2TP.
        L2tp => "l2tp",
        /// EtherIP (RFC 3378).
        EtherIp => "etherip",
        /// LISP data packets (RFC 9300).
        Lisp => "lisp",
        /// AYIYA, the tunnels of an IPv6 broker.
        Ayiya => "ayiya",
        /// CAPWAP data (RFC 5415).
        Capwap => "capwap",
        /// The TaZmen sniffer protocol.
        Tzsp => "tzsp",
        /// A multicast packet registered with PIM (RFC 7761).
        Pim => "pim",
        /// ARP.
        Arp => "arp",
        /// IPv4.
        Ipv4 => "ipv4",
        /// IPv6, with its extension headers.
        Ipv6 => "ipv6",
        /// The authentication header (RFC 4302).
        Ah => "ah",
        /// TCP.
        Tcp => "tcp",
        /// UDP.
        Udp => "udp",
        /// UDP-Lite.
        UdpLite => "udplite",
        /// SCTP.
        Sctp => "sctp",
        /// ICMP.
        Icmp => "icmp",
        /// ICMPv6.
        Icmp6 => "icmp6",
    }
}

words! {
    /// What ended the walk at a layer.
    pub enum Cause {
        /// The captured bytes end inside the header.
        Truncated => "header cut by the capture",
        /// A length field contradicts the header or what carries it.
        BadLength => "impossible length",
        /// The version field has a value that does not exist.
        BadVersion => "impossible version",
        /// It carries no IP.
        NotIp => "not ip",
        /// The link type, or a variant of the header, is not one this crate reads.
        Unsupported => "not supported",
        /// The payload is encrypted.
        Encrypted => "encrypted",
        /// A later fragment, which has no ports.
        Fragment => "fragment without ports",
        /// More nested headers than any network stacks.
        TooDeep => "too many layers",
        /// The checksum is wrong, where checksums are verified.
        BadChecksum => "wrong checksum",
        /// It is a copy of a packet taken before, where copies are looked for.
        Duplicate => "duplicate",
    }
}
