//! Link type numbers, as files write them.
//!
//! Files should hold numbers of the `LINKTYPE_` registry. Some hold the `DLT_`
//! number of the system that wrote them, which differs for a few low numbers,
//! and classic pcap keeps the length of the frame check sequence in the upper
//! bits of the same field.

use flowscope_core::LinkType;

/// The link type that the header of a classic pcap means.
///
/// The upper 16 bits say whether frames end in a frame check sequence. A
/// trailing one is harmless (lengths inside the frame come first), so they are
/// passed over.
pub(crate) fn from_network_field(network: u32) -> LinkType {
    from_number((network & 0xffff) as u16)
}

/// The link type that a number of the registry, or a BSD number, means.
pub(crate) fn from_number(number: u16) -> LinkType {
    LinkType(match number {
        // LLC/SNAP over ATM.
        11 => 100,
        // Raw IP on most systems. OpenBSD's loopback had the first number too;
        // since 2000 it is written as 108.
        12 | 14 => 101,
        // SLIP and PPP of BSD/OS.
        15 => 102,
        16 => 103,
        // Classical IP over ATM.
        19 => 106,
        registered => registered,
    })
}

/// The most bytes one packet of this link type can have.
///
/// As libpcap and Wireshark have it, the larger where they differ: a record
/// that claims more is damaged, or an attack on the reader's memory.
pub(crate) fn longest_packet(link: LinkType) -> u32 {
    match link {
        // D-Bus, and USB of FreeBSD, Linux, Linux with padding, Windows, macOS.
        LinkType(231 | 186 | 189 | 220 | 249 | 266) => 128 << 20,
        // Elektrobit's EBHSCR.
        LinkType(279) => 8 << 20,
        _ => 256 << 10,
    }
}
