//! Datagrams to messages.

use super::Interest;
use crate::{FlowSide, Sink, Timestamp};

/// Reads the messages out of the datagrams of one flow.
///
/// ```
/// use flowscope_core::session::{Datagram, DatagramParser, Interest};
/// use flowscope_core::{FlowSide, Sink, Timestamp};
///
/// #[derive(Clone, Default)]
/// struct Lengths;
///
/// impl DatagramParser for Lengths {
///     type Message = usize;
///     type Error = core::convert::Infallible;
///
///     fn parse(&mut self, datagram: Datagram<'_>, out: &mut dyn Sink<usize>) -> Result<Interest, Self::Error> {
///         out.push(datagram.payload.len());
///         Ok(Interest::More)
///     }
/// }
///
/// let mut found = Vec::new();
/// let datagram = Datagram::new(FlowSide::Initiator, Timestamp::EPOCH, b"who is it?");
/// assert_eq!(Lengths.parse(datagram, &mut found), Ok(Interest::More));
/// assert_eq!(found, [10]);
/// ```
///
/// A type can be this and a [`SessionParser`](super::SessionParser), for a
/// protocol that runs over both transports or for a set of protocols: the
/// engine that carries both calls the one or the other by the flow's transport.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no parser of datagrams",
    label = "`DatagramParser` is not implemented for it",
    note = "a parser of TCP connections goes into a `FlowSessionDriver`",
    note = "parsers for both kinds of flow become one with `Both::new(sessions, datagrams)`"
)]
pub trait DatagramParser {
    /// What it reads.
    type Message;
    /// Why it gives up.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Reads one datagram.
    ///
    /// # Errors
    ///
    /// An error poisons the parser: a
    /// [`SessionEvent::ParserFailed`](super::SessionEvent::ParserFailed) carries
    /// it, and the parser is called no more and replaced by no other. Messages
    /// that were pushed before it was returned are delivered. The flow itself
    /// lives on. A parser that can go on after a bad datagram returns no error
    /// for it.
    fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<Self::Message>,
    ) -> Result<Interest, Self::Error>;

    /// The flow is over. Called once, for a parser that is still interested.
    fn close(&mut self, at: Timestamp, out: &mut dyn Sink<Self::Message>) {
        let _ = (at, out);
    }

    /// When [`tick`](Self::tick) should be called; asked after every call.
    fn next_tick(&self) -> Option<Timestamp> {
        None
    }

    /// The moment that [`next_tick`](Self::next_tick) asked for has passed:
    /// `at` is not earlier. Time is the packets', so it may be much later.
    fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<Self::Message>) {
        let _ = (at, out);
    }

    /// Whether the parser has lost its way. Asked after every call; `true` is
    /// the same as an error from [`parse`](Self::parse).
    fn is_poisoned(&self) -> bool {
        false
    }

    /// Bytes of memory on the heap that it holds and gives back as it gets on:
    /// half a message, a question without its answer.
    ///
    /// They count against
    /// [`EngineConfig::max_memory`](crate::EngineConfig::max_memory). It is asked
    /// after every call, so it should be a sum of a few numbers. When all flows
    /// hold too much, those that have held something for the longest time without
    /// giving any of it back are closed, and their parsers dropped.
    fn memory(&self) -> usize {
        0
    }
}

/// What a datagram parser is given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Datagram<'a> {
    /// Who sent it.
    pub side: FlowSide,
    /// The time of its packet.
    pub at: Timestamp,
    /// What it carries, as far as it was captured.
    pub payload: &'a [u8],
    /// How many bytes at its end the capture lacks.
    pub missing: u32,
}

impl<'a> Datagram<'a> {
    /// A datagram that was captured whole.
    #[must_use]
    pub const fn new(side: FlowSide, at: Timestamp, payload: &'a [u8]) -> Self {
        Self {
            side,
            at,
            payload,
            missing: 0,
        }
    }
}
