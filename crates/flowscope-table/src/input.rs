//! Where captures come from.

use core::fmt;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use flowscope_pcap::{PcapError, PcapFlowSource};

/// A capture to be read.
pub struct Input {
    name: String,
    origin: Origin,
}

enum Origin {
    File(PathBuf),
    Reader(Box<dyn Read + Send>),
}

/// A capture that is being read.
pub(crate) type Source = PcapFlowSource<Box<dyn Read + Send>>;

impl Input {
    /// A file, which is opened when it is its turn.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            name: path.display().to_string(),
            origin: Origin::File(path),
        }
    }

    /// Something else that gives the bytes of a capture.
    #[must_use]
    pub fn reader(name: impl Into<String>, reader: impl Read + Send + 'static) -> Self {
        Self {
            name: name.into(),
            origin: Origin::Reader(Box::new(reader)),
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Opens it.
    pub(crate) fn open(self) -> Result<Source, PcapError> {
        let reader: Box<dyn Read + Send> = match self.origin {
            Origin::File(path) => match File::open(path) {
                Ok(file) => Box::new(file),
                Err(source) => return Err(PcapError::Io { offset: 0, source }),
            },
            Origin::Reader(reader) => reader,
        };
        PcapFlowSource::from_reader(reader)
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Input").field(&self.name).finish()
    }
}
