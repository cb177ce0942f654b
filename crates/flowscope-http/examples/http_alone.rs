//! The HTTP parser by itself: whoever has the bytes of a connection, from
//! whatever source, gets its messages.
//!
//! `cargo run --package flowscope-http --example http_alone`
#![allow(clippy::print_stdout, reason = "it is what an example is for")]

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Input, SessionParser};
use flowscope_core::{FlowSide, Timestamp};
use flowscope_http::{HttpError, HttpMessage, HttpParser};

fn main() -> Result<(), HttpError> {
    let mut parser = HttpParser::default();
    // Messages come as soon as they are complete, in whatever pieces.
    let mut print = |message: HttpMessage| match message {
        HttpMessage::Request(request) => {
            let host = request.host().map(|host| host.to_string());
            println!("{} {} of {host:?}", request.method(), request.target());
        }
        HttpMessage::Response(response) => {
            let status = response.status;
            println!("{status} with {} bytes", response.body_bytes);
        }
        _ => {}
    };
    for (side, bytes) in [
        (
            FlowSide::Initiator,
            "GET /robots.txt HTTP/1.1\r\nHost: exam",
        ),
        (
            FlowSide::Initiator,
            "ple.org\r\n\r\nHEAD / HTTP/1.1\r\n\r\n",
        ),
        (FlowSide::Responder, "HTTP/1.1 200 OK\r\nContent-Length: 4"),
        (
            FlowSide::Responder,
            "\r\n\r\nAlloHTTP/1.1 404 Not Found\r\n\r\n",
        ),
    ] {
        let chunk = Chunk::Data(bytes.as_bytes());
        let input = Input::new(side, Timestamp::EPOCH, chunk);
        let _ = parser.feed(input, &mut print)?;
    }
    Ok(())
}
