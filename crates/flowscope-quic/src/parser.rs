//! The parser of one flow.

use core::convert::Infallible;

use flowscope_core::session::{Datagram, DatagramParser, Interest, ProbeResult};
use flowscope_core::{FlowSide, Sink, Timestamp};

use crate::connection::{Connection, Context, Given};
use crate::early::Early;
use crate::header::{InitialPacket, LongHeader, Packet, next_packet};
use crate::message::VersionNegotiation;
use crate::{ConnectionId, QuicConfig, QuicMessage, Retry, google, header, retry};
use flowscope_tls::ReadUntil;

/// Reads the hellos of the QUIC connections of a flow.
///
/// It may be given any flow; what is not QUIC is passed. A hello may be spread
/// over any number of packets and datagrams, in any order, and a server may be
/// seen before its client. When the hellos of both sides have been read, or
/// nothing more can be, it is [`Done`](Interest::Done), unless it is to read
/// [until the flow ends](ReadUntil::FlowEnd).
///
/// ```
/// use flowscope_core::session::{Datagram, DatagramParser, Interest, ProbeResult};
/// use flowscope_core::{FlowSide, Timestamp};
/// use flowscope_quic::{QuicMessage, QuicParser};
///
/// # let mut datagram = b"\x0d\x01\x02\x03\x04\x05\x06\x07\x08Q043\x01".to_vec();
/// # datagram.extend([0; 12]);
/// # datagram.extend(b"\xa0\x01\x00\x00CHLO\x01\0\0\0SNI\0\x0b\0\0\0example.org");
/// assert_eq!(QuicParser::probe(&datagram), ProbeResult::Match);
/// let mut parser = QuicParser::default();
/// let mut found = Vec::new();
/// let datagram = Datagram::new(FlowSide::Initiator, Timestamp::EPOCH, &datagram);
/// assert_eq!(parser.parse(datagram, &mut found), Ok(Interest::Done));
///
/// let [QuicMessage::GoogleHello(hello)] = &found[..] else { panic!("{found:?}") };
/// assert_eq!(hello.server_name.as_deref(), Some(&b"example.org"[..]));
/// ```
#[derive(Clone, Debug, Default)]
pub struct QuicParser {
    config: QuicConfig,
    connections: Vec<Connection>,
    early: Early,
    given: Given,
    /// What came last in a version that is not read.
    offer: Option<Box<Offer>>,
    /// How many packets were looked at.
    packets: u16,
    /// Whether a hello of Google's was read.
    has_google_hello: bool,
    rest: Rest,
}

/// Whether something is being read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Rest {
    #[default]
    No,
    /// What there was to read was read.
    AtRest,
}

/// The connection IDs of a packet in a version that is not read.
#[derive(Clone, Debug)]
struct Offer {
    side: FlowSide,
    destination: ConnectionId,
    source: ConnectionId,
}

impl QuicParser {
    /// A parser within the limits of `config`.
    #[must_use]
    pub fn new(config: QuicConfig) -> Self {
        Self {
            config,
            ..Self::default()
        }
    }

    /// Whether the payload of a datagram looks like one that a flow of QUIC
    /// begins with: a long header of a version that is read, or one of
    /// Google's.
    ///
    /// Whether it is one is told by the parser, which gives nothing of a packet
    /// whose tag is not right.
    ///
    /// ```
    /// use flowscope_core::session::ProbeResult;
    /// use flowscope_quic::QuicParser;
    ///
    /// let mut initial = b"\xc3\x00\x00\x00\x01\x08\x83\x94\xc8\xf0\x3e\x51\x57\x08\x00\x00".to_vec();
    /// initial.resize(1200, 0);
    /// assert_eq!(QuicParser::probe(&initial), ProbeResult::Match);
    /// assert_eq!(QuicParser::probe(b"M-SEARCH * HTTP/1.1\r\n"), ProbeResult::NoMatch);
    /// ```
    #[must_use]
    pub fn probe(payload: &[u8]) -> ProbeResult {
        header::probe(payload)
    }

