//! QUIC as a passive observer sees it: the hellos of its handshake.
//!
//! ```text
//! datagrams of both sides → QuicParser → ClientHello, ServerHello,
//!                                        VersionNegotiation, Retry
//! ```
//!
//! [`QuicParser`] reads the Initial packets of one flow (RFC 9000, section
//! 17.2.2), on any port. They are encrypted with keys that are made of the
//! Destination Connection ID which the client chose first (RFC 9001, section
//! 5.2): whoever sees the first packet has them, so that no secret is needed.
//! What they carry is proven by the tag of each packet. The hellos are those of
//! [`flowscope_tls`], with the same fingerprints, and come with what QUIC adds:
//! version, connection IDs and [`TransportParameters`].
//!
//! It reads version 1, version 2 (RFC 9369), the drafts 22 to 34 and the
//! versions of others that were made of them: see [`QuicVersion`]. A version
//! that nobody speaks, with which a client sees whether versions are negotiated
//! (RFC 9000, section 15), is read with the keys of version 1 and of draft 29. Of
//! Google's QUIC before there was TLS in it, it reads what a client's hello says
//! in the clear.
//!
//! Packets may come in any order, those of the server before those of the
//! client, too. What they say may be spread over any number of them. After a
//! Retry the keys are others. Between the same ports there may be several
//! connections at a time, and others later: see [`ReadUntil`].
//!
//! When the server's hello has been read, the parser lets the flow go and costs
//! nothing from then on. What it keeps before is bounded by [`QuicConfig`];
//! captured bytes cannot make it panic.
//!
//! A client may move to another address only after the handshake (RFC 9000,
//! section 9), when all was said that can be read. If its address changes before,
//! the new one is another flow, with a parser of its own. It reads a hello that
//! is sent again from there, with the connection ID that was chosen first. What
//! goes on with another ID cannot be read there, as keys are made of the first,
//! and nothing is reported of it.
//!
//! # Features
//!
//! - `ja3`, on by default: `ja3` and `ja3s` of hellos.
//! - `ja4`, on by default: `ja4` of hellos.
//!
//! The crate needs `std`, as `flowscope-tls` does.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod bytes;
mod config;
mod connection;
mod early;
mod error;
mod frames;
mod google;
mod header;
mod id;
mod keys;
mod message;
mod parameters;
mod parser;
mod retry;
mod version;

pub use config::QuicConfig;
pub use error::QuicError;
pub use flowscope_tls::ReadUntil;
pub use google::GoogleHello;
pub use id::ConnectionId;
pub use message::{QuicAnomaly, QuicHello, QuicMessage, Retry, VersionNegotiation};
pub use parameters::{TransportParameter, TransportParameters};
pub use parser::QuicParser;
pub use version::QuicVersion;
