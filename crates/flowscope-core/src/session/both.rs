//! A session parser and a datagram parser as one, with one kind of message.

use core::marker::PhantomData;

use super::{Datagram, DatagramParser, FlowFactory, Input, Interest, SessionParser, StreamEnd};
use crate::wire::Transport;
use crate::{Sink, Timestamp};

/// Gives TCP connections one parser and all other flows another.
///
/// The messages of both become an `M`. Each flow keeps only the parser it
/// needs.
///
/// ```
/// use flowscope_core::session::{Both, Datagram, DatagramParser, FlowFactory, Interest};
/// # use flowscope_core::session::{Input, SessionParser};
/// # use flowscope_core::wire::Transport;
/// use flowscope_core::{FlowSide, Sink, Timestamp};
/// # #[derive(Clone)]
/// # struct Web;
/// # impl SessionParser for Web {
/// #     type Message = u8;
/// #     type Error = core::convert::Infallible;
/// #     fn feed(&mut self, _: Input<'_>, _: &mut dyn Sink<u8>) -> Result<Interest, Self::Error> {
/// #         Ok(Interest::More)
/// #     }
/// # }
/// # #[derive(Clone)]
/// # struct Names;
/// # impl DatagramParser for Names {
/// #     type Message = usize;
/// #     type Error = core::convert::Infallible;
/// #     fn parse(&mut self, datagram: Datagram<'_>, out: &mut dyn Sink<usize>) -> Result<Interest, Self::Error> {
/// #         out.push(datagram.payload.len());
/// #         Ok(Interest::More)
/// #     }
/// # }
///
/// #[derive(Debug, PartialEq)]
/// enum Message {
///     Web(u8),
///     Name(usize),
/// }
/// # impl From<u8> for Message { fn from(byte: u8) -> Self { Self::Web(byte) } }
/// # impl From<usize> for Message { fn from(len: usize) -> Self { Self::Name(len) } }
///
/// let mut parsers = Both::<_, _, Message>::new(Web, Names);
/// let mut parser = parsers.open(&"a key", &Transport::Udp).expect("every flow gets one");
/// let mut found = Vec::new();
/// let datagram = Datagram::new(FlowSide::Initiator, Timestamp::EPOCH, b"who?");
/// assert_eq!(parser.parse(datagram, &mut found), Ok(Interest::More));
/// assert_eq!(found, [Message::Name(4)]);
/// ```
#[derive(Debug)]
pub struct Both<S, D, M> {
    sessions: S,
    datagrams: D,
    message: PhantomData<fn() -> M>,
}

impl<S, D, M> Both<S, D, M> {
    /// `sessions` for TCP and `datagrams` for everything else; either may be a
    /// parser or another factory.
    pub fn new(sessions: S, datagrams: D) -> Self {
        Self {
            sessions,
            datagrams,
            message: PhantomData,
        }
    }
}

impl<K, S: FlowFactory<K>, D: FlowFactory<K>, M> FlowFactory<K> for Both<S, D, M> {
    type Parser = Either<S::Parser, D::Parser, M>;

    fn open(&mut self, key: &K, transport: &Transport) -> Option<Self::Parser> {
        match transport.is_tcp() {
            true => self.sessions.open(key, transport).map(Either::session),
            false => self.datagrams.open(key, transport).map(Either::datagrams),
        }
    }
}

/// The parser of one flow out of [`Both`].
#[derive(Debug)]
pub struct Either<S, D, M> {
    kind: Kind<S, D>,
    message: PhantomData<fn() -> M>,
}

#[derive(Debug)]
enum Kind<S, D> {
    Session(S),
    Datagram(D),
}

impl<S, D, M> Either<S, D, M> {
    /// The parser of a TCP connection.
    pub(crate) const fn session(parser: S) -> Self {
        Self {
            kind: Kind::Session(parser),
            message: PhantomData,
        }
    }

    /// The parser of any other flow.
    pub(crate) const fn datagrams(parser: D) -> Self {
        Self {
            kind: Kind::Datagram(parser),
            message: PhantomData,
        }
    }

    /// The parser, if it is that of a TCP connection.
    #[must_use]
    pub const fn as_session(&self) -> Option<&S> {
        match &self.kind {
            Kind::Session(parser) => Some(parser),
            Kind::Datagram(_) => None,
        }
    }

    /// The parser, if it is that of any other flow.
    #[must_use]
    pub const fn as_datagrams(&self) -> Option<&D> {
        match &self.kind {
            Kind::Session(_) => None,
            Kind::Datagram(parser) => Some(parser),
        }
    }
}

impl<S: SessionParser, D, M: From<S::Message>> SessionParser for Either<S, D, M> {
    type Message = M;
    type Error = S::Error;

    fn feed(&mut self, input: Input<'_>, out: &mut dyn Sink<M>) -> Result<Interest, S::Error> {
        match &mut self.kind {
            Kind::Session(parser) => parser.feed(input, &mut |message| out.push(M::from(message))),
            Kind::Datagram(_) => Ok(Interest::Done),
        }
    }

    fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<M>) {
        if let Kind::Session(parser) = &mut self.kind {
            parser.close(end, &mut |message| out.push(M::from(message)));
        }
    }

    fn next_tick(&self) -> Option<Timestamp> {
        match &self.kind {
            Kind::Session(parser) => parser.next_tick(),
            Kind::Datagram(_) => None,
        }
    }

    fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<M>) {
        if let Kind::Session(parser) = &mut self.kind {
            parser.tick(at, &mut |message| out.push(M::from(message)));
        }
    }

    fn is_poisoned(&self) -> bool {
        match &self.kind {
            Kind::Session(parser) => parser.is_poisoned(),
            Kind::Datagram(_) => false,
        }
    }

    fn memory(&self) -> usize {
        match &self.kind {
            Kind::Session(parser) => parser.memory(),
            Kind::Datagram(_) => 0,
        }
    }
}

impl<S, D: DatagramParser, M: From<D::Message>> DatagramParser for Either<S, D, M> {
    type Message = M;
    type Error = D::Error;

    fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<M>,
    ) -> Result<Interest, D::Error> {
        match &mut self.kind {
            Kind::Session(_) => Ok(Interest::Done),
            Kind::Datagram(parser) => {
                parser.parse(datagram, &mut |message| out.push(M::from(message)))
            }
        }
    }

    fn close(&mut self, at: Timestamp, out: &mut dyn Sink<M>) {
        if let Kind::Datagram(parser) = &mut self.kind {
            parser.close(at, &mut |message| out.push(M::from(message)));
        }
    }

    fn next_tick(&self) -> Option<Timestamp> {
        match &self.kind {
            Kind::Session(_) => None,
            Kind::Datagram(parser) => parser.next_tick(),
        }
    }

    fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<M>) {
        if let Kind::Datagram(parser) = &mut self.kind {
            parser.tick(at, &mut |message| out.push(M::from(message)));
        }
    }

    fn is_poisoned(&self) -> bool {
        match &self.kind {
            Kind::Session(_) => false,
            Kind::Datagram(parser) => parser.is_poisoned(),
        }
    }

    fn memory(&self) -> usize {
        match &self.kind {
            Kind::Session(_) => 0,
            Kind::Datagram(parser) => parser.memory(),
        }
    }
}
