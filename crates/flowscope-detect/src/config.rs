//! What may be changed, and the caps.

use crate::Protocols;

/// The limits of a [`Detector`](crate::Detector), and those of the parsers
/// that it chooses from.
///
/// ```
/// use flowscope_detect::{DetectConfig, Detector, Protocol, Protocols};
///
/// let config = DetectConfig {
///     protocols: Protocols::only(Protocol::Tls),
///     max_probe: 1024,
///     ..DetectConfig::default()
/// };
/// let detector = Detector::new(config);
/// # let _ = detector;
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct DetectConfig {
    /// The selected protocols, of those that the features have built in:
    /// everything by default. A flow of another protocol is read no further as
    /// soon as that is known. Where HTTP is not selected, a connection of it is
    /// still read if it may become a tunnel, which is where its first request
    /// is for a host and not for a path; none of its own messages are given
    /// then.
    pub protocols: Protocols,
    /// How many bytes of each side are kept to tell what they are: 4 KiB by
    /// default. Nearly all connections are told by their first few bytes. One
    /// that is not told by so many is searched for what it may become.
    pub max_probe: u16,
    /// How many bytes of a connection that begins with none of the protocols
    /// are searched for the beginning of an HTTP message, such as behind SOCKS:
    /// 64 KiB by default, 0 for not at all. On a port of HTTP it is the parser's
    /// own limit. For TLS it is
    /// [`TlsConfig::max_prelude`](flowscope_tls::TlsConfig::max_prelude).
    pub max_search: u32,
    /// In how many chunks of both sides, which is in how many packets, these
    /// bytes may come: 512 by default. A connection that says little with each
    /// packet is let go then.
    pub max_search_chunks: u16,
    /// For HTTP.
    #[cfg(feature = "http")]
    pub http: flowscope_http::HttpConfig,
    /// For TLS and DTLS.
    #[cfg(feature = "tls")]
    pub tls: flowscope_tls::TlsConfig,
    /// For QUIC.
    #[cfg(feature = "quic")]
    pub quic: flowscope_quic::QuicConfig,
    /// For DNS. On its own ports, it is always read with
    /// [`Strictness::KnownPort`](flowscope_dns::Strictness::KnownPort), and
    /// nothing is matched on the port of multicast DNS.
    #[cfg(feature = "dns")]
    pub dns: flowscope_dns::DnsConfig,
}

impl Default for DetectConfig {
    fn default() -> Self {
        Self {
            protocols: Protocols::ALL,
            max_probe: 4 << 10,
            max_search: 64 << 10,
            max_search_chunks: 512,
            #[cfg(feature = "http")]
            http: flowscope_http::HttpConfig::default(),
            #[cfg(feature = "tls")]
            tls: flowscope_tls::TlsConfig::default(),
            #[cfg(feature = "quic")]
            quic: flowscope_quic::QuicConfig::default(),
            #[cfg(feature = "dns")]
            dns: flowscope_dns::DnsConfig::default(),
        }
    }
}
