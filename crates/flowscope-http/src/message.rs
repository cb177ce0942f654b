//! What an [`HttpParser`](crate::HttpParser) reads.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use flowscope_core::{FlowSide, Timestamp};

use crate::authority::Authority;
use crate::fields::{Fields, Headers};
use crate::{HttpAnomaly, Text};

/// What a connection says.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "messages are handed on one by one; boxing them would allocate for each"
)]
pub enum HttpMessage {
    /// A request, at its end.
    Request(HttpRequest),
    /// A response, at its end. Interim ones (1xx) are given too.
    Response(HttpResponse),
    /// The connection is no longer HTTP/1: what follows belongs to another
    /// protocol.
    Tunnel(HttpTunnel),
    /// Something ambiguous or malformed.
    Anomaly(HttpAnomaly),
}

/// A request.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HttpRequest {
    pub(crate) head: Fields,
    /// Who sent it.
    pub side: FlowSide,
    /// The version.
    pub version: HttpVersion,
    /// How it was transferred.
    pub transfer: Transfer,
}

/// A response.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HttpResponse {
    pub(crate) head: Fields,
    /// Who sent it.
    pub side: FlowSide,
    /// The version.
    pub version: HttpVersion,
    /// The status code, three digits.
    pub status: u16,
    /// The request that it answers, if that was seen.
    ///
    /// The first interim response to a request has it, and so have further ones
    /// until they have repeated 16 KiB of its head. Those beyond that have none.
    /// The final response always has it.
    pub request: Option<Answered>,
    /// How it was transferred.
    pub transfer: Transfer,
}

/// How a message was transferred: when, and how much of it.
///
/// Reached through the message itself: `request.body_bytes`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Transfer {
    /// The time of the packet with the message's first byte.
    pub started: Timestamp,
    /// The time of the packet with its last byte, or of the packet or decision
    /// that cut it short.
    pub ended: Timestamp,
    /// The length of the body as transferred, without the framing of chunks;
    /// the missing bytes are counted.
    pub body_bytes: u64,
    /// How many bytes of the body are missing from the capture.
    pub missing_bytes: u64,
    /// Whether the end of the message was not seen, or not told apart from
    /// what follows.
    pub incomplete: bool,
    /// The first bytes of the body, up to the first missing one, where
    /// [`Bodies::Collected`](crate::Bodies::Collected) asks for them.
    pub body: Vec<u8>,
    pub(crate) trailers: Option<Fields>,
}

impl HttpRequest {
    /// The method, as sent: `GET`.
    #[must_use]
    pub fn method(&self) -> &str {
        // A method is a token, and those are ASCII.
        self.head.first().to_str().unwrap_or_default()
    }

    /// The target, as sent: `/index.html`, `http://host/`, `host:443` or `*`.
    #[must_use]
    pub fn target(&self) -> Text<'_> {
        self.head.second()
    }

    /// Whom it is for: the first `Host`, or in its place the host of the target
    /// and its port, where the target is a whole URI (RFC 9112, section 3.2.2)
    /// or that of a `CONNECT` (section 3.3).
    ///
    /// A `CONNECT` without a `Host` has none: its whole target is one.
    #[must_use]
    pub fn host(&self) -> Option<Text<'_>> {
        host(&self.head)
    }

    /// The first `User-Agent`.
    #[must_use]
    pub fn user_agent(&self) -> Option<Text<'_>> {
        self.header("user-agent")
    }
}

impl HttpResponse {
    /// The reason phrase, as sent; often empty.
    #[must_use]
    pub fn reason(&self) -> Text<'_> {
        self.head.first()
    }

    /// Whether another response to the same request follows (1xx).
    #[must_use]
    pub fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }
}

