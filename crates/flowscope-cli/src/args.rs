//! What can be said on the command line.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use flowscope::EngineConfig;
use flowscope::track::IdleTimeouts;
use flowscope::wire::Checksums;
use flowscope_export::zeek::Network;
use flowscope_record::text::printable;
use flowscope_record::{Encapsulation, FlowKey, Goal, KeyScope, RecordConfig};

use crate::cut::Selection;

/// Flow, HTTP, TLS and DNS records from packet captures.
#[derive(Debug, Parser)]
#[command(
    name = "flowscope",
    bin_name = "flowscope",
    version,
    long_version = env!("FLOWSCOPE_VERSION"),
    propagate_version = true,
    override_usage = "flowscope [OPTIONS] [COMMAND] [FILE]...",
    after_help = EXIT_STATUS,
    disable_help_subcommand = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(flatten)]
    pub(crate) captures: Captures,
}

/// What to report.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// One screen about a capture; also without a command
    ///
    /// What is in it, who talks, what names are asked for, and what went wrong. As JSON or CSV it is
    /// a summary record and a skipped record, which has the packets that belong to no flow, by
    /// reason.
    Summary(Captures),
    /// One record per flow, when it ends
    Flows(Captures),
    /// What happens to the flows, as it happens: started, established, state_change, anomaly, ended
    ///
    /// A started record has the state the flow began in, state_change has from and to, anomaly has
    /// kind and side, and ended has all that a flow record has. Streams are put in order for what is
    /// odd about them, though nobody reads them. Where the times of a capture go
    /// back, those of the events do, too.
    Events(Captures),
    /// One record per HTTP/1 request and response, on any port
    Http(Captures),
    /// One record per TLS ClientHello, ServerHello, certificate message and alert, on any port, over
    /// TCP, in QUIC and in DTLS
    Tls(Captures),
    /// One record per DNS message, over UDP or TCP, and per question without an answer
    Dns(Captures),
    /// One record per direction of a TCP connection that carried data, when it is over: its bytes
    /// as put back in order, their SHA-256, and what is missing
    Streams {
        /// Also write each stream to a file in a folder, which is made if it is not there: the
        /// bytes that were captured, holes left out
        #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
        extract: Option<PathBuf>,
        #[command(flatten)]
        captures: Captures,
    },
    /// Flow, HTTP, TLS, DNS and anomaly records in one pass, in order of time
    All(Captures),
    /// The records of an interface, as they happen
    ///
    /// They are those of a file, and written when no more come for a moment. Ctrl-C or SIGTERM end
    /// it: the flows still open are reported, and a last line on standard error counts what was
    /// received and dropped.
    #[cfg(feature = "live")]
    Live(crate::live::Live),
    /// List the interfaces that can be listened to, with their addresses and state
    #[cfg(feature = "live")]
    Interfaces,
    /// Show on a screen which flows are busy, live or as a capture is replayed
    #[cfg(feature = "top")]
    Top(crate::top::Top),
    /// Write captures as tables of Parquet files, by the program flowscope-parquet
    #[command(disable_help_flag = true)]
    Parquet {
        /// Its own arguments: see flowscope parquet --help
        #[arg(
            value_name = "ARGUMENT",
            trailing_var_arg = true,
            allow_hyphen_values = true
        )]
        arguments: Vec<OsString>,
    },
    /// Ask SQL of captures, by the program flowscope-sql
    #[command(disable_help_flag = true)]
    Sql {
        /// Its own arguments: see flowscope sql --help
        #[arg(
            value_name = "ARGUMENT",
            trailing_var_arg = true,
            allow_hyphen_values = true
        )]
        arguments: Vec<OsString>,
    },
    /// Write the packets of some flows to a capture of their own, with comments on what was found
    ///
    /// The flows are those that every option of the selection allows. Packets are as they were
    /// captured, with their interfaces; secrets are kept, and names that hosts are asked by are
    /// added. Captures are read twice, so they have to be files.
    Cut {
        #[command(flatten)]
        selection: Box<Selection>,
        #[command(flatten)]
        captures: Captures,
    },
    /// Write one page about captures, which opens in a browser without a network
    Report(Captures),
    /// Print the schema of records, as JSON Schema
    Schema,
    /// Print a completion script
    Completions {
        /// The shell to complete in
        shell: Shell,
    },
    /// Print a manual page
    #[command(hide = true)]
    Man {
        /// The command to describe, instead of flowscope itself
        command: Option<String>,
    },
}

