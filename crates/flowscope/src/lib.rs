//! Passive flow and session tracking.
#![cfg_attr(not(feature = "std"), no_std)]

pub use flowscope_core::*;
#[cfg(feature = "pcap")]
pub use flowscope_pcap as pcap;
