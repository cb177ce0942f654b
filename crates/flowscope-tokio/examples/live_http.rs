//! The HTTP requests that pass an interface: `live_http eth0`.
#![allow(clippy::print_stdout, reason = "examples show what they found")]

use flowscope::SessionEvent;
use flowscope::extract::FiveTuple;
use flowscope::http::{HttpMessage, HttpParser};
use flowscope_tokio::AsyncCapture;
use futures::StreamExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn core::error::Error>> {
    let interface = std::env::args().nth(1).unwrap_or("eth0".into());
    let mut s = AsyncCapture::open(&interface)?
        .flow_stream(FiveTuple::bidirectional())
        .session_stream(HttpParser::default());
    while let Some(evt) = s.next().await {
        if let SessionEvent::Application { key, message, .. } = evt?
            && let HttpMessage::Request(request) = message
        {
            println!("{key} {} {}", request.method(), request.target());
        }
    }
    Ok(())
}
