//! What all flows of a detector share.

use crate::DetectConfig;
#[cfg(feature = "dns")]
use crate::likeness::Ports;

/// The limits, and parsers that flows get copies of: a copy shares its limits
/// and takes no memory, a new one does.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: DetectConfig,
    #[cfg(feature = "dns")]
    pub(crate) dns: DnsParsers,
}

#[cfg(feature = "dns")]
#[derive(Debug)]
pub(crate) struct DnsParsers {
    /// On ports of DNS, where a header is enough.
    pub(crate) known: DnsParser,
    /// On any other.
    pub(crate) elsewhere: DnsParser,
    /// Multicast DNS, where questions have no answer of their own.
    pub(crate) multicast: DnsParser,
}

/// For either kind of flow.
#[cfg(feature = "dns")]
#[derive(Debug)]
pub(crate) struct DnsParser {
    pub(crate) stream: flowscope_dns::DnsTcpParser,
    pub(crate) datagrams: flowscope_dns::DnsUdpParser,
}

impl Shared {
    pub(crate) fn new(config: DetectConfig) -> Self {
        Self {
            #[cfg(feature = "dns")]
            dns: DnsParsers::new(config.dns),
            config,
        }
    }
}

#[cfg(feature = "dns")]
impl DnsParsers {
    fn new(config: flowscope_dns::DnsConfig) -> Self {
        use flowscope_dns::{DnsConfig, Matching, Scrutiny};
        let known = DnsConfig {
            scrutiny: Scrutiny::KnownPort,
            ..config
        };
        Self {
            known: DnsParser::new(known),
            elsewhere: DnsParser::new(config),
            multicast: DnsParser::new(DnsConfig {
                matching: Matching::Nothing,
                ..known
            }),
        }
    }

    /// The one for a flow between such ports.
    pub(crate) fn on(&self, ports: Ports) -> &DnsParser {
        match ports {
            Ports::Dns => &self.known,
            Ports::MulticastDns => &self.multicast,
            Ports::Any | Ports::Http => &self.elsewhere,
        }
    }
}

#[cfg(feature = "dns")]
impl DnsParser {
    fn new(config: flowscope_dns::DnsConfig) -> Self {
        Self {
            stream: flowscope_dns::DnsTcpParser::with_config(config),
            datagrams: flowscope_dns::DnsUdpParser::with_config(config),
        }
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self::new(DetectConfig::default())
    }
}
