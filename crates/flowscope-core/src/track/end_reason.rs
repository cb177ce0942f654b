//! Why flows end.

/// Why a flow ended.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum EndReason {
    /// Both sides of a TCP connection sent a FIN.
    Fin,
    /// A TCP connection was reset.
    Rst,
    /// It was silent for longer than its idle timeout.
    IdleTimeout,
    /// The table was full and this flow was the nearest to its timeout.
    Evicted,
    /// Another connection took its place: the same ports, and a SYN that was
    /// answered.
    Replaced,
    /// The input ended while it was open.
    EndOfInput,
    /// Its parser could not go on. That ends the session, as a driver of
    /// parsers reports it, and no flow: that ends for another reason.
    ParseError,
}

impl EndReason {
    /// Every reason, in order.
    pub const ALL: &'static [Self] = &[
        Self::Fin,
        Self::Rst,
        Self::IdleTimeout,
        Self::Evicted,
        Self::Replaced,
        Self::EndOfInput,
        Self::ParseError,
    ];

    /// The word for it in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::IdleTimeout => "idle_timeout",
            Self::Evicted => "evicted",
            Self::Replaced => "replaced",
            Self::EndOfInput => "end_of_input",
            Self::ParseError => "parse_error",
        }
    }
}