/// The captures to read.
#[derive(Args, Debug)]
pub(crate) struct Captures {
    /// Captures, read as one in the order given: pcap or pcapng, plain, .gz or .zst; standard
    /// input for - or none
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
}

/// What every report understands.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// How records are written
    #[arg(long, global = true, value_name = "FORMAT", default_value = "table")]
    format: Format,
    /// The same as --format json
    #[arg(long, global = true, conflicts_with = "format")]
    json: bool,
    /// Write records to a file instead of standard output; where a format is several files, the
    /// folder they go to
    #[arg(short, long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Add a display filter for Wireshark to the records of flows, in JSON and CSV
    #[arg(long, global = true)]
    display_filter: bool,
    /// When tables have colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: When,
    /// The collector that IPFIX is sent to over UDP
    #[arg(
        long,
        global = true,
        value_name = "HOST:PORT",
        conflicts_with = "output"
    )]
    pub(crate) to: Option<String>,
    /// Networks whose hosts are local, for the formats that tell; several with commas
    #[arg(long, global = true, value_name = "NET", value_delimiter = ',')]
    pub(crate) local_net: Vec<Network>,
    /// Stop after so many records
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// Show a progress bar on standard error
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    progress: When,
    /// Threads to use; the output is the same with any number [default: one for each core
    /// that may be used]
    #[arg(
        short,
        long,
        global = true,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    jobs: Option<u16>,
    /// Write nothing to standard error; the exit status alone tells of trouble
    #[arg(short, long, global = true, action = ArgAction::SetTrue)]
    pub(crate) quiet: bool,
    /// What flows are told apart by
    #[arg(long, global = true, value_name = "KEY", default_value = "five-tuple", help_heading = FLOWS)]
    key: Key,
    /// Whose flows: the innermost packet's, or with none the outermost's
    #[arg(long, global = true, value_name = "WHICH", default_value = "auto", help_heading = FLOWS)]
    encap: Encap,
    /// Tell apart flows of different VLANs
    #[arg(long, global = true, help_heading = FLOWS)]
    vlan_in_key: bool,
    /// Tell apart flows of different tunnels, by what both of its ends call it or else by its ends
    #[arg(long, global = true, help_heading = FLOWS)]
    tunnel_in_key: bool,
    /// What is done about checksums
    #[arg(long, global = true, value_name = "WHAT", default_value = "ignore", help_heading = FLOWS)]
    checksums: ChecksumPolicy,
    /// Seconds of silence that end a flow, as CLASS=SECONDS,... for tcp, udp, other,
    /// handshake (TCP before it is established) and closed (TCP after its end)
    /// [default: tcp=300,udp=60,other=30,handshake=60,closed=10]
    #[arg(
        long,
        global = true,
        value_name = "CLASS=SECONDS",
        value_delimiter = ',',
        help_heading = FLOWS
    )]
    idle_timeout: Vec<IdleTimeout>,
    /// Live flows at the most; one more ends the one nearest to its timeout [default: 1000000]
    #[arg(
        long,
        global = true,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..),
        help_heading = FLOWS
    )]
    max_flows: Option<u32>,
    /// Bytes that may be held for all flows beside their table: streams out of order,
    /// messages half read. With K, M or G as a suffix, powers of 1024
    #[arg(
        long,
        global = true,
        value_name = "BYTES",
        default_value = "256M",
        value_parser = bytes,
        help_heading = FLOWS
    )]
    memory: usize,
}

impl Arguments {
    /// What was said, unless it was wrong, or a question about the command
    /// itself: that is answered, and the process is over.
    pub(crate) fn parse_or_exit() -> Self {
        let said: Vec<_> = env::args_os().collect();
        let error = match Self::try_parse_from(&said) {
            Ok(arguments) => return arguments,
            Err(error) => error,
        };
        if error.use_stderr() {
            // What is wrong is repeated, so it is said again without what a
            // terminal would obey.
            let legible = |word: &OsString| printable(&word.to_string_lossy());
            let legible: Vec<_> = said.iter().map(legible).collect();
            if let Err(error) = Self::try_parse_from(legible) {
                error.exit();
            }
        }
        error.exit()
    }
}

