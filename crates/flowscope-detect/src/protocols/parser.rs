//! The parsers of all protocols as one type.

use alloc::boxed::Box;
use core::fmt;

use flowscope_core::session::{Datagram, Input, Interest, ProbeResult, StreamEnd};
use flowscope_core::session::{DatagramParser, SessionParser};
use flowscope_core::{FlowSide, Sink, Timestamp};

use crate::candidates::Candidates;
use crate::probe::PortHint;
use crate::{DetectError, Detector, Message, Protocol};

/// A parser of a protocol that runs over TCP.
pub(crate) trait StreamProtocol:
    SessionParser<Message: Into<Message>, Error: Into<DetectError>>
    + Clone
    + fmt::Debug
    + Send
    + Sync
    + 'static
{
    const PROTOCOL: Protocol;

    /// Whether `side`, which begins with `first`, speaks the protocol.
    fn probe(first: &[u8], side: FlowSide, hint: PortHint) -> ProbeResult;

    /// The parser of a flow of `detector`.
    fn open(detector: &Detector) -> Self;

    /// Whether the flow is to be called one of the protocol.
    fn is_confirmed(&self) -> bool {
        true
    }

    /// Goes to `candidates`, to read one side alone. A protocol whose peer never
    /// speaks another has no place there.
    fn join(self, candidates: &mut Candidates) {
        let _ = candidates;
    }
}

/// A parser of a protocol that runs over UDP.
pub(crate) trait DatagramProtocol:
    DatagramParser<Message: Into<Message>, Error: Into<DetectError>>
    + Clone
    + fmt::Debug
    + Send
    + Sync
    + 'static
{
    const PROTOCOL: Protocol;

    /// Whether a flow that has this datagram is of the protocol.
    fn probe(payload: &[u8], hint: PortHint) -> ProbeResult;

    /// The parser of a flow of `detector`.
    fn open(detector: &Detector) -> Self;

    /// Whether it has read what there was, and waits for something new to begin.
    fn is_at_rest(&self) -> bool {
        false
    }

    /// Whether a parser at rest may find anything in this datagram.
    fn may_begin(payload: &[u8]) -> bool {
        let _ = payload;
        true
    }
}

/// The parser of a flow, whatever the protocol.
pub(crate) trait Parser: fmt::Debug + Send + Sync {
    /// Reads what one side of a connection sent next.
    fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        let _ = (input, out);
        Ok(Interest::Done)
    }

    /// Reads a datagram.
    fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        let _ = (datagram, out);
        Ok(Interest::Done)
    }

    /// One side of a connection is over.
    fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<Message>) {
        let _ = (end, out);
    }

    /// A flow of datagrams is over.
    fn end(&mut self, at: Timestamp, out: &mut dyn Sink<Message>) {
        let _ = (at, out);
    }

    fn next_tick(&self) -> Option<Timestamp>;

    fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<Message>);

    /// Bytes of memory that it takes.
    fn memory(&self) -> usize;

    /// What it reads, once that is known.
    fn protocol(&self) -> Option<Protocol>;

    /// Whether it has read what there was, and waits for something new to begin.
    fn is_at_rest(&self) -> bool {
        false
    }

    /// Goes to `candidates`, to read one side alone.
    fn join(self: Box<Self>, candidates: &mut Candidates) {
        let _ = candidates;
    }

    fn boxed_clone(&self) -> Box<dyn Parser>;
}

impl Clone for Box<dyn Parser> {
    fn clone(&self) -> Self {
        (**self).boxed_clone()
    }
}

/// The parser of a connection.
#[derive(Clone, Debug)]
pub(crate) struct OverStreams<P>(pub(crate) P);

impl<P: StreamProtocol> Parser for OverStreams<P> {
    fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        let Self(parser) = self;
        let fed = parser.feed(input, &mut |message: P::Message| out.push(message.into()));
        fed.map_err(Into::into)
    }

    fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<Message>) {
        let Self(parser) = self;
        parser.close(end, &mut |message: P::Message| out.push(message.into()));
    }

    fn next_tick(&self) -> Option<Timestamp> {
        self.0.next_tick()
    }

    fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<Message>) {
        let Self(parser) = self;
        parser.tick(at, &mut |message: P::Message| out.push(message.into()));
    }

    fn memory(&self) -> usize {
        size_of_val(self) + self.0.memory()
    }

    fn protocol(&self) -> Option<Protocol> {
        self.0.is_confirmed().then_some(P::PROTOCOL)
    }

    fn join(self: Box<Self>, candidates: &mut Candidates) {
        self.0.join(candidates);
    }

    fn boxed_clone(&self) -> Box<dyn Parser> {
        Box::new(self.clone())
    }
}

/// The parser of a flow of datagrams.
#[derive(Clone, Debug)]
pub(crate) struct OverDatagrams<P>(pub(crate) P);

impl<P: DatagramProtocol> Parser for OverDatagrams<P> {
    fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        let Self(parser) = self;
        let parsed = parser.parse(datagram, &mut |message: P::Message| {
            out.push(message.into());
        });
        parsed.map_err(Into::into)
    }

    fn end(&mut self, at: Timestamp, out: &mut dyn Sink<Message>) {
        let Self(parser) = self;
        parser.close(at, &mut |message: P::Message| out.push(message.into()));
    }

    fn next_tick(&self) -> Option<Timestamp> {
        self.0.next_tick()
    }

    fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<Message>) {
        let Self(parser) = self;
        parser.tick(at, &mut |message: P::Message| out.push(message.into()));
    }

    fn memory(&self) -> usize {
        size_of_val(self) + self.0.memory()
    }

    fn protocol(&self) -> Option<Protocol> {
        Some(P::PROTOCOL)
    }

    fn is_at_rest(&self) -> bool {
        self.0.is_at_rest()
    }

    fn boxed_clone(&self) -> Box<dyn Parser> {
        Box::new(self.clone())
    }
}
