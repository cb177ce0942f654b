//! DNS in streams, each message with its length before it (RFC 1035, section
//! 4.2.2, and RFC 7766).

use alloc::sync::Arc;

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Input, Interest, ProbeResult, SessionParser, StreamEnd};
use flowscope_core::{BySide, FlowSide, Sink, Timestamp};

use crate::config::DnsConfig;
use crate::correlate::Correlator;
use crate::direction::{Direction, Found};
use crate::error::DnsError;
use crate::message::DnsMessage;
use crate::packet::DnsPacket;
use crate::probe;

/// Reads DNS messages out of the two streams of a TCP connection.
///
/// It may be given any connection: what is not DNS ends it with an error, as
/// soon as a header is there that cannot be one. On a
/// [known port](crate::Strictness::KnownPort) the next message that is beyond
/// doubt is searched for instead.
///
/// Of a message in which bytes are missing, what came before them is given. If
/// the end of that message is missing too, the next message that is beyond doubt
/// is searched for, and if there is none for a while, that side is read no
/// further.
///
/// ```
/// use flowscope_core::reassemble::Chunk;
/// use flowscope_core::session::{Input, Interest, SessionParser};
/// use flowscope_core::{FlowSide, Timestamp};
/// use flowscope_dns::{DnsMessage, DnsTcpParser};
///
/// let stream = b"\0\x19\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01\
///     \0\x13\x12\x35\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x1c\0\x01";
///
/// let mut parser = DnsTcpParser::default();
/// let mut found = Vec::new();
/// for chunk in stream.chunks(20) {
///     let input = Input::new(FlowSide::Initiator, Timestamp::EPOCH, Chunk::Data(chunk));
///     assert_eq!(parser.feed(input, &mut found), Ok(Interest::More));
/// }
/// let lines: Vec<String> = found.iter().map(DnsMessage::to_string).collect();
/// assert_eq!(lines, ["query 4660 example A", "query 4661 a AAAA"]);
/// ```
#[derive(Clone, Debug)]
pub struct DnsTcpParser {
    correlator: Correlator,
    directions: BySide<Direction>,
}

impl DnsTcpParser {
    /// A parser within the limits of `config`.
    #[must_use]
    pub fn new(config: DnsConfig) -> Self {
        Self::sharing(Arc::new(config))
    }

    /// Whether the first bytes of one side of a TCP connection look like DNS: a
    /// message with its length before it (RFC 1035, section 4.2.2).
    ///
    /// It is [`Possible`](ProbeResult::Possible) until there are enough bytes,
    /// which are 300 at the most.
    ///
    /// ```
    /// use flowscope_core::session::ProbeResult;
    /// use flowscope_dns::DnsTcpParser;
    ///
    /// let query = b"\0\x19\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01";
    /// assert_eq!(DnsTcpParser::probe(query), ProbeResult::Match);
    /// assert_eq!(DnsTcpParser::probe(&query[..20]), ProbeResult::Possible);
    /// assert_eq!(DnsTcpParser::probe(b"SSH-2.0-OpenSSH_9.2"), ProbeResult::NoMatch);
    /// ```
    #[must_use]
    pub fn probe(first: &[u8]) -> ProbeResult {
        probe::of_stream(first)
    }

    pub(crate) fn sharing(config: Arc<DnsConfig>) -> Self {
        Self {
            directions: BySide::from_fn(|_| Direction::new(&config)),
            correlator: Correlator::new(config),
        }
    }

    /// How many bytes of memory it has taken, besides itself.
    #[must_use]
    pub fn memory(&self) -> usize {
        let buffers = self
            .directions
            .iter()
            .map(|(_, direction)| direction.memory());
        self.correlator.memory() + buffers.sum::<usize>()
    }

    fn report(
        &mut self,
        found: Found<'_>,
        side: FlowSide,
        at: Timestamp,
        out: &mut dyn Sink<DnsMessage>,
    ) {
        let most = self.correlator.config().max_records;
        // What was found has a header.
        if let Ok(packet) = DnsPacket::of(found.message, found.missing, most) {
            self.correlator.message(packet, side, at, out);
        }
    }
}

impl Default for DnsTcpParser {
    fn default() -> Self {
        Self::new(DnsConfig::default())
    }
}

impl SessionParser for DnsTcpParser {
    type Message = DnsMessage;
    type Error = DnsError;

    fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<DnsMessage>,
    ) -> Result<Interest, DnsError> {
        let Input {
            side, at, chunk, ..
        } = input;
        // It is moved out of `self` while messages are reported, as they borrow
        // its buffer and the report needs the correlator.
        let mut direction = core::mem::take(&mut self.directions[side]);
        let mut report = |found: Found<'_>| self.report(found, side, at, out);
        let fed = match chunk {
            Chunk::Data(bytes) => direction.data(bytes, &mut report),
            Chunk::Gap(len) => {
                direction.gap(len, &mut report);
                Ok(())
            }
        };
        self.directions[side] = direction;
        fed?;
        if self.directions[side].is_lost() {
            self.correlator.forget(side);
        }
        let lost = self
            .directions
            .iter()
            .all(|(_, direction)| direction.is_lost());
        Ok(if lost { Interest::Done } else { Interest::More })
    }

    fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<DnsMessage>) {
        let mut direction = core::mem::take(&mut self.directions[end.side]);
        direction.finish(&mut |found: Found<'_>| self.report(found, end.side, end.at, out));
        self.correlator.finish(end.side, out);
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
