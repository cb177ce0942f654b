//! What can be said to `flowscope live`.

use core::time::Duration;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use flowscope_record::Goal;
use flowscope_tokio::{LiveConfig, Mode};

use crate::args::{When, bytes};

/// How packets are captured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Capture {
    /// Take only packets that match, in the language of pcap-filter(7)
    #[arg(long, value_name = "BPF", help_heading = CAPTURE)]
    filter: Option<String>,
    /// Bytes of each packet to take
    #[arg(
        long,
        value_name = "BYTES",
        default_value = "262144",
        value_parser = clap::value_parser!(u32).range(1..=262_144),
        help_heading = CAPTURE
    )]
    snap_len: u32,
    /// Bytes of the kernel's buffer, where packets wait; with K, M or G as a suffix
    #[arg(
        long,
        value_name = "BYTES",
        default_value = "32M",
        value_parser = bytes,
        help_heading = CAPTURE
    )]
    buffer: usize,
    /// Take only what this host sends, and what is for it
    #[arg(long, help_heading = CAPTURE)]
    no_promiscuous: bool,
}

impl Capture {
    pub(crate) fn config(&self) -> LiveConfig {
        LiveConfig {
            filter: self.filter.clone(),
            snap_len: self.snap_len,
            buffer_bytes: u32::try_from(self.buffer).unwrap_or(u32::MAX),
            mode: match self.no_promiscuous {
                true => Mode::Own,
                false => Mode::Promiscuous,
            },
            ..LiveConfig::default()
        }
    }
}

/// What to listen to, what to report, what to save.
#[derive(Args, Clone, Debug)]
pub(crate) struct Live {
    /// The interface to listen to; `flowscope interfaces` lists them
    #[arg(short, long, value_name = "IFACE")]
    pub(crate) interface: String,
    #[command(flatten)]
    pub(crate) capture: Capture,
    /// What to report
    #[arg(value_name = "WHAT", default_value = "all")]
    pub(crate) what: What,
    /// Of streams, also write each to a file in a folder, which is made if it is not there: the
    /// bytes that were captured, holes left out
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) extract: Option<PathBuf>,
    /// End after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) duration: Option<Duration>,
    /// Show a line on standard error with packets and bytes a second, flows and drops
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) status: When,
    #[command(flatten)]
    pub(crate) saving: Saving,
}

/// Which packets are kept, and where.
#[derive(Args, Clone, Debug)]
pub(crate) struct Saving {
    /// Also save the packets, as pcapng
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = SAVING)]
    pub(crate) write: Option<PathBuf>,
    /// Begin another file when one is so long; files are numbered: FILE-00001.pcapng
    #[arg(long, value_name = "BYTES", requires = "write", value_parser = bytes, help_heading = SAVING)]
    pub(crate) rotate_size: Option<usize>,
    /// Begin another file when the packets of one span so many seconds
    #[arg(long, value_name = "SECONDS", requires = "write", value_parser = seconds, help_heading = SAVING)]
    pub(crate) rotate_time: Option<Duration>,
    /// Keep the latest so many files, and delete those before them
    #[arg(
        long,
        value_name = "N",
        requires = "write",
        value_parser = clap::value_parser!(u32).range(1..),
        help_heading = SAVING
    )]
    pub(crate) keep: Option<u32>,
}

/// What to report: as of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum What {
    /// One record per flow, when it ends
    Flows,
    /// What happens to the flows, as it happens
    Events,
    /// HTTP/1 requests and responses
    Http,
    /// TLS hellos, certificates and alerts
    Tls,
    /// DNS messages
    Dns,
    /// TCP streams, when they are over
    Streams,
    /// Flows, messages and anomalies
    All,
}

impl From<What> for Goal {
    fn from(what: What) -> Self {
        match what {
            What::Flows => Self::Flows,
            What::Events => Self::Events,
            What::Http => Self::Http,
            What::Tls => Self::Tls,
            What::Dns => Self::Dns,
            What::Streams => Self::Streams,
            What::All => Self::All,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0);
    let span = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    span.ok_or_else(|| format!("{text:?} is no number of seconds above zero"))
}

const CAPTURE: &str = "Capture";
const SAVING: &str = "Saving";