    /// Whether it has read the hellos of all connections that have begun and
    /// waits for another: see [`ReadUntil::FlowEnd`]. A datagram that
    /// [does not begin one](Self::may_begin) need not be given to it then.
    ///
    /// It holds no packets then, and no connections.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.rest == Rest::AtRest
    }

    /// Whether a parser [at rest](Self::is_at_rest) may find anything in this
    /// payload: it has no short header, as what is sent after a handshake.
    #[inline]
    #[must_use]
    pub fn may_begin(payload: &[u8]) -> bool {
        header::is_long(payload) || google::begins_short(payload)
    }

    fn packet(
        &mut self,
        packet: &Packet<'_>,
        side: FlowSide,
        at: Timestamp,
        out: &mut dyn Sink<QuicMessage>,
    ) {
        match packet {
            Packet::Initial(initial) if initial.header.version.is_google() => {
                self.google(initial, side, out);
            }
            Packet::Initial(initial) => self.initial(initial, side, at, out),
            Packet::Retry(header) => self.retry(header, side, out),
            Packet::VersionNegotiation(header) => self.negotiation(header, side, out),
            Packet::Unknown(header) => self.note_offer(header, side),
            Packet::ZeroRtt | Packet::Handshake => {}
        }
    }

    fn note_offer(&mut self, header: &LongHeader<'_>, side: FlowSide) {
        self.offer = Some(Box::new(Offer {
            side,
            destination: header.destination.into(),
            source: header.source.into(),
        }));
    }

    fn initial(
        &mut self,
        packet: &InitialPacket<'_>,
        side: FlowSide,
        at: Timestamp,
        out: &mut dyn Sink<QuicMessage>,
    ) {
        if self.open(packet, side, at, out) {
            return;
        }
        if let Some((connection, opened)) = Connection::begin(side, packet) {
            if self.connections.len() >= usize::from(self.config.max_connections.max(1)) {
                self.connections.remove(0);
            }
            self.connections.push(connection);
            self.rest = Rest::No;
            if let Some(connection) = self.connections.last_mut() {
                let max_crypto = self.config.max_crypto;
                let given = &mut self.given;
                let mut context = Context {
                    at,
                    max_crypto,
                    given,
                    out,
                };
                connection.read(side, packet, &opened, &mut context);
            }
            self.read_early(at, out);
            return;
        }
        if packet.header.version.is_grease() {
            self.note_offer(&packet.header, side);
        }
        // At rest, these are the last packets of a connection that was read.
        if !self.is_at_rest() {
            self.early.push(side, packet, self.config.max_early);
        }
    }

    /// Reads a packet of a connection that is known, and says whether it is one.
    fn open(
        &mut self,
        packet: &InitialPacket<'_>,
        side: FlowSide,
        at: Timestamp,
        out: &mut dyn Sink<QuicMessage>,
    ) -> bool {
        for connection in &mut self.connections {
            if let Some(opened) = connection.open(side, packet) {
                let max_crypto = self.config.max_crypto;
                let given = &mut self.given;
                let mut context = Context {
                    at,
                    max_crypto,
                    given,
                    out,
                };
                connection.read(side, packet, &opened, &mut context);
                return true;
            }
        }
        false
    }

    /// Reads what came before a connection that has begun now.
    fn read_early(&mut self, at: Timestamp, out: &mut dyn Sink<QuicMessage>) {
        for (side, bytes) in self.early.take() {
            let packet = next_packet(&mut &bytes[..]);
            let is_read = match &packet {
                Some(Packet::Initial(packet)) => self.open(packet, side, at, out),
                _ => false,
            };
            if !is_read {
                self.early.put_back(side, bytes);
            }
        }
    }

    /// A Retry answers the first packet of a client, which begins again with a
    /// connection ID that the server has chosen (RFC 9000, section 17.2.5.2).
    fn retry(&mut self, header: &LongHeader<'_>, side: FlowSide, out: &mut dyn Sink<QuicMessage>) {
        let answered = self
            .connections
            .iter()
            .enumerate()
            .find_map(|(index, connection)| {
                let is_answer = connection.is_answered_by(side, header.destination, None);
                let token = is_answer.then(|| retry::token(header, connection.original()))?;
                Some((index, token?))
            });
        let Some((index, token)) = answered else {
            return;
        };
        self.connections.remove(index);
        out.push(QuicMessage::Retry(Retry {
            side,
            version: header.version,
            destination_id: header.destination.into(),
            source_id: header.source.into(),
            token_len: u32::try_from(token.len()).unwrap_or(u32::MAX),
        }));
    }

    /// A Version Negotiation packet has both connection IDs of the packet that it
    /// answers, and nothing else to tell it by (RFC 9000, section 17.2.1).
    fn negotiation(
        &mut self,
        header: &LongHeader<'_>,
        side: FlowSide,
        out: &mut dyn Sink<QuicMessage>,
    ) {
        let is_of_offer = self.offer.take_if(|offer| {
            offer.side != side
                && offer.source.bytes() == header.destination
                && offer.destination.bytes() == header.source
        });
        let answered = self.connections.iter().position(|connection| {
            connection.is_answered_by(side, header.destination, Some(header.source))
        });
        if let Some(index) = answered {
            self.connections.remove(index);
        }
        if is_of_offer.is_some() || answered.is_some() {
            out.push(QuicMessage::VersionNegotiation(VersionNegotiation::new(
                header, side,
            )));
        }
    }

    /// A packet of Google's version Q050, whose frames are encrypted as those of
    /// drafts are.
    fn google(
        &mut self,
        packet: &InitialPacket<'_>,
        side: FlowSide,
        out: &mut dyn Sink<QuicMessage>,
    ) {
        let header = &packet.header;
        let hello = Connection::begin(side, packet).and_then(|(_, opened)| {
            google::hello_within(&opened.payload, header.version, header.destination, side)
        });
        self.google_hello(hello, out);
    }

    fn google_hello(
        &mut self,
        hello: Option<google::GoogleHello>,
        out: &mut dyn Sink<QuicMessage>,
    ) {
        if let Some(hello) = hello {
            self.has_google_hello = true;
            // A client says hello more than once, with more in it each time.
            let name = hello.server_name.as_deref().unwrap_or_default();
            let hash = self.given.hash(hello.connection_id.bytes(), name);
            if self.given.is_new(hash) {
                out.push(QuicMessage::GoogleHello(hello));
            }
        }
    }

    /// Whether the hellos have been read of all connections that have begun.
    fn has_read_all(&self) -> bool {
        let is_over = |connection: &Connection| {
            let mut over = self.connections.iter().filter(|other| other.is_over());
            over.any(|other| core::ptr::eq(connection, other) || connection.is_repeated_by(other))
        };
        match self.connections.is_empty() {
            true => self.has_google_hello,
            false => self.connections.iter().all(is_over),
        }
    }

    /// Holds nothing, until a connection begins.
    fn rest(&mut self) {
        self.connections = Vec::new();
        self.early = Early::default();
        self.offer = None;
        self.has_google_hello = false;
        self.packets = 0;
        self.rest = Rest::AtRest;
    }
}