/// What requests and responses share.
macro_rules! shared {
    ($message:ident) => {
        impl $message {
            /// The value of the first header with this name, in whatever case.
            #[must_use]
            pub fn header(&self, name: &str) -> Option<Text<'_>> {
                self.head.header(name)
            }

            /// The headers, in order, as sent.
            #[must_use]
            pub fn headers(&self) -> Headers<'_> {
                self.head.headers()
            }

            /// The fields behind a chunked body, in order, as sent.
            pub fn trailers(&self) -> impl Iterator<Item = crate::Header<'_>> {
                self.transfer.trailers.iter().flat_map(Fields::headers)
            }

            /// The first `Content-Type`.
            #[must_use]
            pub fn content_type(&self) -> Option<Text<'_>> {
                self.header("content-type")
            }
        }

        impl core::ops::Deref for $message {
            type Target = Transfer;

            fn deref(&self) -> &Transfer {
                &self.transfer
            }
        }
    };
}

shared!(HttpRequest);
shared!(HttpResponse);

/// The request that a response answers.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Answered {
    pub(crate) head: Fields,
    /// From the end of the request to the beginning of the response. Of a
    /// request that was not over by then, from the end of its head.
    pub latency: Duration,
}

impl Answered {
    /// The request's method.
    #[must_use]
    pub fn method(&self) -> &str {
        self.head.first().to_str().unwrap_or_default()
    }

    /// The request's target.
    #[must_use]
    pub fn target(&self) -> Text<'_> {
        self.head.second()
    }

    /// Whom the request was for, as [`HttpRequest::host`] says it.
    #[must_use]
    pub fn host(&self) -> Option<Text<'_>> {
        host(&self.head)
    }

    /// The value of the request's first header with this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Text<'_>> {
        self.head.header(name)
    }
}

/// Whom a request is for: see [`HttpRequest::host`].
fn host(head: &Fields) -> Option<Text<'_>> {
    let (method, target) = (head.first(), head.second());
    let named = head.header("host");
    Authority::of_target(method.as_bytes(), target.as_bytes())
        .filter(|_| named.is_some() || method != "CONNECT")
        .map(|authority| Text::new(authority.text()))
        .or(named)
}

/// The connection became something else.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HttpTunnel {
    pub(crate) request: Option<Fields>,
    pub(crate) protocol: Option<Fields>,
    /// When that was seen.
    pub at: Timestamp,
    /// What made it so.
    pub kind: TunnelKind,
}

/// What makes a connection a tunnel.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum TunnelKind {
    /// A `CONNECT` to another host, the request's target.
    Connect,
    /// An `Upgrade` to another protocol.
    Upgrade,
    /// It began as HTTP/2, without asking.
    Http2,
}

impl HttpTunnel {
    /// The target of the request that led to it, if that was seen.
    #[must_use]
    pub fn target(&self) -> Option<Text<'_>> {
        self.request.as_ref().map(Fields::second)
    }

    /// The protocol, as `Upgrade` names it in the response, or else in the
    /// request.
    #[must_use]
    pub fn protocol(&self) -> Option<Text<'_>> {
        if self.kind == TunnelKind::Http2 {
            return Some(Text::new(b"h2c"));
        }
        [&self.protocol, &self.request]
            .into_iter()
            .flatten()
            .find_map(|head| head.header("upgrade"))
    }
}

/// The version of a message.
///
/// It is 1.0 or 1.1. A request that names none and has no headers is of 0.9,
/// from before versions; that, and any other in a start line, is reported as an
/// anomaly.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HttpVersion {
    /// The first number.
    pub major: u8,
    /// The second number.
    pub minor: u8,
}

impl HttpVersion {
    /// The start line is cut short before it, or names none, as 0.0.
    pub const UNKNOWN: Self = Self { major: 0, minor: 0 };
    /// HTTP/0.9.
    pub(crate) const HTTP_09: Self = Self { major: 0, minor: 9 };
    /// HTTP/1.0.
    pub const HTTP_10: Self = Self { major: 1, minor: 0 };
    /// HTTP/1.1.
    pub const HTTP_11: Self = Self { major: 1, minor: 1 };

    /// Whether it is before HTTP/1.1.
    pub(crate) fn is_old(self) -> bool {
        self < Self::HTTP_11 && self != Self::UNKNOWN
    }
}

/// As in a start line: `HTTP/1.1`.
impl fmt::Display for HttpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP/{}.{}", self.major, self.minor)
    }
}
