//! DNS: questions, and what answers them.

mod records;
mod transport;

use core::fmt::Write as _;

use flowscope::detect::Message;
use flowscope::dns::{DnsMessage, DnsPacket, Record};

use crate::support::messages;

/// The messages of a capture, a row each and their records below it.
fn rows(capture: &str) -> String {
    let mut rows = String::new();
    for found in messages(capture) {
        let arrow = found.arrow();
        let Message::Dns(message) = found.message else {
            panic!("{:?}", found.message);
        };
        let text = match message {
            DnsMessage::Query(it) if it.is_retransmission => {
                format!("query again {}", packet(&it.packet))
            }
            DnsMessage::Query(it) => format!("query {}", packet(&it.packet)),
            DnsMessage::Response(it) => {
                assert!(it.answers.is_some(), "{it}");
                format!("response {} {}", it.packet.rcode(), packet(&it.packet))
            }
            DnsMessage::Unanswered(it) => {
                let question = it.question().unwrap();
                format!(
                    "unanswered {question} {} of {}",
                    it.why.as_str(),
                    it.attempts
                )
            }
            other => panic!("{other:?}"),
        };
        let _ = writeln!(rows, "{arrow} {text}");
    }
    rows
}

/// The question, the flags, and a line for EDNS and for each record.
fn packet(packet: &DnsPacket) -> String {
    let mut text = String::new();
    for question in packet.questions() {
        let _ = write!(text, "{question}");
    }
    let flags = [
        (packet.is_authoritative(), "aa"),
        (packet.is_truncated(), "tc"),
        (packet.is_recursion_desired(), "rd"),
        (packet.is_recursion_available(), "ra"),
        (packet.is_authentic(), "ad"),
        (packet.is_checking_disabled(), "cd"),
    ];
    for (_, flag) in flags.iter().filter(|(is, _)| *is) {
        let _ = write!(text, " {flag}");
    }
    if let Some(edns) = packet.edns() {
        let _ = write!(text, "\n      EDNS {} {}", edns.version(), edns.udp_size());
        if edns.is_dnssec_ok() {
            text.push_str(" do");
        }
        for option in edns.options() {
            let _ = write!(text, " {option}");
        }
    }
    let sections = [
        ("", packet.answers()),
        ("authority ", packet.authorities()),
        ("additional ", packet.additionals()),
    ];
    for (section, records) in sections {
        for record in records {
            let _ = write!(text, "\n      {section}{}", abbreviated(record));
        }
    }
    assert_eq!(packet.problem(), None);
    text
}

/// The record as in a zone file, unless it is long.
fn abbreviated(record: Record<'_>) -> String {
    let text = record.to_string();
    match text.char_indices().nth(LONGEST) {
        None => text,
        Some(_) => {
            let begin: String = text.chars().take(BEGIN).collect();
            format!("{begin}… ({} B)", record.data.bytes().len())
        }
    }
}

const LONGEST: usize = 240;
const BEGIN: usize = 60;
