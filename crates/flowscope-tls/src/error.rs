//! Why a stream is not the TLS it claimed to be.

use core::fmt;

/// What was wrong with a side that had begun as TLS.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum TlsError {
    /// A record's header has an unknown type, a version before SSL 3.0, or a
    /// length that no record may have.
    Record {
        /// The content type it gives.
        content_type: u8,
        /// The length it gives.
        len: u16,
    },
    /// A handshake message has an unknown type where none is encrypted yet.
    Handshake {
        /// The type it gives.
        kind: u8,
    },
    /// A ClientHello's own lengths contradict each other.
    ClientHello {
        /// Its length, without type and length.
        len: usize,
    },
    /// A ServerHello's own lengths contradict each other.
    ServerHello {
        /// Its length, without type and length.
        len: usize,
    },
    /// A message's list of certificates is longer than the message.
    Certificate {
        /// The message's length, without type and length.
        len: usize,
    },
    /// Fragments of a handshake message of DTLS overlap and differ: receivers may
    /// have read another message.
    Overlap {
        /// The type of the message.
        kind: u8,
    },
    /// A message is longer than [`TlsConfig::max_message`](crate::TlsConfig).
    TooLong {
        /// The limit.
        limit: u32,
    },
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record { content_type, len } => {
                write!(f, "no TLS record has type {content_type} and {len} bytes")
            }
            Self::Handshake { kind } => write!(f, "no handshake message has type {kind}"),
            Self::ClientHello { len } => write!(f, "malformed ClientHello of {len} bytes"),
            Self::ServerHello { len } => write!(f, "malformed ServerHello of {len} bytes"),
            Self::Certificate { len } => write!(f, "malformed certificate message of {len} bytes"),
            Self::Overlap { kind } => {
                write!(f, "fragments of a handshake message of type {kind} differ")
            }
            Self::TooLong { limit } => write!(f, "handshake message longer than {limit} bytes"),
        }
    }
}

/// As [`Display`](fmt::Display), for a program whose `main` returns the error.
impl fmt::Debug for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for TlsError {}
