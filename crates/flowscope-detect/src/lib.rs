//! HTTP, TLS and DNS on any port: one parser that chooses by a flow's first
//! bytes.
//!
//! ```text
//! first bytes of both sides → whose are they? → the parser of that protocol
//! ```
//!
//! A [`Detector`] is a [`SessionParser`](flowscope_core::session::SessionParser)
//! for TCP connections and a
//! [`DatagramParser`](flowscope_core::session::DatagramParser) for everything
//! else, with one kind of [`Message`]. It lets go of flows that are none of its
//! protocols. Ports decide only where bytes do not.
//!
//! Each protocol is a feature: `http`, `tls` and `dns`, all on by default. Of
//! those that are there, [`DetectConfig::protocols`] chooses while running. The
//! crate needs `alloc`; it needs `std` with `tls` alone, and with `pcap`, which
//! lets a capture be read in one line.
#![no_std]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    not(all(feature = "http", feature = "tls", feature = "dns")),
    allow(dead_code, unused_imports, unused_variables, unused_mut),
    allow(clippy::needless_pass_by_ref_mut)
)]

extern crate alloc;

mod config;
mod detector;
mod error;
mod glance;
mod held;
mod likeness;
mod message;
#[cfg(feature = "pcap")]
mod pcap;
mod ports;
mod protocols;
mod reader;
mod seek;
mod shared;
#[cfg(feature = "http")]
mod web;

pub use config::DetectConfig;
pub use detector::Detector;
pub use error::DetectError;
pub use glance::Glance;
pub use message::{Message, Protocol};
#[cfg(feature = "pcap")]
pub use pcap::{Detect, DetectEvents};
pub use ports::{ByPorts, HasPorts};
pub use protocols::Protocols;
