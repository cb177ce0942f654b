//! One connection: its keys, and what of its handshake was put together.

use flowscope_core::{BySide, FlowSide, Sink};
use flowscope_tls::{ClientHello, Fragments, ServerHello, TlsTransport};

use crate::frames::{Frame, Frames};
use crate::header::InitialPacket;
use crate::keys::{Keys, Opened, Role};
use crate::message::QuicHello;
use crate::{ConnectionId, QuicMessage, QuicVersion};

/// A connection whose client's first packet was seen.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    client: FlowSide,
    /// What the client chose as its Destination Connection ID first.
    original: ConnectionId,
    directions: BySide<Direction>,
}

/// What one side sends.
#[derive(Clone, Debug)]
struct Direction {
    version: QuicVersion,
    keys: Keys,
    /// The number after the highest one that was opened.
    next_number: u64,
    crypto: Fragments,
    /// Of the first packet that was opened.
    first: Option<First>,
    has_hello: bool,
    is_over: bool,
}

#[derive(Clone, Debug)]
struct First {
    version: QuicVersion,
    destination: ConnectionId,
    source: ConnectionId,
    token_len: u32,
}

impl Connection {
    /// The connection whose client, `side`, sent this packet first; `None` if it
    /// is no such packet, which its tag tells.
    pub(crate) fn begin(side: FlowSide, packet: &InitialPacket<'_>) -> Option<(Self, Opened)> {
        let original = packet.header.destination;
        let version = packet.header.version;
        let client = Direction::new(version, original, Role::Client)?;
        let opened = client.keys.open(packet, 0)?;
        let server = Direction::new(version, original, Role::Server)?;
        let mut directions = BySide {
            initiator: client,
            responder: server,
        };
        if side == FlowSide::Responder {
            core::mem::swap(&mut directions.initiator, &mut directions.responder);
        }
        let connection = Self {
            client: side,
            original: original.into(),
            directions,
        };
        Some((connection, opened))
    }

    /// Takes the protection off a packet of `side`, if it is one of this
    /// connection.
    pub(crate) fn open(&mut self, side: FlowSide, packet: &InitialPacket<'_>) -> Option<Opened> {
        let role = self.role(side);
        let direction = &mut self.directions[side];
        let version = packet.header.version;
        if version == direction.version {
            return direction.keys.open(packet, direction.next_number);
        }
        // Both sides may go on in another version (RFC 9368, section 2.3), with
        // keys made of the same connection ID.
        let keys = Keys::initial(version, self.original.bytes(), role)?;
        let opened = keys.open(packet, direction.next_number)?;
        (direction.version, direction.keys) = (version, keys);
        Some(opened)
    }

    /// Reads what a packet that was opened says.
    pub(crate) fn read(
        &mut self,
        side: FlowSide,
        packet: &InitialPacket<'_>,
        opened: &Opened,
        max_crypto: usize,
        out: &mut dyn Sink<QuicMessage>,
    ) {
        let role = self.role(side);
        let direction = &mut self.directions[side];
        direction.next_number = direction.next_number.max(opened.number.saturating_add(1));
        direction.first.get_or_insert_with(|| First {
            version: packet.header.version,
            destination: packet.header.destination.into(),
            source: packet.header.source.into(),
            token_len: packet.token_len,
        });
        if direction
            .read(role, side, &opened.payload, max_crypto, out)
            .is_err()
        {
            for side in FlowSide::BOTH {
                self.directions[side].end();
            }
        }
    }

    /// Whether nothing more is to come of it.
    pub(crate) fn is_over(&self) -> bool {
        let client = &self.directions[self.client];
        // The client may have to say hello again until the server has said it.
        let has_ended = client.is_over || client.has_hello;
        has_ended && self.directions[self.client.peer()].is_over
    }

