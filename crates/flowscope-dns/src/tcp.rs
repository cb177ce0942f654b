//! DNS in streams, each message with its length before it (RFC 1035, section
//! 4.2.2, and RFC 7766).

use alloc::sync::Arc;

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Input, Interest, SessionParser, StreamEnd};
use flowscope_core::{BySide, FlowSide, Sink, Timestamp};

use crate::config::DnsConfig;
use crate::correlate::Correlator;
use crate::error::DnsError;
use crate::message::DnsMessage;
use crate::packet::DnsPacket;
use crate::stream::{Found, Framing};

/// Reads DNS messages out of the two streams of a TCP connection.
///
/// It may be given any connection: what is not DNS ends it with an error, as
/// soon as a header is there that cannot be one. On a
/// [known port](crate::Scrutiny::KnownPort) the next message that is beyond
/// doubt is looked for instead.
///
/// A hole within a message loses that message; what came before the hole is
/// given. If the hole goes on behind it, the next message that is beyond doubt
/// is looked for, and if there is none for a while, that side is given up.
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
    framing: BySide<Framing>,
}

impl DnsTcpParser {
    /// A parser within the limits of `config`.
    #[must_use]
    pub fn with_config(config: DnsConfig) -> Self {
        Self::sharing(Arc::new(config))
    }

    pub(crate) fn sharing(config: Arc<DnsConfig>) -> Self {
        Self {
            framing: BySide::from_fn(|_| Framing::new(&config)),
            correlator: Correlator::new(config),
        }
    }

    /// How many bytes of memory it has taken, besides itself.
    #[must_use]
    pub fn memory(&self) -> usize {
        let buffers = self.framing.iter().map(|(_, framing)| framing.memory());
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
        Self::with_config(DnsConfig::default())
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
        // Taken out, for the time that what it lends is reported.
        let mut framing = core::mem::take(&mut self.framing[side]);
        let mut report = |found: Found<'_>| self.report(found, side, at, out);
        let fed = match chunk {
            Chunk::Data(bytes) => framing.data(bytes, &mut report),
            Chunk::Gap(len) => {
                framing.gap(len, &mut report);
                Ok(())
            }
        };
        self.framing[side] = framing;
        fed?;
        if self.framing[side].is_lost() {
            self.correlator.forget(side);
        }
        let lost = self.framing.iter().all(|(_, framing)| framing.is_lost());
        Ok(if lost { Interest::Done } else { Interest::More })
    }

    fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<DnsMessage>) {
        let mut framing = core::mem::take(&mut self.framing[end.side]);
        framing.finish(&mut |found: Found<'_>| self.report(found, end.side, end.at, out));
        self.correlator.finish(end.side, out);
    }

    fn next_tick(&self) -> Option<Timestamp> {
        self.correlator.next_tick()
    }

    fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<DnsMessage>) {
        self.correlator.tick(at, out);
    }
}
