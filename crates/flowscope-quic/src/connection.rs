//! One connection: its keys, and what of its handshake was put together.

use core::hash::BuildHasher;
use std::hash::RandomState;

use flowscope_core::{BySide, FlowSide, Sink, Timestamp};
use flowscope_tls::{ClientHello, Fragments, ServerHello, TlsTransport};

use crate::frames::{Frame, Frames};
use crate::header::InitialPacket;
use crate::keys::{Keys, Opened, Role, Secret};
use crate::message::QuicHello;
use crate::{ConnectionId, QuicAnomaly, QuicError, QuicMessage, QuicVersion};

/// A connection whose client's first packet was seen.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    client: FlowSide,
    /// What the client chose as its Destination Connection ID first.
    original: ConnectionId,
    directions: BySide<Direction>,
    /// What the server's keys are made of, until they are needed: not everybody
    /// reads on behind the client's hello.
    secret: Option<Secret>,
    /// The hash of the client's last hello.
    hello: Option<u64>,
}

/// What reading a packet needs besides the packet.
pub(crate) struct Context<'a> {
    pub(crate) at: Timestamp,
    pub(crate) max_crypto: u32,
    /// The messages that were given.
    pub(crate) given: &'a mut Given,
    pub(crate) out: &'a mut dyn Sink<QuicMessage>,
}

/// What was given last, so that what is sent again is not given again: after a
/// Retry, or when a connection is no longer followed.
///
/// Hashes stand for it. Nobody who sends packets knows how they are seeded, so no
/// two messages can be made that have the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    seed: RandomState,
    last: [u64; 8],
}

impl Given {
    /// What stands for a message, and for what else it is told apart by.
    pub(crate) fn hash(&self, apart: &[u8], message: &[u8]) -> u64 {
        self.seed.hash_one((apart, message))
    }

    /// Whether a message is a new one, of which note is taken.
    pub(crate) fn is_new(&mut self, hash: u64) -> bool {
        if self.last.contains(&hash) {
            return false;
        }
        self.last.rotate_right(1);
        let [newest, ..] = &mut self.last;
        *newest = hash;
        true
    }
}

/// What one side sends.
#[derive(Clone, Debug)]
struct Direction {
    version: QuicVersion,
    /// None before they were needed.
    keys: Option<Keys>,
    /// The number after the highest one that was opened.
    next_number: u64,
    handshake: Handshake,
    /// What it is where frames differ from those that came first.
    other: Option<Box<Handshake>>,
    /// Of the first packet that was opened.
    first: Option<First>,
    has_hello: bool,
    /// Whether something was wrong.
    has_failed: bool,
    is_over: bool,
}

/// What one side says in its CRYPTO frames.
#[derive(Clone, Debug, Default)]
struct Handshake {
    crypto: Fragments,
    /// How many bytes of it were read. They are kept, to compare with them what
    /// comes later.
    read: usize,
    /// Whether something else than a hello came.
    is_over: bool,
}

#[derive(Clone, Debug, Default)]
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
        let (secret, keys, opened) = find_keys(version, original, Role::Client, packet, 0)?;
        let mut directions = BySide {
            initiator: Direction::new(version, Some(keys)),
            responder: Direction::new(version, None),
        };
        if side == FlowSide::Responder {
            core::mem::swap(&mut directions.initiator, &mut directions.responder);
        }
        let connection = Self {
            client: side,
            original: original.into(),
            directions,
            secret: Some(secret),
            hello: None,
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
            if direction.keys.is_none() {
                direction.keys = self.secret.take()?.keys(role);
            }
            return (direction.keys.as_ref()?).open(packet, direction.next_number);
        }
        // Both sides may go on in another version (RFC 9368, section 2.3), with
        // keys made of the same connection ID.
        let original = self.original.bytes();
        let (_, keys, opened) = find_keys(version, original, role, packet, direction.next_number)?;
        (direction.version, direction.keys) = (version, Some(keys));
        Some(opened)
    }

    /// Reads what a packet that was opened says.
    pub(crate) fn read(
        &mut self,
        side: FlowSide,
        packet: &InitialPacket<'_>,
        opened: &Opened,
        context: &mut Context<'_>,
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
        let closes = direction.take_frames(side, &opened.payload, context);
        for message in direction.messages(role, side, context) {
            let hash = match role {
                Role::Client => *self.hello.insert(context.given.hash(&[], &message)),
                Role::Server => context.given.hash(self.original.bytes(), &message),
            };
            match direction.hello(role, &message, side) {
                Ok(hello) if context.given.is_new(hash) => context.out.push(hello),
                Ok(_) => {}
                Err(error) => direction.fail(error, side, context),
            }
        }
        // A client that had not said hello is not believed that it goes.
        if closes && (role == Role::Server || direction.has_hello) {
            for side in FlowSide::BOTH {
                self.directions[side].end();
            }
        }
    }

    /// Whether nothing more is to come of it.
    pub(crate) fn is_over(&self) -> bool {
        let client = &self.directions[self.client];
        // The client may have to say hello again until the server has said it.
        let has_ended = client.is_over || client.has_hello || client.handshake.is_over;
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

    /// Whether `other` is the same client's, which has said the same to begin
    /// again after a Retry.
    pub(crate) fn is_repeated_by(&self, other: &Self) -> bool {
        self.hello.is_some() && self.hello == other.hello
    }

    pub(crate) fn original(&self) -> &[u8] {
        self.original.bytes()
    }

    /// How many bytes of memory it has taken, besides itself.
    pub(crate) fn memory(&self) -> usize {
        FlowSide::BOTH
            .iter()
            .map(|side| self.directions[*side].memory())
            .sum()
    }

    fn role(&self, side: FlowSide) -> Role {
        match side == self.client {
            true => Role::Client,
            false => Role::Server,
        }
    }
}

