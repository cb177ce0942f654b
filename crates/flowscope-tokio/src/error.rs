//! Why there are no more frames.

use core::fmt;
use std::io;

use flowscope::pcap::PcapError;

/// Why a source could not be opened, or gives no more frames.
#[derive(Debug)]
#[non_exhaustive]
pub enum CaptureError {
    /// The process may not capture.
    NotPermitted {
        /// Where it wanted to.
        interface: String,
    },
    /// There is no such interface.
    NoSuchInterface {
        /// The name.
        interface: String,
    },
    /// The packet filter cannot be compiled.
    Filter {
        /// What is wrong with it, in the words of libpcap.
        reason: String,
    },
    /// The interface cannot be opened for another reason.
    Open {
        /// The interface.
        interface: String,
        /// The reason, in the words of libpcap.
        reason: String,
    },
    /// The interface is gone.
    Gone {
        /// The interface.
        interface: String,
        /// What libpcap says about it.
        reason: String,
    },
    /// A capture file could not be read to its end.
    File(PcapError),
    /// A stream of frames failed.
    Stream(io::Error),
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPermitted { interface } => {
                write!(f, "no permission to capture on {interface}")
            }
            Self::NoSuchInterface { interface } => write!(f, "no interface is called {interface}"),
            Self::Filter { reason } => write!(f, "packet filter: {reason}"),
            Self::Open { interface, reason } => write!(f, "cannot open {interface}: {reason}"),
            Self::Gone { interface, reason } => {
                write!(f, "the capture on {interface} ended: {reason}")
            }
            Self::File(error) => error.fmt(f),
            Self::Stream(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for CaptureError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(error) => Some(error),
            Self::Stream(error) => Some(error),
            _ => None,
        }
    }
}

impl From<PcapError> for CaptureError {
    fn from(error: PcapError) -> Self {
        Self::File(error)
    }
}
