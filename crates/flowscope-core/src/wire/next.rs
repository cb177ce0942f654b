//! What the bytes behind a header begin with.

/// What the remaining bytes begin with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Next {
    Ethernet,
    /// An LLC frame of this length (IEEE 802.3, section 3.2.6).
    LlcOf(u16),
    Llc,
    Snap,
    Vlan,
    VnTag,
    ETag,
    Pbb,
    Trill,
    FabricPath,
    CiscoMetadata,
    MacSecurity,
    Redundancy,
    Mpls,
    Pppoe,
    Ppp,
    CiscoHdlc,
    Ieee80211(Padding),
    /// The same with the two bytes of its frame control exchanged.
    Ieee80211Swapped,
    Nsh,
    Reassembled,
    Radiotap,
    Ppi,
    Ip,
    Ipv4,
    Ipv6,
    Arp,
    Other,
}

impl Next {
    /// What an EtherType announces.
    #[inline]
    pub(super) const fn from_ether_type(kind: [u8; 2]) -> Self {
        match u16::from_be_bytes(kind) {
            0x0800 => Self::Ipv4,
            0x86dd => Self::Ipv6,
            0x8100 | 0x88a8 => Self::Vlan,
            _ => Self::from_rare_ether_type(kind),
        }
    }

    /// The same for all others. Apart from the few that nearly every frame has,
    /// so that these are told by a comparison each.
    #[inline(never)]
    const fn from_rare_ether_type(kind: [u8; 2]) -> Self {
        match u16::from_be_bytes(kind) {
            0x9100 | 0x9200 | 0x9300 => Self::Vlan,
            0x8847 | 0x8848 => Self::Mpls,
            0x8863 | 0x8864 => Self::Pppoe,
            0x0806 | 0x8035 => Self::Arp,
            0x8926 => Self::VnTag,
            0x893f => Self::ETag,
            0x88e7 => Self::Pbb,
            0x894f => Self::Nsh,
            0x22f3 => Self::Trill,
            0x8903 => Self::FabricPath,
            0x8909 => Self::CiscoMetadata,
            0x88e5 => Self::MacSecurity,
            0x892f | 0xf1c1 => Self::Redundancy,
            0x6558 => Self::Ethernet,
            0x880b => Self::Ppp,
            _ => Self::Other,
        }
    }

    /// What a field announces that is an EtherType, or below 0x600 the length
    /// of an LLC frame.
    #[inline]
    pub(super) const fn from_type_or_length(field: [u8; 2]) -> Self {
        match u16::from_be_bytes(field) {
            len @ 0..0x0600 => Self::LlcOf(len),
            _ => Self::from_ether_type(field),
        }
    }
}

/// Whether the header is padded before the body, as some radios deliver it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Padding {
    None,
    To32Bits,
}

/// More headers below IP than any network stacks; a crafted frame could
/// otherwise hold thousands.
pub(super) const MAX_LAYERS: usize = 32;