/// The keys that open a packet, if any of its version do, and the secret that they
/// are made of.
fn find_keys(
    version: QuicVersion,
    original: &[u8],
    role: Role,
    packet: &InitialPacket<'_>,
    next_number: u64,
) -> Option<(Secret, Keys, Opened)> {
    version.salts().iter().find_map(|salt| {
        let secret = Secret::new(version, salt, original);
        let keys = secret.keys(role)?;
        let opened = keys.open(packet, next_number)?;
        Some((secret, keys, opened))
    })
}

impl Direction {
    fn new(version: QuicVersion, keys: Option<Keys>) -> Self {
        Self {
            version,
            keys,
            next_number: 0,
            handshake: Handshake::default(),
            other: None,
            first: None,
            has_hello: false,
            has_failed: false,
            is_over: false,
        }
    }

    /// Takes the pieces of the handshake out of the frames of a packet, and says
    /// whether the connection is closed.
    fn take_frames(&mut self, side: FlowSide, payload: &[u8], context: &mut Context<'_>) -> bool {
        let limit = context.max_crypto;
        let held = usize::try_from(limit).unwrap_or(usize::MAX);
        for frame in Frames::new(payload) {
            match frame {
                Frame::Crypto { .. } if self.is_over => {}
                Frame::Crypto { offset, bytes } => {
                    if let Err(error) = self.take_piece(offset, bytes, held, limit) {
                        self.fail(error, side, context);
                    }
                }
                Frame::Close => return true,
            }
        }
        false
    }

    fn take_piece(
        &mut self,
        offset: u64,
        bytes: &[u8],
        held: usize,
        limit: u32,
    ) -> Result<(), QuicError> {
        let agrees = self.handshake.crypto.agrees(offset, bytes);
        match &mut self.other {
            None if !agrees => {
                let crypto = self.handshake.crypto.replaced(offset, bytes, held);
                self.other = crypto.ok().map(|crypto| {
                    Box::new(Handshake {
                        crypto,
                        ..Handshake::default()
                    })
                });
            }
            None => {}
            // What does not fit the first would not fit here either.
            Some(other) => drop(other.crypto.insert(offset, bytes, held)),
        }
        let inserted = self.handshake.crypto.insert(offset, bytes, held);
        inserted.map_err(|_| QuicError::TooLong { limit })?;
        match agrees {
            true => Ok(()),
            false => Err(QuicError::Overlap),
        }
    }

    /// The messages that are whole now.
    fn messages(&mut self, role: Role, side: FlowSide, context: &mut Context<'_>) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        let limit = context.max_crypto;
        let mut failed = None;
        let handshakes = [Some(&mut self.handshake), self.other.as_deref_mut()];
        for handshake in handshakes.into_iter().flatten() {
            while let Some(message) = handshake.next_message(role, limit) {
                match message {
                    Ok(message) => messages.push(message),
                    Err(error) => failed = Some(error),
                }
            }
        }
        if let Some(error) = failed {
            self.fail(error, side, context);
        }
        messages
    }

    fn memory(&self) -> usize {
        let other = self.other.as_ref();
        let other = other.map_or(0, |it| size_of_val(&**it) + it.crypto.memory());
        self.handshake.crypto.memory() + other
    }

    fn hello(
        &mut self,
        role: Role,
        message: &[u8],
        side: FlowSide,
    ) -> Result<QuicMessage, QuicError> {
        match role {
            Role::Client => {
                let hello = ClientHello::from_handshake(message, side, TlsTransport::Quic);
                let hello = self.with_first(hello.map_err(QuicError::Hello)?);
                self.has_hello = true;
                Ok(QuicMessage::ClientHello(hello))
            }
            Role::Server => {
                let hello = ServerHello::from_handshake(message, side, TlsTransport::Quic);
                let hello = self.with_first(hello.map_err(QuicError::Hello)?);
                if !hello.hello.hello_retry_request() {
                    self.end();
                }
                Ok(QuicMessage::ServerHello(hello))
            }
        }
    }

    fn with_first<H>(&self, hello: H) -> QuicHello<H> {
        let first = self.first.clone().unwrap_or_default();
        QuicHello {
            hello,
            version: first.version,
            destination_id: first.destination,
            source_id: first.source,
            token_len: first.token_len,
        }
    }

    /// Reports what is wrong, once.
    fn fail(&mut self, error: QuicError, side: FlowSide, context: &mut Context<'_>) {
        if !core::mem::replace(&mut self.has_failed, true) {
            let at = context.at;
            let anomaly = QuicAnomaly { side, at, error };
            context.out.push(QuicMessage::Anomaly(anomaly));
        }
    }

    /// Nothing more of it is read.
    fn end(&mut self) {
        self.is_over = true;
        self.handshake = Handshake::default();
        self.other = None;
    }
}

impl Handshake {
    /// The next message with its type and length, if it is whole. Initial packets
    /// have hellos alone: what is something else ends them.
    fn next_message(&mut self, role: Role, limit: u32) -> Option<Result<Vec<u8>, QuicError>> {
        let rest = self.crypto.front().get(self.read..)?;
        let &[kind, high, middle, low] = rest.first_chunk().filter(|_| !self.is_over)?;
        let len = 4 + u32::from_be_bytes([0, high, middle, low]);
        let error = if kind != role.hello() {
            QuicError::Handshake { kind }
        } else if len > limit {
            QuicError::TooLong { limit }
        } else {
            let message = rest.get(..len as usize)?.to_vec();
            self.read += message.len();
            return Some(Ok(message));
        };
        self.is_over = true;
        Some(Err(error))
    }
}
