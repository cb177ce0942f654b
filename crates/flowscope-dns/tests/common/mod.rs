//! Messages built in code, and parsers fed with them.
#![allow(dead_code, reason = "each test uses a part of it")]

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Datagram, DatagramParser, Input, Interest, SessionParser};
use flowscope_core::{FlowSide, Timestamp};
use flowscope_dns::{DnsError, DnsMessage, DnsTcpParser, DnsUdpParser};

pub(crate) const CLIENT: FlowSide = FlowSide::Initiator;
pub(crate) const SERVER: FlowSide = FlowSide::Responder;

/// A name, as it is on the wire, without compression.
pub(crate) fn name(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).expect("a short label"));
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes
}

/// A message with one question and `answers` address records.
pub(crate) fn message(id: u16, flags: u16, question: &str, rtype: u16, answers: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [id, flags, 1, answers, 0, 0] {
        bytes.extend(word.to_be_bytes());
    }
    bytes.extend(name(question));
    bytes.extend(rtype.to_be_bytes());
    bytes.extend([0, 1]);
    for n in 0..answers {
        let [high, low] = n.to_be_bytes();
        bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, high, low]);
    }
    bytes
}

pub(crate) fn query(id: u16, question: &str) -> Vec<u8> {
    message(id, 0x0100, question, 1, 0)
}

pub(crate) fn response(id: u16, question: &str) -> Vec<u8> {
    message(id, 0x8180, question, 1, 1)
}

/// The message with its length before it.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let len = u16::try_from(message.len()).expect("a message that fits");
    [&len.to_be_bytes(), message].concat()
}

pub(crate) fn at(millis: u64) -> Timestamp {
    Timestamp::from_nanos(millis * 1_000_000)
}

/// Gives a datagram to a parser; what it reports.
pub(crate) fn send(
    parser: &mut DnsUdpParser,
    side: FlowSide,
    millis: u64,
    bytes: &[u8],
) -> Vec<String> {
    let mut found = Vec::new();
    let datagram = Datagram::new(side, at(millis), bytes);
    assert_eq!(parser.parse(datagram, &mut found), Ok(Interest::More));
    lines(&found)
}

pub(crate) fn feed(
    parser: &mut DnsTcpParser,
    side: FlowSide,
    chunk: Chunk<'_>,
) -> Result<Vec<DnsMessage>, DnsError> {
    let mut found = Vec::new();
    // Whether there is interest in more is another question.
    let _: Interest = parser.feed(Input::new(side, at(0), chunk), &mut found)?;
    Ok(found)
}

pub(crate) fn lines(found: &[DnsMessage]) -> Vec<String> {
    found.iter().map(DnsMessage::to_string).collect()
}
