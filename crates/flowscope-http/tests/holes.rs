//! What is read where bytes are missing.

mod common;

use common::{CLIENT, SERVER, Step, Talk, client, said, server};
use flowscope_http::{HttpMessage, HttpVersion};
use proptest::prelude::*;

#[test]
fn a_hole_in_a_body_of_known_length_is_skipped() {
    for (head, more, expected) in [
        ("Content-Length: 9\r\n\r\n", "z", "200 to /1 9 less 5"),
        (
            "Transfer-Encoding: chunked\r\n\r\n9\r\n",
            "z\r\n0\r\n\r\n",
            "200 to /1 9 less 5",
        ),
    ] {
        let steps = [
            client("GET /1 HTTP/1.1\r\n\r\n"),
            server(format!("HTTP/1.1 200 OK\r\n{head}abc")),
            Step::Gap(SERVER, 5),
            server(more),
            client("GET /2 HTTP/1.1\r\n\r\n"),
            server("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
        ];
        assert_eq!(
            said(&steps),
            ["GET /1 0", expected, "GET /2 0", "404 to /2 0"]
        );
    }
}

#[test]
fn behind_any_other_hole_the_next_start_line_is_found() {
    for (before, after, expected) in [
        // In a head.
        (
            "HTTP/1.1 200 OK\r\nContent-Le",
            "gth: 3\r\n\r\nabc",
            "200 to /1 0 cut",
        ),
        // In the framing of a chunk.
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3",
            "bc\r\n0\r\n\r\n",
            "200 to /1 0 cut",
        ),
        // Behind the end of a body.
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na",
            " x\r\n\r\n",
            "200 to /1 3 less 2",
        ),
    ] {
        let steps = [
            client("GET /1 HTTP/1.1\r\n\r\n"),
            server(before),
            Step::Gap(SERVER, 9),
            server(after),
            client("GET /2 HTTP/1.1\r\n\r\n"),
            server("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
        ];
        assert_eq!(
            said(&steps),
            ["GET /1 0", expected, "GET /2 0", "404 to /2 0"]
        );
    }
}

