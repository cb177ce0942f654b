//! The bytes of a capture, decompressed ahead of whoever reads its packets.

use core::fmt;
use std::io::{self, Read};

use crate::input::Input;
use crate::{Compression, PcapError};

/// The bytes of a capture, decompressed if need be.
///
/// A [`PcapFlowSource`](crate::PcapFlowSource) decompresses by itself. This is for
/// doing it on a thread of its own, whose bytes go to
/// [`PcapFlowSource::from_decompressed`](crate::PcapFlowSource::from_decompressed).
/// An error that comes with them is the one that the source would have given.
///
/// ```
/// use std::io::Read;
///
/// use flowscope_pcap::{Compression, Decompressed};
///
/// let mut decompressed = Decompressed::new(&b"not a capture"[..])?;
/// assert_eq!(decompressed.compression(), Compression::None);
/// let mut bytes = Vec::new();
/// decompressed.read_to_end(&mut bytes)?;
/// assert_eq!(bytes, b"not a capture");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Decompressed<R: Read> {
    input: Input<R>,
    offset: u64,
}

impl<R: Read> Decompressed<R> {
    /// Reads the first bytes, and finds out what they are compressed with.
    pub fn new(reader: R) -> Result<Self, PcapError> {
        let input = Input::new(reader)?;
        Ok(Self { input, offset: 0 })
    }

    /// What the capture is compressed with.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.input.compression()
    }

    /// How many bytes were taken from the reader, before decompression.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.input.position()
    }
}

impl<R: Read> Read for Decompressed<R> {
    /// Gives what is there; of what is compressed, a few kilobytes at a time.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(into, self.offset);
        let len = read.map_err(io::Error::other)?;
        self.offset += len as u64;
        Ok(len)
    }
}

impl<R: Read> fmt::Debug for Decompressed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decompressed")
            .field("compression", &self.compression())
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}
