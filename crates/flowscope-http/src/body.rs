//! Bodies as they go by.

use crate::HttpAnomalyKind as Kind;
use crate::framing::BodyLength;

/// What is left of a body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Body {
    /// So many bytes.
    Length(u64),
    /// Chunks: RFC 9112, section 7.1.
    Chunked(Chunked),
    /// Everything until the connection closes.
    Close,
}

/// Where in a chunked body one is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Chunked {
    /// In the digits of a chunk's size.
    Size { value: u64, digits: bool },
    /// Behind them, at byte `len` of the rest of the line.
    Extension { size: u64, len: u32, after_cr: bool },
    /// In a chunk, of which so many bytes are left.
    Data(u64),
    /// Behind it, before or in the line end.
    DataEnd { after_cr: bool },
    /// Behind the last chunk, among the trailers.
    Trailers,
}

/// The next piece of a body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Piece<'a> {
    /// Its content.
    Content(&'a [u8]),
    /// Framing, or nothing.
    Framing,
    /// Framing that is not as it should be, but can be read.
    Irregular(Kind),
    /// What is wrong with the framing, so that no more can be read.
    Bad(Kind),
}

impl Body {
    /// The body that ends so, or none.
    pub(crate) fn new(length: BodyLength) -> Option<Self> {
        match length {
            BodyLength::Known(0) | BodyLength::Unknown => None,
            BodyLength::Known(length) => Some(Self::Length(length)),
            BodyLength::Chunked => Some(Self::Chunked(Chunked::START)),
            BodyLength::UntilClose => Some(Self::Close),
        }
    }

    /// Reads the next piece, and returns it and the bytes behind it.
    pub(crate) fn read<'a>(&mut self, bytes: &'a [u8], max_line: u32) -> (Piece<'a>, &'a [u8]) {
        match self {
            Self::Length(left) => read_up_to(left, bytes),
            Self::Chunked(chunked) => chunked.read(bytes, max_line),
            Self::Close => (Piece::Content(bytes), &[]),
        }
    }

    /// How many bytes of content follow for certain, if that is known.
    pub(crate) fn known(&self) -> Option<u64> {
        match self {
            Self::Length(left) | Self::Chunked(Chunked::Data(left)) => Some(*left),
            Self::Chunked(_) => None,
            Self::Close => Some(u64::MAX),
        }
    }

    /// Goes on behind `missing` bytes, no more than are known to follow.
    pub(crate) fn skip(&mut self, missing: u64) {
        match self {
            Self::Length(left) => *left = left.saturating_sub(missing),
            Self::Chunked(chunked) => {
                if let Chunked::Data(left) = chunked {
                    *left = left.saturating_sub(missing);
                    if *left == 0 {
                        *chunked = Chunked::DataEnd { after_cr: false };
                    }
                }
            }
            Self::Close => {}
        }
    }

    /// Whether nothing of it was read yet, as far as its state tells.
    pub(crate) fn is_untouched(&self) -> bool {
        match self {
            Self::Length(_) | Self::Close => true,
            Self::Chunked(chunked) => *chunked == Chunked::START,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        *self == Self::Length(0)
    }

    /// Whether the trailers are next, which are for others to read.
    pub(crate) fn is_at_trailers(&self) -> bool {
        *self == Self::Chunked(Chunked::Trailers)
    }
}

impl Chunked {
    const START: Self = Self::Size {
        value: 0,
        digits: false,
    };

    fn read<'a>(&mut self, bytes: &'a [u8], max_line: u32) -> (Piece<'a>, &'a [u8]) {
        if let Self::Data(left) = self {
            let read = read_up_to(left, bytes);
            if *left == 0 {
                *self = Self::DataEnd { after_cr: false };
            }
            return read;
        }
        let mut rest = bytes;
        while let Some((byte, behind)) = rest.split_first() {
            match self.step(*byte, max_line) {
                Piece::Framing => rest = behind,
                // The byte may be the first one of the next message.
                bad @ Piece::Bad(_) => return (bad, rest),
                piece => return (piece, behind),
            }
            if matches!(self, Self::Data(_) | Self::Trailers) {
                break;
            }
        }
        (Piece::Framing, rest)
    }

    fn step(&mut self, byte: u8, max_line: u32) -> Piece<'static> {
        match *self {
            Self::Size { value, digits } => self.size(value, digits, byte),
            Self::Extension {
                size,
                after_cr,
                len,
            } => match byte {
                b'\n' => self.line_end(size, after_cr),
                _ if len >= max_line => Piece::Bad(Kind::BadChunkSize),
                // Only an LF may follow a CR (RFC 9112, section 2.2).
                _ if after_cr => Piece::Bad(Kind::BadChunkSize),
                _ => {
                    *self = Self::Extension {
                        size,
                        len: len + 1,
                        after_cr: byte == b'\r',
                    };
                    Piece::Framing
                }
            },
            Self::DataEnd { after_cr } => match byte {
                b'\r' if !after_cr => {
                    *self = Self::DataEnd { after_cr: true };
                    Piece::Framing
                }
                b'\n' => {
                    *self = Self::START;
                    if after_cr {
                        Piece::Framing
                    } else {
                        Piece::Irregular(Kind::BareLineFeedInChunk)
                    }
                }
                _ => Piece::Bad(Kind::BadChunkEnd),
            },
            // Not framed by bytes of their own.
            Self::Data(_) | Self::Trailers => Piece::Framing,
        }
    }

    fn size(&mut self, value: u64, digits: bool, byte: u8) -> Piece<'static> {
        let digit = char::from(byte).to_digit(16);
        match (digit, byte) {
            (Some(digit), _) => {
                let Some(shifted) = value.checked_mul(16) else {
                    return Piece::Bad(Kind::BadChunkSize);
                };
                *self = Self::Size {
                    value: shifted | u64::from(digit),
                    digits: true,
                };
                Piece::Framing
            }
            (None, b'\n') if digits => self.line_end(value, false),
            // Some pad the size with white space.
            (None, b'\r' | b';' | b' ' | b'\t') if digits => {
                *self = Self::Extension {
                    size: value,
                    len: 0,
                    after_cr: byte == b'\r',
                };
                Piece::Framing
            }
            // Most recipients read a size as C's `strtol` does: they skip white
            // space in front of it and ignore what follows the digits. Letters
            // there more likely mean that this is text and no chunk at all.
            (None, b' ' | b'\t' | 0x0b | 0x0c) => Piece::Irregular(Kind::BadChunkSize),
            (None, _) if digits && !byte.is_ascii_alphanumeric() => {
                *self = Self::Extension {
                    size: value,
                    len: 0,
                    after_cr: false,
                };
                Piece::Irregular(Kind::BadChunkSize)
            }
            (None, _) => Piece::Bad(Kind::BadChunkSize),
        }
    }

    fn line_end(&mut self, size: u64, after_cr: bool) -> Piece<'static> {
        *self = match size {
            0 => Self::Trailers,
            size => Self::Data(size),
        };
        if after_cr {
            Piece::Framing
        } else {
            Piece::Irregular(Kind::BareLineFeedInChunk)
        }
    }
}

