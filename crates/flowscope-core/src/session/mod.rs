//! Streams and datagrams to messages.
//!
//! A protocol is a [`SessionParser`] if it runs over TCP, a [`DatagramParser`]
//! if it runs over UDP, or both in one type. A parser sees one flow: what each
//! side sent, in order, and when. It knows neither the flow's key nor how the
//! bytes came to be in order. What it finds it pushes into a [`Sink`].
//!
//! Start with [`SessionParser`]; [`ByteBuffer`] keeps what a parser cannot use
//! yet, and a [`FlowFactory`] chooses which flows get a parser.

mod both;
mod buffer;
mod datagram;
pub(crate) mod event;
mod factory;
mod only;
mod probe;
mod streams;

pub use both::{Both, Either};
pub use buffer::{ByteBuffer, ParseError};
pub use datagram::{Datagram, DatagramParser};
pub use event::ParserError;
pub(crate) use event::SessionEvent;
pub use factory::{ByKey, FlowFactory};
pub use only::{Never, OnlyDatagrams, OnlySessions};
pub use probe::ProbeResult;
pub use streams::StreamFactory;

use crate::reassemble::{Chunk, StreamStats};
use crate::{FlowSide, Sink, Timestamp};

/// Reads the messages out of the two streams of one TCP connection.
///
/// A parser of text lines; what it holds back between two calls is bounded by
/// its buffers:
///
/// ```
/// use flowscope_core::reassemble::Chunk;
/// use flowscope_core::session::{ByteBuffer, Input, Interest, ParseError, SessionParser};
/// use flowscope_core::{BySide, FlowSide, Sink, Timestamp};
///
/// #[derive(Clone, Default)]
/// struct Lines {
///     unread: BySide<ByteBuffer>,
/// }
///
/// impl SessionParser for Lines {
///     type Message = String;
///     type Error = ParseError;
///
///     fn feed(&mut self, input: Input<'_>, out: &mut dyn Sink<String>) -> Result<Interest, ParseError> {
///         let buffer = &mut self.unread[input.side];
///         match input.chunk {
///             Chunk::Data(bytes) => buffer.extend(bytes)?,
///             Chunk::Gap(_) => buffer.skip_past(b'\n'),
///         }
///         while let Some(line) = buffer.take_until(b'\n') {
///             out.push(String::from_utf8_lossy(line).into_owned());
///         }
///         Ok(Interest::More)
///     }
/// }
///
/// let mut lines = Lines::default();
/// let mut found = Vec::new();
/// for chunk in [&b"hel"[..], b"lo\nwor", b"ld\n"] {
///     let input = Input::new(FlowSide::Initiator, Timestamp::EPOCH, Chunk::Data(chunk));
///     assert_eq!(lines.feed(input, &mut found), Ok(Interest::More));
/// }
/// assert_eq!(found, ["hello", "world"]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no parser of TCP connections",
    label = "`SessionParser` is not implemented for it",
    note = "a parser of datagrams goes into a `FlowDatagramDriver`",
    note = "parsers for both kinds of flow become one with `Both::new(sessions, datagrams)`"
)]
pub trait SessionParser {
    /// What it reads.
    type Message;
    /// Why it gives up.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Reads what one side sent next.
    ///
    /// However a stream is cut into chunks, the messages should be the same.
    ///
    /// # Errors
    ///
    /// An error poisons the parser: a [`SessionEvent::ParserFailed`] carries it,
    /// and the parser is called no more and replaced by no other. Messages that
    /// were pushed before it was returned are delivered. The flow itself lives
    /// on.
    fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Self::Message>,
    ) -> Result<Interest, Self::Error>;

    /// One side's stream is over; it will not be fed again.
    ///
    /// Called once for each side of a parser that is still interested, in the
    /// order in which they ended. What is incomplete can be reported here.
    fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<Self::Message>) {
        let _ = (end, out);
    }

    /// When [`tick`](Self::tick) should be called; asked after every call.
    ///
    /// A parser that waits for something, such as the answer to a question,
    /// says here until when. `None`, as by default, asks for nothing, and so
    /// does a moment for which it was called before.
    fn next_tick(&self) -> Option<Timestamp> {
        None
    }

    /// The moment that [`next_tick`](Self::next_tick) asked for has passed:
    /// `at` is not earlier. Time is the packets', so it may be much later.
    fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<Self::Message>) {
        let _ = (at, out);
    }

    /// Whether the parser has lost its way.
    ///
    /// Asked after every call. `true` is the same as an error from
    /// [`feed`](Self::feed), for a parser that finds out where it cannot
    /// return one, in [`close`](Self::close) or [`tick`](Self::tick). A parser
    /// that returned an error need not remember it here.
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

/// What a parser is fed: a piece of one side's stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Input<'a> {
    /// Who sent it.
    pub side: FlowSide,
    /// The time of the packet that brought it here. For bytes that had to wait
    /// for others before them, that is the packet that ended the wait.
    pub at: Timestamp,
    /// The bytes, or how many are missing.
    pub chunk: Chunk<'a>,
}

impl<'a> Input<'a> {
    /// A piece of the stream of `side`.
    #[must_use]
    pub const fn new(side: FlowSide, at: Timestamp, chunk: Chunk<'a>) -> Self {
        Self { side, at, chunk }
    }
}

/// Whether a parser wants to see more of its flow.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[must_use]
pub enum Interest {
    /// It does.
    More,
    /// It has seen what it came for, or is in the wrong place. It is dropped
    /// without another call, and the flow's streams are put together no more.
    Done,
}

/// The end of one side's stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct StreamEnd {
    /// Whose stream.
    pub side: FlowSide,
    /// The time of the packet that ended it, or of the decision.
    pub at: Timestamp,
    /// How it ended.
    pub how: Close,
    /// What it amounted to.
    pub stats: StreamStats,
}

impl StreamEnd {
    /// The end of the stream of `side`, of which nothing was counted.
    #[must_use]
    pub fn new(side: FlowSide, at: Timestamp, how: Close) -> Self {
        Self {
            side,
            at,
            how,
            stats: StreamStats::default(),
        }
    }

    /// The same end of a stream that amounted to `stats`.
    #[must_use]
    pub(crate) const fn with_stats(self, stats: StreamStats) -> Self {
        Self { stats, ..self }
    }
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Close {
    /// Its sender sent a FIN, and everything before it was seen or given up.
    Fin,
    /// The connection was reset, by either side.
    Reset,
    /// It was lost sight of: a timeout, an eviction, the end of the input.
    Lost,
}
