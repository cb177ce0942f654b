//! HTTP/1.0 and HTTP/1.1 as they pass by: bytes in, requests and responses out.
//!
//! [`HttpParser`] reads both sides of one TCP connection, as a
//! [`SessionParser`](flowscope_core::session::SessionParser); [`HttpFactory`]
//! calls an [`HttpHandler`] instead. Both are one implementation.
//!
//! Messages are read as RFC 9110 and RFC 9112 say. Where recipients may
//! disagree about a message, which is what request smuggling lives on, an
//! [`HttpAnomaly`] says so. What cannot be read does not end a connection: the
//! next start line is searched for.
//!
//! Contents are not decoded: neither compression nor character sets. HTTP/2 is
//! recognized and left alone.
//!
//! The crate needs `alloc` and no `std`: turn off the default feature `std`.
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(clippy::indexing_slicing)]

extern crate alloc;

mod anomaly;
mod authority;
mod body;
mod config;
mod connection;
mod error;
mod factory;
mod fields;
mod framing;
mod grammar;
mod head;
mod lenient;
mod message;
mod parser;
mod pending_requests;
mod probe;
mod start_line;
mod text;

pub use anomaly::{HttpAnomaly, HttpAnomalyKind};
pub use config::{Bodies, HttpConfig};
pub use error::HttpError;
pub use factory::{HttpFactory, HttpHandler};
pub use fields::{Header, Headers};
pub use message::{
    Answered, HttpMessage, HttpRequest, HttpResponse, HttpTunnel, HttpVersion, Transfer, TunnelKind,
};
pub use parser::{HttpParser, Parsed};
pub use text::Text;
