//! Limits.

use core::time::Duration;

/// What a parser matches, and how much of a flow it keeps.
///
/// ```
/// use core::time::Duration;
/// use flowscope_dns::{DnsConfig, DnsUdpParser};
///
/// let config = DnsConfig { timeout: Duration::from_secs(2), ..DnsConfig::default() };
/// let parser = DnsUdpParser::new(config);
/// # let _ = parser;
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct DnsConfig {
    /// How much a datagram, or the beginning of a stream, must look like DNS to
    /// be read.
    pub strictness: Strictness,
    /// Whether responses are matched to queries.
    pub matching: Matching,
    /// How long a query may go without a response, counted from its last
    /// copy, before it is reported as unanswered. 10 seconds by default.
    pub timeout: Duration,
    /// How many queries of a flow may wait for their responses. The oldest
    /// is evicted for another, and reported as unanswered. 256 by default.
    pub max_pending: usize,
    /// How many bytes the queries of a flow that wait for their responses may
    /// have. The oldest are evicted for another, as beyond `max_pending`; the
    /// latest is kept in any case, of a long one no more than its first
    /// question. 65,536 by default.
    pub max_pending_bytes: usize,
    /// How many questions and records of a message are read. 4,096 by
    /// default, which is what fits into 64 KiB in the usual form.
    pub max_records: u16,
    /// How many times as long as a message the text of its names and data may
    /// be where all of them are written, with pointers followed and bytes
    /// escaped: see [`DnsPacket::max_text`](crate::DnsPacket::max_text). 8 by
    /// default; that of usual messages is less than twice as long.
    pub max_expansion: u16,
    /// The longest message on a stream, in bytes. 65,535 by default, which is
    /// the longest there can be (RFC 1035, section 4.2.2).
    pub max_message: u16,
}

impl Default for DnsConfig {
    fn default() -> Self {
        Self {
            strictness: Strictness::AnyPort,
            matching: Matching::Unicast,
            timeout: Duration::from_secs(10),
            max_pending: 256,
            max_pending_bytes: 64 << 10,
            max_records: 4096,
            max_expansion: 8,
            max_message: u16::MAX,
        }
    }
}

/// How much a flow must look like DNS to be read as DNS.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Strictness {
    /// So much that other protocols hardly ever do, until the first message of the
    /// flow was read. For flows of any kind.
    AnyPort,
    /// It has a header. For a flow that is known to be DNS, by its port: what
    /// is damaged is given too, as far as it can be read. In a stream, where
    /// something else is between messages, the next one is searched for.
    KnownPort,
}

/// Which responses are matched to queries.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Matching {
    /// Those that come back the way the query went. Multicast DNS, where a
    /// response goes to all, is told by its form and left out: it has no
    /// identifier and does not ask for recursion, or asks for a unicast response
    /// (RFC 6762, section 18).
    Unicast,
    /// None: for a flow that is known to be multicast.
    Nothing,
}
