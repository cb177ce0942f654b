//! The flows of a capture, as they start: `quick_start [CAPTURE]`.
#![allow(clippy::print_stdout, reason = "examples show what they found")]

use flowscope::FlowEvent;
use flowscope::extract::FiveTuple;
use flowscope::pcap::PcapFlowSource;

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let capture = std::env::args().nth(1);
    let capture = capture.unwrap_or_else(|| "fixtures/pcap/tcp-open.pcap".to_owned());
    for evt in PcapFlowSource::open(capture)?.with_extractor(FiveTuple::bidirectional()) {
        if let FlowEvent::Started { key, .. } = evt? {
            println!("flow started: {key:?}");
        }
    }
    Ok(())
}
