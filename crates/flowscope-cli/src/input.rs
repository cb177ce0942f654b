//! Where captures come from.

use core::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flowscope::pcap::{Compression, Decompressed, PcapError};

use crate::interrupt::Interruptible;
use crate::read_ahead::{Ahead, ReadAhead};

/// Where one capture comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Input {
    StandardInput,
    File(PathBuf),
}

impl Input {
    /// Opens it, to be read on a thread of its own where that is asked for.
    pub(crate) fn open(&self, ahead: Ahead) -> Result<Opened, PcapError> {
        match self {
            Self::StandardInput if ahead == Ahead::Everything => {
                let stdin = || Decompressed::new(io::stdin().lock());
                Ok(Opened::Ahead(ReadAhead::of(stdin)))
            }
            Self::StandardInput => Ok(Opened::AsItIs(Box::new(Interruptible(io::stdin().lock())))),
            Self::File(path) => match File::open(path) {
                Ok(file) => Self::open_file(file, ahead),
                Err(source) => Err(PcapError::Io { offset: 0, source }),
            },
        }
    }

    fn open_file(file: File, ahead: Ahead) -> Result<Opened, PcapError> {
        match ahead {
            Ahead::Nothing => Ok(Opened::AsItIs(Box::new(Interruptible(file)))),
            Ahead::Everything => Ok(Opened::Ahead(ReadAhead::of(|| Decompressed::new(file)))),
            Ahead::Compressed => {
                let input = Decompressed::new(Interruptible(file))?;
                Ok(match input.compression() {
                    Compression::None => Opened::Decompressed(Box::new(input)),
                    _ => Opened::Ahead(ReadAhead::of(|| Ok(input))),
                })
            }
        }
    }

    /// Whether it may be opened before it is its turn: to open a pipe may mean to
    /// wait for who writes it.
    pub(crate) fn can_wait(&self) -> bool {
        self.size().is_some()
    }

    /// Its size in bytes, where that can be known.
    pub(crate) fn size(&self) -> Option<u64> {
        let metadata = self.path()?.metadata().ok()?;
        metadata.is_file().then_some(metadata.len())
    }

    /// The file that is read.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::StandardInput => None,
            Self::File(path) => Some(path),
        }
    }
}

/// An input that was opened.
pub(crate) enum Opened {
    AsItIs(Box<dyn Read>),
    Decompressed(Box<dyn Read>),
    Ahead(ReadAhead),
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StandardInput => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
