//! A parser for a protocol of one's own: `length_prefixed_pcap [CAPTURE]`.
//!
//! The protocol runs over TCP on port 7070. A message is
//!
//! - the length of its body, a number of variable length,
//! - its kind, another,
//! - the body.
//!
//! A number takes seven bits of each byte, the lowest first, and goes on while
//! a byte's highest bit is set; three bytes are the most there may be.
#![allow(clippy::print_stdout, reason = "examples show what they found")]

use core::fmt;

use flowscope::extract::{FiveTuple, FiveTupleKey};
use flowscope::pcap::PcapFlowSource;
use flowscope::reassemble::Chunk;
use flowscope::session::{ByKey, ByteBuffer, Input, Interest, SessionParser};
use flowscope::{BySide, FlowSessionDriver, FlowSide, SessionEvent, Sink};

/// What the parser reads.
struct Message {
    kind: u32,
    body: Vec<u8>,
}

/// Why it cannot go on.
#[derive(Clone, Copy, Debug)]
enum Broken {
    /// A number does not end.
    Number,
    /// A message is longer than this protocol has any.
    Length,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number => "a number has too many bytes",
            Self::Length => "a message is too long",
        })
    }
}

impl core::error::Error for Broken {}

/// One connection's parser: what it cannot use yet, of each side.
#[derive(Clone)]
struct LengthPrefixed {
    unread: BySide<ByteBuffer>,
}

/// The longest body. With its head it is the longest message, which is what a
/// buffer is made for.
const MAX_BODY: usize = 64 << 10;
const MAX_HEAD: usize = 2 * MAX_NUMBER;
const MAX_NUMBER: usize = 3;

impl LengthPrefixed {
    fn new() -> Self {
        Self {
            unread: BySide::from_fn(|_| ByteBuffer::new(MAX_HEAD + MAX_BODY)),
        }
    }
}

impl SessionParser for LengthPrefixed {
    type Message = Message;
    type Error = Broken;

    fn feed(&mut self, input: Input<'_>, out: &mut dyn Sink<Message>) -> Result<Interest, Broken> {
        let unread = &mut self.unread[input.side];
        match input.chunk {
            Chunk::Data(bytes) => unread.extend(bytes).map_err(|_| Broken::Length)?,
            // Nothing tells where the next message begins.
            Chunk::Gap(_) => return Ok(Interest::Done),
        }
        // What is not there yet is no error: it comes with the next chunk.
        while let Some(head) = Head::parse(unread.unread())? {
            let end = head.len + head.body;
            let Some(body) = unread.unread().get(head.len..end) else {
                break;
            };
            out.push(Message {
                kind: head.kind,
                body: body.to_vec(),
            });
            unread.consume(end);
        }
        Ok(Interest::More)
    }
}

/// What stands before a message's body.
struct Head {
    /// How long it is itself.
    len: usize,
    body: usize,
    kind: u32,
}

impl Head {
    /// `None` if it is not all there.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, Broken> {
        let Some((body, rest)) = number(bytes)? else {
            return Ok(None);
        };
        if body as usize > MAX_BODY {
            return Err(Broken::Length);
        }
        Ok(number(rest)?.map(|(kind, rest)| Self {
            len: bytes.len() - rest.len(),
            body: body as usize,
            kind,
        }))
    }
}

/// A number and what follows it; `None` if it is not all there.
fn number(bytes: &[u8]) -> Result<Option<(u32, &[u8])>, Broken> {
    let mut value = 0;
    for (place, byte) in bytes.iter().enumerate().take(MAX_NUMBER) {
        value |= u32::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(Some((value, bytes.split_at(place + 1).1)));
        }
    }
    match bytes.len() < MAX_NUMBER {
        true => Ok(None),
        false => Err(Broken::Number),
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let capture = std::env::args().nth(1);
    let capture = capture.unwrap_or_else(|| "fixtures/pcap/length-prefixed.pcap".to_owned());
    let mut source = PcapFlowSource::open(capture)?;
    let parsers = ByKey(|key: &FiveTupleKey| key.either_port(7070).then(LengthPrefixed::new));
    let mut driver = FlowSessionDriver::new(FiveTuple::bidirectional(), parsers);
    while let Some(packet) = source.next_packet()? {
        driver.track(packet, &mut print);
    }
    driver.finish(&mut print);
    Ok(())
}

fn print(event: SessionEvent<FiveTupleKey, Message>) {
    match event {
        SessionEvent::Application {
            key, side, message, ..
        } => {
            let who = match side {
                FlowSide::Initiator => "client",
                FlowSide::Responder => "server",
            };
            let Message { kind, body } = message;
            let len = body.len();
            let text = body.escape_ascii().to_string();
            println!("{key} {who}: kind {kind}, {len} bytes: {text:.40}");
        }
        SessionEvent::Anomaly { kind, .. } => println!("    {}", kind.as_str()),
        SessionEvent::Closed { key, reason, .. } => println!("{key} {}", reason.as_str()),
        _ => {}
    }
}
