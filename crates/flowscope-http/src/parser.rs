//! The parser.

use alloc::boxed::Box;

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Input, Interest, ProbeResult, SessionParser, StreamEnd};
use flowscope_core::{BySide, FlowSide, Sink};

use crate::connection::{Connection, Context, Output};
use crate::probe::{find, probe};
use crate::{HttpConfig, HttpError, HttpMessage};

/// Reads HTTP/1 messages out of a TCP connection.
///
/// A message is given when it is over: its body has ended, or the connection,
/// or bytes went missing that it cannot do without, which makes it
/// [`incomplete`](crate::Transfer::incomplete). The requests may come from
/// either side.
///
/// ```
/// use flowscope_core::reassemble::Chunk;
/// use flowscope_core::session::{Input, SessionParser};
/// use flowscope_core::{FlowSide, Timestamp};
/// use flowscope_http::{HttpMessage, HttpParser};
///
/// let mut parser = HttpParser::default();
/// let mut found = Vec::new();
/// for (second, side, bytes) in [
///     (1, FlowSide::Initiator, &b"GET /robots.txt HTTP/1.1\r\nHost: exam"[..]),
///     (2, FlowSide::Initiator, b"ple.org\r\n\r\n"),
///     (5, FlowSide::Responder, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nAllo"),
/// ] {
///     let input = Input::new(side, Timestamp::new(second, 0), Chunk::Data(bytes));
///     let _ = parser.feed(input, &mut found)?;
/// }
///
/// let [HttpMessage::Request(request), HttpMessage::Response(response)] = &found[..] else {
///     panic!("{found:?}")
/// };
/// assert_eq!(request.method(), "GET");
/// assert_eq!(request.target(), "/robots.txt");
/// assert_eq!(request.host().unwrap(), "example.org");
/// assert_eq!(response.status, 200);
/// assert_eq!(response.body_bytes, 4);
///
/// let answered = response.request.as_ref().unwrap();
/// assert_eq!(answered.target(), "/robots.txt");
/// assert_eq!(answered.latency.as_secs(), 3);
/// # Ok::<(), flowscope_http::HttpError>(())
/// ```
///
/// **Missing bytes.** Within a body of known length they are counted, and
/// reading goes on behind them. Anywhere else the next start line is searched
/// for; so too where the connection is joined in its middle.
///
/// **Tunnels.** After a `CONNECT` or an `Upgrade` that succeeds, the parser is
/// done. Who wants to read what the tunnel carries calls
/// [`parse`](Self::parse) instead of [`feed`](SessionParser::feed), which says
/// which bytes are the tunnel's.
///
/// **Memory.** Until the first bytes it takes no memory besides itself. Then a
/// little per connection, what is incomplete of a head, up to
/// [`max_head`](HttpConfig::max_head) a side, and the heads of requests without
/// a response, up to twice that.
#[derive(Clone, Debug, Default)]
pub struct HttpParser {
    config: HttpConfig,
    connection: Option<Box<Connection>>,
    /// Both sides have ended, so that the connection was dropped.
    is_closed: bool,
}

/// What a chunk was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Parsed<'a> {
    /// HTTP, or it may be.
    Http,
    /// The side that sent it speaks another protocol now. These bytes at the end
    /// of the chunk, perhaps all or none of it, belong to that.
    Tunnel(&'a [u8]),
    /// No HTTP: nothing more is read of the connection.
    NotHttp,
}

impl HttpParser {
    /// A parser within the limits of `config`.
    #[must_use]
    pub const fn new(config: HttpConfig) -> Self {
        Self {
            config,
            connection: None,
            is_closed: false,
        }
    }

    /// Whether the first bytes of the stream of `side` look like HTTP.
    ///
    /// More bytes never turn [`Match`](ProbeResult::Match) or
    /// [`NoMatch`](ProbeResult::NoMatch) into anything else.
    ///
    /// ```
    /// use flowscope_core::FlowSide::{Initiator, Responder};
    /// use flowscope_core::session::ProbeResult;
    /// use flowscope_http::HttpParser;
    ///
    /// assert_eq!(HttpParser::probe(b"GET /", Initiator), ProbeResult::Match);
    /// assert_eq!(HttpParser::probe(b"HTTP/1", Responder), ProbeResult::Possible);
    /// assert_eq!(HttpParser::probe(b"\x16\x03\x01", Initiator), ProbeResult::NoMatch);
    /// ```
    #[must_use]
    pub fn probe(bytes: &[u8], side: FlowSide) -> ProbeResult {
        probe(bytes, side)
    }

    /// Where in `bytes`, from the middle of a stream of anything, a message may
    /// begin: at the first status line, or known method and what targets begin
    /// with. It is [`Possible`](ProbeResult::Possible) if the bytes end before
    /// that is certain, which takes 18.
    ///
    /// Who looks through a stream before there is a parser needs no more memory
    /// than for those.
    ///
    /// ```
    /// use flowscope_core::session::ProbeResult;
    /// use flowscope_http::HttpParser;
    ///
    /// let said = b"\x05\x01\0GET / HTTP/1.1";
    /// assert_eq!(HttpParser::find(said), Some((3, ProbeResult::Match)));
    /// assert_eq!(HttpParser::find(&said[..5]), Some((3, ProbeResult::Possible)));
    /// assert_eq!(HttpParser::find(&said[..3]), None);
    /// ```
    #[must_use]
    pub fn find(bytes: &[u8]) -> Option<(usize, ProbeResult)> {
        find(bytes)
    }

    /// The same parser for a connection whose sides have each sent so many bytes
    /// already, in which no message begins.
    #[must_use]
    pub fn with_searched(mut self, searched: BySide<u32>) -> Self {
        if searched != BySide::default() {
            let connection = self.connection.get_or_insert_default();
            connection.have_searched(searched);
        }
        self
    }

