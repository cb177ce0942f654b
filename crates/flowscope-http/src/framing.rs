//! What a head says about where its body ends.

use crate::HttpAnomalyKind as Kind;
use crate::HttpVersion;
use crate::anomaly::AnomalySet;
use crate::authority::Authority;
use crate::lenient::trim;

/// What the fields of a head say about the rest of the message and of the
/// connection.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Framing {
    pub(crate) length: ContentLength,
    pub(crate) encoding: TransferEncoding,
    /// The sender asks for, or agrees to, another protocol.
    pub(crate) upgrade: bool,
    /// The sender closes the connection behind the message.
    pub(crate) closes: bool,
    /// The sender waits for `100 Continue` before it sends the body.
    pub(crate) expects_continue: bool,
    pub(crate) anomalies: AnomalySet,
}

/// What `Content-Length` says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum ContentLength {
    #[default]
    Absent,
    Valid(u64),
    /// Something invalid, or several things.
    Invalid,
}

/// What `Transfer-Encoding` says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum TransferEncoding {
    #[default]
    Absent,
    Chunked,
    /// Anything that does not end with `chunked`.
    Other,
}

/// Where a body ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BodyLength {
    /// After so many bytes.
    Known(u64),
    Chunked,
    /// With the connection.
    UntilClose,
    Unknown,
}

impl Framing {
    pub(crate) fn of<'a>(
        fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
        version: HttpVersion,
        authority: Option<Authority<'_>>,
    ) -> Self {
        let mut reader = FramingBuilder::of(authority);
        for (name, value) in fields {
            reader.add(name, value);
        }
        reader.finish(version)
    }

    /// RFC 9112, section 6.3, item 5: one number, or the same one repeated.
    fn add_length(&mut self, value: &[u8]) {
        // An empty element is no number, so an empty value is invalid as a whole.
        for word in value.split(|byte| *byte == b',').map(trim) {
            let Some(number) = decimal(word) else {
                self.anomalies.add(Kind::BadLength);
                self.length = ContentLength::Invalid;
                continue;
            };
            self.length = match self.length {
                ContentLength::Absent => ContentLength::Valid(number),
                ContentLength::Valid(other) if other == number => {
                    self.anomalies.add(Kind::RepeatedLength);
                    ContentLength::Valid(number)
                }
                ContentLength::Valid(_) => {
                    self.anomalies.add(Kind::DifferingLengths);
                    ContentLength::Invalid
                }
                ContentLength::Invalid => ContentLength::Invalid,
            };
        }
    }

    fn settle_encoding(&mut self, codings: Codings, version: HttpVersion) {
        if version.is_old() {
            self.anomalies.add(Kind::TransferEncodingInOldVersion);
        }
        if self.length != ContentLength::Absent {
            self.anomalies.add(Kind::BothLengths);
        }
        self.encoding = if codings.ends_chunked {
            TransferEncoding::Chunked
        } else {
            TransferEncoding::Other
        };
        if codings.chunked != 1 || !codings.ends_chunked {
            self.anomalies.add(Kind::BadTransferEncoding);
        }
    }

    /// Where the body of a request ends: RFC 9112, section 6.3.
    pub(crate) fn of_request(self) -> BodyLength {
        match (self.encoding, self.length) {
            (TransferEncoding::Chunked, _) => BodyLength::Chunked,
            (TransferEncoding::Other, _) | (TransferEncoding::Absent, ContentLength::Invalid) => {
                BodyLength::Unknown
            }
            (TransferEncoding::Absent, ContentLength::Valid(length)) => BodyLength::Known(length),
            (TransferEncoding::Absent, ContentLength::Absent) => BodyLength::Known(0),
        }
    }

    /// Where the body of a response ends that may have one.
    pub(crate) fn of_response(self) -> BodyLength {
        match (self.encoding, self.length) {
            (TransferEncoding::Chunked, _) => BodyLength::Chunked,
            (TransferEncoding::Other, _) | (TransferEncoding::Absent, ContentLength::Absent) => {
                BodyLength::UntilClose
            }
            // RFC 9112, section 9.6: the connection ends with this message, so
            // everything up to its end is the body.
            (TransferEncoding::Absent, ContentLength::Invalid) if self.closes => {
                BodyLength::UntilClose
            }
            (TransferEncoding::Absent, ContentLength::Invalid) => BodyLength::Unknown,
            (TransferEncoding::Absent, ContentLength::Valid(length)) => BodyLength::Known(length),
        }
    }

    /// Whether it speaks of a body.
    pub(crate) fn promises_body(self) -> bool {
        self.encoding != TransferEncoding::Absent
            || !matches!(self.length, ContentLength::Absent | ContentLength::Valid(0))
    }
}

/// Reads what is of interest out of header fields as they come.
#[derive(Debug, Default)]
pub(crate) struct FramingBuilder<'a> {
    framing: Framing,
    /// That of the target, if it has one.
    authority: Option<Authority<'a>>,
    codings: Codings,
    hosts: usize,
    /// `Connection` says that `Upgrade` is meant.
    connects: bool,
    names_protocol: bool,
    keeps_alive: bool,
}

