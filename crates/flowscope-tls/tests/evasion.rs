//! What a client may do with records and messages so that an observer reads
//! another hello than its server, or none.
//!
//! An observer cannot know what reaches the server, and receivers differ. So what
//! is read is right, or all that may be, or something is reported.

mod common;

use common::*;
use flowscope_core::session::{Datagram, DatagramParser};
use flowscope_core::{FlowSide, Timestamp};
use flowscope_tls::{DtlsParser, TlsParser};

/// What is sent, and what is read of it.
type Case<'a> = (&'a str, Vec<Vec<u8>>, &'a [&'a str]);

const REAL: &str = "client Some(\"real.example\")";
const DECOY: &str = "client Some(\"fake.example\")";
const SERVER_SAID: &str = "server TLS 1.2";

fn body(version: u16, name: &str) -> Vec<u8> {
    Hello::new(version, &[0xc02b, 0xc02f])
        .with(0, sni(name))
        .body()
}

/// What is read of a client's records, with the server's answer behind them.
fn of_stream(records: &[Vec<u8>]) -> Vec<String> {
    let answer = handshake(2, &server_hello(0x0303, &[7; 32], 0xc02b, &[]));
    let acts = [client(records.concat()), server(answer)];
    names(&read_with(TlsParser::default(), &acts).0)
}

#[test]
fn records_do_not_hide_a_hello() {
    let hello = message(1, &body(0x0303, "real.example"));
    let decoy = handshake(1, &body(0x0303, "fake.example"));
    let whole = record(22, &hello);
    let (front, back) = hello.split_at(50);
    let [front, back] = [record(22, front), record(22, back)];
    let of_version = |minor: u8| {
        let mut bytes = whole.clone();
        bytes[2] = minor;
        bytes
    };
    let cases: [Case<'_>; 12] = [
        ("in two records", vec![front.clone(), back.clone()], &[REAL]),
        (
            "in records of a byte",
            hello.iter().map(|byte| record(22, &[*byte])).collect(),
            &[REAL],
        ),
        ("with SSL 3.0 in its record", vec![of_version(0)], &[REAL]),
        ("with TLS 1.3 in its record", vec![of_version(4)], &[REAL]),
        (
            "with another version in its second record",
            vec![front.clone(), {
                let mut bytes = back.clone();
                bytes[2] = 1;
                bytes
            }],
            &[REAL],
        ),
        // No receiver takes one before a hello (RFC 8446, section 5).
        (
            "behind a ChangeCipherSpec",
            vec![change_cipher_spec(), whole.clone()],
            &[],
        ),
        (
            "behind a warning",
            vec![record(21, &[1, 90]), whole.clone()],
            &["warning user_canceled", REAL],
        ),
        (
            "around a warning",
            vec![front.clone(), record(21, &[1, 90]), back.clone()],
            &["warning user_canceled", REAL],
        ),
        (
            "around an empty record",
            vec![front.clone(), record(22, &[]), back.clone()],
            &[REAL],
        ),
        (
            "behind another in the same record",
            vec![record(22, &[&decoy[5..], &hello].concat())],
            &[DECOY, REAL],
        ),
        (
            "behind a HelloRequest",
            vec![handshake(0, &[]), whole.clone()],
            &[REAL],
        ),
        (
            "behind a line of text",
            vec![b"STARTTLS\r\n".to_vec(), whole],
            &[REAL],
        ),
    ];
    for (name, records, expected) in cases {
        let expected = [expected, &[SERVER_SAID]].concat();
        assert_eq!(of_stream(&records), expected, "{name}");
    }
}

#[test]
fn what_is_no_record_is_reported() {
    let mut bytes = handshake(1, &body(0x0303, "real.example"));
    // The hello's last byte is where the next record's type should be.
    bytes[4] -= 1;
    let found = of_stream(&[bytes, encrypted()]);
    let odd = "initiator no TLS record has type 101 and";
    assert!(found[0].starts_with(odd), "{found:?}");
    assert_eq!(found[1..], [SERVER_SAID]);
}

fn dtls_record(kind: u8, epoch: u8, content: &[u8]) -> Vec<u8> {
    let header = [kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 5];
    [&header[..], &vec16(content)].concat()
}

fn fragment(body: &[u8], from: usize, to: usize) -> Vec<u8> {
    let number = |value: usize| u32::try_from(value).expect("short").to_be_bytes();
    let header = [
        &[1][..],
        &number(body.len())[1..],
        &[0, 0],
        &number(from)[1..],
    ]
    .concat();
    dtls_record(22, 0, &[header, vec24(&body[from..to])].concat())
}

fn of_datagrams(sent: &[Vec<u8>]) -> Vec<String> {
    let mut parser = DtlsParser::default();
    let mut found = Vec::new();
    for (second, bytes) in (1..).zip(sent) {
        let datagram = Datagram::new(FlowSide::Initiator, Timestamp::new(second, 0), bytes);
        let Ok(_) = parser.parse(datagram, &mut found);
    }
    names(&found)
}

#[test]
fn datagrams_do_not_hide_a_hello() {
    let dtls = |name| {
        let body = body(0xfefd, name);
        let (before, behind) = body.split_at(35);
        [before, &[0], behind].concat()
    };
    let (real, decoy) = (dtls("real.example"), dtls("fake.example"));
    let len = real.len();
    let cut = len - 4;
    let [front, back] = [fragment(&real, 0, cut), fragment(&real, cut, len)];
    let whole = fragment(&real, 0, len);
    let differ = "initiator fragments of a handshake message of type 1 differ";
    let cases: [Case<'_>; 10] = [
        (
            "in fragments of a byte, the last first",
            (0..len)
                .rev()
                .map(|at| fragment(&real, at, at + 1))
                .collect(),
            &[REAL],
        ),
        (
            "behind another with the same number",
            vec![fragment(&decoy, 0, len), whole.clone()],
            &[DECOY, REAL],
        ),
        (
            "behind a fragment of another",
            vec![fragment(&decoy, 0, cut), front.clone(), back.clone()],
            &[differ, REAL],
        ),
        (
            "around a fragment of another",
            vec![front.clone(), fragment(&decoy, 0, cut), back.clone()],
            &[differ, DECOY],
        ),
        (
            "whole, behind a fragment of another",
            vec![fragment(&decoy, 0, cut), whole.clone()],
            &[differ, REAL],
        ),
        (
            "behind a record that says it is encrypted",
            vec![dtls_record(22, 1, &[7; 40]), whole.clone()],
            &[REAL],
        ),
        (
            "behind application data of the first epoch",
            vec![dtls_record(23, 0, &[7; 40]), whole.clone()],
            &[REAL],
        ),
        (
            "behind a fatal alert that nobody saw",
            vec![dtls_record(21, 0, &[2, 40]), whole.clone()],
            &[REAL],
        ),
        (
            "behind STUN, in a TURN channel",
            vec![
                b"\0\x01\0\0\x21\x12\xa4\x42123456789012".to_vec(),
                [&[0x40, 1][..], &vec16(&whole)].concat(),
            ],
            &[REAL],
        ),
        (
            "in front of something else in its datagram",
            vec![[whole, vec![0xff; 30]].concat()],
            &[REAL],
        ),
    ];
    for (name, sent, expected) in cases {
        assert_eq!(of_datagrams(&sent), expected, "{name}");
    }
}
