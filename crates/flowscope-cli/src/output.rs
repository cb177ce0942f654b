//! Where the records go.

use core::fmt;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use crate::input::Input;

/// Standard output or a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Target {
    StandardOutput,
    File(PathBuf),
}

impl Target {
    /// The target that `file` names, standard output if it names none.
    pub(crate) fn named(file: Option<PathBuf>) -> Self {
        match file {
            None => Self::StandardOutput,
            Some(file) if file.as_os_str() == "-" => Self::StandardOutput,
            Some(file) => Self::File(file),
        }
    }

    /// Whether somebody is looking.
    pub(crate) fn is_terminal(&self) -> bool {
        match self {
            Self::StandardOutput => io::stdout().is_terminal(),
            Self::File(_) => false,
        }
    }

    /// Whether writing would destroy what is to be read.
    pub(crate) fn is_among(&self, inputs: &[Input]) -> bool {
        let Self::File(file) = self else {
            return false;
        };
        let Ok(file) = file.canonicalize() else {
            return false;
        };
        inputs
            .iter()
            .filter_map(|input| input.path()?.canonicalize().ok())
            .any(|path| path == file && path.is_file())
    }

    pub(crate) fn open(&self) -> io::Result<Box<dyn Write>> {
        match self {
            Self::StandardOutput => Ok(Box::new(io::stdout().lock())),
            Self::File(path) => Ok(Box::new(File::create(path)?)),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StandardOutput => f.write_str("standard output"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
