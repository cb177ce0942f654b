//! What all flows of a detector share.

use crate::DetectConfig;

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
    pub(crate) stream: flowscope_dns::DnsTcpParser,
    /// For a flow that is known to be DNS.
    pub(crate) datagrams: flowscope_dns::DnsUdpParser,
    /// For multicast DNS.
    pub(crate) multicast: flowscope_dns::DnsUdpParser,
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
        use flowscope_dns::{DnsConfig, DnsTcpParser, DnsUdpParser, Matching, Scrutiny};
        let known = DnsConfig {
            scrutiny: Scrutiny::KnownPort,
            ..config
        };
        Self {
            stream: DnsTcpParser::with_config(config),
            datagrams: DnsUdpParser::with_config(known),
            multicast: DnsUdpParser::with_config(DnsConfig {
                matching: Matching::Nothing,
                ..known
            }),
        }
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self::new(DetectConfig::default())
    }
}
