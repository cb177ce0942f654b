//! The HTTP requests of a capture and what came of them: `http_log [CAPTURE]`.
#![allow(clippy::print_stdout, reason = "examples show what they found")]

use flowscope::SessionEvent;
use flowscope::extract::{AutoDetectEncap, FiveTuple};
use flowscope::http::{HttpMessage, HttpParser};
use flowscope::pcap::PcapFlowSource;

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let capture = std::env::args().nth(1);
    let capture =
        capture.unwrap_or_else(|| "fixtures/pcap/recorded/http-pipelined.pcap".to_owned());
    let flows = AutoDetectEncap::new(FiveTuple::bidirectional());
    for event in PcapFlowSource::open(capture)?.sessions(flows, HttpParser::default()) {
        if let SessionEvent::Application {
            message: HttpMessage::Response(response),
            ..
        } = event?
            && let Some(request) = &response.request
        {
            let (method, target, status) = (request.method(), request.target(), response.status);
            println!("{method} {target} {status} {} bytes", response.body_bytes);
        }
    }
    Ok(())
}
