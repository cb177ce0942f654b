//! Makes the records of a capture and writes them as JSON, to nowhere, and says
//! what that took: `records CAPTURE [flows|all]`.
//!
//! It is what `flowscope flows --json` and `flowscope all --json` do, without
//! arguments and files. Prints one line of JSON.
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use core::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use flowscope::pcap::PcapFlowSource;
use flowscope_benches::cost::Cost;
use flowscope_record::json::JsonWriter;
use flowscope_record::{Goal, Record, RecordConfig, RecordTracker};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("records: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let capture = arguments.next().ok_or("which capture?")?;
    let goal = match arguments.next().as_deref() {
        Some("flows") => Goal::Flows,
        Some("all") | None => Goal::All,
        Some(other) => return Err(format!("no such records: {other}").into()),
    };
    let cost = Cost::from_now()?;
    let mut source = PcapFlowSource::open(capture)?;
    let mut tracker = RecordTracker::new(RecordConfig {
        goal,
        ..RecordConfig::default()
    });
    let mut writer = JsonWriter::new(Counter::default());
    let (mut records, mut written) = (0, Ok(()));
    let mut write = |record: Record| {
        records += 1;
        if written.is_ok() {
            written = writer.write(&record);
        }
    };
    loop {
        let batch = source.next_batch()?;
        if batch.len() == 0 {
            break;
        }
        tracker.track_batch(batch, &mut write);
    }
    tracker.finish(&mut write);
    written?;
    let bytes = writer.into_inner()?.bytes;
    println!("{}", cost.line(&[("records", records), ("bytes", bytes)])?);
    Ok(())
}

/// Takes what is written, and counts it.
#[derive(Debug, Default)]
struct Counter {
    bytes: u64,
}

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
