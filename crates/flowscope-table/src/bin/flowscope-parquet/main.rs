//! The command `flowscope-parquet`, which `flowscope parquet` starts: captures as
//! tables of Parquet files.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use flowscope_record::text::printable;
use flowscope_table::folder::{FolderConfig, ParquetFolder, Partition, name_of};
use flowscope_table::{Addresses, Input, Table, TableConfig, TableError, TableReader, UnknownName};

/// Captures as tables of Parquet files.
#[derive(Debug, Parser)]
#[command(
    name = "flowscope-parquet",
    bin_name = "flowscope parquet",
    version,
    after_help = "Exit status: 0 everything was read; 1 something could not be read or written \
                  to its end; 2 wrong usage."
)]
struct Arguments {
    /// Captures, read as one in the order given: pcap or pcapng, plain, .gz or .zst; standard
    /// input for - or none
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    captures: Vec<PathBuf>,
    /// The folder of the tables, each of which has one of its own in it
    #[arg(short, long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    output: PathBuf,
    /// The tables to make: flows, http, tls, dns, streams, anomalies [default: all]
    #[arg(long, value_name = "TABLE", value_delimiter = ',')]
    tables: Vec<Table>,
    /// Folders within those of the tables: none, or one for each day (day=2026-01-31)
    #[arg(long, value_name = "WHAT", default_value = "none", value_parser = partition)]
    partition: Partition,
    /// How addresses are kept: text or binary
    #[arg(long, value_name = "HOW", default_value = "text")]
    addresses: Addresses,
    /// Rows of a row group at the most
    #[arg(
        long,
        value_name = "N",
        default_value = "131072",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    row_group: u32,
    /// Read each capture by itself: no flow goes on from one to the next
    #[arg(long)]
    each: bool,
    /// Write nothing if a capture cannot be read to its end
    #[arg(long)]
    strict: bool,
    /// Write nothing to standard error; the exit status alone tells of trouble
    #[arg(short, long)]
    quiet: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let is_quiet = arguments.quiet;
    let complain = |what: &str| {
        if !is_quiet {
            // There is nowhere left to complain about standard error.
            let _ = writeln!(io::stderr(), "flowscope parquet: {}", printable(what));
        }
    };
    if arguments.captures.is_empty() && io::stdin().is_terminal() {
        complain("no capture was named; try --help");
        return ExitCode::from(2);
    }
    match write(arguments, &complain) {
        Ok(Outcome::Whole) => ExitCode::SUCCESS,
        Ok(Outcome::Damaged) => ExitCode::FAILURE,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Whether everything was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Whole,
    Damaged,
}

fn write(arguments: Arguments, complain: &dyn Fn(&str)) -> Result<Outcome, TableError> {
    let tables = match &arguments.tables[..] {
        [] => Table::ALL.to_vec(),
        some => Table::ALL
            .into_iter()
            .filter(|it| some.contains(it))
            .collect(),
    };
    let config = FolderConfig {
        addresses: arguments.addresses,
        partition: arguments.partition,
        row_group: usize::try_from(arguments.row_group).unwrap_or(usize::MAX),
    };
    let name = name_of(&arguments.captures);
    let mut folder = ParquetFolder::create(arguments.output, name, config)?;
    let config = TableConfig {
        addresses: arguments.addresses,
        each_alone: arguments.each,
        ..TableConfig::default()
    };
    let mut outcome = Outcome::Whole;
    let inputs = inputs(arguments.captures);
    for batch in TableReader::new(inputs, &tables).with_config(config) {
        match batch {
            Ok((table, batch)) => folder.write(table, batch)?,
            Err(error @ TableError::Capture { .. }) if !arguments.strict => {
                outcome = Outcome::Damaged;
                complain(&error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    folder.finish(&tables)?;
    Ok(outcome)
}

fn inputs(captures: Vec<PathBuf>) -> Vec<Input> {
    let standard_input = || Input::reader("standard input", io::stdin());
    if captures.is_empty() {
        return vec![standard_input()];
    }
    let captures = captures.into_iter();
    captures
        .map(|capture| match capture.as_os_str().as_encoded_bytes() {
            b"-" => standard_input(),
            _ => Input::file(capture),
        })
        .collect()
}

fn partition(name: &str) -> Result<Partition, UnknownName> {
    match name {
        "none" => Ok(Partition::None),
        "day" => Ok(Partition::Day),
        _ => Err(UnknownName::Partition),
    }
}
