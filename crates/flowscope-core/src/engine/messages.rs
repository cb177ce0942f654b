//! Parsers as readers of payload.

use super::reader::{Outcome, Reader, Session};
use super::{FlowRef, Payload};
use crate::observe;
use crate::session::{
    Datagram, DatagramParser, FlowFactory, Input, Interest, OnlyDatagrams, OnlySessions,
    ParserError, SessionEvent, SessionParser, StreamEnd,
};
use crate::track::{EndReason, FlowEvent};
use crate::wire::Transport;
use crate::{FlowSide, Sink, Timestamp};

/// Gives each flow a parser out of a [`FlowFactory`], and reports messages.
///
/// The parser of a TCP connection is fed as a [`SessionParser`], that of any
/// other flow as a [`DatagramParser`]. [`Both`](crate::session::Both) makes one
/// factory of two; [`Sessions`] and [`Datagrams`] are for one kind of flow.
#[derive(Debug)]
pub struct Messages<F> {
    factory: F,
}

/// Parsers for TCP connections, with messages of type `M`.
pub type Sessions<F, M> = Payload<Messages<OnlySessions<F, M>>>;

/// Parsers for all other flows, with messages of type `M`.
pub type Datagrams<F, M> = Payload<Messages<OnlyDatagrams<F, M>>>;

impl<F> Messages<F> {
    /// Parsers made by `factory`.
    pub const fn new(factory: F) -> Self {
        Self { factory }
    }

    /// What makes the parsers.
    #[must_use]
    pub const fn factory(&self) -> &F {
        &self.factory
    }
}

/// The parser of one flow.
#[derive(Debug)]
pub struct Reading<P> {
    parser: P,
    carries: Carries,
    /// A moment that has passed and that the parser still asks for: it has been
    /// called for it, and is not again.
    passed: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
enum Carries {
    Streams,
    Datagrams,
}

impl<P> Reading<P> {
    /// The parser.
    #[must_use]
    pub const fn parser(&self) -> &P {
        &self.parser
    }
}

impl<K, F, M> Reader<K> for Messages<F>
where
    K: Clone,
    F: FlowFactory<K, Parser: SessionParser<Message = M> + DatagramParser<Message = M>>,
{
    type Stream = Reading<F::Parser>;
    type Event = SessionEvent<K, M>;

    fn open(&mut self, flow: FlowRef<'_, K>, transport: &Transport) -> Option<Self::Stream> {
        Some(Reading {
            parser: self.factory.open(flow.key, transport)?,
            carries: match transport {
                Transport::Tcp(_) | Transport::TcpCut => Carries::Streams,
                _ => Carries::Datagrams,
            },
            passed: None,
        })
    }

    #[inline]
    fn feed(
        &mut self,
        Reading { parser, .. }: &mut Self::Stream,
        flow: FlowRef<'_, K>,
        input: Input<'_>,
        out: &mut impl Sink<Self::Event>,
    ) -> Outcome {
        let interest = parser
            .feed(input, &mut messages(flow, input.side, out))
            .map_err(ParserError::new);
        outcome(interest, SessionParser::is_poisoned(parser), flow, out)
    }

    fn datagram(
        &mut self,
        Reading { parser, .. }: &mut Self::Stream,
        flow: FlowRef<'_, K>,
        datagram: Datagram<'_>,
        out: &mut impl Sink<Self::Event>,
    ) -> Outcome {
        let interest = parser
            .parse(datagram, &mut messages(flow, datagram.side, out))
            .map_err(ParserError::new);
        outcome(interest, DatagramParser::is_poisoned(parser), flow, out)
    }

    fn close(
        &mut self,
        Reading { parser, .. }: &mut Self::Stream,
        flow: FlowRef<'_, K>,
        end: StreamEnd,
        out: &mut impl Sink<Self::Event>,
    ) -> Outcome {
        SessionParser::close(parser, end, &mut messages(flow, end.side, out));
        let is_poisoned = SessionParser::is_poisoned(parser);
        outcome(Ok(Interest::More), is_poisoned, flow, out)
    }

    #[inline]
    fn next_tick(&self, reading: &Self::Stream) -> Option<Timestamp> {
        let parser = &reading.parser;
        let wanted = match reading.carries {
            Carries::Streams => SessionParser::next_tick(parser),
            Carries::Datagrams => DatagramParser::next_tick(parser),
        };
        wanted.filter(|_| wanted > reading.passed)
    }

    fn tick(
        &mut self,
        reading: &mut Self::Stream,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) -> Outcome {
        let parser = &mut reading.parser;
        let mut sink = messages(flow, FlowSide::Initiator, out);
        let (wanted, is_poisoned) = match reading.carries {
            Carries::Streams => {
                SessionParser::tick(parser, flow.at, &mut sink);
                let wanted = SessionParser::next_tick(parser);
                (wanted, SessionParser::is_poisoned(parser))
            }
            Carries::Datagrams => {
                DatagramParser::tick(parser, flow.at, &mut sink);
                let wanted = DatagramParser::next_tick(parser);
                (wanted, DatagramParser::is_poisoned(parser))
            }
        };
        drop(sink);
        reading.passed = wanted.filter(|wanted| *wanted <= flow.at);
        outcome(Ok(Interest::More), is_poisoned, flow, out)
    }

    fn end(
        &mut self,
        Reading {
            mut parser,
            carries,
            ..
        }: Self::Stream,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) {
        match carries {
            Carries::Streams => {}
            Carries::Datagrams => {
                let sink = &mut messages(flow, FlowSide::Initiator, out);
                DatagramParser::close(&mut parser, flow.at, sink);
            }
        }
    }

    /// A session that was given up was closed then; what is left is a flow.
    fn ended(&self, event: FlowEvent<K>, session: Session) -> Self::Event {
        match session {
            Session::Failed => SessionEvent::Tracked(event),
            Session::Open | Session::Left => event.into(),
        }
    }
}

/// Where a parser's messages go.
#[inline]
fn messages<'a, K: Clone, M>(
    flow: FlowRef<'a, K>,
    side: FlowSide,
    out: &'a mut impl Sink<SessionEvent<K, M>>,
) -> impl FnMut(M) + 'a {
    move |message| {
        observe::message::<M>(flow.id, side, flow.at);
        out.push(SessionEvent::Application {
            flow: flow.id,
            key: flow.key.clone(),
            side,
            at: flow.at,
            message,
        });
    }
}

/// What a call came to; a session that ends by it is closed.
#[inline]
fn outcome<K: Clone, M>(
    interest: Result<Interest, ParserError>,
    is_poisoned: bool,
    flow: FlowRef<'_, K>,
    out: &mut impl Sink<SessionEvent<K, M>>,
) -> Outcome {
    match interest {
        Ok(interest) if !is_poisoned => interest.into(),
        interest => {
            out.push(SessionEvent::Closed {
                flow: flow.id,
                key: flow.key.clone(),
                at: flow.at,
                reason: EndReason::ParseError,
                stats: flow.stats(),
                error: interest.err(),
            });
            Outcome::Failed
        }
    }
}