    /// Behind the first so many bytes, `side` speaks another protocol, or may.
    ///
    /// What is behind them does not count against
    /// [`max_prelude`](HttpConfig::max_prelude). So a parser that is given the bytes
    /// until it is known that they are of another protocol reads on for the other side
    /// as far as one that was given none of them.
    pub fn note_other(&mut self, side: FlowSide, behind: u32) {
        if !self.is_closed {
            let connection = self.connection.get_or_insert_default();
            connection.note_other(side, behind);
        }
    }

    /// Reads what one side sent next, as [`feed`](SessionParser::feed) does, and
    /// says which bytes are not HTTP any more.
    ///
    /// ```
    /// use flowscope_core::reassemble::Chunk;
    /// use flowscope_core::session::Input;
    /// use flowscope_core::{FlowSide, Timestamp};
    /// use flowscope_http::{HttpParser, Parsed};
    ///
    /// let mut parser = HttpParser::default();
    /// let mut read = |side, bytes| {
    ///     let input = Input::new(side, Timestamp::EPOCH, Chunk::Data(bytes));
    ///     parser.parse(input, &mut |_| {})
    /// };
    /// let request = b"CONNECT example.org:443 HTTP/1.1\r\n\r\n";
    /// assert_eq!(read(FlowSide::Initiator, request), Ok(Parsed::Http));
    /// let response = b"HTTP/1.1 200 OK\r\n\r\n";
    /// assert_eq!(read(FlowSide::Responder, response), Ok(Parsed::Tunnel(b"")));
    /// let hello = b"\x16\x03\x01";
    /// assert_eq!(read(FlowSide::Initiator, hello), Ok(Parsed::Tunnel(hello)));
    /// ```
    ///
    /// # Errors
    ///
    /// As `feed`: [`HttpError::Lost`] on a connection that was HTTP and has
    /// been something else for too long.
    pub fn parse<'a>(
        &mut self,
        input: Input<'a>,
        out: &mut dyn Sink<HttpMessage>,
    ) -> Result<Parsed<'a>, HttpError> {
        self.parse_to(input, &mut MessageSink(out))
    }

    /// Whether a side no longer speaks HTTP: what it sends now belongs to a
    /// tunnel.
    #[must_use]
    pub fn is_opaque(&self, side: FlowSide) -> bool {
        self.connection
            .as_ref()
            .is_some_and(|connection| connection.is_opaque(side))
    }

    /// Whether `side` has begun a message, or left HTTP for something else.
    ///
    /// Both sides need not speak HTTP: who speaks TLS to a server of HTTP is
    /// answered in that.
    #[must_use]
    pub fn has_begun(&self, side: FlowSide) -> bool {
        self.connection
            .as_ref()
            .is_some_and(|connection| connection.has_begun(side))
    }

    /// How many bytes of memory it has taken, besides itself.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.connection
            .as_ref()
            .map_or(0, |connection| connection.memory())
    }

    pub(crate) fn parse_to<'a>(
        &mut self,
        input: Input<'a>,
        out: &mut dyn Output,
    ) -> Result<Parsed<'a>, HttpError> {
        if self.is_closed {
            return Ok(Parsed::Http);
        }
        let connection = self.connection.get_or_insert_default();
        let mut context = Context {
            side: input.side,
            at: input.at,
            config: &self.config,
            out,
        };
        let rest = match input.chunk {
            Chunk::Data(bytes) => connection.data(bytes, &mut context),
            Chunk::Gap(missing) => {
                connection.gap(missing, &mut context);
                &[]
            }
        };
        if connection.is_opaque(input.side) {
            return Ok(Parsed::Tunnel(rest));
        }
        if !connection.is_lost(&self.config) {
            return Ok(Parsed::Http);
        }
        let (searched, was_http) = (connection.searched(), connection.is_confirmed());
        connection.give_up(&mut context);
        match was_http {
            true => Err(HttpError::Lost { searched }),
            false => Ok(Parsed::NotHttp),
        }
    }

    /// What [`SessionParser::feed`] returns after a chunk.
    pub(crate) fn interest(&self, parsed: Parsed<'_>) -> Interest {
        let over = self
            .connection
            .as_ref()
            .map_or(self.is_closed, |connection| connection.is_over());
        match parsed {
            Parsed::NotHttp => Interest::Done,
            Parsed::Http | Parsed::Tunnel(_) if over => Interest::Done,
            Parsed::Http | Parsed::Tunnel(_) => Interest::More,
        }
    }

    pub(crate) fn close_to(&mut self, end: StreamEnd, out: &mut dyn Output) {
        if let Some(connection) = &mut self.connection {
            let mut context = Context {
                side: end.side,
                at: end.at,
                config: &self.config,
                out,
            };
            connection.close(end.how, &mut context);
            if connection.is_closed() {
                (self.connection, self.is_closed) = (None, true);
            }
        }
    }
}

impl SessionParser for HttpParser {
    type Message = HttpMessage;
    type Error = HttpError;

    fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<HttpMessage>,
    ) -> Result<Interest, HttpError> {
        let parsed = self.parse(input, out)?;
        Ok(self.interest(parsed))
    }

    fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<HttpMessage>) {
        self.close_to(end, &mut MessageSink(out));
    }

    fn memory(&self) -> usize {
        Self::memory(self)
    }
}

/// An output for messages alone, without the bytes of bodies.
struct MessageSink<'a>(&'a mut dyn Sink<HttpMessage>);

impl Output for MessageSink<'_> {
    fn message(&mut self, message: HttpMessage) {
        self.0.push(message);
    }
}
