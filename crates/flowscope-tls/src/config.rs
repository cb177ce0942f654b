//! How much a parser keeps, and what it reports.

/// The limits of a [`TlsParser`](crate::TlsParser), and what it reports.
///
/// ```
/// use flowscope_tls::{Report, TlsConfig, TlsParser};
///
/// let parser = TlsParser::new(TlsConfig {
///     report: Report::Handshakes,
///     ..TlsConfig::default()
/// });
/// # let _ = parser;
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct TlsConfig {
    /// The longest handshake message in bytes that is put together, for each
    /// side. A longer hello or certificate chain ends the side with
    /// [`TlsError::TooLong`](crate::TlsError::TooLong).
    pub max_message: u32,
    /// How many bytes of each side may come before TLS begins: a mail server's
    /// greeting, a proxy's answer. The same number is searched for the next
    /// record behind missing bytes. If none is found, the parser is done.
    pub max_prelude: u32,
    /// What is reported.
    pub report: Report,
    /// How long a flow of DTLS is read. A stream has one handshake.
    pub dtls_until: ReadUntil,
}

/// How long a flow of datagrams is read.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ReadUntil {
    /// Until the hellos have been read of all connections that have begun. What
    /// comes behind costs nothing.
    #[default]
    Hellos,
    /// Until the flow ends, so that connections are read, too, that begin later
    /// between the same ports. Each datagram costs a look at its first byte, and
    /// little is kept: see [`DtlsParser::is_at_rest`](crate::DtlsParser::is_at_rest).
    FlowEnd,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            max_message: 128 << 10,
            max_prelude: 16 << 10,
            report: Report::All,
            dtls_until: ReadUntil::Hellos,
        }
    }
}

/// Which messages a parser gives.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Report {
    /// Each message of the protocol as it is read, and a summary of each
    /// handshake when it is over.
    #[default]
    All,
    /// The messages of the protocol alone.
    Messages,
    /// The summaries alone.
    Handshakes,
}

impl Report {
    pub(crate) fn wants_messages(self) -> bool {
        self != Self::Handshakes
    }

    pub(crate) fn wants_handshakes(self) -> bool {
        self != Self::Messages
    }
}
