//! Why a connection is given up.

use core::fmt;

/// Why an [`HttpParser`](crate::HttpParser) reads a connection no further.
///
/// Malformed messages are no reason: those are reported as an
/// [`HttpAnomaly`](crate::HttpAnomaly), and reading goes on at the next start
/// line.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum HttpError {
    /// The connection was HTTP, and then no message began for too long.
    Lost {
        /// How many bytes were searched for one.
        searched: u64,
    },
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { searched } => write!(f, "no HTTP message in {searched} bytes"),
        }
    }
}

/// As [`Display`](fmt::Display), for a program whose `main` returns the error.
impl fmt::Debug for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for HttpError {}
