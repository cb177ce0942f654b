//! Who sent the messages.

use flowscope_fixtures::{Close, Conversation, Datagrams, SECOND, Side, address, merge};
use serde_json::Value;

use crate::support::{pcap, records, run, stdout};

/// Type and sender of the records of messages.
fn senders(records: &[Value]) -> Vec<(&str, &str)> {
    let told = records.iter().filter(|it| it["type"] != "flow");
    let word = |record: &Value, name: &str| match &record[name] {
        Value::String(word) => word.clone().leak(),
        other => panic!("{name}: {other}"),
    };
    told.map(|it| (&*word(it, "type"), &*word(it, "side")))
        .collect()
}

fn connection() -> Conversation {
    Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:8080"))
}

const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

const ASKED: (&str, &str) = ("http_request", "initiator");
const ANSWERED: (&str, &str) = ("http_response", "responder");

#[test]
fn requests_are_the_initiators_and_responses_the_responders() {
    let talk = connection()
        .handshake()
        .send(Side::Client, REQUEST)
        .send(Side::Server, RESPONSE)
        .send(Side::Client, REQUEST)
        .send(Side::Server, RESPONSE)
        .close(Close::Fin(Side::Client));
    let capture = pcap(&talk.frames());
    for subject in ["http", "all"] {
        let told = records(&[subject], &capture);
        assert_eq!(senders(&told), [ASKED, ANSWERED, ASKED, ANSWERED]);
    }
    let sheet = stdout(&run(&["http", "--format", "csv"], &capture));
    assert!(sheet.lines().next().unwrap().contains(",side,method,"));
    assert!(sheet.contains(",initiator,GET,/a,"), "{sheet}");
    assert!(sheet.contains(",responder,"), "{sheet}");
}

#[test]
fn a_connection_joined_at_a_response_has_its_server_as_initiator() {
    let talk = connection()
        .send(Side::Server, RESPONSE)
        .send(Side::Client, REQUEST)
        .send(Side::Server, RESPONSE);
    let told = records(&["http"], &pcap(&talk.frames()));
    assert_eq!(told[0]["src"], "10.0.0.2");
    let of_server = ("http_response", "initiator");
    let of_client = ("http_request", "responder");
    assert_eq!(senders(&told), [of_server, of_client, of_server]);
}

#[test]
fn a_connection_joined_in_a_body_is_told_by_what_comes_next() {
    let talk = connection()
        .send(Side::Server, b"the end of something, and no message")
        .send(Side::Client, REQUEST)
        .send(Side::Server, RESPONSE);
    let told = records(&["http"], &pcap(&talk.frames()));
    let expected = [
        ("http_request", "responder"),
        ("http_response", "initiator"),
    ];
    assert_eq!(senders(&told), expected);
}

#[test]
fn a_message_that_the_other_side_makes_clear_is_its_senders() {
    for request in [
        // Over when something comes back, and not before.
        &b"GET /old\r\n"[..],
        // Of a method that nobody knows.
        b"BREW /pot HTTP/1.1\r\nHost: a.example\r\n\r\n",
        // In pieces, with the answer before the last.
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
    ] {
        let talk = connection()
            .handshake()
            .send(Side::Client, request)
            .send(Side::Server, RESPONSE)
            .close(Close::Fin(Side::Server));
        let told = records(&["http"], &pcap(&talk.frames()));
        for sender in senders(&told) {
            assert!([ASKED, ANSWERED].contains(&sender), "{told:?}");
        }
    }
}

#[test]
fn what_is_in_a_tunnel_has_senders_of_its_own() {
    let talk = connection()
        .handshake()
        .send(Side::Client, b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n")
        .send(Side::Server, b"HTTP/1.1 200 Connection established\r\n\r\n")
        .send(Side::Server, REQUEST)
        .send(Side::Client, RESPONSE)
        .close(Close::Fin(Side::Client));
    let told = records(&["http"], &pcap(&talk.frames()));
    let inside = [
        ("http_request", "responder"),
        ("http_response", "initiator"),
    ];
    assert_eq!(senders(&told), [&[ASKED, ANSWERED], &inside[..]].concat());
}

fn question(id: u8, name: &[u8]) -> Vec<u8> {
    let header = [0, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    [&header, name, b"\0\x01\0\x01"].concat()
}

fn answer(id: u8, name: &[u8]) -> Vec<u8> {
    let mut bytes = question(id, name);
    bytes[2] = 0x81;
    bytes
}

#[test]
fn both_sides_may_ask_for_names() {
    let talk = Datagrams::new(address("10.0.0.1:53"), address("10.0.0.2:53"))
        .send(Side::Client, &question(1, b"\x01a\0"))
        .send(Side::Server, &question(2, b"\x01b\0"))
        .send(Side::Server, &answer(1, b"\x01a\0"))
        .send(Side::Client, &answer(2, b"\x01b\0"))
        .send(Side::Server, &question(3, b"\x01c\0"))
        .wait(20 * SECOND)
        .send(Side::Client, &question(4, b"\x01d\0"));
    let capture = pcap(&talk.frames());
    let (ours, theirs) = ("initiator", "responder");
    let told = records(&["dns"], &capture);
    assert_eq!(
        senders(&told),
        [
            ("dns", ours),
            ("dns", theirs),
            ("dns", theirs),
            ("dns", ours),
            ("dns", theirs),
            // Who asked.
            ("dns_unanswered", theirs),
            ("dns", ours),
            ("dns_unanswered", ours),
        ]
    );
    assert_eq!(told[0]["src"], "10.0.0.1");
    let sheet = stdout(&run(&["dns", "--format", "csv"], &capture));
    assert!(sheet.contains(",responder,udp,2,false,"), "{sheet}");
}

#[test]
fn a_stream_of_dns_joined_at_a_response_has_its_server_as_initiator() {
    let framed = |message: Vec<u8>| [&[0, message.len() as u8][..], &message].concat();
    let talk = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:53"))
        .send(Side::Server, &framed(answer(1, b"\x01a\0"))[20..])
        .send(Side::Client, &framed(question(2, b"\x01b\0")))
        .send(Side::Server, &framed(answer(2, b"\x01b\0")));
    let told = records(&["dns"], &pcap(&merge([talk.frames()])));
    assert_eq!(told[0]["src"], "10.0.0.2");
    assert_eq!(senders(&told), [("dns", "responder"), ("dns", "initiator")]);
}
