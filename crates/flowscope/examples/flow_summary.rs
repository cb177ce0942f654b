//! A line for each flow of a capture, when it ends: `flow_summary [CAPTURE]`.
//!
//! The tracker takes frames from anywhere; here they come from a file, in
//! batches, which is the fast way with many flows.
#![allow(clippy::print_stdout, reason = "examples show what they found")]

use flowscope::extract::{AutoDetectEncap, FiveTuple, FiveTupleKey};
use flowscope::pcap::PcapFlowSource;
use flowscope::{FlowEvent, FlowTracker};

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let capture = std::env::args().nth(1);
    let capture = capture.unwrap_or_else(|| "fixtures/pcap/tcp-close.pcap".to_owned());
    let mut source = PcapFlowSource::open(capture)?;
    let mut tracker = FlowTracker::new(AutoDetectEncap::new(FiveTuple::bidirectional()));
    loop {
        let batch = source.next_batch()?;
        if batch.len() == 0 {
            break;
        }
        tracker.track_batch(batch, &mut print_end);
    }
    tracker.finish(&mut print_end);
    for (skip, packets) in tracker.stats().skipped() {
        println!("{packets} packets skipped, {skip}");
    }
    Ok(())
}

fn print_end(event: FlowEvent<FiveTupleKey>) {
    if let FlowEvent::Ended {
        key, reason, stats, ..
    } = event
    {
        println!(
            "{key} {} after {} packets and {} bytes",
            reason.as_str(),
            stats.packets.total(),
            stats.bytes.total()
        );
    }
}
