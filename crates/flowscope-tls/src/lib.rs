//! TLS as a passive observer sees it: what is said before encryption begins.
//!
//! ```text
//! chunks of both sides → TlsParser → ClientHello, ServerHello, Certificate, Alert
//! ```
//!
//! [`TlsParser`] reads the hellos, certificates and alerts of one TCP
//! connection, on any port, also behind STARTTLS or a proxy's CONNECT, and in
//! any number of pieces. [`TlsFactory`] calls back for each of them instead. A
//! hello gives what was offered or chosen, and the fingerprints JA3, JA3S and
//! JA4, which tell software apart.
//!
//! [`DtlsParser`] does the same for the datagrams of DTLS. A hello that came some
//! other way is read by [`ClientHello::from_handshake`]; that of QUIC is, in
//! `flowscope-quic`.
//!
//! Nothing is decrypted. When both sides have gone on encrypted, the parser
//! lets the connection go and costs nothing from then on. What it keeps before
//! is bounded by [`TlsConfig`]; captured bytes cannot make it panic.
//!
//! # Features
//!
//! - `ja3`, on by default: `Ja3`; `ClientHello::ja3` and `ja3_raw`;
//!   `ServerHello::ja3s` and `ja3s_raw`.
//! - `ja4`, on by default: `Ja4`; `ClientHello::ja4` and `ja4_r`;
//!   `Certificate::sha256`.
//! - `x509`: `CertificateDetails`; `Certificate::details` and
//!   `Certificate::sha256`.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod alert;
mod bytes;
mod certificate;
mod config;
mod connection;
mod direction;
mod dtls;
mod error;
mod exchange;
mod factory;
mod fingerprint;
mod fragments;
mod handshake;
mod hello;
mod history;
mod message;
mod parser;
mod probe;
mod record;
mod resync;
mod summary;
mod transport;
mod version;

pub use alert::Alert;
#[cfg(feature = "x509")]
pub use certificate::CertificateDetails;
pub use certificate::{Certificate, CertificateChain};
pub use config::{ReadUntil, Report, TlsConfig};
pub use dtls::DtlsParser;
pub use error::TlsError;
pub use factory::{TlsFactory, TlsHandler};
#[cfg(feature = "ja3")]
pub use fingerprint::Ja3;
#[cfg(feature = "ja4")]
pub use fingerprint::Ja4;
pub use fragments::{Fragments, FragmentsError};
pub use hello::{
    ClientHello, Extension, Extensions, HelloFormat, HelloVerifyRequest, ServerHello,
    cipher_suite_name,
};
pub use message::{TlsAnomaly, TlsMessage};
pub use parser::TlsParser;
pub use summary::{Handshake, Outcome, Resumption};
pub use transport::TlsTransport;
pub use version::{TlsVersion, is_grease};
