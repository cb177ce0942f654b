//! The parser of one flow.

use core::convert::Infallible;

use flowscope_core::session::{Datagram, DatagramParser, Interest, ProbeResult};
use flowscope_core::{FlowSide, Sink};
use flowscope_tls::ClientHello;

use crate::connection::Connection;
use crate::header::{InitialPacket, LongHeader, Packet, next_packet};
use crate::message::VersionNegotiation;
use crate::{ConnectionId, QuicConfig, QuicMessage, Retry, google, header, retry};

/// Reads the hellos of the QUIC connections of a flow.
///
/// It may be given any flow; what is not QUIC is passed. A hello may be spread
/// over any number of packets and datagrams, in any order. When the hellos of
/// both sides have been read, or nothing more can be, it is
/// [`Done`](Interest::Done).
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
    /// The last hello that was given.
    reported: Option<ClientHello>,
    /// What came last in a version that is not read.
    offer: Option<Box<Offer>>,
    /// How many packets were looked at.
    packets: u16,
    is_over: bool,
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

    fn packet(&mut self, packet: &Packet<'_>, side: FlowSide, out: &mut dyn Sink<QuicMessage>) {
        match packet {
            Packet::Initial(initial) if initial.header.version.is_google() => {
                self.google(initial, side, out);
            }
            Packet::Initial(initial) => self.initial(initial, side, out),
            Packet::Retry(header) => self.retry(header, side, out),
            Packet::VersionNegotiation(header) => self.negotiation(header, side, out),
            Packet::Unknown(header) => {
                self.offer = Some(Box::new(Offer {
                    side,
                    destination: header.destination.into(),
                    source: header.source.into(),
                }));
            }
            Packet::ZeroRtt | Packet::Handshake => {}
        }
    }

    fn initial(
        &mut self,
        packet: &InitialPacket<'_>,
        side: FlowSide,
        out: &mut dyn Sink<QuicMessage>,
    ) {
        let mut found = None;
        for (index, connection) in self.connections.iter_mut().enumerate() {
            if let Some(opened) = connection.open(side, packet) {
                found = Some((index, opened));
                break;
            }
        }
        let (index, opened) = match found {
            Some(found) => found,
            None => {
                let Some((connection, opened)) = Connection::begin(side, packet) else {
                    return;
                };
                if self.connections.len() >= usize::from(self.config.max_connections.max(1)) {
                    self.connections.remove(0);
                }
                self.connections.push(connection);
                (self.connections.len() - 1, opened)
            }
        };
        let Some(connection) = self.connections.get_mut(index) else {
            return;
        };
        let max_crypto = usize::try_from(self.config.max_crypto).unwrap_or(usize::MAX);
        let reported = &mut self.reported;
        connection.read(side, packet, &opened, max_crypto, &mut |message| {
            if let QuicMessage::ClientHello(client) = &message {
                if reported.as_ref() == Some(&client.hello) {
                    return;
                }
                *reported = Some(client.hello.clone());
            }
            out.push(message);
        });
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
            self.is_over = true;
            out.push(QuicMessage::GoogleHello(hello));
        }
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
        if google::begins(datagram.payload) {
            self.google_hello(google::hello(datagram.payload, datagram.side), out);
        }
        let mut rest = datagram.payload;
        self.packets = self.packets.saturating_add(1);
        while let Some(packet) = next_packet(&mut rest) {
            self.packet(&packet, datagram.side, out);
            self.packets = self.packets.saturating_add(1);
        }
        let has_ended =
            !self.connections.is_empty() && self.connections.iter().all(Connection::is_over);
        Ok(
            match self.is_over || has_ended || self.packets >= self.config.max_packets {
                true => Interest::Done,
                false => Interest::More,
            },
        )
    }

    fn memory(&self) -> usize {
        let held: usize = self.connections.iter().map(Connection::memory).sum();
        held + self.connections.capacity() * size_of::<Connection>()
    }
}
