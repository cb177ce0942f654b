//! The parser of one connection.

use core::convert::Infallible;

use flowscope_core::session::{Input, Interest, ProbeResult, SessionParser, StreamEnd};
use flowscope_core::{BySide, FlowSide, Sink};

use crate::connection::Connection;
use crate::exchange::Context;
use crate::probe::probe;
use crate::resync::find;
use crate::{TlsConfig, TlsMessage, TlsTransport};

/// Reads the handshake of a connection, as far as it is not encrypted.
///
/// TLS may begin with the connection or behind something else: the text of a
/// mail or directory protocol before STARTTLS, a proxy's CONNECT, SOCKS. It is
/// searched for within [`TlsConfig::max_prelude`] bytes of each side. When
/// nothing more can be read, since both sides have gone on encrypted or TLS was
/// not found, the parser is [`Done`](Interest::Done). What does not go on as
/// TLS is reported as a [`TlsAnomaly`](crate::TlsAnomaly), and is no error.
///
/// ```
/// use flowscope_core::reassemble::Chunk;
/// use flowscope_core::session::{Input, SessionParser};
/// use flowscope_core::{FlowSide, Timestamp};
/// use flowscope_tls::{TlsMessage, TlsParser, TlsVersion};
///
/// # let mut sent = vec![22, 3, 1, 0, 65, 1, 0, 0, 61, 3, 3];
/// # sent.extend([7; 32]);
/// # sent.extend([0, 0, 2, 0xc0, 0x2f, 1, 0, 0, 18, 0, 0, 0, 14, 0, 12, 0, 0, 9]);
/// # sent.extend(*b"localhost");
/// let mut parser = TlsParser::default();
/// let mut found = Vec::new();
/// // In two pieces, behind what a mail client says before.
/// let (first, second) = sent.split_at(20);
/// for bytes in [&b"EHLO me\r\nSTARTTLS\r\n"[..], first, second] {
///     let input = Input::new(FlowSide::Initiator, Timestamp::EPOCH, Chunk::Data(bytes));
///     assert!(parser.feed(input, &mut found).is_ok());
/// }
///
/// let [TlsMessage::ClientHello(hello)] = &found[..] else { panic!("{found:?}") };
/// assert_eq!(hello.sni().as_deref(), Some("localhost"));
/// assert_eq!(hello.version(), TlsVersion::TLS_1_2);
/// ```
#[derive(Clone, Debug, Default)]
pub struct TlsParser {
    config: TlsConfig,
    /// Nothing is kept of a connection that has carried no data.
    connection: Option<Box<Connection>>,
}

impl TlsParser {
    /// A parser within the limits of `config`.
    #[must_use]
    pub fn new(config: TlsConfig) -> Self {
        Self {
            config,
            connection: None,
        }
    }

    /// Whether the `first` bytes that one side sent look like TLS, or like a
    /// ClientHello in the format of SSL 2.0.
    ///
    /// About 11 bytes are enough for a handshake. A stream that began
    /// before the capture is told by two encrypted records in a row. Text
    /// that comes before TLS gives [`NoMatch`](ProbeResult::NoMatch), though a
    /// parser finds what is behind it.
    ///
    /// ```
    /// use flowscope_core::session::ProbeResult;
    /// use flowscope_tls::TlsParser;
    ///
    /// let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    /// assert_eq!(TlsParser::probe(hello), ProbeResult::Match);
    /// assert_eq!(TlsParser::probe(&hello[..2]), ProbeResult::Possible);
    /// assert_eq!(TlsParser::probe(b"GET / HTTP/1.1"), ProbeResult::NoMatch);
    /// ```
    #[must_use]
    pub fn probe(first: &[u8]) -> ProbeResult {
        probe(first)
    }

    /// Where in `bytes`, from the middle of a stream of something else, TLS may
    /// begin: at the first hello or plain alert. It is
    /// [`Possible`](ProbeResult::Possible) if the bytes end before that is
    /// certain, which takes eleven.
    ///
    /// Who looks through a stream before there is a parser needs no more memory
    /// than for those.
    ///
    /// ```
    /// use flowscope_core::session::ProbeResult;
    /// use flowscope_tls::TlsParser;
    ///
    /// let said = b"STARTTLS\r\n\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    /// assert_eq!(TlsParser::find(said), Some((10, ProbeResult::Match)));
    /// assert_eq!(TlsParser::find(&said[..12]), Some((10, ProbeResult::Possible)));
    /// assert_eq!(TlsParser::find(&said[..10]), None);
    /// ```
    #[must_use]
    pub fn find(bytes: &[u8]) -> Option<(usize, ProbeResult)> {
        find(bytes)
    }

    /// The same parser for a connection whose sides have each sent so many bytes
    /// already, in which TLS does not begin.
    #[must_use]
    pub fn with_searched(mut self, searched: BySide<u32>) -> Self {
        if searched != BySide::default() {
            let connection = self.connection.get_or_insert_default();
            connection.have_searched(searched);
        }
        self
    }

    /// Whether `side` has said something that was found to be TLS.
    ///
    /// That takes a whole message where TLS does not begin with the stream: what
    /// looks like a record there may be something else.
    #[must_use]
    pub fn has_begun(&self, side: FlowSide) -> bool {
        let connection = self.connection.as_ref();
        connection.is_some_and(|connection| connection.has_begun(side))
    }

    /// How many of the first bytes of `side` are known to be none of TLS. What comes
    /// behind them is TLS once it [has begun](Self::has_begun), and may be until then;
    /// `u32::MAX` if nothing more is read of the side.
    ///
    /// ```
    /// use flowscope_core::reassemble::Chunk;
    /// use flowscope_core::session::{Input, SessionParser};
    /// use flowscope_core::{FlowSide, Timestamp};
    /// use flowscope_tls::TlsParser;
    ///
    /// let mut parser = TlsParser::default();
    /// let said = b"STARTTLS\r\n\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    /// let input = Input::new(FlowSide::Initiator, Timestamp::EPOCH, Chunk::Data(said));
    /// let Ok(_) = parser.feed(input, &mut |_| {});
    /// assert_eq!(parser.before(FlowSide::Initiator), 10);
    /// ```
    #[must_use]
    pub fn before(&self, side: FlowSide) -> u32 {
        let connection = self.connection.as_ref();
        connection.map_or(0, |connection| connection.before(side))
    }
}

impl SessionParser for TlsParser {
    type Message = TlsMessage;
    type Error = Infallible;

    fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<TlsMessage>,
    ) -> Result<Interest, Infallible> {
        let connection = self.connection.get_or_insert_default();
        let mut context = Context {
            config: self.config,
            transport: TlsTransport::Tcp,
            at: input.at,
            out,
        };
        connection.feed(input.side, input.chunk, &mut context);
        if !connection.is_over() {
            return Ok(Interest::More);
        }
        connection.report(&mut context);
        Ok(Interest::Done)
    }

    fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<TlsMessage>) {
        let connection = self.connection.get_or_insert_default();
        connection.close(end.side);
        if connection.is_over() {
            connection.report(&mut Context {
                config: self.config,
                transport: TlsTransport::Tcp,
                at: end.at,
                out,
            });
        }
    }

    fn memory(&self) -> usize {
        self.connection
            .as_ref()
            .map_or(0, |connection| connection.memory())
    }
}
