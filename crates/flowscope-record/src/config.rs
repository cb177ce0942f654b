//! What records are made, and of what.

use core::fmt;
use std::sync::Arc;

use flowscope_core::EngineConfig;

/// What records are made, and how flows are told apart.
#[derive(Clone, Debug, Default)]
pub struct RecordConfig {
    /// Which records are wanted.
    pub goal: Goal,
    /// What flows are told apart by.
    pub key: FlowKey,
    /// What else is part of the key.
    pub scope: KeyScope,
    /// Whose flows are followed where one packet carries another.
    pub encapsulation: Encapsulation,
    /// Limits, timeouts, and what is done with odd packets.
    pub engine: EngineConfig,
    /// How long what flows carry is read.
    pub depth: Depth,
    /// Whether flows are also reported as connections by Zeek's rules, by
    /// [`Record::Connection`](crate::Record::Connection), whatever the goal is
    /// but for streams and summaries.
    pub connections: bool,
    /// Whether each packet is reported with its flow, by
    /// [`Record::Packet`](crate::Record::Packet), but for streams.
    pub frames: bool,
    /// Whether records of flows have all [flags of TCP](crate::FlowRecord::tcp_flags)
    /// that were seen.
    pub tcp_flags: bool,
    /// Whether records of flows have a display filter for Wireshark among their
    /// fields.
    pub display_filter: bool,
    /// Whether handshakes of TLS are also reported as a whole, when they are
    /// over: [`TlsMessage::Handshake`](flowscope_tls::TlsMessage::Handshake).
    /// Such a record is for programs; it has no schema of its own.
    pub handshakes: bool,
    /// How many bytes of the body of each HTTP message are kept in it, where it
    /// is encoded or not; none by default.
    pub bodies: usize,
    /// The names that flows are asked about: records of flows say whether one
    /// of them [was asked for](crate::FlowRecord::has_name). [`Goal::Flows`] then
    /// reads each flow until that is known, and for nothing else; goals whose
    /// records are those of messages say it of what they read.
    pub names: Option<NameFilter>,
}

/// Says which names are wanted.
///
/// It is given names as they are counted in a summary: in lower case, without a
/// port or a dot at the end, and as records show those of DNS.
///
/// ```
/// use flowscope_record::NameFilter;
///
/// let filter = NameFilter::new(|name| name.ends_with(b".example.org"));
/// assert!(filter.takes(b"www.example.org"));
/// assert!(!filter.takes(b"example.org"));
/// ```
#[derive(Clone)]
pub struct NameFilter(Arc<TakesName>);

/// Whether a name is wanted.
type TakesName = dyn Fn(&[u8]) -> bool + Send + Sync;

impl NameFilter {
    /// One that wants the names of which `takes` is true.
    pub fn new(takes: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(takes))
    }

    /// Whether a name is wanted.
    #[must_use]
    pub fn takes(&self, name: &[u8]) -> bool {
        let Self(takes) = self;
        takes(name)
    }
}

impl fmt::Debug for NameFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameFilter").finish_non_exhaustive()
    }
}

/// Which records are wanted. More is read the more is wanted.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Goal {
    /// Flow, HTTP, TLS and DNS records, and anomalies, in one pass. TCP streams
    /// are put in order to their end.
    #[default]
    All,
    /// One record per flow, when it ends. No stream is put in order.
    Flows,
    /// What happens to flows, as it happens, and their ends. TCP streams are put
    /// in order for what is odd about them.
    Events,
    /// One record per HTTP/1 request and response.
    Http,
    /// One record per TLS ClientHello, ServerHello, certificate message and
    /// alert, over TCP, in QUIC and in DTLS.
    Tls,
    /// One record per DNS message, and per question without an answer.
    Dns,
    /// One record per direction of a TCP connection that carried data.
    Streams,
    /// One record about all packets, and one about those without a flow.
    Summary,
}

/// How long what flows carry is read.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Depth {
    /// As the [`Goal`] says.
    #[default]
    ByGoal,
    /// Until it is understood. [`Goal::Flows`] then knows the protocol of each flow
    /// as [`Goal::All`] does, and reads no further. [`Goal::All`] reads as long as
    /// there may be messages: what is missing in streams behind them, and what is
    /// odd, it does not report.
    Understood,
}

/// What flows are told apart by.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum FlowKey {
    /// Protocol, addresses and ports.
    #[default]
    FiveTuple,
    /// The two IP addresses.
    IpPair,
    /// The two link-layer addresses, whatever they carry.
    MacPair,
}

/// What is part of the key besides a [`FlowKey`].
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum KeyScope {
    /// Nothing.
    #[default]
    Nothing,
    /// The identifiers of VLANs.
    Vlan,
    /// Tunnels, by what both of their ends call them or else by their ends.
    Tunnel,
    /// Both.
    VlanAndTunnel,
}

/// Which of several nested packets makes the flow.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Encapsulation {
    /// The innermost.
    #[default]
    Innermost,
    /// The outermost.
    Outermost,
}
