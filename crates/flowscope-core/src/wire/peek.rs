//! What bytes look like, where nothing says what they are.

/// Whether an Ethernet header begins here, with something known behind it.
pub(super) fn is_ethernet(bytes: &[u8]) -> bool {
    let Some((header, payload)) = bytes.split_first_chunk::<14>() else {
        return false;
    };
    let [.., kind0, kind1] = *header;
    match u16::from_be_bytes([kind0, kind1]) {
        0x0800 => matches!(payload, [0x45..=0x4f, ..]),
        0x86dd => matches!(payload, [0x60..=0x6f, ..]),
        0x0806 => payload.starts_with(&[0, 1, 8, 0]),
        0x8100 | 0x88a8 | 0x8847 | 0x8848 | 0x8863 | 0x8864 | 0x88cc | 0x88e7 | 0x894f => true,
        // LLC: SNAP, spanning tree, IS-IS.
        0..0x0600 => matches!(
            payload,
            [0xaa, 0xaa, 0x03, ..] | [0x42, 0x42, 0x03, ..] | [0xfe, 0xfe, 0x03, ..]
        ),
        _ => false,
    }
}

/// Whether an IPv4 header begins here, of a plausible length.
pub(super) fn is_ipv4(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk::<20>() else {
        return false;
    };
    let [first, _, len0, len1, ..] = *header;
    let header_len = 4 * u16::from(first & 0x0f);
    let len = u16::from_be_bytes([len0, len1]);
    first >> 4 == 4 && header_len >= 20 && (len == 0 || len >= header_len)
}

/// Whether an IPv6 header begins here, of a length that may be.
pub(super) fn is_ipv6(bytes: &[u8]) -> bool {
    matches!(bytes.first_chunk::<40>(), Some([first, ..]) if first >> 4 == 6)
}
