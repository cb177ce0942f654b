//! DNS to callbacks.

use alloc::sync::Arc;

use flowscope_core::extract::FiveTupleKey;
use flowscope_core::session::{
    Datagram, DatagramParser, Input, Interest, SessionParser, StreamEnd, StreamFactory,
};
use flowscope_core::wire::Transport;
use flowscope_core::{Sink, Timestamp};

use crate::config::DnsConfig;
use crate::message::{DnsMessage, DnsQuery, DnsResponse, DnsUnanswered};
use crate::{DnsTcpParser, DnsUdpParser};

/// Is called with the messages of all flows.
///
/// Implement what is of interest; or give a closure that takes a flow and a
/// [`DnsMessage`].
pub trait DnsHandler<K = FiveTupleKey> {
    /// A message was read, or a query had no response in time. Unless
    /// implemented, one of the others is called.
    fn on_message(&mut self, flow: &K, message: &DnsMessage) {
        match message {
            DnsMessage::Query(query) => self.on_query(flow, query),
            DnsMessage::Response(response) => self.on_response(flow, response),
            DnsMessage::Unanswered(unanswered) => self.on_unanswered(flow, unanswered),
        }
    }

    /// A query was sent.
    fn on_query(&mut self, flow: &K, query: &DnsQuery) {
        let _ = (flow, query);
    }

    /// A response was sent.
    fn on_response(&mut self, flow: &K, response: &DnsResponse) {
        let _ = (flow, response);
    }

    /// A query had no response.
    fn on_unanswered(&mut self, flow: &K, unanswered: &DnsUnanswered) {
        let _ = (flow, unanswered);
    }
}

impl<K, F: FnMut(&K, &DnsMessage)> DnsHandler<K> for F {
    fn on_message(&mut self, flow: &K, message: &DnsMessage) {
        self(flow, message);
    }
}

/// Calls a [`DnsHandler`] with the DNS messages of all flows, over UDP and TCP.
///
/// A query whose time is up is reported when its flow next moves, or ends.
///
/// ```
/// use flowscope_core::session::{Datagram, StreamFactory};
/// use flowscope_core::wire::Transport;
/// use flowscope_core::{FlowSide, Timestamp};
/// use flowscope_dns::{DnsFactory, DnsHandler, DnsQuery, DnsUnanswered};
///
/// #[derive(Default)]
/// struct Log(Vec<String>);
///
/// impl<K: core::fmt::Display> DnsHandler<K> for Log {
///     fn on_query(&mut self, flow: &K, query: &DnsQuery) {
///         self.0.push(format!("{flow}: {query}"));
///     }
///     fn on_unanswered(&mut self, flow: &K, unanswered: &DnsUnanswered) {
///         self.0.push(format!("{flow}: {unanswered}"));
///     }
/// }
///
/// let mut factory = DnsFactory::with_handler(Log::default());
/// let mut stream = factory.open(&"a flow", &Transport::Udp).expect("every flow gets one");
/// let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01";
/// let asked = Datagram::new(FlowSide::Initiator, Timestamp::EPOCH, query);
/// let _ = factory.datagram(&mut stream, &"a flow", asked);
/// factory.end(stream, &"a flow", Timestamp::new(60, 0));
///
/// assert_eq!(factory.handler().0, [
///     "a flow: query 4660 example A",
///     "a flow: unanswered 4660 example A",
/// ]);
/// ```
#[derive(Clone, Debug)]
pub struct DnsFactory<H> {
    handler: H,
    config: Arc<DnsConfig>,
}

impl<H> DnsFactory<H> {
    /// A factory that calls `handler`.
    #[must_use]
    pub fn with_handler(handler: H) -> Self {
        Self {
            handler,
            config: Arc::new(DnsConfig::default()),
        }
    }

    /// The same, within the limits of `config`.
    #[must_use]
    pub fn with_config(self, config: DnsConfig) -> Self {
        Self {
            config: Arc::new(config),
            ..self
        }
    }

    /// The handler.
    #[must_use]
    pub fn handler(&self) -> &H {
        &self.handler
    }

    /// The handler.
    #[must_use]
    pub fn handler_mut(&mut self) -> &mut H {
        &mut self.handler
    }

    /// The handler, for the time after.
    #[must_use]
    pub fn into_handler(self) -> H {
        self.handler
    }
}

/// What a [`DnsFactory`] keeps of a flow.
#[derive(Debug)]
pub struct DnsStream(Parser);

#[derive(Debug)]
enum Parser {
    Tcp(DnsTcpParser),
    Udp(DnsUdpParser),
}

impl<K, H: DnsHandler<K>> StreamFactory<K> for DnsFactory<H> {
    type Stream = DnsStream;

    fn open(&mut self, _: &K, transport: &Transport) -> Option<DnsStream> {
        let config = self.config.clone();
        match transport {
            tcp if tcp.is_tcp() => Some(DnsStream(Parser::Tcp(DnsTcpParser::sharing(config)))),
            Transport::Udp | Transport::UdpLite => {
                Some(DnsStream(Parser::Udp(DnsUdpParser::sharing(config))))
            }
            _ => None,
        }
    }

    fn feed(&mut self, stream: &mut DnsStream, key: &K, input: Input<'_>) -> Interest {
        match &mut stream.0 {
            Parser::Tcp(parser) => parser
                .feed(input, &mut calls(&mut self.handler, key))
                .unwrap_or(Interest::Done),
            Parser::Udp(_) => Interest::Done,
        }
    }

    fn datagram(&mut self, stream: &mut DnsStream, key: &K, datagram: Datagram<'_>) -> Interest {
        match &mut stream.0 {
            Parser::Udp(parser) => parser
                .parse(datagram, &mut calls(&mut self.handler, key))
                .unwrap_or(Interest::Done),
            Parser::Tcp(_) => Interest::Done,
        }
    }

    fn close(&mut self, stream: &mut DnsStream, key: &K, end: StreamEnd) {
        if let Parser::Tcp(parser) = &mut stream.0 {
            parser.close(end, &mut calls(&mut self.handler, key));
        }
    }

    fn end(&mut self, stream: DnsStream, key: &K, at: Timestamp) {
        if let Parser::Udp(mut parser) = stream.0 {
            parser.tick(at, &mut calls(&mut self.handler, key));
            parser.close(at, &mut calls(&mut self.handler, key));
        }
    }
}

fn calls<'a, K, H: DnsHandler<K>>(handler: &'a mut H, key: &'a K) -> impl Sink<DnsMessage> + 'a {
    move |message: DnsMessage| handler.on_message(key, &message)
}
