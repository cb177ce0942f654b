//! What parsers report.

use core::fmt;
use core::time::Duration;

use flowscope_core::{FlowSide, Timestamp};

use crate::packet::{DnsPacket, Question};

/// What a parser reads out of a flow.
///
/// [`Display`](fmt::Display) writes it on a line.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DnsMessage {
    /// A message that is no response: a question, most often.
    Query(DnsQuery),
    /// A response.
    Response(DnsResponse),
    /// A query that met no response.
    Unanswered(DnsUnanswered),
}

impl DnsMessage {
    /// The message as it was sent, unless it is that there was none.
    #[must_use]
    pub fn packet(&self) -> Option<&DnsPacket> {
        match self {
            Self::Query(query) => Some(&query.packet),
            Self::Response(response) => Some(&response.packet),
            Self::Unanswered(_) => None,
        }
    }
}

impl fmt::Display for DnsMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query(query) => write!(f, "{query}"),
            Self::Response(response) => write!(f, "{response}"),
            Self::Unanswered(unanswered) => write!(f, "{unanswered}"),
        }
    }
}

/// A message that is no response.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DnsQuery {
    /// What was sent.
    pub packet: DnsPacket,
    /// Who sent it.
    pub side: FlowSide,
    /// When.
    pub at: Timestamp,
    /// Whether the same was sent before and still waits for its response.
    pub is_retransmission: bool,
}

impl fmt::Display for DnsQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.packet)?;
        if self.is_retransmission {
            f.write_str(" (again)")?;
        }
        Ok(())
    }
}

/// A response.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DnsResponse {
    /// What was sent.
    pub packet: DnsPacket,
    /// Who sent it.
    pub side: FlowSide,
    /// When.
    pub at: Timestamp,
    /// The query that it answers, if that was seen. Further responses to the
    /// same query answer none.
    pub answers: Option<Answered>,
}

impl DnsResponse {
    /// How long it took from the first copy of its query.
    #[must_use]
    pub fn latency(&self) -> Option<Duration> {
        Some(self.answers?.latency)
    }
}

impl fmt::Display for DnsResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.packet)?;
        match self.latency() {
            Some(latency) => write!(f, " ({latency:?})"),
            None => Ok(()),
        }
    }
}

/// What is known of a query that was answered.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Answered {
    /// How long it took from the first copy of the query to the response.
    pub latency: Duration,
    /// How often it was sent.
    pub attempts: u32,
}

/// A query that met no response.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DnsUnanswered {
    /// The query, cut behind its first question if it was long.
    pub(crate) query: DnsPacket,
    /// Who sent the query.
    pub side: FlowSide,
    /// When it was sent first.
    pub asked: Timestamp,
    /// How often it was sent.
    pub attempts: u32,
    /// Why it is waited for no more.
    pub why: Unanswered,
}

impl DnsUnanswered {
    /// The identifier of the query.
    #[must_use]
    pub fn id(&self) -> u16 {
        self.query.id()
    }

    /// The first question of the query, if it has one.
    #[must_use]
    pub fn question(&self) -> Option<Question<'_>> {
        self.query.question()
    }
}

impl fmt::Display for DnsUnanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unanswered {}", self.id())?;
        match self.question() {
            Some(question) => write!(f, " {} {}", question.name, question.rtype),
            None => Ok(()),
        }
    }
}

/// Why a query is waited for no more.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Unanswered {
    /// Its time is up: [`DnsConfig::timeout`](crate::DnsConfig::timeout).
    TimedOut,
    /// Who would have answered sends no more.
    FlowEnded,
    /// Another query took its place:
    /// [`DnsConfig::max_pending`](crate::DnsConfig::max_pending) and
    /// [`DnsConfig::max_pending_bytes`](crate::DnsConfig::max_pending_bytes).
    Evicted,
}

impl Unanswered {
    /// `timed_out`, `flow_ended` or `evicted`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TimedOut => "timed_out",
            Self::FlowEnded => "flow_ended",
            Self::Evicted => "evicted",
        }
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
