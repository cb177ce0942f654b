//! What a detector reads.

use core::fmt;

/// A message of one of the protocols.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "messages are handed on one by one; boxing them would allocate for each"
)]
pub enum Message {
    /// Of HTTP/1.
    #[cfg(feature = "http")]
    Http(flowscope_http::HttpMessage),
    /// Of TLS, or of DTLS.
    #[cfg(feature = "tls")]
    Tls(flowscope_tls::TlsMessage),
    /// Of QUIC.
    #[cfg(feature = "quic")]
    Quic(flowscope_quic::QuicMessage),
    /// Of DNS, multicast DNS or LLMNR.
    #[cfg(feature = "dns")]
    Dns(flowscope_dns::DnsMessage),
}

/// What a flow was found to be.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Protocol {
    /// HTTP/1, or a tunnel that began with it.
    Http,
    /// TLS, perhaps behind something else.
    Tls,
    /// DNS, multicast DNS or LLMNR.
    Dns,
    /// QUIC.
    Quic,
    /// DTLS, perhaps beside STUN and RTP. Its messages are those of TLS.
    Dtls,
}

impl Protocol {
    pub(crate) const ALL: [Self; 5] = [Self::Http, Self::Tls, Self::Dns, Self::Quic, Self::Dtls];

    /// `http`, `tls`, `dns`, `quic` or `dtls`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tls => "tls",
            Self::Dns => "dns",
            Self::Quic => "quic",
            Self::Dtls => "dtls",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
