//! Why a flow that had begun as one of the protocols is read no further.

use core::convert::Infallible;
use core::fmt;

/// What the parser of a flow's protocol says is wrong with it.
///
/// That a flow is of another protocol is no error, and what is wrong with TLS is
/// reported as a message.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum DetectError {
    /// It was HTTP.
    #[cfg(feature = "http")]
    Http(flowscope_http::HttpError),
    /// It was DNS.
    #[cfg(feature = "dns")]
    Dns(flowscope_dns::DnsError),
}

impl fmt::Display for DetectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            #[cfg(feature = "http")]
            Self::Http(error) => error.fmt(f),
            #[cfg(feature = "dns")]
            Self::Dns(error) => error.fmt(f),
        }
    }
}

/// As [`Display`](fmt::Display), for a program whose `main` returns the error.
impl fmt::Debug for DetectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for DetectError {}

/// Of a parser that never fails.
impl From<Infallible> for DetectError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[cfg(feature = "http")]
impl From<flowscope_http::HttpError> for DetectError {
    fn from(error: flowscope_http::HttpError) -> Self {
        Self::Http(error)
    }
}

#[cfg(feature = "dns")]
impl From<flowscope_dns::DnsError> for DetectError {
    fn from(error: flowscope_dns::DnsError) -> Self {
        Self::Dns(error)
    }
}