impl<'a> FramingBuilder<'a> {
    /// A reader of the fields of a message whose target has this authority.
    pub(crate) fn of(authority: Option<Authority<'a>>) -> Self {
        Self {
            authority,
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, name: &[u8], value: &[u8]) {
        // Few names have these lengths.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                self.hosts += 1;
                if self.authority.is_some_and(|it| !it.is_named_by(value)) {
                    self.framing.anomalies.add(Kind::HostMismatch);
                }
            }
            6 if name.eq_ignore_ascii_case(b"expect") => {
                self.framing.expects_continue |= value.eq_ignore_ascii_case(b"100-continue");
            }
            7 if name.eq_ignore_ascii_case(b"upgrade") => self.names_protocol = true,
            10 if name.eq_ignore_ascii_case(b"connection") => {
                for word in list(value) {
                    self.connects |= word.eq_ignore_ascii_case(b"upgrade");
                    self.framing.closes |= word.eq_ignore_ascii_case(b"close");
                    self.keeps_alive |= word.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.framing.add_length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.codings.add(value),
            _ => {}
        }
    }

    pub(crate) fn finish(self, version: HttpVersion) -> Framing {
        let mut framing = self.framing;
        framing.upgrade = self.connects && self.names_protocol;
        // RFC 9112, section 9.3.
        framing.closes |= !self.keeps_alive && version.is_old();
        if self.hosts > 1 {
            framing.anomalies.add(Kind::RepeatedHost);
        }
        if self.codings.seen {
            framing.settle_encoding(self.codings, version);
        }
        framing
    }
}

/// The transfer codings of a message, over all its fields.
#[derive(Clone, Copy, Debug, Default)]
struct Codings {
    seen: bool,
    chunked: u32,
    ends_chunked: bool,
}

impl Codings {
    fn add(&mut self, value: &[u8]) {
        self.seen = true;
        for word in list(value) {
            self.ends_chunked = word.eq_ignore_ascii_case(b"chunked");
            self.chunked += u32::from(self.ends_chunked);
        }
    }
}

/// The elements of a list, without empty ones: RFC 9110, section 5.6.1.
fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| *byte == b',')
        .map(trim)
        .filter(|word| !word.is_empty())
}

/// Digits alone, with no sign, as a number that fits.
fn decimal(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0u64, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn of(lines: &str, version: HttpVersion) -> Framing {
        let fields: Vec<_> = lines
            .lines()
            .map(|line| line.split_once(": ").expect("name and value"))
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        Framing::of(fields.into_iter(), version, None)
    }

    #[test]
    fn lengths_are_settled_as_the_standard_says() {
        use BodyLength::{Chunked, Known, Unknown, UntilClose};
        for (lines, request, response, kinds) in [
            ("A: b", Known(0), UntilClose, &[][..]),
            ("Content-Length: 5", Known(5), Known(5), &[]),
            ("content-length: 005", Known(5), Known(5), &[]),
            (
                "Content-Length: 5, 5",
                Known(5),
                Known(5),
                &[Kind::RepeatedLength],
            ),
            (
                "Content-Length: 5\nContent-Length: 6",
                Unknown,
                Unknown,
                &[Kind::DifferingLengths],
            ),
            ("Content-Length: +5", Unknown, Unknown, &[Kind::BadLength]),
            ("Content-Length: 0x5", Unknown, Unknown, &[Kind::BadLength]),
            ("Content-Length: ", Unknown, Unknown, &[Kind::BadLength]),
            (
                "Content-Length: 18446744073709551616",
                Unknown,
                Unknown,
                &[Kind::BadLength],
            ),
            ("Transfer-Encoding: Chunked", Chunked, Chunked, &[]),
            ("Transfer-Encoding: gzip, chunked", Chunked, Chunked, &[]),
            ("Transfer-Encoding: , chunked,", Chunked, Chunked, &[]),
            (
                "Transfer-Encoding: gzip\nTransfer-Encoding: chunked",
                Chunked,
                Chunked,
                &[],
            ),
            (
                "Transfer-Encoding: chunked, identity",
                Unknown,
                UntilClose,
                &[Kind::BadTransferEncoding],
            ),
            (
                "Transfer-Encoding: xchunked",
                Unknown,
                UntilClose,
                &[Kind::BadTransferEncoding],
            ),
            (
                "Transfer-Encoding: chunked, chunked",
                Chunked,
                Chunked,
                &[Kind::BadTransferEncoding],
            ),
            (
                "Content-Length: 5\nTransfer-Encoding: chunked",
                Chunked,
                Chunked,
                &[Kind::BothLengths],
            ),
            (
                "Connection: close\nContent-Length: x",
                Unknown,
                UntilClose,
                &[Kind::BadLength],
            ),
            (
                "Host: a\nHost: b",
                Known(0),
                UntilClose,
                &[Kind::RepeatedHost],
            ),
        ] {
            let framing = of(lines, HttpVersion::HTTP_11);
            assert_eq!(framing.of_request(), request, "{lines}");
            assert_eq!(framing.of_response(), response, "{lines}");
            assert!(
                framing.anomalies.iter().eq(kinds.iter().copied()),
                "{lines}"
            );
        }
        let old = of("Transfer-Encoding: chunked", HttpVersion::HTTP_10);
        assert_eq!(old.of_request(), Chunked);
        assert!(
            old.anomalies
                .iter()
                .eq([Kind::TransferEncodingInOldVersion])
        );
    }

    #[test]
    fn an_upgrade_needs_both_headers() {
        let framing = |lines| of(lines, HttpVersion::HTTP_11).upgrade;
        assert!(framing(
            "Connection: keep-alive, Upgrade\nUpgrade: websocket"
        ));
        assert!(!framing("Connection: keep-alive\nUpgrade: websocket"));
        assert!(!framing("Connection: upgrade"));
    }
}
