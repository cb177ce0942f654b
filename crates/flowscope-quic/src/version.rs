//! Versions, and what differs between them.

use core::fmt;

/// A version of QUIC, as it is written on the wire.
///
/// ```
/// use flowscope_quic::QuicVersion;
///
/// assert_eq!(QuicVersion::V1.to_string(), "v1");
/// assert_eq!(QuicVersion(0xff00_001d).to_string(), "draft-29");
/// assert_eq!(QuicVersion(0x5130_3433).to_string(), "Q043");
/// assert_eq!(QuicVersion(0xfaba_baba).to_string(), "0xfabababa");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct QuicVersion(pub u32);

/// What the long header's packet type means (RFC 9000, section 17.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PacketKind {
    Initial,
    ZeroRtt,
    Handshake,
    Retry,
}

impl QuicVersion {
    /// What a Version Negotiation packet has in the place of a version.
    pub const NEGOTIATION: Self = Self(0);
    /// Version 1 (RFC 9000).
    pub const V1: Self = Self(1);
    /// Version 2 (RFC 9369).
    pub const V2: Self = Self(0x6b33_43cf);
    /// Version 2 as its drafts had it.
    pub const V2_DRAFT: Self = Self(0x709a_50c4);
    /// Google's QUIC with the handshake of TLS, before and after its header
    /// protection was that of drafts.
    pub const T050: Self = Self(0x5430_3530);
    /// Google's QUIC whose own handshake is encrypted as those of drafts are.
    pub const Q050: Self = Self(0x5130_3530);
    /// The last version of Google's with TLS.
    pub const T051: Self = Self(0x5430_3531);

    /// The number of the IETF's draft that the version is, or is made of.
    #[must_use]
    pub const fn draft(self) -> Option<u8> {
        Some(match self.0 {
            0xff00_0000..=0xff00_00ff => (self.0 & 0xff) as u8,
            // Facebook's mvfst.
            0xface_b001 => 22,
            0xface_b002 | 0xface_b00e | 0xface_b010..=0xface_b013 => 27,
            _ => return None,
        })
    }

    /// Whether it is one that a client offers to see whether servers negotiate
    /// (RFC 9000, section 15).
    #[must_use]
    pub const fn is_grease(self) -> bool {
        self.0 & 0x0f0f_0f0f == 0x0a0a_0a0a
    }

    /// Whether it is one of Google's from before there was TLS in QUIC: `Q043`
    /// and the like.
    #[must_use]
    pub const fn is_google(self) -> bool {
        let [letter, zero, tens, ones] = self.0.to_be_bytes();
        letter == b'Q' && zero == b'0' && tens.is_ascii_digit() && ones.is_ascii_digit()
    }

    /// The salts that the keys of Initial packets may be made with (RFC 9001,
    /// section 5.2): none where they cannot be read.
    ///
    /// A client that offers a version which nobody speaks, to see whether it is
    /// negotiated, has to encrypt with the salt of some other. The tag tells
    /// which that was.
    pub(crate) const fn salts(self) -> &'static [Salt] {
        match (self, self.draft()) {
            (Self::V1, _) | (_, Some(33 | 34)) => &[SALT_V1],
            (Self::V2, _) => &[SALT_V2],
            (Self::V2_DRAFT, _) => &[SALT_V2_DRAFT],
            (Self::T050, _) => &[SALT_T050],
            (Self::T051, _) => &[SALT_T051],
            (Self::Q050, _) => &[SALT_Q050],
            (_, Some(29..=32)) => &[SALT_DRAFT_29],
            (_, Some(23..=28)) => &[SALT_DRAFT_23],
            (_, Some(22)) => &[SALT_DRAFT_22],
            _ if self.is_grease() => &[SALT_V1, SALT_DRAFT_29],
            _ => &[],
        }
    }

    /// Whether the packets of the version are read.
    pub(crate) const fn is_read(self) -> bool {
        !self.salts().is_empty()
    }

    /// Whether it is version 2, whose labels and packet types differ (RFC 9369,
    /// section 3).
    pub(crate) const fn is_v2(self) -> bool {
        matches!(self, Self::V2 | Self::V2_DRAFT)
    }

    /// Whether transport parameters are numbered in 16 bits, as before draft 27.
    pub(crate) const fn has_short_parameters(self) -> bool {
        matches!(self.draft(), Some(..=26))
    }

    /// The type of a packet with this first byte.
    pub(crate) const fn kind(self, first: u8) -> PacketKind {
        use PacketKind::{Handshake, Initial, Retry, ZeroRtt};
        match (first >> 4 & 3, self.is_v2()) {
            (0, false) | (1, true) => Initial,
            (1, false) | (2, true) => ZeroRtt,
            (2, false) | (3, true) => Handshake,
            _ => Retry,
        }
    }
}

