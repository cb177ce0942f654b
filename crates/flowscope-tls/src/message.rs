//! What a parser reads.

use flowscope_core::FlowSide;

use crate::{Alert, CertificateChain, ClientHello, Handshake, ServerHello};

/// A message of TLS that was not encrypted, or a summary of several.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TlsMessage {
    /// What a client offers.
    ClientHello(ClientHello),
    /// What a server chooses, or a HelloRetryRequest.
    ServerHello(ServerHello),
    /// Certificates.
    Certificate(CertificateChain),
    /// An alert.
    Alert(Alert),
    /// A handshake is over: both hellos, and what came of them.
    Handshake(Box<Handshake>),
}

impl TlsMessage {
    /// Who sent it. A summary is of both; this is the client's side.
    #[must_use]
    pub fn side(&self) -> FlowSide {
        match self {
            Self::ClientHello(hello) => hello.side(),
            Self::ServerHello(hello) => hello.side(),
            Self::Certificate(chain) => chain.side(),
            Self::Alert(alert) => alert.side(),
            Self::Handshake(handshake) => handshake.client_side(),
        }
    }
}
