//! What a head says about where its body ends.

use crate::HttpAnomalyKind as Kind;
use crate::HttpVersion;
use crate::anomaly::Oddities;
use crate::authority::Authority;
use crate::lenient::trim;

/// What the fields of a head say about the rest of the message and of the
/// connection.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Framing {
    pub(crate) length: Length,
    pub(crate) encoding: Encoding,
    /// The sender asks for, or agrees to, another protocol.
    pub(crate) upgrade: bool,
    /// The sender closes the connection behind the message.
    pub(crate) closes: bool,
    /// The sender waits for a word before it sends the body.
    pub(crate) expects: bool,
    pub(crate) oddities: Oddities,
}

/// What `Content-Length` says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Length {
    #[default]
    Absent,
    Is(u64),
    /// Something invalid, or several things.
    Unclear,
}

/// What `Transfer-Encoding` says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Encoding {
    #[default]
    Absent,
    Chunked,
    /// Anything that does not end with `chunked`.
    Other,
}

/// Where a body ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ending {
    /// After so many bytes.
    Length(u64),
    Chunked,
    /// With the connection.
    Close,
    Unknown,
}

impl Framing {
    pub(crate) fn of<'a>(
        fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
        version: HttpVersion,
        authority: Option<Authority<'_>>,
    ) -> Self {
        let mut reader = FramingReader::of(authority);
        for (name, value) in fields {
            reader.add(name, value);
        }
        reader.finish(version)
    }

    /// RFC 9112, section 6.3, item 5: one number, or the same one repeated.
    fn add_length(&mut self, value: &[u8]) {
        // An empty value is a list of nothing, and a length of nothing is none.
        for word in value.split(|byte| *byte == b',').map(trim) {
            let Some(number) = decimal(word) else {
                self.oddities.add(Kind::BadLength);
                self.length = Length::Unclear;
                continue;
            };
            self.length = match self.length {
                Length::Absent => Length::Is(number),
                Length::Is(other) if other == number => {
                    self.oddities.add(Kind::RepeatedLength);
                    Length::Is(number)
                }
                Length::Is(_) => {
                    self.oddities.add(Kind::DifferingLengths);
                    Length::Unclear
                }
                Length::Unclear => Length::Unclear,
            };
        }
    }

    fn settle_encoding(&mut self, codings: Codings, version: HttpVersion) {
        if version.is_old() {
            self.oddities.add(Kind::TransferEncodingInOldVersion);
        }
        if self.length != Length::Absent {
            self.oddities.add(Kind::BothLengths);
        }
        self.encoding = if codings.ends_chunked {
            Encoding::Chunked
        } else {
            Encoding::Other
        };
        if codings.chunked != 1 || !codings.ends_chunked {
            self.oddities.add(Kind::BadTransferEncoding);
        }
    }

    /// Where the body of a request ends: RFC 9112, section 6.3.
    pub(crate) fn of_request(self) -> Ending {
        match (self.encoding, self.length) {
            (Encoding::Chunked, _) => Ending::Chunked,
            (Encoding::Other, _) | (Encoding::Absent, Length::Unclear) => Ending::Unknown,
            (Encoding::Absent, Length::Is(length)) => Ending::Length(length),
            (Encoding::Absent, Length::Absent) => Ending::Length(0),
        }
    }

    /// Where the body of a response ends that may have one.
    pub(crate) fn of_response(self) -> Ending {
        match (self.encoding, self.length) {
            (Encoding::Chunked, _) => Ending::Chunked,
            (Encoding::Other, _) | (Encoding::Absent, Length::Absent) => Ending::Close,
            // RFC 9112, section 9.6: nothing but this message can follow.
            (Encoding::Absent, Length::Unclear) if self.closes => Ending::Close,
            (Encoding::Absent, Length::Unclear) => Ending::Unknown,
            (Encoding::Absent, Length::Is(length)) => Ending::Length(length),
        }
    }

    /// Whether it speaks of a body.
    pub(crate) fn promises_body(self) -> bool {
        self.encoding != Encoding::Absent || !matches!(self.length, Length::Absent | Length::Is(0))
    }
}

/// Reads what is of interest out of header fields as they come.
#[derive(Debug, Default)]
pub(crate) struct FramingReader<'a> {
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

impl<'a> FramingReader<'a> {
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
                    self.framing.oddities.add(Kind::HostMismatch);
                }
            }
            6 if name.eq_ignore_ascii_case(b"expect") => {
                self.framing.expects |= value.eq_ignore_ascii_case(b"100-continue");
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
            framing.oddities.add(Kind::RepeatedHost);
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
        use Ending::{Chunked, Close, Length, Unknown};
        for (lines, request, response, kinds) in [
            ("A: b", Length(0), Close, &[][..]),
            ("Content-Length: 5", Length(5), Length(5), &[]),
            ("content-length: 005", Length(5), Length(5), &[]),
            (
                "Content-Length: 5, 5",
                Length(5),
                Length(5),
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
                Close,
                &[Kind::BadTransferEncoding],
            ),
            (
                "Transfer-Encoding: xchunked",
                Unknown,
                Close,
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
                Close,
                &[Kind::BadLength],
            ),
            ("Host: a\nHost: b", Length(0), Close, &[Kind::RepeatedHost]),
        ] {
            let framing = of(lines, HttpVersion::HTTP_11);
            assert_eq!(framing.of_request(), request, "{lines}");
            assert_eq!(framing.of_response(), response, "{lines}");
            assert!(framing.oddities.iter().eq(kinds.iter().copied()), "{lines}");
        }
        let old = of("Transfer-Encoding: chunked", HttpVersion::HTTP_10);
        assert_eq!(old.of_request(), Chunked);
        assert!(old.oddities.iter().eq([Kind::TransferEncodingInOldVersion]));
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
