#![cfg_attr(feature = "pcap", doc = include_str!("../../../README.md"))]
#![cfg_attr(not(feature = "pcap"), doc = "Passive flow and session tracking.")]
#![cfg_attr(not(feature = "std"), no_std)]

pub use flowscope_core::*;
#[cfg(feature = "pcap")]
pub use flowscope_pcap as pcap;

#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../../../docs/SESSION_GUIDE.md")]
mod session_guide {}
