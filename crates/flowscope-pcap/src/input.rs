//! Where the bytes come from: plain, gzip or Zstandard, told apart by their
//! first bytes.

use core::fmt;
use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use zstd::stream::read::Decoder;

use crate::PcapError;

/// What a capture file is compressed with, as its first bytes say.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Compression {
    /// Not compressed.
    None,
    /// gzip, one member or several.
    Gzip,
    /// Zstandard, one frame or several.
    Zstd,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// A reader, decompressed if need be.
pub(crate) enum Input<R: Read> {
    Plain(Tap<R>),
    Gzip(Box<Pieces<MultiGzDecoder<BufReader<Tap<R>>>>>),
    Zstd(Box<Pieces<Decoder<'static, BufReader<Tap<R>>>>>),
}

impl<R: Read> Input<R> {
    pub(crate) fn new(reader: R) -> Result<Self, PcapError> {
        let tap = Tap::new(reader).map_err(|source| failed(0, source))?;
        match tap.first() {
            [0x1f, 0x8b, ..] => {
                let compressed = BufReader::with_capacity(COMPRESSED_READ, tap);
                let decoder = MultiGzDecoder::new(compressed);
                Ok(Self::Gzip(Box::new(Pieces::of(decoder))))
            }
            // A frame, or a skippable frame before it.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
                let compressed = BufReader::with_capacity(COMPRESSED_READ, tap);
                let decoder = Decoder::with_buffer(compressed)
                    .map_err(|source| PcapError::Io { offset: 0, source })?;
                Ok(Self::Zstd(Box::new(Pieces::of(decoder))))
            }
            _ => Ok(Self::Plain(tap)),
        }
    }

    /// A reader that is not decompressed, whatever its first bytes are.
    pub(crate) fn plain(reader: R) -> Result<Self, PcapError> {
        let tap = Tap::new(reader).map_err(|source| failed(0, source))?;
        Ok(Self::Plain(tap))
    }

    /// Reads what is there, at most `into.len()` bytes; 0 is the end.
    ///
    /// `offset` is how far the capture was read before, for the error.
    pub(crate) fn read(&mut self, into: &mut [u8], offset: u64) -> Result<usize, PcapError> {
        loop {
            let read = match self {
                Self::Plain(tap) => tap.read(into),
                Self::Gzip(pieces) => pieces.read(into),
                Self::Zstd(pieces) => pieces.read(into),
            };
            match read {
                Ok(len) => return Ok(len),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.blame(offset, source)),
            }
        }
    }

    pub(crate) fn compression(&self) -> Compression {
        match self {
            Self::Plain(_) => Compression::None,
            Self::Gzip(_) => Compression::Gzip,
            Self::Zstd(_) => Compression::Zstd,
        }
    }

    /// Bytes taken from the reader, before decompression.
    pub(crate) fn position(&self) -> u64 {
        self.tap().position
    }

    fn tap(&self) -> &Tap<R> {
        match self {
            Self::Plain(tap) => tap,
            Self::Gzip(pieces) => pieces.decoder.get_ref().get_ref(),
            Self::Zstd(pieces) => pieces.decoder.get_ref().get_ref(),
        }
    }

    /// Says whose fault an error is: the reader's or the compressed data's.
    fn blame(&self, offset: u64, source: io::Error) -> PcapError {
        let compression = self.compression();
        if compression == Compression::None || self.tap().failed {
            failed(offset, source)
        } else {
            PcapError::Decompression {
                compression,
                offset,
                source,
            }
        }
    }
}

/// The error for a reader that failed. One of this crate's own, which a
/// [`Decompressed`](crate::Decompressed) gives, stays what it is.
fn failed(offset: u64, source: io::Error) -> PcapError {
    let own = source.downcast::<PcapError>();
    own.unwrap_or_else(|source| PcapError::Io { offset, source })
}

/// What a decompressor gives, in pieces that do not depend on who takes them.
///
/// What it wrote in the call that meets the damage is lost. So it gets little room
/// per call, and always as much.
pub(crate) struct Pieces<D> {
    decoder: D,
    piece: [u8; DECOMPRESSED_READ],
    len: usize,
    taken: usize,
}

impl<D: Read> Pieces<D> {
    fn of(decoder: D) -> Self {
        Self {
            decoder,
            piece: [0; DECOMPRESSED_READ],
            len: 0,
            taken: 0,
        }
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.len {
            (self.taken, self.len) = (0, 0);
            self.len = self.decoder.read(&mut self.piece)?;
        }
        let len = (&self.piece[self.taken..self.len]).read(into)?;
        self.taken += len;
        Ok(len)
    }
}

/// Counts what a reader gives, and lets its first bytes be seen in advance.
pub(crate) struct Tap<R> {
    reader: R,
    first: [u8; 4],
    first_len: usize,
    /// How many of the first bytes were handed on.
    first_read: usize,
    position: u64,
    failed: bool,
}

impl<R: Read> Tap<R> {
    fn new(reader: R) -> io::Result<Self> {
        let mut tap = Self {
            reader,
            first: [0; 4],
            first_len: 0,
            first_read: 0,
            position: 0,
            failed: false,
        };
        while tap.first_len < tap.first.len() {
            match tap.reader.read(&mut tap.first[tap.first_len..]) {
                Ok(0) => break,
                Ok(len) => tap.first_len = (tap.first_len + len).min(tap.first.len()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(tap)
    }

    fn first(&self) -> &[u8] {
        &self.first[..self.first_len]
    }
}

impl<R: Read> Read for Tap<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = if self.first_read < self.first_len {
            let len = (&self.first[self.first_read..self.first_len]).read(into)?;
            self.first_read += len;
            len
        } else {
            let read = self.reader.read(into);
            self.failed = read.is_err();
            // A reader that claims more than it was given room for is not
            // believed.
            read?.min(into.len())
        };
        self.position += len as u64;
        Ok(len)
    }
}

const COMPRESSED_READ: usize = 128 * 1024;
const DECOMPRESSED_READ: usize = 4 * 1024;