impl Options {
    /// The form of the records.
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }

    /// How many bytes may be held.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// When to show a progress bar.
    pub(crate) fn progress(&self) -> When {
        if self.quiet {
            When::Never
        } else {
            self.progress
        }
    }

    /// How many threads to use.
    pub(crate) fn jobs(&self) -> u16 {
        self.jobs.unwrap_or_else(|| {
            let cores = std::thread::available_parallelism();
            cores.map_or(1, |cores| u16::try_from(cores.get()).unwrap_or(u16::MAX))
        })
    }

    /// What records are made, and of what.
    pub(crate) fn record_config(&self, goal: Goal) -> RecordConfig {
        let config = RecordConfig {
            goal,
            key: self.key.into(),
            scope: match (self.vlan_in_key, self.tunnel_in_key) {
                (false, false) => KeyScope::Nothing,
                (true, false) => KeyScope::Vlan,
                (false, true) => KeyScope::Tunnel,
                (true, true) => KeyScope::VlanAndTunnel,
            },
            encapsulation: self.encap.into(),
            engine: self.engine_config(),
            display_filter: self.display_filter,
            ..RecordConfig::default()
        };
        match self.format() {
            Format::Table | Format::Json | Format::Csv => config,
            Format::Zeek | Format::ZeekJson => flowscope_export::zeek_config(config),
            Format::Eve | Format::Ipfix => flowscope_export::record_config(config),
        }
    }

    fn engine_config(&self) -> EngineConfig {
        let mut config = EngineConfig {
            checksums: self.checksums.into(),
            max_memory: self.memory,
            // As many with any number of threads, so that the output is the same.
            shards: SHARDS,
            ..EngineConfig::default()
        };
        for timeout in &self.idle_timeout {
            *timeout.class.of(&mut config.idle) = timeout.after;
        }
        if let Some(max_flows) = self.max_flows {
            config.max_flows = usize::try_from(max_flows).unwrap_or(usize::MAX);
        }
        config
    }
}

/// More threads than this have nothing to do.
const SHARDS: u16 = 64;

/// Reads a number of bytes, with `K`, `M` or `G` for powers of 1024.
pub(crate) fn bytes(text: &str) -> Result<usize, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 20),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: usize = digits
        .parse()
        .map_err(|_| format!("{text:?} is no number of bytes such as 64M"))?;
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| format!("{text} is too much"))
}

/// The form in which records are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns for eyes
    Table,
    /// One JSON object per line
    Json,
    /// Comma-separated values under a header line
    Csv,
    /// Zeek's logs, tab-separated under their headers: conn, http, ssl, x509, dns and weird
    Zeek,
    /// The same as JSON Lines
    ZeekJson,
    /// EVE, the JSON Lines of Suricata
    Eve,
    /// IPFIX: flows in both directions, as a file or, with --to, to a collector
    Ipfix,
}

impl Format {
    /// Whether it is another tool's, and needs more than our own.
    pub(crate) fn is_exported(self) -> bool {
        match self {
            Self::Table | Self::Json | Self::Csv => false,
            Self::Zeek | Self::ZeekJson | Self::Eve | Self::Ipfix => true,
        }
    }
}

/// When to do something that is for a terminal only.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum When {
    /// If it is a terminal, and not one that is busy showing records
    Auto,
    /// Even if it is no terminal
    Always,
    /// Not at all
    Never,
}

/// What flows are told apart by.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Key {
    /// Protocol, addresses and ports
    FiveTuple,
    /// The two IP addresses
    IpPair,
    /// The two link-layer addresses, whatever they carry
    MacPair,
}

/// Which of several nested packets makes the flow.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Encap {
    /// The innermost
    Auto,
    /// The outermost
    None,
}

/// What becomes of packets whose checksum is wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum ChecksumPolicy {
    /// They are not looked at
    Ignore,
    /// Packets with a wrong one are skipped and counted, as their receivers drop them
    Verify,
}

