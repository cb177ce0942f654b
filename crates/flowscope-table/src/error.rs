//! Why there is no table, or not all of it.

use core::fmt;
use std::io;
use std::path::PathBuf;

use arrow_schema::ArrowError;
use flowscope_pcap::PcapError;
use parquet::errors::ParquetError;

/// Why there is no table, or not all of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum TableError {
    /// A capture could not be read to its end.
    Capture {
        /// What it is called.
        name: String,
        /// What is wrong, and where.
        error: PcapError,
    },
    /// A batch could not be made.
    Arrow(ArrowError),
    /// A file could not be made.
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: ParquetError,
    },
    /// A file could not be written.
    Io {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: io::Error,
    },
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capture { name, error } => write!(f, "{name}: {error}"),
            Self::Arrow(error) => error.fmt(f),
            Self::Parquet { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl core::error::Error for TableError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Capture { error, .. } => Some(error),
            Self::Arrow(error) => Some(error),
            Self::Parquet { error, .. } => Some(error),
            Self::Io { error, .. } => Some(error),
        }
    }
}

impl From<ArrowError> for TableError {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(error)
    }
}
