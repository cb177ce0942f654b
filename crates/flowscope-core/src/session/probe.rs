//! What a protocol's parser says of the first bytes of a flow.

use core::fmt;

/// Whether some bytes look like a protocol.
///
/// Each protocol's parser has a function `probe` that gives this. A result is
/// greater than another if it is better evidence for the protocol.
///
/// ```
/// use flowscope_core::session::ProbeResult;
///
/// assert!(ProbeResult::Match > ProbeResult::Possible);
/// assert_eq!(ProbeResult::Possible.to_string(), "possible");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ProbeResult {
    /// The bytes are not of the protocol.
    NoMatch,
    /// They may be: there are too few of them to tell, or other protocols look
    /// like this too.
    Possible,
    /// They are of the protocol: hardly anything else looks like this.
    Match,
}

impl ProbeResult {
    /// `no_match`, `possible` or `match`.
    const fn as_str(self) -> &'static str {
        match self {
            Self::NoMatch => "no_match",
            Self::Possible => "possible",
            Self::Match => "match",
        }
    }
}

impl fmt::Display for ProbeResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
