//! The tag of a Retry packet (RFC 9001, section 5.8).

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes128Gcm, KeyInit};

use crate::header::LongHeader;
use crate::version::QuicVersion;

/// The token of a Retry that answers a packet to `original`, if its tag says
/// that it does.
pub(crate) fn token<'a>(retry: &LongHeader<'a>, original: &[u8]) -> Option<&'a [u8]> {
    let (key, nonce) = secrets(retry.version)?;
    let (token, tag) = retry.rest.split_last_chunk::<16>()?;
    let (without_tag, _) = retry.datagram.split_last_chunk::<16>()?;
    let original_len = u8::try_from(original.len()).ok()?;
    let pseudo_packet = [&[original_len], original, without_tag].concat();
    Aes128Gcm::new(&(*key).into())
        .decrypt_inout_detached(
            &(*nonce).into(),
            &pseudo_packet,
            (&mut [][..]).into(),
            &(*tag).into(),
        )
        .ok()?;
    Some(token)
}

type Secrets = (&'static [u8; 16], &'static [u8; 12]);

/// Before draft 25, a Retry had the original connection ID in place of a tag.
fn secrets(version: QuicVersion) -> Option<Secrets> {
    Some(match (version, version.draft()) {
        (QuicVersion::V1, _) | (_, Some(33 | 34)) => (&KEY_V1, &NONCE_V1),
        (QuicVersion::V2, _) => (&KEY_V2, &NONCE_V2),
        (_, Some(29..=32)) => (&KEY_DRAFT_29, &NONCE_DRAFT_29),
        (_, Some(25..=28)) => (&KEY_DRAFT_25, &NONCE_DRAFT_25),
        _ => return None,
    })
}

const KEY_V1: [u8; 16] = 0xbe0c_690b_9f66_575a_1d76_6b54_e368_c84e_u128.to_be_bytes();
const NONCE_V1: [u8; 12] = [
    0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb,
];
const KEY_V2: [u8; 16] = 0x8fb4_b01b_56ac_48e2_60fb_cbce_ad7c_cc92_u128.to_be_bytes();
const NONCE_V2: [u8; 12] = [
    0xd8, 0x69, 0x69, 0xbc, 0x2d, 0x7c, 0x6d, 0x99, 0x90, 0xef, 0xb0, 0x4a,
];
const KEY_DRAFT_29: [u8; 16] = 0xccce_187e_d09a_09d0_5728_155a_6cb9_6be1_u128.to_be_bytes();
const NONCE_DRAFT_29: [u8; 12] = [
    0xe5, 0x49, 0x30, 0xf9, 0x7f, 0x21, 0x36, 0xf0, 0x53, 0x0a, 0x8c, 0x1c,
];
const KEY_DRAFT_25: [u8; 16] = 0x4d32_ecdb_2a21_33c8_41e4_043d_f27d_4430_u128.to_be_bytes();
const NONCE_DRAFT_25: [u8; 12] = [
    0x4d, 0x16, 0x11, 0xd0, 0x55, 0x13, 0xa5, 0x52, 0xc5, 0x87, 0xd5, 0x75,
];

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGINAL: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];

    /// RFC 9001, appendix A.4, and RFC 9369, appendix A.4.
    #[test]
    fn the_tags_of_the_rfcs_are_right() {
        for (hex, version) in [
            (
                "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba",
                QuicVersion::V1,
            ),
            (
                "cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6",
                QuicVersion::V2,
            ),
        ] {
            let (pairs, _) = hex.as_bytes().as_chunks::<2>();
            let digit = |byte: u8| (byte as char).to_digit(16).expect("a digit") as u8;
            let mut packet: Vec<u8> = pairs
                .iter()
                .map(|[a, b]| digit(*a) << 4 | digit(*b))
                .collect();
            let header = LongHeader::parse(&packet).expect("a header");
            assert_eq!(header.version, version);
            assert_eq!(token(&header, &ORIGINAL), Some(&b"token"[..]));
            assert_eq!(token(&header, &ORIGINAL[1..]), None);
            packet[17] ^= 1;
            let header = LongHeader::parse(&packet).expect("a header");
            assert_eq!(token(&header, &ORIGINAL), None);
        }
    }
}