    /// Whether `destination` and `source` are those of a packet that answers the
    /// client's first.
    pub(crate) fn is_answered_by(
        &self,
        side: FlowSide,
        destination: &[u8],
        source: Option<&[u8]>,
    ) -> bool {
        let first = self.directions[self.client].first.as_ref();
        side != self.client
            && first.is_some_and(|first| first.source.bytes() == destination)
            && source.is_none_or(|source| self.original.bytes() == source)
    }

    pub(crate) fn original(&self) -> &[u8] {
        self.original.bytes()
    }

    /// How many bytes of memory it has taken, besides itself.
    pub(crate) fn memory(&self) -> usize {
        FlowSide::BOTH
            .iter()
            .map(|side| self.directions[*side].crypto.memory())
            .sum()
    }

    fn role(&self, side: FlowSide) -> Role {
        match side == self.client {
            true => Role::Client,
            false => Role::Server,
        }
    }
}

/// The connection is closed, or what it says is no handshake.
#[derive(Clone, Copy, Debug)]
struct Ended;

impl Direction {
    fn new(version: QuicVersion, original: &[u8], role: Role) -> Option<Self> {
        Some(Self {
            version,
            keys: Keys::initial(version, original, role)?,
            next_number: 0,
            crypto: Fragments::default(),
            first: None,
            has_hello: false,
            is_over: false,
        })
    }

    /// Reads the frames of a packet.
    fn read(
        &mut self,
        role: Role,
        side: FlowSide,
        payload: &[u8],
        max_crypto: usize,
        out: &mut dyn Sink<QuicMessage>,
    ) -> Result<(), Ended> {
        for frame in Frames::new(payload) {
            match frame {
                Frame::Crypto { offset, bytes } if !self.is_over => {
                    let inserted = self.crypto.insert(offset, bytes, max_crypto);
                    inserted.map_err(|_| Ended)?;
                }
                Frame::Crypto { .. } => {}
                Frame::Close => return Err(Ended),
            }
        }
        while let Some(message) = self.next_message(role, max_crypto)? {
            out.push(self.hello(role, &message, side)?);
        }
        Ok(())
    }

    /// The next message of the handshake with its type and length, if it is
    /// whole. Initial packets have hellos alone.
    fn next_message(&mut self, role: Role, max_crypto: usize) -> Result<Option<Vec<u8>>, Ended> {
        let front = self.crypto.front();
        let Some(&[kind, high, middle, low]) = front.first_chunk() else {
            return Ok(None);
        };
        let len = 4 + u32::from_be_bytes([0, high, middle, low]) as usize;
        if kind != role.hello() || len > max_crypto {
            return Err(Ended);
        }
        let message = front.get(..len).map(<[u8]>::to_vec);
        if message.is_some() {
            self.crypto.consume(len);
        }
        Ok(message)
    }

    fn hello(&mut self, role: Role, message: &[u8], side: FlowSide) -> Result<QuicMessage, Ended> {
        match role {
            Role::Client => {
                let hello = ClientHello::from_handshake(message, side, TlsTransport::Quic);
                let hello = self.with_first(hello.map_err(|_| Ended)?)?;
                self.has_hello = true;
                Ok(QuicMessage::ClientHello(hello))
            }
            Role::Server => {
                let hello = ServerHello::from_handshake(message, side, TlsTransport::Quic);
                let hello = self.with_first(hello.map_err(|_| Ended)?)?;
                if !hello.hello.hello_retry_request() {
                    self.end();
                }
                Ok(QuicMessage::ServerHello(hello))
            }
        }
    }

    fn with_first<H>(&self, hello: H) -> Result<QuicHello<H>, Ended> {
        let first = self.first.as_ref().ok_or(Ended)?;
        Ok(QuicHello {
            hello,
            version: first.version,
            destination_id: first.destination.clone(),
            source_id: first.source.clone(),
            token_len: first.token_len,
        })
    }

    /// Nothing more of it is read.
    fn end(&mut self) {
        self.is_over = true;
        self.crypto = Fragments::default();
    }
}
