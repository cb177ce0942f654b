//! Why a capture could not be read to its end.

use alloc::sync::Arc;
use core::fmt;
use std::io;
use std::path::Path;

use crate::Compression;

/// Why reading a capture stopped.
///
/// Offsets count bytes of the capture itself: for a compressed file, bytes
/// after decompression. Whatever could be read before that offset was given
/// out first.
///
/// `Debug` gives the same words as `Display`, as that is what a program prints
/// whose `main` returns the error.
#[non_exhaustive]
pub enum PcapError {
    /// A file that was opened by its path could not be opened or read.
    File {
        /// The path, as it was given.
        path: Arc<Path>,
        /// What is wrong with the file: any of the other variants.
        error: Box<Self>,
    },
    /// The input is empty: not even the first byte of a header.
    Empty,
    /// The first bytes are of no capture format known here.
    NotACapture {
        /// The first four bytes, as they are in the file.
        magic: [u8; 4],
    },
    /// The format is known, its version is not.
    Version {
        /// Offset of the header that names the version.
        offset: u64,
        /// Major version found.
        major: u16,
        /// Minor version found.
        minor: u16,
    },
    /// The input ends inside a header, a record or a block.
    Truncated {
        /// Offset of the record or block.
        offset: u64,
        /// Bytes it needs.
        needed: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// A record claims more captured bytes than its link type can have.
    RecordLength {
        /// Offset of the record or block.
        offset: u64,
        /// Captured length as claimed.
        claimed: u32,
        /// The most that is accepted.
        limit: u32,
    },
    /// A block claims a length that its kind cannot have.
    BlockLength {
        /// Offset of the block.
        offset: u64,
        /// Total length as claimed.
        claimed: u32,
        /// The least, or the most, that is accepted.
        limit: u32,
    },
    /// The length at the end of a block is not the one at its beginning.
    BlockTrailer {
        /// Offset of the block.
        offset: u64,
        /// Total length at the beginning.
        leading: u32,
        /// Total length at the end.
        trailing: u32,
    },
    /// A packet block claims more captured bytes than fit in it.
    Overrun {
        /// Offset of the block.
        offset: u64,
        /// Captured length as claimed.
        claimed: u32,
        /// Bytes the block has room for.
        room: u32,
    },
    /// A section header whose byte order magic is in no byte order.
    ByteOrderMagic {
        /// Offset of the section header.
        offset: u64,
        /// The four bytes found.
        magic: [u8; 4],
    },
    /// A section header or an interface description that makes no sense.
    Malformed {
        /// Offset of the block.
        offset: u64,
    },
    /// A packet names an interface that its section never described.
    UnknownInterface {
        /// Offset of the packet's block.
        offset: u64,
        /// The interface it names.
        interface: u32,
    },
    /// The interface descriptions of one section take too much memory.
    TooManyInterfaces {
        /// Offset of the description that was one too many.
        offset: u64,
        /// How many bytes of descriptions are accepted.
        limit: usize,
    },
    /// The compressed data are damaged, or end early.
    Decompression {
        /// What the data are compressed with.
        compression: Compression,
        /// Bytes that could be decompressed.
        offset: u64,
        /// What the decompressor says.
        source: io::Error,
    },
    /// The input could not be opened or read.
    Io {
        /// Bytes of the capture read before.
        offset: u64,
        /// The error, as it came from the reader.
        source: io::Error,
    },
}

impl PcapError {
    /// The file, where it was opened by its path.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Where in the capture the trouble is, in bytes after decompression.
    #[must_use]
    pub fn offset(&self) -> u64 {
        match *self {
            Self::File { ref error, .. } => error.offset(),
            Self::Empty | Self::NotACapture { .. } => 0,
            Self::Version { offset, .. }
            | Self::Truncated { offset, .. }
            | Self::RecordLength { offset, .. }
            | Self::BlockLength { offset, .. }
            | Self::BlockTrailer { offset, .. }
            | Self::Overrun { offset, .. }
            | Self::ByteOrderMagic { offset, .. }
            | Self::Malformed { offset }
            | Self::UnknownInterface { offset, .. }
            | Self::TooManyInterfaces { offset, .. }
            | Self::Decompression { offset, .. }
            | Self::Io { offset, .. } => offset,
        }
    }
}

impl fmt::Display for PcapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Empty => write!(f, "the file is empty"),
            Self::NotACapture { magic } => {
                write!(f, "not a capture: it begins with {}", Hex(magic))
            }
            Self::Version {
                offset,
                major,
                minor,
            } => write!(f, "unsupported version {major}.{minor} at byte {offset}"),
            Self::Truncated {
                offset,
                needed,
                found,
            } => write!(
                f,
                "truncated: {needed} bytes needed at byte {offset}, {found} left"
            ),
            Self::RecordLength {
                offset,
                claimed,
                limit,
            } => write!(
                f,
                "record at byte {offset} claims {claimed} captured bytes, more than {limit}"
            ),
            Self::BlockLength {
                offset,
                claimed,
                limit,
            } => {
                let bound = if claimed < limit { "least" } else { "most" };
                write!(
                    f,
                    "block at byte {offset} claims to be {claimed} bytes long, at {bound} {limit} expected"
                )
            }
            Self::BlockTrailer {
                offset,
                leading,
                trailing,
            } => write!(
                f,
                "block at byte {offset} begins with length {leading} and ends with {trailing}"
            ),
            Self::Overrun {
                offset,
                claimed,
                room,
            } => write!(
                f,
                "packet block at byte {offset} claims {claimed} captured bytes, has room for {room}"
            ),
            Self::ByteOrderMagic { offset, magic } => write!(
                f,
                "section header at byte {offset} has byte order magic {}",
                Hex(magic)
            ),
            Self::Malformed { offset } => write!(f, "malformed block at byte {offset}"),
            Self::UnknownInterface { offset, interface } => write!(
                f,
                "packet block at byte {offset} names interface {interface}, never described"
            ),
            Self::TooManyInterfaces { offset, limit } => write!(
                f,
                "interface descriptions exceed {limit} bytes at byte {offset}"
            ),
            Self::Decompression {
                compression,
                offset,
                source,
            } => write!(f, "damaged {compression} data at byte {offset}: {source}"),
            Self::Io { offset: 0, source } => write!(f, "{source}"),
            Self::Io { offset, source } => write!(f, "{source} at byte {offset}"),
        }
    }
}

impl fmt::Debug for PcapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for PcapError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            // What is wrong with the file is part of this error's own words.
            Self::File { error, .. } => error.source(),
            Self::Decompression { source, .. } | Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

struct Hex<'a>(&'a [u8; 4]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a:02x} {b:02x} {c:02x} {d:02x}")
    }
}
