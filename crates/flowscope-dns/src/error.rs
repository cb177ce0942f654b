//! Why a flow is not DNS, and what is wrong with a message that cannot be read to
//! its end.

use core::fmt;

/// Why a parser gives up on a flow.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum DnsError {
    /// Fewer bytes than the 12 of a header.
    ShortHeader {
        /// How many there are.
        len: usize,
    },
    /// What ought to be a message cannot be one.
    NotDns,
    /// A message on a stream is longer than the parser may buffer.
    TooLong {
        /// The most that it may buffer.
        limit: usize,
    },
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShortHeader { len } => write!(f, "DNS header needs 12 bytes, found {len}"),
            Self::NotDns => f.write_str("not DNS"),
            Self::TooLong { limit } => write!(f, "DNS message longer than {limit} bytes"),
        }
    }
}

/// As [`Display`](fmt::Display), for a program whose `main` returns the error.
impl fmt::Debug for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for DnsError {}

/// Why not all of a message can be read.
///
/// What comes before that is given all the same.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Problem {
    /// The capture lacks bytes at the end, and what is missing was in them.
    Cut {
        /// How many bytes are missing.
        missing: u32,
    },
    /// The message ends in the middle of a question or record, before what the
    /// name of one points to, or before as many as its header counts. A record
    /// that lacks nothing but data is given with what there is.
    Short {
        /// Where the question or record that is not whole begins.
        offset: usize,
    },
    /// A name points in a circle, has a label of an unknown kind, or is longer
    /// than 255 bytes (RFC 1035, sections 2.3.4 and 4.1.4).
    BadName {
        /// Where the question or record with it begins.
        offset: usize,
    },
    /// There are more questions and records than are read of one message.
    TooMany {
        /// How many are read.
        limit: u16,
    },
    /// Bytes follow the last record.
    Trailing {
        /// How many.
        len: usize,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { missing } => write!(f, "{missing} bytes were not captured"),
            Self::Short { offset } => write!(f, "ends within the record at byte {offset}"),
            Self::BadName { offset } => write!(f, "bad name in the record at byte {offset}"),
            Self::TooMany { limit } => write!(f, "more than {limit} records"),
            Self::Trailing { len } => write!(f, "{len} bytes after the last record"),
        }
    }
}

impl core::error::Error for Problem {}
