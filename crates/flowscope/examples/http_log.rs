//! The HTTP requests of a capture and what came of them: `http_log [CAPTURE]`.
#![allow(clippy::print_stdout, reason = "examples show what they found")]

use flowscope::extract::{AutoDetectEncap, FiveTuple};
use flowscope::http::{HttpMessage, HttpParser};
use flowscope::pcap::PcapFlowSource;
use flowscope::{FlowSessionDriver, SessionEvent};

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let capture = std::env::args().nth(1);
    let capture =
        capture.unwrap_or_else(|| "fixtures/pcap/recorded/http-pipelined.pcap".to_owned());
    let flows = AutoDetectEncap::new(FiveTuple::bidirectional());
    let mut driver = FlowSessionDriver::new(flows, HttpParser::default());
    let mut source = PcapFlowSource::open(capture)?;
    let mut events = Vec::new();
    while let Some(packet) = source.next_packet()? {
        driver.track(packet, &mut events);
        events.drain(..).for_each(print);
    }
    driver.finish(&mut events);
    events.drain(..).for_each(print);
    Ok(())
}

fn print<K>(event: SessionEvent<K, HttpMessage>) {
    if let SessionEvent::Application {
        message: HttpMessage::Response(response),
        ..
    } = event
        && let Some(request) = &response.request
    {
        let (method, target, status) = (request.method(), request.target(), response.status);
        println!("{method} {target} {status} {} bytes", response.body_bytes);
    }
}