/// `v1`, `v2`, `draft-29`, `mvfst-27`, Google's own names, or eight hexadecimal
/// digits.
impl fmt::Display for QuicVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [letter, rest @ ..] = self.0.to_be_bytes();
        match (*self, self.draft()) {
            (Self::V1, _) => f.write_str("v1"),
            (Self::V2, _) => f.write_str("v2"),
            (Self::V2_DRAFT, _) => f.write_str("v2-draft"),
            (_, Some(draft)) if letter == 0xff => write!(f, "draft-{draft}"),
            (_, Some(draft)) => write!(f, "mvfst-{draft}"),
            _ if matches!(letter, b'Q' | b'T') && rest.iter().all(u8::is_ascii_digit) => {
                self.0.to_be_bytes().iter().try_for_each(|byte| {
                    use fmt::Write;
                    f.write_char((*byte).into())
                })
            }
            _ => write!(f, "{:#010x}", self.0),
        }
    }
}

/// What the keys of Initial packets are made with, besides a connection ID.
pub(crate) type Salt = [u8; 20];

const SALT_V1: Salt = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad,
    0xcc, 0xbb, 0x7f, 0x0a,
];
const SALT_V2: Salt = [
    0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb,
    0xf9, 0xbd, 0x2e, 0xd9,
];
/// Of draft-ietf-quic-v2-01.
const SALT_V2_DRAFT: Salt = [
    0xa7, 0x07, 0xc2, 0x03, 0xa5, 0x9b, 0x47, 0x18, 0x4a, 0x1d, 0x62, 0xca, 0x57, 0x04, 0x06, 0xea,
    0x7a, 0xe3, 0xe5, 0xd3,
];
/// Of draft-ietf-quic-tls-29.
const SALT_DRAFT_29: Salt = [
    0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0,
    0x43, 0x90, 0xa8, 0x99,
];
/// Of draft-ietf-quic-tls-23.
const SALT_DRAFT_23: Salt = [
    0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65,
    0xbe, 0xf9, 0xf5, 0x02,
];
/// Of draft-ietf-quic-tls-21.
const SALT_DRAFT_22: Salt = [
    0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd,
    0x7a, 0x02, 0x64, 0x4a,
];
const SALT_Q050: Salt = [
    0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94, 0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0,
    0xd3, 0xb5, 0x6b, 0x45,
];
const SALT_T050: Salt = [
    0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c,
    0x60, 0x48, 0x83, 0x10,
];
const SALT_T051: Salt = [
    0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc,
    0xda, 0x6e, 0x03, 0x3d,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_can_be_read_have_a_salt() {
        let read = |number| QuicVersion(number).is_read();
        assert!((0xff00_0016..=0xff00_0022).all(read));
        assert!(
            [
                1,
                0x6b33_43cf,
                0xface_b001,
                0xface_b002,
                0x5430_3531,
                0x1a2a_3a4a
            ]
            .map(read)
            .iter()
            .all(|it| *it)
        );
        assert!(
            ![0, 2, 0xff00_0015, 0xff00_0023, 0x5130_3433, 0x1a2a_3a4b]
                .map(read)
                .iter()
                .any(|it| *it)
        );
    }

    #[test]
    fn types_are_numbered_otherwise_in_version_2() {
        use PacketKind::{Handshake, Initial, Retry, ZeroRtt};
        let kinds =
            |version: QuicVersion| [0xc0, 0xd0, 0xe0, 0xf0].map(|first| version.kind(first));
        assert_eq!(kinds(QuicVersion::V1), [Initial, ZeroRtt, Handshake, Retry]);
        assert_eq!(kinds(QuicVersion::V2), [Retry, Initial, ZeroRtt, Handshake]);
    }

    #[test]
    fn made_up_versions_have_no_name() {
        assert!(QuicVersion(0xbaba_4a0a).is_grease());
        assert_eq!(QuicVersion(0xbaba_4a0a).to_string(), "0xbaba4a0a");
        assert_eq!(QuicVersion(0xface_b002).to_string(), "mvfst-27");
        assert_eq!(QuicVersion::T051.to_string(), "T051");
        assert!(QuicVersion(0x5130_3530).is_google());
    }
}
