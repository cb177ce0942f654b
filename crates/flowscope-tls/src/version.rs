//! Protocol versions.

use core::fmt;

/// A version of SSL or TLS, as it is written on the wire.
///
/// ```
/// use flowscope_tls::TlsVersion;
///
/// assert_eq!(TlsVersion::TLS_1_3.to_string(), "TLS 1.3");
/// assert_eq!(TlsVersion(0x7f1c).to_string(), "TLS 0x7f1c");
/// assert!(TlsVersion::SSL_3_0 < TlsVersion::TLS_1_0);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TlsVersion(pub u16);

impl TlsVersion {
    /// SSL 2.0.
    pub const SSL_2_0: Self = Self(0x0002);
    /// SSL 3.0 (RFC 6101).
    pub const SSL_3_0: Self = Self(0x0300);
    /// TLS 1.0 (RFC 2246).
    pub const TLS_1_0: Self = Self(0x0301);
    /// TLS 1.1 (RFC 4346).
    pub const TLS_1_1: Self = Self(0x0302);
    /// TLS 1.2 (RFC 5246).
    pub const TLS_1_2: Self = Self(0x0303);
    /// TLS 1.3 (RFC 8446).
    pub const TLS_1_3: Self = Self(0x0304);
    /// DTLS 1.0 as OpenSSL wrote it before its version 0.9.8f.
    pub const DTLS_1_0_OPENSSL: Self = Self(0x0100);
    /// DTLS 1.0 (RFC 4347).
    pub const DTLS_1_0: Self = Self(0xfeff);
    /// DTLS 1.2 (RFC 6347).
    pub const DTLS_1_2: Self = Self(0xfefd);
    /// DTLS 1.3 (RFC 9147).
    pub const DTLS_1_3: Self = Self(0xfefc);

    /// The version's name, if it has one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::SSL_2_0 => "SSL 2.0",
            Self::SSL_3_0 => "SSL 3.0",
            Self::TLS_1_0 => "TLS 1.0",
            Self::TLS_1_1 => "TLS 1.1",
            Self::TLS_1_2 => "TLS 1.2",
            Self::TLS_1_3 => "TLS 1.3",
            Self::DTLS_1_0_OPENSSL => "DTLS 1.0 (OpenSSL)",
            Self::DTLS_1_0 => "DTLS 1.0",
            Self::DTLS_1_2 => "DTLS 1.2",
            Self::DTLS_1_3 => "DTLS 1.3",
            _ => return None,
        })
    }

    /// Whether it is a version of DTLS.
    #[must_use]
    pub const fn is_dtls(self) -> bool {
        self.0 >> 8 == 0xfe || self.0 == Self::DTLS_1_0_OPENSSL.0
    }

    /// A number that grows from one version to the next. Those of DTLS count down
    /// (RFC 6347, section 4.1), and are given that of the TLS they are made of.
    pub(crate) const fn rank(self) -> u16 {
        match self.0 {
            0x0100 => Self::TLS_1_0.0,
            0xfe00..=0xfeff => 0x0400 - (self.0 & 0xff),
            number => number,
        }
    }

    /// Whether it is a draft of TLS 1.3.
    #[must_use]
    pub const fn is_draft(self) -> bool {
        self.0 >> 8 == 0x7f
    }
}

/// The name, or `TLS 0x7f1c` for a version without one.
impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "TLS {:#06x}", self.0),
        }
    }
}

/// Whether `value` is one of those that clients make up to see whether servers
/// ignore what they do not know (RFC 8701, GREASE): for cipher suites,
/// extensions, groups, signature algorithms and versions.
///
/// ```
/// use flowscope_tls::is_grease;
///
/// assert!(is_grease(0x0a0a) && is_grease(0xfafa));
/// assert!(!is_grease(0x0a1a) && !is_grease(0x1301));
/// ```
#[must_use]
pub const fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}
