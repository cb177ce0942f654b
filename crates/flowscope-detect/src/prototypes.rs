//! What all flows of a detector share.

use crate::DetectConfig;
#[cfg(feature = "dns")]
use crate::protocols::dns::DnsPrototypes;

/// The limits, and parsers that flows get copies of.
#[derive(Debug)]
pub(crate) struct Prototypes {
    pub(crate) config: DetectConfig,
    #[cfg(feature = "dns")]
    pub(crate) dns: DnsPrototypes,
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

impl Default for Prototypes {
    fn default() -> Self {
        Self::new(DetectConfig::default())
    }
}
