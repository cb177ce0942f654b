//! What all flows of a detector share.

use crate::DetectConfig;
#[cfg(feature = "dns")]
use crate::probe::PortHint;

/// The limits, and parsers of DNS that flows get copies of. A copy of one
/// shares its configuration and allocates nothing, where a new one would.
#[derive(Debug)]
pub(crate) struct Prototypes {
    pub(crate) config: DetectConfig,
    #[cfg(feature = "dns")]
    pub(crate) dns: DnsPrototypes,
}

#[cfg(feature = "dns")]
#[derive(Debug)]
pub(crate) struct DnsPrototypes {
    /// On ports of DNS, where a header is enough.
    known_port: DnsParsers,
    /// On any other.
    any_port: DnsParsers,
    /// Multicast DNS, where a response is not to one query.
    multicast: DnsParsers,
}

/// For either kind of flow.
#[cfg(feature = "dns")]
#[derive(Debug)]
pub(crate) struct DnsParsers {
    pub(crate) tcp: flowscope_dns::DnsTcpParser,
    pub(crate) udp: flowscope_dns::DnsUdpParser,
}

impl Prototypes {
    pub(crate) fn new(config: DetectConfig) -> Self {
        Self {
            #[cfg(feature = "dns")]
            dns: DnsPrototypes::new(config.dns),
            config,
        }
    }
}

#[cfg(feature = "dns")]
impl DnsPrototypes {
    fn new(config: flowscope_dns::DnsConfig) -> Self {
        use flowscope_dns::{DnsConfig, Matching, Strictness};
        let known_port = DnsConfig {
            strictness: Strictness::KnownPort,
            ..config
        };
        Self {
            known_port: DnsParsers::new(known_port),
            any_port: DnsParsers::new(config),
            multicast: DnsParsers::new(DnsConfig {
                matching: Matching::Nothing,
                ..known_port
            }),
        }
    }

    /// Those for a flow between such ports.
    pub(crate) fn get(&self, hint: PortHint) -> &DnsParsers {
        match hint {
            PortHint::Dns => &self.known_port,
            PortHint::MulticastDns => &self.multicast,
            PortHint::None | PortHint::Http => &self.any_port,
        }
    }
}

#[cfg(feature = "dns")]
impl DnsParsers {
    fn new(config: flowscope_dns::DnsConfig) -> Self {
        Self {
            tcp: flowscope_dns::DnsTcpParser::new(config),
            udp: flowscope_dns::DnsUdpParser::new(config),
        }
    }
}

impl Default for Prototypes {
    fn default() -> Self {
        Self::new(DetectConfig::default())
    }
}
