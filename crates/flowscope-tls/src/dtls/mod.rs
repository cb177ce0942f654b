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
use crate::record::{ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE};
use crate::{Alert, TlsConfig, TlsMessage, TlsTransport};
use flight::Flight;
use record::{Record, Records};

/// Reads the handshake of a flow of DTLS, as far as it is not encrypted.
///
/// It reads versions 1.0, 1.2 and 1.3, and what OpenSSL wrote before. Fragments
/// may come in any order, and more than once; a message that is sent again is
/// given once. What shares the flow with DTLS is passed: STUN, RTP and what else
/// WebRTC sends (RFC 7983). So is what TURN puts around it, in a channel or in an
/// indication (RFC 8656, sections 11 and 12), and the header that CAPWAP puts
/// before it (RFC 5415, section 4.2). When both sides have gone on encrypted, also
/// with connection IDs (RFC 9146), the parser is [`Done`](Interest::Done).
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
    /// Nothing is kept of a flow that had no record yet.
    connection: Option<Box<Connection>>,
    /// How many bytes of other protocols came before.
    prelude: u32,
}

/// What is kept of a flow.
#[derive(Clone, Debug, Default)]
struct Connection {
    flights: BySide<Flight>,
    encrypted: BySide<bool>,
    exchange: Exchange,
}

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
        if self.connection.is_none() && !record::begins(payload) {
            let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
            self.prelude = self.prelude.saturating_add(len);
            return Ok(match self.prelude > self.config.max_prelude {
                true => Interest::Done,
                false => Interest::More,
            });
        }
        let mut context = self.context(datagram.at, out);
        let connection = self.connection.get_or_insert_default();
        for record in Records::new(payload) {
            connection.record(record, datagram.side, &mut context);
        }
        if !connection.encrypted.initiator || !connection.encrypted.responder {
            return Ok(Interest::More);
        }
        connection.exchange.report(true, &mut context);
        Ok(Interest::Done)
    }

    fn close(&mut self, at: Timestamp, out: &mut dyn Sink<TlsMessage>) {
        let mut context = self.context(at, out);
        if let Some(connection) = &mut self.connection {
            connection.exchange.report(false, &mut context);
        }
    }

    fn memory(&self) -> usize {
        let connection = self.connection.as_ref();
        connection.map_or(0, |it| size_of_val(&**it) + it.memory())
    }
}

impl Connection {
    fn memory(&self) -> usize {
        let BySide {
            initiator,
            responder,
        } = &self.flights;
        initiator.memory() + responder.memory() + self.exchange.memory()
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
                let flight = &mut self.flights[side];
                if let Err(error) = flight.read(content, side, &mut self.exchange, context) {
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
