//! What can go wrong, and what it means for the exit status.

use core::fmt;
use std::io;
use std::path::PathBuf;

use flowscope::pcap::PcapError;

use crate::input::Input;
use crate::output::Target;

/// Why the command could not do all it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line asks for something that makes no sense.
    Usage(&'static str),
    /// A capture could not be read to its end.
    Input { input: Input, error: PcapError },
    /// A stream could not be written to its file.
    Extract { path: PathBuf, error: io::Error },
    /// An interface could not be listened to.
    #[cfg(feature = "top")]
    Capture(String),
    /// Records could not be written.
    Output { target: Target, error: io::Error },
    /// A signal asked for the end.
    Interrupted { signal: &'static str, status: u8 },
}

impl Failure {
    /// What it means that `target` could not be written: nothing is wrong where
    /// whoever reads it has read enough.
    pub(crate) fn of_output(target: Target, error: io::Error) -> Result<(), Self> {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Ok(()),
            _ => Err(Self::Output { target, error }),
        }
    }

    /// The exit status it calls for.
    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            #[cfg(feature = "top")]
            Self::Capture(_) => 1,
            Self::Input { .. } | Self::Extract { .. } | Self::Output { .. } => 1,
            Self::Interrupted { status, .. } => *status,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) => write!(f, "{what}; try --help"),
            #[cfg(feature = "top")]
            Self::Capture(what) => f.write_str(what),
            Self::Input { input, error } => write!(f, "{input}: {error}"),
            Self::Extract { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Output { target, error } => write!(f, "{target}: {error}"),
            Self::Interrupted { signal, .. } => {
                write!(f, "ended by {signal} before the end of the input")
            }
        }
    }
}

impl core::error::Error for Failure {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Usage(_) | Self::Interrupted { .. } => None,
            #[cfg(feature = "top")]
            Self::Capture(_) => None,
            Self::Input { error, .. } => Some(error),
            Self::Extract { error, .. } | Self::Output { error, .. } => Some(error),
        }
    }
}
