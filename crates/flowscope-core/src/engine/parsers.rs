//! Parsers as readers of payload.

use super::reader::{PayloadReader, ReadResult, ReadState};
use super::{FlowRef, PayloadConsumer};
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
/// factory of two; [`OnlySessions`] and [`OnlyDatagrams`] are for one kind of flow.
#[derive(Debug)]
pub struct Parsers<F> {
    factory: F,
}

/// Parsers for TCP connections, with messages of type `M`.
pub(crate) type Sessions<F, M> = PayloadConsumer<Parsers<OnlySessions<F, M>>>;

/// Parsers for all other flows, with messages of type `M`.
pub(crate) type Datagrams<F, M> = PayloadConsumer<Parsers<OnlyDatagrams<F, M>>>;

impl<F> Parsers<F> {
    /// Parsers made by `factory`.
    pub(crate) const fn new(factory: F) -> Self {
        Self { factory }
    }
}

/// The parser of one flow.
#[derive(Debug)]
pub struct FlowParser<P> {
    parser: P,
    kind: PayloadKind,
    /// A moment that has passed and that the parser still asks for: it has been
    /// called for it, and is not again.
    passed: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
enum PayloadKind {
    Streams,
    Datagrams,
}

impl<P> FlowParser<P> {
    /// The parser.
    #[must_use]
    pub const fn parser(&self) -> &P {
        &self.parser
    }
}

impl<K, F, M> PayloadReader<K> for Parsers<F>
where
    K: Clone,
    F: FlowFactory<K, Parser: SessionParser<Message = M> + DatagramParser<Message = M>>,
{
    type Stream = FlowParser<F::Parser>;
    type Event = SessionEvent<K, M>;

    fn open(&mut self, flow: FlowRef<'_, K>, transport: &Transport) -> Option<Self::Stream> {
        Some(FlowParser {
            parser: self.factory.open(flow.key, transport)?,
            kind: match transport.is_tcp() {
                true => PayloadKind::Streams,
                false => PayloadKind::Datagrams,
            },
            passed: None,
        })
    }

    #[inline]
    fn feed(
        &mut self,
        FlowParser { parser, .. }: &mut Self::Stream,
        flow: FlowRef<'_, K>,
        input: Input<'_>,
        out: &mut impl Sink<Self::Event>,
    ) -> ReadResult {
        let interest = parser
            .feed(input, &mut messages(flow, input.side, out))
            .map_err(ParserError::new);
        result(
            interest,
            SessionParser::is_poisoned(parser),
            flow,
            input.side,
            out,
        )
    }

    fn datagram(
        &mut self,
        FlowParser { parser, .. }: &mut Self::Stream,
        flow: FlowRef<'_, K>,
        datagram: Datagram<'_>,
        out: &mut impl Sink<Self::Event>,
    ) -> ReadResult {
        let interest = parser
            .parse(datagram, &mut messages(flow, datagram.side, out))
            .map_err(ParserError::new);
        result(
            interest,
            DatagramParser::is_poisoned(parser),
            flow,
            datagram.side,
            out,
        )
    }

    fn close(
        &mut self,
        FlowParser { parser, .. }: &mut Self::Stream,
        flow: FlowRef<'_, K>,
        end: StreamEnd,
        out: &mut impl Sink<Self::Event>,
    ) -> ReadResult {
        SessionParser::close(parser, end, &mut messages(flow, end.side, out));
        let is_poisoned = SessionParser::is_poisoned(parser);
        result(Ok(Interest::More), is_poisoned, flow, end.side, out)
    }

    #[inline]
    fn next_tick(&self, flow_parser: &Self::Stream) -> Option<Timestamp> {
        let parser = &flow_parser.parser;
        let wanted = match flow_parser.kind {
            PayloadKind::Streams => SessionParser::next_tick(parser),
            PayloadKind::Datagrams => DatagramParser::next_tick(parser),
        };
        wanted.filter(|_| wanted > flow_parser.passed)
    }

    fn tick(
        &mut self,
        flow_parser: &mut Self::Stream,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) -> ReadResult {
        let parser = &mut flow_parser.parser;
        let mut sink = messages(flow, FlowSide::Initiator, out);
        let (wanted, is_poisoned) = match flow_parser.kind {
            PayloadKind::Streams => {
                SessionParser::tick(parser, flow.at, &mut sink);
                let wanted = SessionParser::next_tick(parser);
                (wanted, SessionParser::is_poisoned(parser))
            }
            PayloadKind::Datagrams => {
                DatagramParser::tick(parser, flow.at, &mut sink);
                let wanted = DatagramParser::next_tick(parser);
                (wanted, DatagramParser::is_poisoned(parser))
            }
        };
        drop(sink);
        flow_parser.passed = wanted.filter(|wanted| *wanted <= flow.at);
        result(
            Ok(Interest::More),
            is_poisoned,
            flow,
            FlowSide::Initiator,
            out,
        )
    }

    #[inline]
    fn memory(&self, flow_parser: &Self::Stream) -> usize {
        let parser = &flow_parser.parser;
        match flow_parser.kind {
            PayloadKind::Streams => SessionParser::memory(parser),
            PayloadKind::Datagrams => DatagramParser::memory(parser),
        }
    }

    fn give_up_datagrams(
        &mut self,
        FlowParser { parser, .. }: &mut Self::Stream,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) {
        let sink = &mut messages(flow, FlowSide::Initiator, out);
        DatagramParser::close(parser, flow.at, sink);
    }

    fn end(
        &mut self,
        FlowParser {
            mut parser, kind, ..
        }: Self::Stream,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) {
        match kind {
            PayloadKind::Streams => {}
            PayloadKind::Datagrams => {
                let sink = &mut messages(flow, FlowSide::Initiator, out);
                DatagramParser::close(&mut parser, flow.at, sink);
            }
        }
    }

    fn ended(&self, event: FlowEvent<K>, state: ReadState) -> Self::Event {
        let mut event = event.into();
        if let SessionEvent::Closed { reason, .. } = &mut event
            && state == ReadState::Failed
        {
            *reason = EndReason::ParseError;
        }
        event
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

/// What a call of a parser came to. That it failed is reported.
#[inline]
fn result<K: Clone, M>(
    interest: Result<Interest, ParserError>,
    is_poisoned: bool,
    flow: FlowRef<'_, K>,
    side: FlowSide,
    out: &mut impl Sink<SessionEvent<K, M>>,
) -> ReadResult {
    match interest {
        Ok(interest) if !is_poisoned => interest.into(),
        interest => {
            out.push(SessionEvent::ParserFailed {
                flow: flow.id,
                key: flow.key.clone(),
                side,
                at: flow.at,
                error: interest.err(),
            });
            ReadResult::Failed
        }
    }
}