impl From<Key> for FlowKey {
    fn from(key: Key) -> Self {
        match key {
            Key::FiveTuple => Self::FiveTuple,
            Key::IpPair => Self::IpPair,
            Key::MacPair => Self::MacPair,
        }
    }
}

impl From<Encap> for Encapsulation {
    fn from(encap: Encap) -> Self {
        match encap {
            Encap::Auto => Self::Innermost,
            Encap::None => Self::Outermost,
        }
    }
}

impl From<ChecksumPolicy> for Checksums {
    fn from(policy: ChecksumPolicy) -> Self {
        match policy {
            ChecksumPolicy::Ignore => Self::Ignore,
            ChecksumPolicy::Verify => Self::Verify,
        }
    }
}

/// One idle timeout, such as `udp=60`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct IdleTimeout {
    class: Class,
    after: Duration,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Class {
    Tcp,
    Handshake,
    Closed,
    Udp,
    Other,
}

impl Class {
    const ALL: [(&'static str, Self); 5] = [
        ("tcp", Self::Tcp),
        ("handshake", Self::Handshake),
        ("closed", Self::Closed),
        ("udp", Self::Udp),
        ("other", Self::Other),
    ];

    fn of(self, idle: &mut IdleTimeouts) -> &mut Duration {
        match self {
            Self::Tcp => &mut idle.tcp,
            Self::Handshake => &mut idle.handshake,
            Self::Closed => &mut idle.closed,
            Self::Udp => &mut idle.udp,
            Self::Other => &mut idle.other,
        }
    }
}

impl FromStr for IdleTimeout {
    type Err = BadTimeout;

    fn from_str(text: &str) -> Result<Self, BadTimeout> {
        let (name, seconds) = text.split_once('=').ok_or(BadTimeout::Form)?;
        let class = Class::ALL.iter().find(|(known, _)| *known == name);
        let (_, class) = class.ok_or(BadTimeout::Class)?;
        let seconds = seconds.parse().map_err(|_| BadTimeout::Seconds)?;
        let after = Duration::try_from_secs_f64(seconds).map_err(|_| BadTimeout::Seconds)?;
        Ok(Self {
            class: *class,
            after,
        })
    }
}

/// Why an idle timeout was not understood.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum BadTimeout {
    Form,
    Class,
    Seconds,
}

impl fmt::Display for BadTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "not of the form CLASS=SECONDS",
            Self::Class => "no such class; there are tcp, handshake, closed, udp and other",
            Self::Seconds => "not a number of seconds",
        })
    }
}

impl core::error::Error for BadTimeout {}

const FLOWS: &str = "Flows";

const EXIT_STATUS: &str = "\
Exit status: 0 everything was read; 1 something could not be read or written to its end; \
2 wrong usage; 130 and 143 ended by Ctrl-C or SIGTERM.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn idle_timeouts_change_what_they_name() {
        let line = "flowscope --idle-timeout tcp=1.5,closed=2 flows --idle-timeout udp=3";
        let options = Arguments::try_parse_from(line.split(' ')).unwrap().options;
        let idle = options.engine_config().idle;
        // The later option replaces the earlier one as a whole.
        let defaults = IdleTimeouts::default();
        assert_eq!(idle.udp, Duration::from_secs(3));
        assert_eq!((idle.tcp, idle.other), (defaults.tcp, defaults.other));
    }

    #[test]
    fn bad_idle_timeouts_are_refused() {
        for (text, why) in [
            ("tcp", BadTimeout::Form),
            ("tpc=3", BadTimeout::Class),
            ("tcp=soon", BadTimeout::Seconds),
            ("tcp=-1", BadTimeout::Seconds),
            ("tcp=inf", BadTimeout::Seconds),
        ] {
            assert_eq!(text.parse::<IdleTimeout>(), Err(why), "{text}");
        }
    }

    #[test]
    fn bytes_have_a_suffix_or_none() {
        assert_eq!(bytes("4096"), Ok(4096));
        assert_eq!(bytes("64M"), Ok(64 << 20));
        assert_eq!(bytes("2k"), Ok(2048));
        assert_eq!(bytes("1G"), Ok(1 << 30));
        for wrong in [
            "",
            "M",
            "12.5M",
            "-1",
            "99999999999999999999",
            "99999999999G",
        ] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
