//! What was looked up in a capture, over UDP and TCP on any port:
//! `dns_log [CAPTURE]`.
#![allow(clippy::print_stdout, reason = "examples show what they found")]

use flowscope::SessionEvent;
use flowscope::detect::{Detect, Message};
use flowscope::extract::{AutoDetectEncap, FiveTuple};
use flowscope::pcap::PcapFlowSource;

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let capture = std::env::args().nth(1);
    let capture = capture.unwrap_or_else(|| "fixtures/pcap/recorded/dns-tcp.pcap".to_owned());
    let flows = AutoDetectEncap::new(FiveTuple::bidirectional());
    for event in PcapFlowSource::open(capture)?.detect(flows) {
        if let SessionEvent::Application {
            message: Message::Dns(message),
            ..
        } = event?
        {
            println!("{message}");
        }
    }
    Ok(())
}
