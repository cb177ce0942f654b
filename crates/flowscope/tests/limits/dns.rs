//! How much of DNS is kept.

use core::time::Duration;

use flowscope::dns::DnsConfig;
use flowscope_fixtures::{Conversation, Datagrams, Frame, SECOND, Side, address};

use crate::limit::{Limit, Told, size, time};

/// A message with one question (RFC 1035, section 4.1).
fn message(id: u16, flags: u16, answers: u16) -> Vec<u8> {
    let mut message = Vec::new();
    message.extend(id.to_be_bytes());
    message.extend(flags.to_be_bytes());
    message.extend([0, 1]);
    message.extend(answers.to_be_bytes());
    message.extend([0, 0, 0, 0]);
    message.extend(b"\x01a\x07example\0\0\x01\0\x01");
    for number in 0..answers {
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2]);
        message.push(number as u8);
    }
    message
}

const QUERY: u16 = 0x0100;
const RESPONSE: u16 = 0x8180;

fn talk() -> Datagrams {
    Datagrams::new(address("10.0.0.1:40000"), address("10.0.0.2:53"))
}

/// Twenty questions, and an answer to each.
fn many() -> Vec<Frame> {
    let asked = (0..20).fold(talk(), |talk, id| {
        talk.send(Side::Client, &message(id, QUERY, 0))
    });
    (0..20)
        .fold(asked, |talk, id| {
            talk.send(Side::Server, &message(id, RESPONSE, 1))
        })
        .frames()
}

fn answered(answers: u16) -> Vec<Frame> {
    talk()
        .send(Side::Client, &message(1, QUERY, 0))
        .send(Side::Server, &message(1, RESPONSE, answers))
        .frames()
}

pub(crate) fn limits() -> Vec<Limit> {
    let config = DnsConfig::default();
    vec![
        Limit {
            name: "DnsConfig::timeout",
            default: time(config.timeout),
            what: "how long a query waits for its response",
            told: Told::By("unanswered: timed_out"),
            base: |_| {},
            lower: |settings| settings.detect.dns.timeout = Duration::from_secs(1),
            frames: || {
                let talk = talk()
                    .send(Side::Client, &message(1, QUERY, 0))
                    .wait(5 * SECOND);
                talk.send(Side::Server, &message(1, RESPONSE, 1)).frames()
            },
        },
        Limit {
            name: "DnsConfig::max_pending",
            default: config.max_pending.to_string(),
            what: "queries of a flow that wait; the oldest is given as unanswered",
            told: Told::By("unanswered: evicted"),
            base: |_| {},
            lower: |settings| settings.detect.dns.max_pending = 5,
            frames: many,
        },
        Limit {
            name: "DnsConfig::max_pending_bytes",
            default: size(config.max_pending_bytes),
            what: "what they have together; the same",
            told: Told::By("unanswered: evicted"),
            base: |_| {},
            lower: |settings| settings.detect.dns.max_pending_bytes = 100,
            frames: many,
        },
        Limit {
            name: "DnsConfig::max_records",
            default: config.max_records.to_string(),
            what: "questions and records of a message that are read; the rest is left out",
            told: Told::By("more than 3 records"),
            base: |_| {},
            lower: |settings| settings.detect.dns.max_records = 3,
            frames: || answered(20),
        },
        Limit {
            name: "DnsConfig::max_expansion",
            default: format!("{} times its length", config.max_expansion),
            what: "the text of a message's names and data; the rest is not written",
            told: Told::By("text is cut"),
            base: |_| {},
            lower: |settings| settings.detect.dns.max_expansion = 1,
            frames: || answered(20),
        },
        Limit {
            name: "DnsConfig::max_message",
            default: size(config.max_message),
            what: "a message on a connection; at a longer one it is read no further",
            told: Told::By("parse_error"),
            base: |_| {},
            lower: |settings| settings.detect.dns.max_message = 100,
            frames: || {
                let messages = [message(1, RESPONSE, 1), message(2, RESPONSE, 20)];
                let lengths = messages
                    .each_ref()
                    .map(|it| (it.len() as u16).to_be_bytes());
                let [short, long] = &messages;
                let bytes = [&lengths[0], &short[..], &lengths[1], long].concat();
                Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:53"))
                    .handshake()
                    .send(Side::Server, &bytes)
                    .frames()
            },
        },
    ]
}
