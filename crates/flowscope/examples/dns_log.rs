//! What was looked up in a capture, over UDP and TCP on any port:
//! `dns_log [CAPTURE]`.
#![allow(clippy::print_stdout, reason = "examples show what they found")]

use flowscope::SessionEvent;
use flowscope::detect::{Detector, Message};
use flowscope::extract::{AutoDetectEncap, FiveTuple};
use flowscope::pcap::PcapFlowSource;

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let capture = std::env::args().nth(1);
    let capture = capture.unwrap_or_else(|| "fixtures/pcap/recorded/dns-tcp.pcap".to_owned());
    let mut driver = Detector::default().driver(AutoDetectEncap::new(FiveTuple::bidirectional()));
    let mut source = PcapFlowSource::open(capture)?;
    while let Some(packet) = source.next_packet()? {
        driver.track(packet, &mut print);
    }
    // The questions that are still without an answer.
    driver.finish(&mut print);
    Ok(())
}

fn print<K>(event: SessionEvent<K, Message>) {
    if let SessionEvent::Application {
        message: Message::Dns(message),
        ..
    } = event
    {
        println!("{message}");
    }
}
