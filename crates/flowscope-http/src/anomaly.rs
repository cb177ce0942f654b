//! What is ambiguous or malformed, and could be read otherwise by another.

use core::fmt;

use flowscope_core::{FlowSide, Timestamp};

/// Something a message does that recipients may disagree about.
///
/// It is reported when it is met, before the message itself, which is still
/// read as RFC 9112 says.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct HttpAnomaly {
    /// Who sent it.
    pub side: FlowSide,
    /// The time of the packet that showed it.
    pub at: Timestamp,
    /// What it is.
    pub kind: HttpAnomalyKind,
}

/// What a message does that it should not.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
#[repr(u8)]
pub enum HttpAnomalyKind {
    /// Both `Content-Length` and `Transfer-Encoding`; the latter counts (RFC
    /// 9112, section 6.3).
    BothLengths,
    /// `Content-Length` given more than once, with the same value.
    RepeatedLength,
    /// `Content-Length` given more than once, with different values. Where the
    /// body ends is unknown, unless it is with the connection.
    DifferingLengths,
    /// `Content-Length` is no number, or too large a one. Where the body ends
    /// is unknown, unless it is with the connection.
    BadLength,
    /// `Transfer-Encoding` is not `chunked` in the end, and once (section 6.1).
    BadTransferEncoding,
    /// `Transfer-Encoding` in a message of HTTP/1.0; it counts all the same.
    TransferEncodingInOldVersion,
    /// A length where no body may be, such as in a response with status 204.
    /// There is no body.
    ForbiddenBody,
    /// White space between a header's name and its colon (section 5.1).
    SpaceBeforeColon,
    /// A header folded over several lines (section 5.2). It is put together.
    ObsoleteFolding,
    /// A line between headers that is none. It is left out.
    BadHeader,
    /// A control character in a header's value, such as a NUL or a CR alone.
    ControlCharacter,
    /// More than one `Host`.
    RepeatedHost,
    /// The target is a whole URI, or that of a `CONNECT`, and `Host` names
    /// another host or port. That of the target counts (RFC 9112, section
    /// 3.2.2).
    HostMismatch,
    /// A start line that has other white space than it should, too many or few
    /// words, a control character, a version that there is not, or a status of
    /// other than three digits.
    BadStartLine,
    /// A head or trailer section longer than `max_head`.
    HeadTooLong,
    /// More headers than `max_headers`. Those beyond are left out.
    TooManyHeaders,
    /// A chunk's size is no number, or too large a one (section 7.1), and where
    /// the body ends is unknown; or it has something before or behind it that
    /// most pass over.
    BadChunkSize,
    /// A chunk is longer than its size says. Where the body ends is unknown.
    BadChunkEnd,
    /// The line of a chunk's size, or a chunk, ends with an LF alone.
    BareLineFeedInChunk,
    /// Bytes where a message should begin that begin none. The next start line
    /// is searched for.
    NotAStartLine,
    /// More requests without a response than `max_outstanding`. The oldest are
    /// forgotten.
    TooManyOutstanding,
}

impl HttpAnomalyKind {
    /// Its name, as `both_lengths`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BothLengths => "both_lengths",
            Self::RepeatedLength => "repeated_length",
            Self::DifferingLengths => "differing_lengths",
            Self::BadLength => "bad_length",
            Self::BadTransferEncoding => "bad_transfer_encoding",
            Self::TransferEncodingInOldVersion => "transfer_encoding_in_old_version",
            Self::ForbiddenBody => "forbidden_body",
            Self::SpaceBeforeColon => "space_before_colon",
            Self::ObsoleteFolding => "obsolete_folding",
            Self::BadHeader => "bad_header",
            Self::ControlCharacter => "control_character",
            Self::RepeatedHost => "repeated_host",
            Self::HostMismatch => "host_mismatch",
            Self::BadStartLine => "bad_start_line",
            Self::HeadTooLong => "head_too_long",
            Self::TooManyHeaders => "too_many_headers",
            Self::BadChunkSize => "bad_chunk_size",
            Self::BadChunkEnd => "bad_chunk_end",
            Self::BareLineFeedInChunk => "bare_line_feed_in_chunk",
            Self::NotAStartLine => "not_a_start_line",
            Self::TooManyOutstanding => "too_many_outstanding",
        }
    }
}

impl fmt::Display for HttpAnomalyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The kinds met in one head, or in the chunks of one body.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct AnomalySet(u32);

impl AnomalySet {
    pub(crate) fn add(&mut self, kind: HttpAnomalyKind) {
        self.0 |= 1 << kind as u8;
    }

    pub(crate) fn has(self, kind: HttpAnomalyKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    pub(crate) fn extend(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// Those of one head or chunk line, in the order of the enum.
    pub(crate) fn iter(self) -> impl Iterator<Item = HttpAnomalyKind> {
        ALL.into_iter().filter(move |kind| self.has(*kind))
    }
}

const ALL: [HttpAnomalyKind; 21] = [
    HttpAnomalyKind::BothLengths,
    HttpAnomalyKind::RepeatedLength,
    HttpAnomalyKind::DifferingLengths,
    HttpAnomalyKind::BadLength,
    HttpAnomalyKind::BadTransferEncoding,
    HttpAnomalyKind::TransferEncodingInOldVersion,
    HttpAnomalyKind::ForbiddenBody,
    HttpAnomalyKind::SpaceBeforeColon,
    HttpAnomalyKind::ObsoleteFolding,
    HttpAnomalyKind::BadHeader,
    HttpAnomalyKind::ControlCharacter,
    HttpAnomalyKind::RepeatedHost,
    HttpAnomalyKind::HostMismatch,
    HttpAnomalyKind::BadStartLine,
    HttpAnomalyKind::HeadTooLong,
    HttpAnomalyKind::TooManyHeaders,
    HttpAnomalyKind::BadChunkSize,
    HttpAnomalyKind::BadChunkEnd,
    HttpAnomalyKind::BareLineFeedInChunk,
    HttpAnomalyKind::NotAStartLine,
    HttpAnomalyKind::TooManyOutstanding,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_listed_at_its_place() {
        for (index, kind) in ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
        }
        let mut some = AnomalySet::default();
        some.add(HttpAnomalyKind::TooManyOutstanding);
        some.add(HttpAnomalyKind::BothLengths);
        assert!(some.iter().eq([
            HttpAnomalyKind::BothLengths,
            HttpAnomalyKind::TooManyOutstanding
        ]));
    }
}
