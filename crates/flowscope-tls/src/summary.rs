//! One record for each handshake.

use core::fmt;

use flowscope_core::{FlowSide, Timestamp};

use crate::{Alert, CertificateChain, ClientHello, ServerHello, TlsVersion};

/// A handshake from its first hello to the end of what can be read of it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Handshake {
    /// The client's hello: the last one, if it had to say it again.
    pub client: Option<ClientHello>,
    /// The server's hello.
    pub server: Option<ServerHello>,
    /// The HelloRetryRequest before it, if there was one.
    pub retry: Option<ServerHello>,
    /// The server's certificates, where they are in the clear.
    pub certificates: Option<CertificateChain>,
    /// Whether it resumes a session.
    pub resumption: Resumption,
    /// What came of it.
    pub outcome: Outcome,
    /// The time of the first hello.
    pub started: Timestamp,
    /// The time of what ended it.
    pub ended: Timestamp,
    /// What was said in the clear, in the letters of Zeek's `ssl_history`: upper
    /// case are the client's. The ChangeCipherSpec of a server of TLS 1.3 is
    /// concluded from its hello.
    pub history: String,
    /// The group of the server's key exchange, before TLS 1.3.
    pub group: Option<u16>,
}

impl Handshake {
    /// The version that was agreed on, if the server's hello was seen.
    #[must_use]
    pub fn version(&self) -> Option<TlsVersion> {
        self.server.as_ref().map(ServerHello::version)
    }

    /// The side of the client.
    #[must_use]
    pub fn client_side(&self) -> FlowSide {
        match (&self.client, self.server.as_ref().or(self.retry.as_ref())) {
            (Some(client), _) => client.side(),
            (None, Some(server)) => server.side().peer(),
            (None, None) => FlowSide::Initiator,
        }
    }
}

/// Whether and how a session is resumed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Resumption {
    /// It cannot be told: the server's hello was not seen.
    Unknown,
    /// It is not.
    Full,
    /// By the session's identifier.
    SessionId,
    /// By a ticket (RFC 5077).
    Ticket,
    /// By a key of an earlier session, or one agreed on otherwise, in TLS 1.3.
    PreSharedKey,
}

impl Resumption {
    /// `full`, `session_id`, `ticket`, `pre_shared_key`, `unknown`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Full => "full",
            Self::SessionId => "session_id",
            Self::Ticket => "ticket",
            Self::PreSharedKey => "pre_shared_key",
        }
    }

    /// Tells from both hellos, and from whether the server went on encrypted
    /// `at_once`, without key exchange.
    pub(crate) fn of(
        client: Option<&ClientHello>,
        server: Option<&ServerHello>,
        at_once: bool,
    ) -> Self {
        let Some(server) = server else {
            return Self::Unknown;
        };
        if server.is_modern() {
            return match server.pre_shared_key() {
                true => Self::PreSharedKey,
                false => Self::Full,
            };
        }
        let ticket = client
            .and_then(ClientHello::session_ticket)
            .is_some_and(|ticket| !ticket.is_empty());
        let id = server.session_id();
        let echoed = !id.is_empty() && client.is_some_and(|client| client.session_id() == id);
        match (echoed, at_once) {
            (true, _) | (_, true) if ticket => Self::Ticket,
            (true, _) => Self::SessionId,
            (false, true) if client.is_none() && !id.is_empty() => Self::SessionId,
            (false, _) => Self::Full,
        }
    }
}

impl fmt::Display for Resumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What came of a handshake.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// Both sides went on encrypted.
    Encrypted,
    /// A fatal alert ended it, the first of them this one.
    Alert(Alert),
    /// The connection ended before, or the capture did.
    Incomplete,
}
