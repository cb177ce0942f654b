//! Where captures come from.

use core::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flowscope::pcap::PcapError;

use crate::interrupt::Interruptible;
use crate::read_ahead::ReadAhead;

/// Where one capture comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Input {
    StandardInput,
    File(PathBuf),
}

impl Input {
    pub(crate) fn open(&self) -> Result<Box<dyn Read>, PcapError> {
        match self {
            Self::StandardInput => Ok(Box::new(Interruptible(io::stdin().lock()))),
            Self::File(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(Interruptible(file))),
                Err(source) => Err(PcapError::Io { offset: 0, source }),
            },
        }
    }

    /// Opens it to be read on a thread of its own.
    pub(crate) fn open_ahead(&self) -> Result<Box<dyn Read>, PcapError> {
        match self {
            Self::StandardInput => Ok(Box::new(ReadAhead::of(|| io::stdin().lock()))),
            Self::File(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(ReadAhead::of(|| file))),
                Err(source) => Err(PcapError::Io { offset: 0, source }),
            },
        }
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

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StandardInput => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
