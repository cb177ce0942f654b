//! The parsers of a flow, made when it is known or guessed what it is.

use alloc::boxed::Box;
#[cfg(feature = "http")]
use alloc::sync::Arc;

use flowscope_core::BySide;

use super::Detector;
#[cfg(feature = "http")]
use super::State;
use crate::Protocol;
use crate::candidates::Candidates;
use crate::probe::PortHint;
use crate::protocol_parser::ProtocolParser;

impl Detector {
    /// The parser of a connection of `protocol`.
    #[cfg_attr(
        not(all(feature = "http", feature = "tls", feature = "dns")),
        allow(unreachable_patterns)
    )]
    pub(super) fn new_parser(&self, protocol: Protocol) -> ProtocolParser {
        match protocol {
            #[cfg(feature = "http")]
            Protocol::Http => ProtocolParser::Http(self.new_http(self.config().http)),
            #[cfg(feature = "tls")]
            Protocol::Tls => ProtocolParser::Tls(flowscope_tls::TlsParser::new(self.config().tls)),
            #[cfg(feature = "dns")]
            Protocol::Dns => ProtocolParser::DnsTcp {
                parser: Box::new(self.prototypes.dns.get(self.hint).tcp.clone()),
                is_confirmed: false,
            },
            // Also those that run over datagrams.
            _ => ProtocolParser::Candidates(Box::default()),
        }
    }

    /// All parsers that are able to find their beginning within a connection,
    /// whose sides have each sent so many bytes that begin nothing. `None` if no
    /// such parser is selected.
    pub(super) fn candidates(&self, searched: BySide<u32>) -> Option<ProtocolParser> {
        let config = self.config();
        #[cfg(feature = "http")]
        let http = flowscope_http::HttpConfig {
            max_prelude: self.max_http_prelude(),
            ..config.http
        };
        let mut candidates = Candidates::default();
        #[cfg(feature = "tls")]
        if self.selects(Protocol::Tls) && config.tls.max_prelude > 0 {
            let parser = flowscope_tls::TlsParser::new(config.tls);
            candidates.tls = Some(parser.with_searched(searched));
        }
        #[cfg(feature = "http")]
        if self.selects(Protocol::Http) && http.max_prelude > 0 {
            candidates.http = Some(self.new_http(http).with_searched(searched));
        }
        #[cfg(feature = "dns")]
        if self.selects(Protocol::Dns) && self.hint.is_dns() {
            candidates.dns = Some(Box::new(self.prototypes.dns.get(self.hint).tcp.clone()));
        }
        (!candidates.is_empty()).then(|| ProtocolParser::Candidates(Box::new(candidates)))
    }

    /// How many bytes may come before HTTP.
    #[cfg(feature = "http")]
    pub(super) fn max_http_prelude(&self) -> u32 {
        match self.hint {
            PortHint::Http => self.config().http.max_prelude,
            // It is not expected here, so less is searched for it.
            _ => self.config().max_search,
        }
    }

    #[cfg(feature = "http")]
    fn new_http(&self, config: flowscope_http::HttpConfig) -> crate::http::HttpWithTunnel {
        use crate::http::{HttpWithTunnel, Scope};
        let inner = (self.depth < MAX_DEPTH).then(|| Self {
            prototypes: Arc::clone(&self.prototypes),
            // The ports are those of the proxy, and say nothing of the tunnel.
            hint: PortHint::None,
            state: State::New,
            protocol: None,
            depth: self.depth + 1,
        });
        let scope = match self.selects(Protocol::Http) {
            true => Scope::All,
            false => Scope::TunnelOnly,
        };
        HttpWithTunnel::new(flowscope_http::HttpParser::new(config), inner, scope)
    }

    /// The parser of a flow of datagrams of this protocol.
    pub(super) fn new_datagram_parser(&self, protocol: Protocol) -> Option<ProtocolParser> {
        match protocol {
            #[cfg(feature = "dns")]
            Protocol::Dns => {
                let parser = self.prototypes.dns.get(self.hint).udp.clone();
                Some(ProtocolParser::DnsUdp(parser))
            }
            #[cfg(feature = "quic")]
            Protocol::Quic => {
                let parser = flowscope_quic::QuicParser::new(self.config().quic);
                Some(ProtocolParser::Quic(Box::new(parser)))
            }
            #[cfg(feature = "tls")]
            Protocol::Dtls => {
                let parser = flowscope_tls::DtlsParser::new(self.config().tls);
                Some(ProtocolParser::Dtls(parser))
            }
            _ => None,
        }
    }
}

/// How many tunnels inside of tunnels are read.
#[cfg(feature = "http")]
const MAX_DEPTH: u8 = 3;
