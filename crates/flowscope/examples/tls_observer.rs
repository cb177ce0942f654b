//! Whom the TLS clients of a capture ask for, and with what software:
//! `tls_observer [CAPTURE]`.
#![allow(clippy::print_stdout, reason = "examples show what they found")]

use flowscope::SessionEvent;
use flowscope::extract::{AutoDetectEncap, FiveTuple};
use flowscope::pcap::PcapFlowSource;
use flowscope::tls::{TlsMessage, TlsParser};

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let capture = std::env::args().nth(1);
    let capture =
        capture.unwrap_or_else(|| "fixtures/pcap/recorded/tls13-hello-retry.pcap".to_owned());
    let flows = AutoDetectEncap::new(FiveTuple::bidirectional());
    for event in PcapFlowSource::open(capture)?.sessions(flows, TlsParser::default()) {
        let SessionEvent::Application { message, .. } = event? else {
            continue;
        };
        match message {
            TlsMessage::ClientHello(hello) => {
                let name = hello.sni().unwrap_or_default();
                println!("{name} {} {}", hello.version(), hello.ja4());
            }
            TlsMessage::ServerHello(hello) => {
                let suite = hello.cipher_suite_name().unwrap_or("an unknown suite");
                println!("  {} {suite}", hello.version());
            }
            _ => {}
        }
    }
    Ok(())
}
