//! The parsers of a flow, made when it is known or guessed what it is.

use alloc::boxed::Box;
use alloc::sync::Arc;

use flowscope_core::BySide;

use super::{Detector, State};
use crate::candidates::Candidates;
use crate::probe::PortHint;
use crate::protocol_parser::ProtocolParser;
#[cfg(feature = "dns")]
use crate::protocols::dns::DnsParsers;
#[cfg(feature = "http")]
use crate::protocols::http::HttpWithTunnel;
use crate::{DetectConfig, Protocol};

impl Detector {
    pub(crate) fn config(&self) -> &DetectConfig {
        &self.prototypes.config
    }

    pub(crate) fn selects(&self, protocol: Protocol) -> bool {
        self.config().protocols.contains(protocol)
    }

    /// The parsers of DNS that fit the flow's ports.
    #[cfg(feature = "dns")]
    pub(crate) fn dns_parsers(&self) -> &DnsParsers {
        self.prototypes.dns.get(self.hint)
    }

    /// A detector for what is inside a tunnel, if this one is not inside too many.
    pub(crate) fn inside_tunnel(&self) -> Option<Self> {
        (self.depth < MAX_DEPTH).then(|| Self {
            prototypes: Arc::clone(&self.prototypes),
            // The ports are those of the proxy, and say nothing of the tunnel.
            hint: PortHint::None,
            state: State::New,
            protocol: None,
            depth: self.depth + 1,
        })
    }

    /// The parser of a connection of `protocol`.
    pub(super) fn new_parser(&self, protocol: Protocol) -> Option<ProtocolParser> {
        protocol.stream_parser(self).map(ProtocolParser::One)
    }

    /// The parser of a flow of datagrams of this protocol.
    pub(super) fn new_datagram_parser(&self, protocol: Protocol) -> Option<ProtocolParser> {
        protocol.datagram_parser(self).map(ProtocolParser::One)
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
        if self.selects(Protocol::Tls)
            && config.tls.max_prelude > searched.initiator.max(searched.responder)
        {
            let parser = flowscope_tls::TlsParser::new(config.tls);
            candidates.tls = Some(parser.with_searched(searched));
        }
        #[cfg(feature = "http")]
        if self.selects(Protocol::Http)
            && http.max_prelude > searched.initiator.saturating_add(searched.responder)
        {
            candidates.http = Some(HttpWithTunnel::of(self, http).with_searched(searched));
        }
        #[cfg(feature = "dns")]
        if self.selects(Protocol::Dns) && self.hint.is_dns() {
            candidates.dns = Some(Box::new(self.dns_parsers().tcp.clone()));
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
}

/// How many tunnels inside of tunnels are read.
const MAX_DEPTH: u8 = 3;
