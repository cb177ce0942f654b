//! The caps.

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
    /// How many packets of a flow are looked at until the hellos have been read:
    /// 256 by default. Then the parser is done.
    pub max_packets: u16,
    /// How many connections of a flow are followed at the same time: 4 by
    /// default. One begins anew with each Destination Connection ID that keys
    /// are made of, which is after a Retry, too.
    pub max_connections: u8,
}

impl Default for QuicConfig {
    fn default() -> Self {
        Self {
            max_crypto: 32 << 10,
            max_packets: 256,
            max_connections: 4,
        }
    }
}