fn read_up_to<'a>(left: &mut u64, bytes: &'a [u8]) -> (Piece<'a>, &'a [u8]) {
    let len = usize::try_from(*left)
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    let (content, rest) = bytes.split_at_checked(len).unwrap_or((bytes, &[]));
    *left = left.saturating_sub(content.len() as u64);
    (Piece::Content(content), rest)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// The content, what is wrong if it does not end with the trailers, and
    /// what is odd.
    fn read(bytes: &[u8], step: usize) -> (Vec<u8>, Option<Kind>, Option<Kind>) {
        let mut body = Body::Chunked(Chunked::START);
        let (mut content, mut odd) = (Vec::new(), None);
        for mut piece in bytes.chunks(step) {
            while !piece.is_empty() {
                if body == Body::Chunked(Chunked::Trailers) {
                    return (content, None, odd);
                }
                let (taken, rest) = body.read(piece, 20);
                piece = rest;
                match taken {
                    Piece::Content(bytes) => content.extend_from_slice(bytes),
                    Piece::Framing => {}
                    Piece::Irregular(kind) => odd = Some(kind),
                    Piece::Bad(kind) => return (content, Some(kind), odd),
                }
            }
        }
        (content, None, odd)
    }

    #[test]
    fn chunks_are_taken_apart() {
        for (bytes, content, bad, odd) in [
            (&b"3\r\nabc\r\n0\r\n\r\n"[..], &b"abc"[..], None, None),
            (
                b"3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\n",
                b"abc0123456789",
                None,
                None,
            ),
            (b"003  \r\nabc\r\n0\r\n", b"abc", None, None),
            (
                b"3\nabc\r\n0\r\n",
                b"abc",
                None,
                Some(Kind::BareLineFeedInChunk),
            ),
            (
                b"3\r\nabc\n0\r\n",
                b"abc",
                None,
                Some(Kind::BareLineFeedInChunk),
            ),
            (
                b"3;x\nabc\r\n0\r\n",
                b"abc",
                None,
                Some(Kind::BareLineFeedInChunk),
            ),
            (b"3\r\nabcd\r\n0\r\n", b"abc", Some(Kind::BadChunkEnd), None),
            (b"3\r\nabc\rd", b"abc", Some(Kind::BadChunkEnd), None),
            (
                b" \t3\r\nabc\r\n0\r\n",
                b"abc",
                None,
                Some(Kind::BadChunkSize),
            ),
            (
                b"3,\r\nabc\r\n0\0\r\n",
                b"abc",
                None,
                Some(Kind::BadChunkSize),
            ),
            (b"\r\n3\r\nabc", b"", Some(Kind::BadChunkSize), None),
            (b"3x\r\nabc", b"", Some(Kind::BadChunkSize), None),
            (b"-1\r\n", b"", Some(Kind::BadChunkSize), None),
            (b"0x3\r\nabc", b"", Some(Kind::BadChunkSize), None),
            (b"3\rabc", b"", Some(Kind::BadChunkSize), None),
            (
                b"10000000000000000\r\n",
                b"",
                Some(Kind::BadChunkSize),
                None,
            ),
            (
                b"3;0123456789012345678901234\r\nabc",
                b"",
                Some(Kind::BadChunkSize),
                None,
            ),
        ] {
            for step in 1..=bytes.len() {
                let read = read(bytes, step);
                let shown = bytes.escape_ascii();
                assert_eq!(read, (content.to_vec(), bad, odd), "{shown} by {step}");
            }
        }
    }

    #[test]
    fn a_chunk_may_be_as_large_as_it_says() {
        let mut body = Body::Chunked(Chunked::START);
        let size = b"ffffffffffffffff\r\n";
        assert_eq!(body.read(size, 20), (Piece::Framing, &b""[..]));
        assert_eq!(body.known(), Some(u64::MAX));
    }
}
