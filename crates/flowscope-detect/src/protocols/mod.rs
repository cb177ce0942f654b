//! The protocols: a row of the table for each, and a file for what the detector
//! has to know of it.
//!
//! A crate's parser becomes one that the detector chooses by a [`StreamProtocol`]
//! or a [`DatagramProtocol`]: a probe, and how a flow's parser is made. Everything
//! else that says which protocols there are follows from the table.

use alloc::boxed::Box;
use core::fmt;

use flowscope_core::FlowSide;
use flowscope_core::session::ProbeResult;

use crate::Detector;
use crate::probe::PortHint;

#[cfg(feature = "dns")]
pub(crate) mod dns;
#[cfg(feature = "http")]
pub(crate) mod http;
mod parser;
#[cfg(feature = "quic")]
mod quic;
mod set;
#[macro_use]
mod table;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use parser::{DatagramProtocol, OverDatagrams, OverStreams, Parser, StreamProtocol};
pub use set::Protocols;

protocols! {
    /// TLS, perhaps behind something else.
    Tls = "tls", if "tls",
        streams: flowscope_tls::TlsParser;
    /// HTTP/1, or a tunnel that began with it.
    Http = "http", if "http",
        streams: http::HttpWithTunnel;
    /// QUIC.
    Quic = "quic", if "quic",
        datagrams: flowscope_quic::QuicParser;
    /// DTLS, perhaps beside STUN and RTP. Its messages are those of TLS.
    Dtls = "dtls", if "tls",
        datagrams: flowscope_tls::DtlsParser;
    // Behind those that have more in their headers that has to be so: on a port of
    // DNS, a header is enough.
    /// DNS, multicast DNS or LLMNR.
    Dns = "dns", if "dns",
        streams: dns::DnsOverTcp,
        datagrams: flowscope_dns::DnsUdpParser;
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
