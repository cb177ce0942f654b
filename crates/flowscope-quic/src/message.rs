//! What a parser reads.

use flowscope_core::{FlowSide, Timestamp};
use flowscope_tls::{ClientHello, ServerHello};

use crate::header::LongHeader;
use crate::{ConnectionId, GoogleHello, QuicError, QuicVersion, TransportParameters};

/// What a flow of QUIC says in its first packets.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum QuicMessage {
    /// What a client offers. A hello that is sent again, as after a Retry, is
    /// given once.
    ClientHello(QuicHello<ClientHello>),
    /// What a server chooses, or a HelloRetryRequest.
    ServerHello(QuicHello<ServerHello>),
    /// A server that does not speak the client's version says which it does.
    VersionNegotiation(VersionNegotiation),
    /// A server asks a client to begin again, and so to show where it is.
    Retry(Retry),
    /// A client's hello in Google's QUIC, from before there was TLS in it.
    GoogleHello(GoogleHello),
    /// A side sent something else than a hello, in packets that are its own.
    Anomaly(QuicAnomaly),
}

/// What one side sent that is no hello.
///
/// It is reported once for each side of a connection. The other side is read on.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct QuicAnomaly {
    /// Who sent it.
    pub side: FlowSide,
    /// The time of the packet that showed it.
    pub at: Timestamp,
    /// What was wrong.
    pub error: QuicError,
}

impl QuicMessage {
    /// Who sent it.
    #[must_use]
    pub fn side(&self) -> FlowSide {
        match self {
            Self::ClientHello(message) => message.hello.side(),
            Self::ServerHello(message) => message.hello.side(),
            Self::VersionNegotiation(message) => message.side,
            Self::Retry(message) => message.side,
            Self::GoogleHello(message) => message.side,
            Self::Anomaly(message) => message.side,
        }
    }
}

/// A hello, and what the first packet of it says.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct QuicHello<H> {
    /// The hello itself.
    pub hello: H,
    /// The version of the packet.
    pub version: QuicVersion,
    /// Where the packet goes to. A client makes it up for its first packets, and
    /// the keys of both sides are made of it.
    pub destination_id: ConnectionId,
    /// Where the answer is to go to.
    pub source_id: ConnectionId,
    /// The length of the token that a server has given the client before, in a
    /// Retry or an earlier connection.
    pub token_len: u32,
}

impl QuicHello<ClientHello> {
    /// The transport parameters (RFC 9000, section 18). Those of a server are
    /// encrypted.
    #[must_use]
    pub fn transport_parameters(&self) -> TransportParameters<'_> {
        TransportParameters::of(&self.hello, self.version)
    }
}

/// A Version Negotiation packet (RFC 9000, section 17.2.1). Nothing but the
/// connection IDs of the client says that it is real.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct VersionNegotiation {
    /// Who sent it.
    pub side: FlowSide,
    /// The versions to choose from. Some may be made up:
    /// [`QuicVersion::is_grease`].
    pub versions: Vec<QuicVersion>,
    /// The client's Source Connection ID.
    pub destination_id: ConnectionId,
    /// The client's Destination Connection ID.
    pub source_id: ConnectionId,
}

impl VersionNegotiation {
    pub(crate) fn new(header: &LongHeader<'_>, side: FlowSide) -> Self {
        let (versions, _) = header.rest.as_chunks::<4>();
        Self {
            side,
            versions: versions
                .iter()
                .map(|number| QuicVersion(u32::from_be_bytes(*number)))
                .collect(),
            destination_id: header.destination.into(),
            source_id: header.source.into(),
        }
    }
}

/// A Retry (RFC 9000, section 17.2.5) whose tag is right. Those of drafts before
/// the 25th and of Google had none, and are not given.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Retry {
    /// Who sent it.
    pub side: FlowSide,
    /// Its version.
    pub version: QuicVersion,
    /// The client's Source Connection ID.
    pub destination_id: ConnectionId,
    /// What the client is to use as its Destination Connection ID, of which new
    /// keys are made.
    pub source_id: ConnectionId,
    /// The length of the token that it is to send back.
    pub token_len: u32,
}
