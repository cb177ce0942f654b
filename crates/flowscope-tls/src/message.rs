//! What a parser reads.

use flowscope_core::{FlowSide, Timestamp};

use crate::{
    Alert, CertificateChain, ClientHello, Handshake, HelloVerifyRequest, ServerHello, TlsError,
};

/// A message of TLS that was not encrypted, or a summary of several.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TlsMessage {
    /// What a client offers.
    ClientHello(ClientHello),
    /// What a server chooses, or a HelloRetryRequest.
    ServerHello(ServerHello),
    /// A server of DTLS wants to hear the hello again, with a cookie.
    HelloVerifyRequest(HelloVerifyRequest),
    /// Certificates.
    Certificate(CertificateChain),
    /// An alert.
    Alert(Alert),
    /// A handshake is over: both hellos, and what came of them.
    Handshake(Box<Handshake>),
    /// A side that had begun as TLS sent something else.
    Anomaly(TlsAnomaly),
}

/// What one side sent that is not the TLS it claimed to be.
///
/// It is reported once for each side, when it is met. The other side is read on:
/// it may answer with an alert.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct TlsAnomaly {
    /// Who sent it.
    pub side: FlowSide,
    /// The time of the packet that showed it.
    pub at: Timestamp,
    /// What was wrong.
    pub error: TlsError,
}

impl TlsMessage {
    /// Who sent it. A summary is of both; this is the client's side.
    #[must_use]
    pub fn side(&self) -> FlowSide {
        match self {
            Self::ClientHello(hello) => hello.side(),
            Self::ServerHello(hello) => hello.side(),
            Self::HelloVerifyRequest(request) => request.side(),
            Self::Certificate(chain) => chain.side(),
            Self::Alert(alert) => alert.side(),
            Self::Handshake(handshake) => handshake.client_side(),
            Self::Anomaly(anomaly) => anomaly.side,
        }
    }
}
