//! The `flowscope` command: what is in a capture, as records.
//!
//! A thin layer over the `flowscope-record` library. The way of a packet through
//! it: `captures` reads the files, the library makes records of their packets,
//! `writer` writes them; those that go into a table are drawn by `rows`.

mod args;
mod captures;
mod cut;
mod error;
mod exported;
mod external;
mod extraction;
mod input;
mod interrupt;
#[cfg(feature = "top")]
mod live;
mod output;
mod page;
mod parallel;
mod progress;
mod read_ahead;
mod rows;
mod run;
mod table;
#[cfg(feature = "top")]
mod top;
mod units;
mod writer;

use std::env;
use std::process::ExitCode;

use crate::args::Arguments;

fn main() -> ExitCode {
    let said: Vec<_> = env::args_os().collect();
    external::run(&said).unwrap_or_else(|| run::run(Arguments::parse_or_exit()))
}