impl DatagramParser for QuicParser {
    type Message = QuicMessage;
    type Error = Infallible;

    fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<QuicMessage>,
    ) -> Result<Interest, Infallible> {
        let Datagram {
            side, at, payload, ..
        } = datagram;
        if self.is_at_rest() && !Self::may_begin(payload) {
            return Ok(Interest::More);
        }
        if google::begins(payload) {
            self.google_hello(google::hello(payload, side), out);
        }
        let mut rest = payload;
        self.packets = self.packets.saturating_add(1);
        while let Some(packet) = next_packet(&mut rest) {
            self.packet(&packet, side, at, out);
            self.packets = self.packets.saturating_add(1);
        }
        if self.has_read_all() {
            self.rest();
            return Ok(match self.config.until == ReadUntil::FlowEnd {
                true => Interest::More,
                false => Interest::Done,
            });
        }
        Ok(match self.packets >= self.config.max_packets {
            true => Interest::Done,
            false => Interest::More,
        })
    }

    fn memory(&self) -> usize {
        let held: usize = self.connections.iter().map(Connection::memory).sum();
        let offer = self.offer.as_ref().map_or(0, |offer| {
            size_of_val(&**offer) + offer.destination.bytes().len() + offer.source.bytes().len()
        });
        held + self.connections.capacity() * size_of::<Connection>() + self.early.memory() + offer
    }
}
