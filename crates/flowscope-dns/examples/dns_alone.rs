//! The DNS parser by itself: datagrams in, messages matched to each other out.
//!
//! `cargo run --package flowscope-dns --example dns_alone`
#![allow(clippy::print_stdout, reason = "it is what an example is for")]

use flowscope_core::session::{Datagram, DatagramParser};
use flowscope_core::{FlowSide, Timestamp};
use flowscope_dns::{DnsError, DnsMessage, DnsUdpParser};

fn main() -> Result<(), DnsError> {
    let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01";
    let response = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x07example\0\0\x01\0\x01\
        \xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
    let mut parser = DnsUdpParser::default();
    let mut print = |message: DnsMessage| println!("{message}");
    for (side, millis, bytes) in [
        (FlowSide::Initiator, 0, &query[..]),
        (FlowSide::Responder, 5, &response[..]),
    ] {
        let at = Timestamp::new(1, millis * 1_000_000);
        let _ = parser.parse(Datagram::new(side, at, bytes), &mut print)?;
    }
    Ok(())
}
