//! DTLS: TLS in datagrams (RFC 9147, RFC 6347, RFC 4347).
//!
//! [`DtlsParser`] reads it. [`record`] splits datagrams into records, and
//! [`flight`] puts the messages of a side together. What comes of them is the
//! same as on a stream.

mod flight;
mod record;

use core::convert::Infallible;

use flowscope_core::session::{Datagram, DatagramParser, Interest, ProbeResult};
use flowscope_core::{BySide, FlowSide, Sink, Timestamp};

use crate::exchange::{Context, Exchange};
use crate::handshake::CLIENT_HELLO;
use crate::record::{ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE};
use crate::{Alert, ReadUntil, TlsConfig, TlsError, TlsMessage, TlsTransport};
use flight::Flight;
use record::{Fragment, Record, Records};

/// Reads the handshake of a flow of DTLS, as far as it is not encrypted.
///
/// It reads versions 1.0, 1.2 and 1.3, and what OpenSSL wrote before. Fragments
/// may come in any order, and more than once; a message that is sent again is
/// given once. What shares the flow with DTLS is passed: STUN, RTP and what else
/// WebRTC sends (RFC 7983). So is what TURN puts around it, in a channel or in an
/// indication (RFC 8656, sections 11 and 12), and the header that CAPWAP puts
/// before it (RFC 5415, section 4.2). When both sides have gone on encrypted, also
/// with connection IDs (RFC 9146), the parser is [`Done`](Interest::Done), or waits
/// for another handshake [until the flow ends](ReadUntil::FlowEnd).
///
/// A client that has lost its association begins another one between the same ports
/// (RFC 6347, section 4.2.8; RFC 9147, section 5.11). It is told from a hello that is
/// sent again by its random bytes. Its messages are given as those of the first were,
/// and it has a summary of its own.
///
/// ```
/// use flowscope_core::session::{Datagram, DatagramParser, Interest};
/// use flowscope_core::{FlowSide, Timestamp};
/// use flowscope_tls::{DtlsParser, TlsMessage, TlsTransport, TlsVersion};
///
/// # let mut sent = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 54];
/// # sent.extend([1, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0, 42, 0xfe, 0xfd]);
/// # sent.extend([7; 32]);
/// # sent.extend([0, 0, 0, 2, 0xc0, 0x2b, 1, 0]);
/// let mut parser = DtlsParser::default();
/// let mut found = Vec::new();
/// let datagram = Datagram::new(FlowSide::Initiator, Timestamp::EPOCH, &sent);
/// assert_eq!(parser.parse(datagram, &mut found), Ok(Interest::More));
///
/// let [TlsMessage::ClientHello(hello)] = &found[..] else { panic!("{found:?}") };
/// assert_eq!(hello.version(), TlsVersion::DTLS_1_2);
/// assert_eq!(hello.transport(), TlsTransport::Dtls);
/// ```
#[derive(Clone, Debug, Default)]
pub struct DtlsParser {
    config: TlsConfig,
    state: State,
    /// How many bytes of other protocols came before.
    prelude: u32,
}

/// What is kept of a flow.
#[derive(Clone, Debug, Default)]
enum State {
    /// It had no record yet.
    #[default]
    Nothing,
    /// A handshake is read.
    Handshake(Box<Connection>),
    /// The last one is over, of a client with these random bytes, if its hello was
    /// seen.
    AtRest(Option<Box<Random>>),
}

/// What is kept of a flow while a handshake is read.
#[derive(Clone, Debug, Default)]
struct Connection {
    flights: BySide<Flight>,
    encrypted: BySide<bool>,
    exchange: Exchange,
    /// The random bytes of the client whose handshake was the last to end.
    previous: Option<Box<Random>>,
}

/// The random bytes of a hello.
type Random = [u8; 32];

impl DtlsParser {
    /// A parser within the limits of `config`. Of a flow without DTLS,
    /// [`max_prelude`](TlsConfig::max_prelude) bytes are passed.
    #[must_use]
    pub fn new(config: TlsConfig) -> Self {
        Self {
            config,
            ..Self::default()
        }
    }

    /// Whether the payload of a datagram begins with a message of a DTLS
    /// handshake, or a fragment of one.
    ///
    /// ```
    /// use flowscope_core::session::ProbeResult;
    /// use flowscope_tls::DtlsParser;
    ///
    /// let hello = b"\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x20\x01\0\0\xb0\0\0\0\0\0\0\0\x14\xfe\xfd01234567890123456789";
    /// assert_eq!(DtlsParser::probe(hello), ProbeResult::Match);
    /// assert_eq!(DtlsParser::probe(b"\x16\xfe\xfd"), ProbeResult::NoMatch);
    /// ```
    #[must_use]
    pub fn probe(payload: &[u8]) -> ProbeResult {
        match record::begins(payload) {
            true => ProbeResult::Match,
            false => ProbeResult::NoMatch,
        }
    }

    /// Whether it has read the handshakes that have begun and waits for another: see
    /// [`ReadUntil::FlowEnd`]. A datagram that [does not begin one](Self::may_begin)
    /// need not be given to it then. It keeps 32 bytes.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        matches!(self.state, State::AtRest(_))
    }

    /// Whether a parser [at rest](Self::is_at_rest) may find anything in this
    /// payload. It is told by its first byte, or by the few that TURN puts before it.
    #[inline]
    #[must_use]
    pub fn may_begin(payload: &[u8]) -> bool {
        match payload.first() {
            Some(&HANDSHAKE) => true,
            // Encrypted records, RTP, and most of what else there is.
            Some(2..=0x3f | 0x50..) | None => false,
            Some(_) => record::begins_with_client_hello(payload),
        }
    }

    fn context<'a>(&self, at: Timestamp, out: &'a mut dyn Sink<TlsMessage>) -> Context<'a> {
        Context {
            config: self.config,
            transport: TlsTransport::Dtls,
            at,
            out,
        }
    }
}

