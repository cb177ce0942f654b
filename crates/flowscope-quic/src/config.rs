//! The caps.

use flowscope_tls::ReadUntil;

/// The limits of a [`QuicParser`](crate::QuicParser).
///
/// ```
/// use flowscope_quic::{QuicConfig, QuicParser};
///
/// let parser = QuicParser::new(QuicConfig {
///     max_packets: 20,
///     ..QuicConfig::default()
/// });
/// # let _ = parser;
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct QuicConfig {
    /// How many bytes of CRYPTO frames are held for each side of a connection
    /// until a hello is whole: 32 KiB by default. A longer hello is not read.
    pub max_crypto: u32,
    /// How many bytes of Initial packets are held whose connection is not known
    /// yet, as its client's first packet may have been captured late: 8 KiB by
    /// default. The oldest go first.
    pub max_early: u32,
    /// How many packets of a flow are looked at until the hellos have been read:
    /// 256 by default. Then the parser is done.
    pub max_packets: u16,
    /// How many connections of a flow are followed at the same time: 4 by
    /// default. One begins anew with each Destination Connection ID that keys
    /// are made of, which is after a Retry, too.
    pub max_connections: u8,
    /// How long the flow is read: see also
    /// [`QuicParser::is_at_rest`](crate::QuicParser::is_at_rest).
    pub until: ReadUntil,
}

impl Default for QuicConfig {
    fn default() -> Self {
        Self {
            max_crypto: 32 << 10,
            max_early: 8 << 10,
            max_packets: 256,
            max_connections: 4,
            until: ReadUntil::Hellos,
        }
    }
}
