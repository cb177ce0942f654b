//! Counts the flows and packets of a capture, and says what that took:
//! `count CAPTURE [read|extract|track]`.
//!
//! `benches/peers` does the same with another crate. Both print one line of
//! JSON with the same fields.
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use core::error::Error;
use std::process::ExitCode;

use flowscope::extract::{FiveTuple, FiveTupleKey, FlowExtractor};
use flowscope::pcap::{PcapError, PcapFlowSource};
use flowscope::{EngineConfig, FlowEvent, FlowTracker};
use flowscope_benches::cost::Cost;

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
    let cost = Cost::from_now()?;
    let source = PcapFlowSource::open(capture)?;
    let (packets, flows) = match mode.as_deref() {
        Some("read") => (read(source)?, 0),
        Some("extract") => (extract(source)?, 0),
        Some("track") | None => track(source)?,
        Some(other) => return Err(format!("no such mode: {other}").into()),
    };
    println!("{}", cost.line(&[("packets", packets), ("flows", flows)])?);
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
    let config = EngineConfig {
        max_flows: 4_000_000,
        ..EngineConfig::default()
    };
    let mut tracker = FlowTracker::new(FiveTuple::bidirectional()).with_config(config);
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
