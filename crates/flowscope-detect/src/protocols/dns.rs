//! DNS, of which a port decides where the bytes do not.

use alloc::boxed::Box;

use flowscope_core::session::{Input, Interest, ProbeResult, SessionParser, StreamEnd};
use flowscope_core::{FlowSide, Sink, Timestamp};
use flowscope_dns::{
    DnsConfig, DnsError, DnsMessage, DnsTcpParser, DnsUdpParser, Matching, Strictness,
};

use super::{DatagramProtocol, StreamProtocol};
use crate::candidates::Candidates;
use crate::probe::PortHint;
use crate::{Detector, Protocol};

/// The parser of a connection that is DNS, or guessed to be by its port.
#[derive(Clone, Debug)]
pub(crate) struct DnsOverTcp {
    parser: DnsTcpParser,
    /// Whether it has given a message. Until then, that the flow is DNS is a
    /// guess.
    is_confirmed: bool,
}

impl DnsOverTcp {
    /// The parser of a connection that it has read messages of.
    pub(crate) fn confirmed(parser: DnsTcpParser) -> Self {
        Self {
            parser,
            is_confirmed: true,
        }
    }
}

impl SessionParser for DnsOverTcp {
    type Message = DnsMessage;
    type Error = DnsError;

    fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<DnsMessage>,
    ) -> Result<Interest, DnsError> {
        let Self {
            parser,
            is_confirmed,
        } = self;
        let fed = parser.feed(input, &mut |message| {
            *is_confirmed = true;
            out.push(message);
        });
        match fed {
            // A guess that was wrong is no error of the flow.
            Err(_) if !*is_confirmed => Ok(Interest::Done),
            fed => fed,
        }
    }

    fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<DnsMessage>) {
        self.parser.close(end, out);
    }

    fn next_tick(&self) -> Option<Timestamp> {
        self.parser.next_tick()
    }

    fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<DnsMessage>) {
        self.parser.tick(at, out);
    }

    fn memory(&self) -> usize {
        self.parser.memory()
    }
}

impl StreamProtocol for DnsOverTcp {
    const PROTOCOL: Protocol = Protocol::Dns;

    /// On a port of DNS, a length and a header that may be DNS are enough.
    fn probe(first: &[u8], _: FlowSide, hint: PortHint) -> ProbeResult {
        let first = match first.first_chunk::<DNS_HEADER>() {
            Some(header) if hint.is_dns() => header,
            _ => first,
        };
        match DnsTcpParser::probe(first) {
            ProbeResult::Possible if hint.is_dns() && first.len() >= DNS_HEADER => {
                ProbeResult::Match
            }
            result => result,
        }
    }

    fn open(detector: &Detector) -> Self {
        Self {
            parser: detector.dns_parsers().tcp.clone(),
            is_confirmed: false,
        }
    }

    fn is_confirmed(&self) -> bool {
        self.is_confirmed
    }

    fn join(self, candidates: &mut Candidates) {
        candidates.dns = Some(Box::new(self.parser));
    }
}

impl DatagramProtocol for DnsUdpParser {
    const PROTOCOL: Protocol = Protocol::Dns;

    fn probe(payload: &[u8], hint: PortHint) -> ProbeResult {
        match hint.is_dns() && payload.len() >= DNS_HEADER - 2 {
            true => ProbeResult::Match,
            false => Self::probe(payload),
        }
    }

    fn open(detector: &Detector) -> Self {
        detector.dns_parsers().udp.clone()
    }
}

/// Parsers that flows get copies of. A copy of one shares its configuration and
/// allocates nothing, where a new one would.
#[derive(Debug)]
pub(crate) struct DnsPrototypes {
    /// On ports of DNS, where a header is enough.
    known_port: DnsParsers,
    /// On any other.
    any_port: DnsParsers,
    /// Multicast DNS, where a response is not to one query.
    multicast: DnsParsers,
}

/// For either kind of flow.
#[derive(Debug)]
pub(crate) struct DnsParsers {
    pub(crate) tcp: DnsTcpParser,
    pub(crate) udp: DnsUdpParser,
}

impl DnsPrototypes {
    pub(crate) fn new(config: DnsConfig) -> Self {
        let known_port = DnsConfig {
            strictness: Strictness::KnownPort,
            ..config
        };
        Self {
            known_port: DnsParsers::new(known_port),
            any_port: DnsParsers::new(config),
            multicast: DnsParsers::new(DnsConfig {
                matching: Matching::Nothing,
                ..known_port
            }),
        }
    }

    /// Those for a flow between such ports.
    pub(crate) fn get(&self, hint: PortHint) -> &DnsParsers {
        match hint {
            PortHint::Dns => &self.known_port,
            PortHint::MulticastDns => &self.multicast,
            PortHint::None | PortHint::Http => &self.any_port,
        }
    }
}

impl DnsParsers {
    fn new(config: DnsConfig) -> Self {
        Self {
            tcp: DnsTcpParser::new(config),
            udp: DnsUdpParser::new(config),
        }
    }
}

/// The length and the header that a message of DNS begins with on a stream.
const DNS_HEADER: usize = 14;
