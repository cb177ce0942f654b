//! The command `flowscope-sql`, which `flowscope sql` starts: SQL over captures.
//!
//! ```text
//! SQL → DataFusion → table function → CaptureTable → CaptureScan → TableReader → batches
//!                          └── the Parquet files of a folder, as DataFusion reads them
//! ```
//!
//! A [table function](functions::table) finds out what it was given
//! ([`sources`]). Captures become a [table](captures) of which columns and rows
//! that nobody wants are not made ([`bounds`]). What DataFusion cannot know is
//! said in [`session`], and results are written by [`output`]. On a [cluster]
//! other processes read the captures.

mod args;
mod bounds;
mod captures;
#[cfg_attr(not(feature = "cluster"), path = "no_cluster.rs")]
mod cluster;
mod complaint;
mod functions;
mod options;
mod output;
mod parquet;
mod parts;
mod prompt;
mod reading;
mod scan;
mod session;
mod sources;
mod trouble;

use std::io::{self, IsTerminal, Read};
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Arguments, Format};
use crate::session::Queries;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return complaint::failed(&error.to_string()),
    };
    let outcome = match arguments.node {
        Some(node) => runtime.block_on(node.run()).map(|()| ExitCode::SUCCESS),
        None => run(&runtime, arguments),
    };
    // A capture that nobody wants the rest of may still be being read.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code,
        Err(complaint) => complaint::failed(&complaint),
    }
}

fn run(runtime: &tokio::runtime::Runtime, arguments: Arguments) -> Result<ExitCode, String> {
    let is_wrong = arguments.format() == Format::Parquet
        && arguments.output.is_none()
        && io::stdout().is_terminal();
    if is_wrong {
        complaint::say("Parquet is not for a terminal; name a file with --output");
        return Ok(ExitCode::from(2));
    }
    let mut queries = Queries::new(runtime, &arguments)?;
    match &arguments.query {
        Some(query) => queries.run(query)?,
        None if io::stdin().is_terminal() => prompt::run(&mut queries)?,
        None => {
            let mut query = String::new();
            let read = io::stdin().read_to_string(&mut query);
            read.map_err(|error| format!("standard input: {error}"))?;
            queries.run(&query)?;
        }
    }
    Ok(match queries.was_damaged() {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}
