//! The `flowscope` command: what is in a capture, as records.
//!
//! A thin layer over the `flowscope` library. The way of a packet through it:
//! `input` reads the captures, `tracking` follows their flows and notes what
//! only the command keeps, `observing` also puts streams in order, which
//! `listening` reads and `watching` does not; `report` decides what becomes a
//! record, `record` says what is in one, `format` writes it.

mod args;
mod choice;
mod community_id;
mod digits;
mod error;
mod extraction;
mod format;
mod input;
mod listening;
mod names;
mod observing;
mod output;
mod progress;
mod queue;
mod ranking;
mod read_ahead;
mod record;
mod report;
mod run;
mod streams;
mod tally;
mod tracking;
mod units;
mod watching;

use std::process::ExitCode;

use crate::args::Arguments;

fn main() -> ExitCode {
    run::run(Arguments::parse_or_exit())
}
