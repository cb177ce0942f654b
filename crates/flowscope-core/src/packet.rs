//! A captured packet as it is lent to the library.

use crate::Timestamp;

/// One captured frame, with what the capture knows about it.
///
/// ```
/// use flowscope_core::{LinkType, PacketView, Timestamp};
///
/// let frame = [0u8; 60];
/// let whole = PacketView::new(&frame, Timestamp::new(1, 0));
/// assert_eq!(whole.link, LinkType::ETHERNET);
/// assert_eq!(whole.wire_len, 60);
///
/// let cut = whole.with_wire_len(1514);
/// assert_eq!(cut.missing(), 1454);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PacketView<'a> {
    /// The captured bytes.
    pub frame: &'a [u8],
    /// What the first byte of `frame` begins.
    pub link: LinkType,
    /// When the packet was captured.
    pub timestamp: Timestamp,
    /// The frame's length on the wire, more than `frame.len()` if the capture
    /// cut it short.
    pub wire_len: u32,
}

impl<'a> PacketView<'a> {
    /// An Ethernet frame that was captured whole.
    #[must_use]
    pub fn new(frame: &'a [u8], timestamp: Timestamp) -> Self {
        Self {
            frame,
            link: LinkType::ETHERNET,
            timestamp,
            wire_len: frame.len() as u32,
        }
    }

    /// The same bytes, taken as a frame of another link type.
    #[must_use]
    pub fn with_link(self, link: LinkType) -> Self {
        Self { link, ..self }
    }

    /// The same bytes, of a frame that was `wire_len` long on the wire.
    #[must_use]
    pub fn with_wire_len(self, wire_len: u32) -> Self {
        Self { wire_len, ..self }
    }

    /// How many bytes of the frame the capture left out.
    #[must_use]
    pub fn missing(&self) -> u32 {
        // No capture has lengths of more than 32 bits.
        self.wire_len.saturating_sub(self.frame.len() as u32)
    }
}

/// What a frame begins with: a number of the `LINKTYPE_` registry that capture
/// files use.
///
/// The constants name the types that interfaces of usual systems have. Read are
/// also those that only files have: PPP (50, 51, 166, 204), Cisco HDLC (104, 205),
/// ATM (100), Frame Relay (107), IEEE 802.11 (119, 163), MPLS (219), PPI (192),
/// OpenBSD's ENC (109) and PFLOG (117), and NFLOG (239). Any other number is a
/// valid value whose packets are skipped and counted.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: a protocol family in the byte order of the capturing host.
    pub const NULL: Self = Self(0);
    /// Ethernet II or IEEE 802.3.
    pub const ETHERNET: Self = Self(1);
    /// IEEE 802.5 Token Ring.
    pub(crate) const IEEE802_5: Self = Self(6);
    /// Point-to-Point Protocol, with or without HDLC framing (RFC 1662), or Cisco
    /// HDLC in its place.
    pub const PPP: Self = Self(9);
    /// FDDI.
    pub(crate) const FDDI: Self = Self(10);
    /// PPP in HDLC-like framing, or Cisco HDLC where the first byte says so.
    pub(crate) const PPP_HDLC: Self = Self(50);
    /// PPPoE session frames, without an Ethernet header.
    pub(crate) const PPP_ETHER: Self = Self(51);
    /// LLC over ATM (RFC 2684).
    pub(crate) const ATM_RFC1483: Self = Self(100);
    /// An IPv4 or IPv6 packet, by its first four bits.
    pub const RAW: Self = Self(101);
    /// Cisco HDLC.
    pub(crate) const CISCO_HDLC: Self = Self(104);
    /// IEEE 802.11 without a pseudo-header.
    pub const IEEE802_11: Self = Self(105);
    /// Frame Relay.
    pub(crate) const FRAME_RELAY: Self = Self(107);
    /// OpenBSD loopback: a protocol family in network byte order.
    pub(crate) const LOOP: Self = Self(108);
    /// OpenBSD's decapsulated IPsec packets.
    pub(crate) const ENC: Self = Self(109);
    /// Linux "cooked" capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// OpenBSD's packet filter log.
    pub(crate) const PFLOG: Self = Self(117);
    /// IEEE 802.11 behind a Prism header.
    pub(crate) const IEEE802_11_PRISM: Self = Self(119);
    /// IEEE 802.11 behind a radiotap header.
    pub(crate) const IEEE802_11_RADIOTAP: Self = Self(127);
    /// IEEE 802.11 behind an AVS header.
    pub(crate) const IEEE802_11_AVS: Self = Self(163);
    /// PPP as pppd logs it, a direction in place of the address byte.
    pub(crate) const PPP_PPPD: Self = Self(166);
    /// Per-Packet Information, an outer header that names its own link type.
    pub(crate) const PPI: Self = Self(192);
    /// PPP with a leading direction byte.
    pub(crate) const PPP_WITH_DIR: Self = Self(204);
    /// Cisco HDLC with a leading direction byte.
    pub(crate) const CISCO_HDLC_WITH_DIR: Self = Self(205);
    /// MPLS labels.
    pub(crate) const MPLS: Self = Self(219);
    /// An IPv4 packet.
    pub(crate) const IPV4: Self = Self(228);
    /// An IPv6 packet.
    pub(crate) const IPV6: Self = Self(229);
    /// Linux netfilter log messages.
    pub(crate) const NFLOG: Self = Self(239);
    /// Linux "cooked" capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
}
