//! The TLS parser by itself: the bytes that a client sends in, who it asks for
//! and its fingerprints out.
//!
//! `cargo run --package flowscope-tls --example tls_alone`
#![allow(clippy::print_stdout, reason = "it is what an example is for")]

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Input, SessionParser};
use flowscope_core::{FlowSide, Timestamp};
use flowscope_tls::{TlsMessage, TlsParser};

fn main() {
    let mut parser = TlsParser::default();
    let mut print = |message: TlsMessage| {
        if let TlsMessage::ClientHello(hello) = message {
            println!("{} to {:?}", hello.version(), hello.sni());
            println!("JA3 {}", hello.ja3());
            println!("JA4 {}", hello.ja4());
        }
    };
    // In two pieces, behind what a mail client says before.
    let hello = client_hello("mail.example");
    let (first, second) = hello.split_at(20);
    for bytes in [b"EHLO me\r\nSTARTTLS\r\n", first, second] {
        let input = Input::new(FlowSide::Initiator, Timestamp::EPOCH, Chunk::Data(bytes));
        let Ok(_) = parser.feed(input, &mut print);
    }
}

/// A small ClientHello (RFC 5246, section 7.4.1.2) that asks for a host, in a
/// record of its own.
fn client_hello(host: &str) -> Vec<u8> {
    let len = |extra: usize| ((host.len() + extra) as u16).to_be_bytes();
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    // No session, one cipher suite, no compression.
    hello.extend([0, 0, 2, 0xc0, 0x2f, 1, 0]);
    // One extension: the server's name.
    hello.extend(len(9));
    hello.extend([0, 0]);
    hello.extend(len(5));
    hello.extend(len(3));
    hello.push(0);
    hello.extend(len(0));
    hello.extend(host.as_bytes());

    let mut record = vec![22, 3, 1];
    record.extend((hello.len() as u16 + 4).to_be_bytes());
    record.extend([1, 0]);
    record.extend((hello.len() as u16).to_be_bytes());
    record.extend(hello);
    record
}