impl DatagramParser for DtlsParser {
    type Message = TlsMessage;
    type Error = Infallible;

    fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<TlsMessage>,
    ) -> Result<Interest, Infallible> {
        let payload = record::without_header(datagram.payload);
        let mut connection = match core::mem::take(&mut self.state) {
            State::Handshake(connection) => connection,
            State::Nothing if !record::begins(payload) => {
                let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
                self.prelude = self.prelude.saturating_add(len);
                return Ok(match self.prelude > self.config.max_prelude {
                    true => Interest::Done,
                    false => Interest::More,
                });
            }
            State::AtRest(previous) if !record::begins_with_client_hello(payload) => {
                self.state = State::AtRest(previous);
                return Ok(Interest::More);
            }
            State::Nothing => Box::default(),
            State::AtRest(previous) => Box::new(Connection {
                previous,
                ..Connection::default()
            }),
        };
        let mut context = self.context(datagram.at, out);
        for record in Records::new(payload) {
            connection.record(record, datagram.side, &mut context);
        }
        if connection.encrypted.initiator && connection.encrypted.responder {
            let client = connection.exchange.client_random().map(Box::new);
            connection.exchange.report(true, &mut context);
            self.state = State::AtRest(client.or(connection.previous));
            return Ok(match self.config.dtls_until {
                ReadUntil::Hellos => Interest::Done,
                ReadUntil::FlowEnd => Interest::More,
            });
        }
        self.state = match connection.is_empty() {
            // It was a hello of the last handshake, sent again.
            true if connection.previous.is_some() => State::AtRest(connection.previous),
            _ => State::Handshake(connection),
        };
        Ok(Interest::More)
    }

    fn close(&mut self, at: Timestamp, out: &mut dyn Sink<TlsMessage>) {
        let mut context = self.context(at, out);
        if let State::Handshake(connection) = &mut self.state {
            connection.exchange.report(false, &mut context);
        }
    }

    fn memory(&self) -> usize {
        match &self.state {
            State::Nothing | State::AtRest(None) => 0,
            State::Handshake(connection) => size_of_val(&**connection) + connection.memory(),
            State::AtRest(Some(_)) => size_of::<Random>(),
        }
    }
}

impl Connection {
    fn memory(&self) -> usize {
        let BySide {
            initiator,
            responder,
        } = &self.flights;
        let previous = self.previous.as_ref().map_or(0, |_| size_of::<Random>());
        initiator.memory() + responder.memory() + self.exchange.memory() + previous
    }

    /// Whether nothing of a handshake is kept.
    fn is_empty(&self) -> bool {
        !self.exchange.has_begun() && self.flights.iter().all(|(_, flight)| flight.is_empty())
    }

    /// Reads the content of a handshake record.
    fn handshake(
        &mut self,
        mut content: &[u8],
        side: FlowSide,
        context: &mut Context<'_>,
    ) -> Result<(), TlsError> {
        let len = u16::try_from(content.len()).unwrap_or(u16::MAX);
        while !content.is_empty() {
            let fragment = Fragment::read(&mut content).ok_or(TlsError::Record {
                content_type: HANDSHAKE,
                len,
            })?;
            let flight = &mut self.flights[side];
            let whole = flight.fragment(&fragment, side, &mut self.exchange, context)?;
            let Some(whole) = whole else {
                continue;
            };
            let body = whole.body();
            if fragment.kind == CLIENT_HELLO && !self.admit(body, fragment.message_seq, context) {
                continue;
            }
            self.exchange.message(fragment.kind, body, side, context)?;
        }
        Ok(())
    }

    /// Whether a ClientHello is to be read: not if it is one of the handshake before.
    /// If it begins another one, that which was read is over.
    fn admit(&mut self, body: &[u8], message_seq: u16, context: &mut Context<'_>) -> bool {
        let Some(random) = random_of(body) else {
            return true;
        };
        if self.previous.as_deref() == Some(random) {
            return false;
        }
        if self.exchange.is_of_another(random, message_seq) {
            self.previous = self.exchange.client_random().map(Box::new);
            self.exchange.report(false, context);
            self.exchange = Exchange::default();
            self.encrypted = BySide::default();
            self.flights = BySide::default();
        }
        true
    }

    fn record(&mut self, record: Record<'_>, side: FlowSide, context: &mut Context<'_>) {
        let (kind, content) = match record {
            Record::Plain { kind, content } => (kind, content),
            // Early data says nothing of how the client goes on (RFC 9147, section
            // 5.5).
            Record::Encrypted if self.exchange.may_be_early_data(side) => return,
            Record::Encrypted => return self.encrypt(side, context),
        };
        match kind {
            HANDSHAKE => {
                if let Err(error) = self.handshake(content, side, context) {
                    self.exchange.fail(error, side, context);
                }
            }
            ALERT => {
                if let [level, description] = *content
                    && let Some(alert) = Alert::new(side, level, description)
                {
                    self.exchange.alert(alert, context);
                }
            }
            CHANGE_CIPHER_SPEC => {
                // What is encrypted says so itself, by its epoch.
                let _ = self.exchange.change_cipher_spec(side);
            }
            _ => {}
        }
    }

    fn encrypt(&mut self, side: FlowSide, context: &Context<'_>) {
        if !core::mem::replace(&mut self.encrypted[side], true) {
            self.flights[side] = Flight::default();
            self.exchange.encrypted(context.at);
        }
    }
}

/// The random bytes of a hello, behind its version.
fn random_of(body: &[u8]) -> Option<&Random> {
    body.get(2..)?.first_chunk()
}
