//! A state of one's own for each flow: how long the longest silence in it was.
//! `flow_state [CAPTURE]`.
#![allow(clippy::print_stdout, reason = "examples show what they found")]

use core::time::Duration;

use flowscope::extract::FiveTuple;
use flowscope::pcap::PcapFlowSource;
use flowscope::{FlowEvent, FlowTracker, Timestamp};

/// What is kept for each flow.
#[derive(Debug, Default)]
struct Silence {
    last: Option<Timestamp>,
    longest: Duration,
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let capture = std::env::args().nth(1);
    let capture = capture.unwrap_or_else(|| "fixtures/pcap/idle.pcap".to_owned());
    let mut source = PcapFlowSource::open(capture)?;
    let extractor = FiveTuple::bidirectional();
    let mut tracker = FlowTracker::new(extractor).with_state::<Silence>();
    let mut events = Vec::new();
    let mut longest = Duration::ZERO;
    while let Some(packet) = source.next_packet()? {
        tracker.track(packet, &mut events);
        for event in events.drain(..) {
            let FlowEvent::Packet { flow, at, .. } = event else {
                continue;
            };
            if let Some(silence) = tracker.flow_state_mut(flow) {
                let pause = silence.last.map_or(Duration::ZERO, |last| at - last);
                silence.longest = silence.longest.max(pause);
                silence.last = Some(at);
                longest = longest.max(silence.longest);
            }
        }
    }
    println!(
        "the longest silence within a flow was {} s",
        longest.as_secs()
    );
    Ok(())
}
