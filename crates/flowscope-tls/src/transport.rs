//! What carries the messages of a handshake.

use core::fmt;

/// What carries a hello.
///
/// ```
/// use flowscope_tls::TlsTransport;
///
/// assert_eq!(TlsTransport::Dtls.to_string(), "dtls");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum TlsTransport {
    /// Records in a stream, which in most cases is a TCP connection.
    #[default]
    Tcp,
    /// CRYPTO frames of QUIC (RFC 9001).
    Quic,
    /// Records in datagrams: DTLS (RFC 9147, RFC 6347).
    Dtls,
}

impl TlsTransport {
    /// `tcp`, `quic` or `dtls`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Quic => "quic",
            Self::Dtls => "dtls",
        }
    }
}

impl fmt::Display for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
