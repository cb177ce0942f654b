//! What is said on the command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::cluster::client::Scheduler;
use crate::cluster::nodes::Node;

/// SQL over captures, and over the Parquet tables made of them.
#[derive(Debug, Parser)]
#[command(
    name = "flowscope-sql",
    bin_name = "flowscope sql",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = EXAMPLES
)]
pub(crate) struct Arguments {
    /// What is asked: statements of SQL, with a semicolon between them; without any they are
    /// read from a prompt, or from standard input
    #[arg(value_name = "SQL")]
    pub(crate) query: Option<String>,
    /// What the tables are of that a query names without captures, as in SELECT * FROM flows:
    /// captures, patterns of them, or a folder that flowscope parquet wrote
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) from: Vec<String>,
    /// Ask a cluster, whose executors find captures under the same paths
    #[arg(long, value_name = "df://HOST:PORT", value_parser = Scheduler::parse)]
    pub(crate) cluster: Option<Scheduler>,
    /// In which form results are written
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Short for --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// The file that the result is written to, instead of standard output
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Read each capture by itself, several at once: no flow goes on from one to the next
    #[arg(long)]
    pub(crate) each: bool,
    /// Read captures that are one in so many parts at once, which takes a pass before that only
    /// tracks; the result is the same
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "each")]
    pub(crate) parts: usize,
    /// Give an error, and no result, if a capture cannot be read to its end
    #[arg(long)]
    pub(crate) strict: bool,
    /// Write nothing to standard error but why there is no result
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// What this is to be of a cluster, instead
    #[command(subcommand)]
    pub(crate) node: Option<Node>,
}

impl Arguments {
    /// The form that results are written in.
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}

/// The form of a result.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// A table for people
    Table,
    /// An object in JSON for each row, one a line
    Json,
    /// CSV with a line of names
    Csv,
    /// A Parquet file
    Parquet,
}

const EXAMPLES: &str = "\
Tables: flows, http, tls, dns, streams and anomalies, each of captures that are named by text:
  flowscope sql \"SELECT sni, count(*) FROM tls('captures/*.pcap.zst') GROUP BY sni ORDER BY 2 DESC\"
  flowscope sql \"SELECT * FROM flows('tables') WHERE in_subnet(src, '10.0.0.0/8')\"

Exit status: 0 everything was read; 1 something could not be read to its end, or there is no \
result; 2 wrong usage.";
