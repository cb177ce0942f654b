//! HTTP, TLS, QUIC, DTLS and DNS on any port: one parser that chooses by a
//! flow's first bytes.
//!
//! ```text
//! first bytes of both sides → probe → the parser of that protocol
//! ```
//!
//! A [`Detector`] is a [`SessionParser`](flowscope_core::session::SessionParser)
//! for TCP connections and a
//! [`DatagramParser`](flowscope_core::session::DatagramParser) for everything
//! else, with one kind of [`Message`]. It is done with a flow as soon as that is
//! known to be of another protocol. Ports decide only where bytes do not.
//!
//! [`quick_probe`] tells the protocol by one payload, without reading the flow.
//!
//! # Features
//!
//! Each protocol is a feature, on by default. Of those that are there,
//! [`DetectConfig::protocols`] chooses while running.
//!
//! - `http`: `Message::Http`, `DetectError::Http`, `DetectConfig::http`.
//! - `tls`: `Message::Tls`, `DetectConfig::tls`, for TLS and DTLS; needs `std`.
//! - `quic`: `Message::Quic`, `DetectConfig::quic`, and `tls`; needs `std`.
//! - `dns`: `Message::Dns`, `DetectError::Dns`, `DetectConfig::dns`.
//! - `pcap`: `Detect` and `DetectEvents`, by which a capture is read in one
//!   line; needs `std`.
//!
//! Where none of them says so, the crate needs `alloc` alone.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    not(all(feature = "http", feature = "tls", feature = "quic", feature = "dns")),
    allow(dead_code, unused_imports, unused_variables, unused_mut),
    allow(clippy::needless_pass_by_ref_mut)
)]

extern crate alloc;

mod candidates;
mod config;
mod detector;
mod error;
mod held;
mod message;
#[cfg(feature = "pcap")]
mod pcap;
mod ports;
mod probe;
mod protocol_parser;
mod protocols;
mod prototypes;
mod quick_probe;
mod replay;
mod search;

pub use config::DetectConfig;
pub use detector::Detector;
pub use error::DetectError;
pub use message::Message;
#[cfg(feature = "pcap")]
pub use pcap::{Detect, DetectEvents};
pub use ports::{ByPorts, HasPorts};
pub use protocols::{Protocol, Protocols};
pub use quick_probe::{quick_probe, quick_probe_datagram};
