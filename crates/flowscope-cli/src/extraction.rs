//! Streams as files.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

/// Writes streams to files of a folder.
///
/// There may be more streams at once than files may be open, so none is left
/// open: bytes are gathered and appended together.
#[derive(Debug)]
pub(crate) struct Extraction {
    folder: PathBuf,
    /// Bytes gathered, over all streams.
    gathered: usize,
    /// The first thing that went wrong. Nothing is written after that.
    error: Option<(PathBuf, io::Error)>,
}

/// What of a stream is yet to be written.
#[derive(Debug, Default)]
pub(crate) struct Unwritten {
    bytes: Vec<u8>,
    /// Whether the file is there.
    is_begun: bool,
}

impl Extraction {
    /// Makes the folder, if it is not there.
    pub(crate) fn into_folder(folder: PathBuf) -> Self {
        let error = fs::create_dir_all(&folder).err();
        Self {
            gathered: 0,
            error: error.map(|error| (folder.clone(), error)),
            folder,
        }
    }

    /// Adds what comes next of a stream.
    pub(crate) fn add(
        &mut self,
        stream: &mut Unwritten,
        bytes: &[u8],
        name: impl FnOnce() -> String,
    ) {
        stream.bytes.extend_from_slice(bytes);
        self.gathered += bytes.len();
        if stream.bytes.len() >= PIECE || self.gathered > MAX_GATHERED {
            self.write(stream, name());
        }
    }

    /// Writes the rest of a stream.
    pub(crate) fn finish(&mut self, stream: &mut Unwritten, name: impl FnOnce() -> String) {
        if !stream.bytes.is_empty() {
            self.write(stream, name());
        }
    }

    /// What went wrong first, if anything did.
    pub(crate) fn into_error(self) -> Option<(PathBuf, io::Error)> {
        self.error
    }

    /// Whether something went wrong.
    pub(crate) fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    fn write(&mut self, stream: &mut Unwritten, name: String) {
        let bytes = core::mem::take(&mut stream.bytes);
        self.gathered -= bytes.len();
        if self.has_failed() {
            return;
        }
        let path = self.folder.join(name);
        let mut options = OpenOptions::new();
        if core::mem::replace(&mut stream.is_begun, true) {
            options.append(true);
        } else {
            options.write(true).create(true).truncate(true);
        }
        let written = options
            .open(&path)
            .and_then(|mut file| file.write_all(&bytes));
        self.error = written.err().map(|error| (path, error));
    }
}

/// Bytes of a stream that are written at once.
const PIECE: usize = 64 << 10;

/// Bytes gathered at the most, before what comes is written at once.
const MAX_GATHERED: usize = 64 << 20;
