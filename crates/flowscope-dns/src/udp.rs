//! DNS in datagrams.

use alloc::sync::Arc;

use flowscope_core::session::{Datagram, DatagramParser, Interest, ProbeResult};
use flowscope_core::{Sink, Timestamp};

use crate::config::{DnsConfig, Strictness};
use crate::correlate::Correlator;
use crate::error::DnsError;
use crate::message::DnsMessage;
use crate::packet::DnsPacket;
use crate::probe;

/// Reads DNS messages out of the datagrams of a flow: of DNS, multicast DNS
/// and LLMNR.
///
/// It may be given any flow. What does not look like DNS is skipped, and a flow
/// that begins with several such datagrams ends the parser with
/// [`DnsError::NotDns`]. After the first message, everything that has a header is
/// read, so that damaged messages are given too. With
/// [`Strictness::KnownPort`] that is so from the beginning.
///
/// ```
/// use core::time::Duration;
/// use flowscope_core::session::{Datagram, DatagramParser, Interest};
/// use flowscope_core::{FlowSide, Timestamp};
/// use flowscope_dns::{DnsMessage, DnsUdpParser};
///
/// let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01";
/// let response = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x07example\0\0\x01\0\x01\
///     \xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
///
/// let mut parser = DnsUdpParser::default();
/// let mut found = Vec::new();
/// let asked = Datagram::new(FlowSide::Initiator, Timestamp::new(1, 0), query);
/// assert_eq!(parser.parse(asked, &mut found), Ok(Interest::More));
/// let answered = Datagram::new(FlowSide::Responder, Timestamp::new(1, 5_000_000), response);
/// assert_eq!(parser.parse(answered, &mut found), Ok(Interest::More));
///
/// let lines: Vec<String> = found.iter().map(DnsMessage::to_string).collect();
/// assert_eq!(lines, [
///     "query 4660 example A",
///     "response 4660 NoError example A → A 192.0.2.1 (5ms)",
/// ]);
/// ```
///
/// Responses of multicast DNS come from elsewhere than its queries go. For a
/// flow that is known to be of it, nothing needs to be matched:
///
/// ```
/// use flowscope_core::extract::FiveTupleKey;
/// use flowscope_core::session::ByKey;
/// use flowscope_dns::{DnsConfig, DnsUdpParser, Matching};
///
/// let parsers = ByKey(|key: &FiveTupleKey| {
///     let matching = if key.either_port(5353) { Matching::Nothing } else { Matching::Unicast };
///     Some(DnsUdpParser::new(DnsConfig { matching, ..DnsConfig::default() }))
/// });
/// # let _ = parsers;
/// ```
#[derive(Clone, Debug)]
pub struct DnsUdpParser {
    correlator: Correlator,
    seen: Seen,
    /// Datagrams that were not DNS.
    skipped: u32,
}

/// Whether the flow is known to be DNS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Seen {
    Nothing,
    Dns,
}

impl DnsUdpParser {
    /// A parser within the limits of `config`.
    #[must_use]
    pub fn new(config: DnsConfig) -> Self {
        Self::sharing(Arc::new(config))
    }

    /// Whether the payload of a datagram looks like DNS. The capture may lack
    /// its end.
    ///
    /// ```
    /// use flowscope_core::session::ProbeResult;
    /// use flowscope_dns::DnsUdpParser;
    ///
    /// let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01";
    /// assert_eq!(DnsUdpParser::probe(query), ProbeResult::Match);
    /// assert_eq!(DnsUdpParser::probe(b"M-SEARCH * HTTP/1.1\r\n"), ProbeResult::NoMatch);
    /// ```
    #[must_use]
    pub fn probe(payload: &[u8]) -> ProbeResult {
        probe::of_datagram(payload)
    }

    pub(crate) fn sharing(config: Arc<DnsConfig>) -> Self {
        Self {
            correlator: Correlator::new(config),
            seen: Seen::Nothing,
            skipped: 0,
        }
    }

    /// How many datagrams were skipped because they were not DNS.
    #[must_use]
    pub fn skipped(&self) -> u32 {
        self.skipped
    }

    /// How many bytes of memory it has taken, besides itself.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.correlator.memory()
    }

    fn skip_unknown(&mut self) -> Result<Interest, DnsError> {
        self.skipped = self.skipped.saturating_add(1);
        match self.seen {
            Seen::Nothing if self.skipped >= MAX_UNKNOWN_DATAGRAMS => Err(DnsError::NotDns),
            Seen::Nothing | Seen::Dns => Ok(Interest::More),
        }
    }
}

impl Default for DnsUdpParser {
    fn default() -> Self {
        Self::new(DnsConfig::default())
    }
}

impl DatagramParser for DnsUdpParser {
    type Message = DnsMessage;
    type Error = DnsError;

    fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<DnsMessage>,
    ) -> Result<Interest, DnsError> {
        let Datagram {
            side,
            at,
            payload,
            missing,
            ..
        } = datagram;
        let DnsConfig {
            strictness,
            max_records,
            ..
        } = *self.correlator.config();
        // After the first message the flow is known to be DNS, and what is damaged
        // is worth reporting.
        let known = strictness == Strictness::KnownPort || self.seen == Seen::Dns;
        if !known && probe::of_datagram(payload) == ProbeResult::NoMatch {
            return self.skip_unknown();
        }
        let Ok(packet) = DnsPacket::of(payload, missing, max_records) else {
            return self.skip_unknown();
        };
        self.seen = Seen::Dns;
        self.correlator.message(packet, side, at, out);
        Ok(Interest::More)
    }

    fn close(&mut self, _: Timestamp, out: &mut dyn Sink<DnsMessage>) {
        for side in flowscope_core::FlowSide::BOTH {
            self.correlator.finish(side, out);
        }
    }

    fn next_tick(&self) -> Option<Timestamp> {
        self.correlator.next_tick()
    }

    fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<DnsMessage>) {
        self.correlator.tick(at, out);
    }

    fn memory(&self) -> usize {
        Self::memory(self)
    }
}

/// How many datagrams that are not DNS a flow may begin with.
const MAX_UNKNOWN_DATAGRAMS: u32 = 4;
