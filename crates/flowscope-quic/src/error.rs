//! What is wrong with a handshake.

use core::error::Error;
use core::fmt;

use flowscope_tls::TlsError;

/// What packets say, whose tags are right, is no handshake that can be read.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum QuicError {
    /// A message that is no hello of its sender.
    Handshake {
        /// Its type.
        kind: u8,
    },
    /// CRYPTO frames reach further than is held.
    TooLong {
        /// How many bytes are.
        limit: u32,
    },
    /// CRYPTO frames overlap and differ: receivers may have read another hello. Both
    /// are given, as far as they are whole.
    Overlap,
    /// A hello that is not as it has to be.
    Hello(TlsError),
}

impl fmt::Display for QuicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake { kind } => {
                write!(f, "a handshake message of type {kind}, not a hello")
            }
            Self::TooLong { limit } => write!(f, "a handshake of more than {limit} bytes"),
            Self::Overlap => f.write_str("CRYPTO frames that overlap and differ"),
            Self::Hello(error) => error.fmt(f),
        }
    }
}

impl Error for QuicError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Hello(error) => error.source(),
            Self::Handshake { .. } | Self::TooLong { .. } | Self::Overlap => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_was_wrong() {
        let shown = [
            QuicError::Handshake { kind: 11 },
            QuicError::TooLong { limit: 2000 },
            QuicError::Hello(TlsError::ClientHello { len: 3 }),
        ]
        .map(|error| error.to_string());
        assert_eq!(shown[0], "a handshake message of type 11, not a hello");
        assert_eq!(shown[1], "a handshake of more than 2000 bytes");
        assert_eq!(shown[2], TlsError::ClientHello { len: 3 }.to_string());
    }
}
