//! Counts the flows and packets of a capture, and says what that took:
//! `count CAPTURE [read|extract|track|sessions]`, where `sessions` feeds every TCP
//! stream to a parser that does nothing.
//!
//! `benches/peers` does the same with another crate. Both print one line of
//! JSON with the same fields.
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use core::convert::Infallible;
use core::error::Error;
use std::fs;
use std::process::ExitCode;

use flowscope::extract::{FiveTuple, FiveTupleKey, FlowExtractor};
use flowscope::pcap::{PcapError, PcapFlowSource};
use flowscope::session::{Input, Interest, SessionParser};
use flowscope::track::Config;
use flowscope::{FlowEvent, FlowSessionDriver, FlowTracker, SessionEvent, Sink};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("count: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let capture = arguments.next().ok_or("which capture?")?;
    let mode = arguments.next();
    let start_rss = resident("VmRSS:")?;
    let source = PcapFlowSource::open(capture)?;
    let (packets, flows) = match mode.as_deref() {
        Some("read") => (read(source)?, 0),
        Some("extract") => (extract(source)?, 0),
        Some("track") | None => track(source)?,
        Some("sessions") => sessions(source)?,
        Some(other) => return Err(format!("no such mode: {other}").into()),
    };
    let (user, system) = processor_seconds()?;
    let peak_rss = resident("VmHWM:")?;
    println!(
        "{{\"packets\":{packets},\"flows\":{flows},\"user_seconds\":{user:.2},\
         \"system_seconds\":{system:.2},\"start_rss_bytes\":{start_rss},\
         \"peak_rss_bytes\":{peak_rss}}}"
    );
    Ok(())
}

/// Packets that could be read.
fn read(mut source: PcapFlowSource) -> Result<u64, PcapError> {
    let mut packets = 0;
    while let Some(packet) = source.next_packet()? {
        packets += u64::from(!packet.frame.is_empty());
    }
    Ok(packets)
}

/// Packets that have a flow.
fn extract(mut source: PcapFlowSource) -> Result<u64, PcapError> {
    let extractor = FiveTuple::bidirectional();
    let mut packets = 0;
    while let Some(packet) = source.next_packet()? {
        packets += u64::from(extractor.extract(packet).is_ok());
    }
    Ok(packets)
}

/// Packets on flows, and flows.
fn track(mut source: PcapFlowSource) -> Result<(u64, u64), PcapError> {
    let config = Config {
        max_flows: 4_000_000,
        ..Config::default()
    };
    let mut tracker = FlowTracker::with_config(FiveTuple::bidirectional(), config);
    let (mut packets, mut flows) = (0, 0);
    let mut tally = |event: FlowEvent<FiveTupleKey>| match event {
        FlowEvent::Started { .. } => flows += 1,
        FlowEvent::Packet { .. } => packets += 1,
        _ => {}
    };
    loop {
        let batch = source.next_batch()?;
        if batch.len() == 0 {
            break;
        }
        tracker.track_batch(batch, &mut tally);
    }
    tracker.finish(&mut tally);
    Ok((packets, flows))
}

/// Takes what comes, and makes nothing of it.
#[derive(Clone)]
struct Idle;

impl SessionParser for Idle {
    type Message = ();
    type Error = Infallible;

    fn feed(&mut self, _: Input<'_>, _: &mut dyn Sink<()>) -> Result<Interest, Infallible> {
        Ok(Interest::More)
    }
}

/// Packets on flows, and flows, with a parser on each.
fn sessions(mut source: PcapFlowSource) -> Result<(u64, u64), PcapError> {
    let config = Config {
        max_flows: 4_000_000,
        ..Config::default()
    };
    let mut driver = FlowSessionDriver::with_config(FiveTuple::bidirectional(), Idle, config);
    let (mut packets, mut flows) = (0, 0);
    let mut tally = |event: SessionEvent<FiveTupleKey, ()>| match event {
        SessionEvent::Started { .. } => flows += 1,
        SessionEvent::Tracked(FlowEvent::Packet { .. }) => packets += 1,
        _ => {}
    };
    loop {
        let batch = source.next_batch()?;
        if batch.len() == 0 {
            break;
        }
        driver.track_batch(batch, &mut tally);
    }
    driver.finish(&mut tally);
    Ok((packets, flows))
}

/// User and system time of this process.
fn processor_seconds() -> Result<(f64, f64), Box<dyn Error>> {
    /// What Linux counts in, whatever it runs on.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().ok_or("no process name")?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut seconds = || -> Result<f64, Box<dyn Error>> {
        let ticks: f64 = fields.next().ok_or("no times")?.parse()?;
        Ok(ticks / TICKS_PER_SECOND)
    };
    Ok((seconds()?, seconds()?))
}

/// A figure of this process's memory, in bytes.
fn resident(name: &str) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.ok_or("no such figure")?.parse::<u64>()? * 1024)
}
