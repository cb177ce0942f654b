//! DNS whose names lead astray.

use flowscope_fixtures::{Datagrams, Frame, Side, address};

use crate::case::Case;

/// A message with one question, whose name is given as it is on the wire.
fn message(id: u16, flags: u16, name: &[u8], answer: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    message.extend(id.to_be_bytes());
    message.extend(flags.to_be_bytes());
    message.extend([0, 1, 0, u8::from(!answer.is_empty()), 0, 0, 0, 0]);
    message.extend(name);
    message.extend([0, 1, 0, 1]);
    message.extend(answer);
    message
}

const NAME: &[u8] = b"\x01a\x07example\0";
const QUERY: u16 = 0x0100;
const RESPONSE: u16 = 0x8180;

/// An A record for the name of the question.
fn answer(address: [u8; 4]) -> Vec<u8> {
    let mut answer = vec![0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4];
    answer.extend(address);
    answer
}

fn asked(messages: &[(Side, Vec<u8>)]) -> Vec<Frame> {
    let between = Datagrams::new(address("10.0.0.1:40000"), address("10.0.0.2:53"));
    let talk = messages
        .iter()
        .fold(between, |talk, (from, message)| talk.send(*from, message));
    talk.frames()
}

pub(crate) fn cases() -> Vec<Case> {
    let query = || (Side::Client, message(7, QUERY, NAME, &[]));
    let response = |address| (Side::Server, message(7, RESPONSE, NAME, &answer(address)));
    let other = (
        Side::Server,
        message(8, RESPONSE, NAME, &answer([192, 0, 2, 9])),
    );
    let looping = (Side::Client, message(7, QUERY, &[0xc0, 12], &[]));
    let long = [[63].as_slice(), &[b'a'; 63]].concat().repeat(5);
    let long = (
        Side::Client,
        message(7, QUERY, &[&long[..], &[0]].concat(), &[]),
    );
    let dotted = (
        Side::Client,
        message(7, QUERY, b"\x03a.b\x07example\0", &[]),
    );
    let upper = (Side::Client, message(7, QUERY, b"\x01A\x07eXAMPLE\0", &[]));
    vec![
        Case::messages(
            "a question and its answer",
            "RFC 1035, 4",
            &[
                "client: query 7 a.example A",
                "server: response 7 NoError a.example A → A 192.0.2.1 (1ms)",
            ],
        )
        .of_frames(asked(&[query(), response([192, 0, 2, 1])])),
        Case::messages(
            "an answer with another identifier before the true one",
            "RFC 5452, 4.3",
            &[
                "client: query 7 a.example A",
                "server: response 8 NoError a.example A → A 192.0.2.9",
                "server: response 7 NoError a.example A → A 192.0.2.1 (2ms)",
            ],
        )
        .of_frames(asked(&[query(), other, response([192, 0, 2, 1])])),
        Case::messages(
            "two answers that differ",
            "RFC 5452, 4",
            &[
                "client: query 7 a.example A",
                "server: response 7 NoError a.example A → A 192.0.2.1 (1ms)",
                "server: response 7 NoError a.example A → A 192.0.2.66",
            ],
        )
        .of_frames(asked(&[
            query(),
            response([192, 0, 2, 1]),
            response([192, 0, 2, 66]),
        ])),
        Case::messages(
            "a name that points at itself",
            "RFC 1035, 4.1.4",
            &["client: query 7", "client: unanswered 7"],
        )
        .of_frames(asked(&[looping])),
        Case::messages(
            "a name of more than 255 bytes",
            "RFC 1035, 2.3.4",
            &["client: query 7", "client: unanswered 7"],
        )
        .of_frames(asked(&[long])),
        Case::messages(
            "a dot within a label",
            "RFC 1035, 5.1",
            &[
                "client: query 7 a\\.b.example A",
                "client: unanswered 7 a\\.b.example A",
            ],
        )
        .of_frames(asked(&[dotted])),
        Case::messages(
            "a name in capitals",
            "RFC 1035, 2.3.3",
            &[
                "client: query 7 A.eXAMPLE A",
                "client: unanswered 7 A.eXAMPLE A",
            ],
        )
        .of_frames(asked(&[upper])),
    ]
}