#[test]
fn a_connection_may_be_joined_in_its_middle() {
    let steps = [
        server(
            "binary \0\x01\x02 and text\n and the endHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        ),
        client("x=1&y=2POST /2 HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
        server("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
    ];
    assert_eq!(said(&steps), ["200 to ? 2", "POST /2 0", "404 to /2 0"]);
}

#[test]
fn what_only_looks_like_a_start_line_is_passed_by() {
    let steps = [
        Step::Gap(SERVER, 1),
        server(
            "write HTTP/1.1 200 OK\nto begin with\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        ),
    ];
    assert_eq!(said(&steps), ["200 to ? 2"]);
}

#[test]
fn what_there_is_of_a_start_line_is_given() {
    let steps = |cut: &str, answer: &str| {
        [
            client(cut),
            Step::Gap(CLIENT, 60),
            server(answer),
            Step::Gap(SERVER, 200),
        ]
    };
    for (cut, answer, expected) in [
        (
            "GET /a/long/pa",
            "HTTP/1.1 200",
            ["GET /a/long/pa 0 cut", "200 to ? 0 cut"],
        ),
        (
            "GET /a HTTP/1.",
            "HTTP/1.0 404 Not F",
            ["GET /a 0 cut", "404 to ? 0 cut"],
        ),
        (
            "GET /a HTTP/1.1\r\n",
            "HTTP/1.1 200 OK\r\n",
            ["GET /a 0 cut", "200 to /a 0 cut"],
        ),
    ] {
        assert_eq!(said(&steps(cut, answer)), expected);
    }
    for (cut, answer) in [
        ("GET ", "HTTP/1.1 20"),
        ("BREW /a", "H"),
        ("GET a", "200 OK"),
    ] {
        assert_eq!(said(&steps(cut, answer)), [""; 0], "{cut}");
    }
    // The next one begins behind the hole.
    let next = [
        client("GET /1 HTTP/1.1\r\nA: b"),
        Step::Gap(CLIENT, 60),
        client("GET /2"),
        Step::Gap(CLIENT, 60),
        client("what is this? GET /3"),
        Step::Gap(CLIENT, 60),
    ];
    assert_eq!(said(&next), ["GET /1 0 cut", "GET /2 0 cut"]);
    let talk = Talk::default().steps(&steps("GET /a HTTP/1.", ""));
    let Some(HttpMessage::Request(request)) = talk.messages.first() else {
        panic!("{:?}", talk.messages)
    };
    assert_eq!(request.version, HttpVersion::UNKNOWN);
}

#[test]
fn a_response_that_leaves_http_says_where_to() {
    // Its request comes late, as captures that are merged have it.
    let steps = [
        server("HTTP/1.1 101 ok\r\n\r\n"),
        client("GET /1 HTTP/1.1\r\n\r\n"),
        server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ];
    assert_eq!(said(&steps), ["101 to ? 0", "GET /1 0", "200 to /1 0"]);
}

/// What an exchange of the property looks like.
#[derive(Clone, Debug)]
struct Exchange {
    request: Vec<u8>,
    response: Vec<u8>,
}

fn exchange(number: usize, request_kind: u8, response_kind: u8, len: usize) -> Exchange {
    let body = "b".repeat(len);
    let request = match request_kind {
        0 => format!("GET /{number} HTTP/1.1\r\nHost: h\r\n\r\n"),
        1 => format!("HEAD /{number} HTTP/1.1\r\nHost: h\r\n\r\n"),
        2 => format!("POST /{number} HTTP/1.1\r\nContent-Length: {len}\r\n\r\n{body}"),
        _ => format!(
            "PUT /{number} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{len:x}\r\n{body}\r\n0\r\n\r\n"
        ),
    };
    let body = match request_kind {
        1 => String::new(),
        _ => "c".repeat(len),
    };
    let response = match (response_kind, request_kind) {
        (0, _) => format!("HTTP/1.1 200 OK\r\nX: {number}\r\nContent-Length: {len}\r\n\r\n{body}"),
        (1, 1) => format!("HTTP/1.1 200 OK\r\nX: {number}\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (1, _) => format!(
            "HTTP/1.1 200 OK\r\nX: {number}\r\nTransfer-Encoding: chunked\r\n\r\n{len:x}\r\n{body}\r\n0\r\n\r\n"
        ),
        _ => format!("HTTP/1.1 304 Not Modified\r\nX: {number}\r\n\r\n"),
    };
    Exchange {
        request: request.into_bytes(),
        response: response.into_bytes(),
    }
}

fn exchanges() -> impl Strategy<Value = Vec<Exchange>> {
    prop::collection::vec((0..4u8, 0..3u8, 1..60usize), 2..6).prop_map(|kinds| {
        let numbered = kinds.into_iter().enumerate();
        numbered
            .map(|(number, (request, response, len))| exchange(number, request, response, len))
            .collect()
    })
}

/// The steps with a hole in the stream of one side, and the numbers of the
/// exchanges whose messages it touches on that side.
fn with_hole(
    all: &[Exchange],
    side: flowscope_core::FlowSide,
    hole: (usize, usize),
) -> (Vec<Step>, Vec<usize>) {
    let (mut steps, mut touched, mut offset) = (Vec::new(), Vec::new(), 0);
    let mut pending = 0u64;
    for (number, exchange) in all.iter().enumerate() {
        for (from, bytes) in [(CLIENT, &exchange.request), (SERVER, &exchange.response)] {
            if from != side {
                steps.push(Step::Data(from, bytes.clone()));
                continue;
            }
            let cut_from = hole.0.clamp(offset, offset + bytes.len()) - offset;
            let cut_to = hole.1.clamp(offset, offset + bytes.len()) - offset;
            steps.push(Step::Data(from, bytes[..cut_from].to_vec()));
            pending += (cut_to - cut_from) as u64;
            if cut_to > cut_from {
                touched.push(number);
            }
            if cut_to < bytes.len() || number + 1 == all.len() {
                if pending > 0 {
                    steps.push(Step::Gap(from, pending));
                    pending = 0;
                }
                steps.push(Step::Data(from, bytes[cut_to..].to_vec()));
            }
            offset += bytes.len();
        }
    }
    (steps, touched)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_hole_loses_only_the_messages_it_touches(
        all in exchanges(),
        on_client in any::<bool>(),
        at in any::<prop::sample::Index>(),
        len in 1..150usize,
    ) {
        let side = if on_client { CLIENT } else { SERVER };
        let total: usize = all
            .iter()
            .map(|exchange| if on_client { exchange.request.len() } else { exchange.response.len() })
            .sum();
        let from = at.index(total);
        let (steps, touched) = with_hole(&all, side, (from, (from + len).min(total)));
        let talk = Talk::default().steps(&steps).finish();
        let (mut requests, mut responses) = (Vec::new(), Vec::new());
        for message in &talk.messages {
            match message {
                HttpMessage::Request(request) => {
                    let whole = !request.incomplete && request.missing_bytes == 0;
                    requests.push((request.target().to_string(), whole));
                }
                HttpMessage::Response(response) => {
                    let whole = !response.incomplete && response.missing_bytes == 0;
                    let number = response.header("x").map(|x| format!("/{x}"));
                    responses.push((number.unwrap_or_default(), whole));
                    // Whatever is said of a request is true.
                    if let (Some(request), Some(x)) = (&response.request, response.header("x")) {
                        prop_assert_eq!(request.target().to_string(), format!("/{x}"));
                    }
                }
                _ => {}
            }
        }
        for number in 0..all.len() {
            let name = (format!("/{number}"), true);
            let (mine, others) = if on_client { (&requests, &responses) } else { (&responses, &requests) };
            prop_assert!(others.contains(&name), "{} {:?}", number, talk.said());
            if !touched.contains(&number) {
                prop_assert!(mine.contains(&name), "{} {:?}", number, talk.said());
            }
        }
        let whole = |list: &[(String, bool)]| list.iter().filter(|(_, whole)| *whole).count();
        prop_assert!(whole(&requests) <= all.len() && whole(&responses) <= all.len());
    }
}
