#![cfg_attr(
    all(
        feature = "http",
        feature = "ja4",
        feature = "dns",
        feature = "detect",
        feature = "pcap"
    ),
    doc = include_str!("../../../README.md")
)]
#![cfg_attr(
    not(all(
        feature = "http",
        feature = "ja4",
        feature = "dns",
        feature = "detect",
        feature = "pcap"
    )),
    doc = "Passive flow and session tracking."
)]
#![cfg_attr(not(feature = "std"), no_std)]

pub use flowscope_core::*;
#[cfg(feature = "detect")]
pub use flowscope_detect as detect;
#[cfg(feature = "dns")]
pub use flowscope_dns as dns;
#[cfg(feature = "http")]
pub use flowscope_http as http;
#[cfg(feature = "pcap")]
pub use flowscope_pcap as pcap;
#[cfg(feature = "quic")]
pub use flowscope_quic as quic;
#[cfg(feature = "tls")]
pub use flowscope_tls as tls;

#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../../../docs/SESSION_GUIDE.md")]
mod session_guide {}
