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
///     max_held: 1024,
///     ..DetectConfig::default()
/// };
/// let detector = Detector::with_config(config);
/// # let _ = detector;
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DetectConfig {
    /// What is looked for, of what the features have built in: everything by
    /// default. A flow of another protocol is let go as soon as it is known to
    /// be that. An HTTP connection is then read only, and none of its messages
    /// given, where it may become a tunnel to something that is looked for: its
    /// first request is not for a path, but for a host, as proxies get it.
    pub protocols: Protocols,
    /// How many bytes of each side are held to tell what they are: 4 KiB by
    /// default. A handful is enough for nearly all connections. Beyond it, the
    /// connection is searched for what it may become.
    pub max_held: u16,
    /// How many bytes of a connection that begins with none of the protocols
    /// are searched for the beginning of an HTTP message, such as behind SOCKS:
    /// 64 KiB by default, 0 for not at all. On a port of HTTP, and behind a
    /// hole, it is the parser's own limit.
    pub max_search: u32,
    /// For HTTP.
    #[cfg(feature = "http")]
    pub http: flowscope_http::HttpConfig,
    /// For TLS.
    #[cfg(feature = "tls")]
    pub tls: flowscope_tls::TlsConfig,
    /// For DNS. On its own ports, less is asked for than
    /// [`scrutiny`](flowscope_dns::DnsConfig::scrutiny) says, and nothing is
    /// matched on the port of multicast DNS.
    #[cfg(feature = "dns")]
    pub dns: flowscope_dns::DnsConfig,
}

impl Default for DetectConfig {
    fn default() -> Self {
        Self {
            protocols: Protocols::ALL,
            max_held: 4 << 10,
            max_search: 64 << 10,
            #[cfg(feature = "http")]
            http: flowscope_http::HttpConfig::default(),
            #[cfg(feature = "tls")]
            tls: flowscope_tls::TlsConfig::default(),
            #[cfg(feature = "dns")]
            dns: flowscope_dns::DnsConfig::default(),
        }
    }
}
