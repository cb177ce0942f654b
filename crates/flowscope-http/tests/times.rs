//! When messages begin and end, whatever came before them.

mod common;

use common::{Step, Talk, client, server};
use flowscope_core::Timestamp;
use flowscope_http::{HttpMessage, Transfer};

/// Each message's target or status, when it began and ended, and how long the
/// response took.
fn times(steps: &[Step]) -> Vec<(String, [u64; 2], Option<u64>)> {
    let talk = Talk::default().steps(steps).finish();
    let span = |it: &Transfer| [it.started, it.ended].map(Timestamp::as_secs);
    let time = |message: &HttpMessage| match message {
        HttpMessage::Request(it) => Some((it.target().to_string(), span(it), None)),
        HttpMessage::Response(it) => {
            let latency = it.request.as_ref().map(|it| it.latency.as_secs());
            Some((it.status.to_string(), span(it), latency))
        }
        _ => None,
    };
    talk.messages.iter().filter_map(time).collect()
}

fn check(steps: &[Step], expected: &[(&str, [u64; 2], Option<u64>)]) {
    let found = times(steps);
    let found: Vec<_> = found
        .iter()
        .map(|(words, span, latency)| (words.as_str(), *span, *latency))
        .collect();
    assert_eq!(found, expected, "{steps:?}");
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";

#[test]
fn what_is_before_a_message_is_none_of_it() {
    let request = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    let expected = [("/a", [3, 3], None), ("200", [5, 5], Some(2))];
    for (to_server, to_client) in [
        // SOCKS, the ends of two bodies, and both behind a line.
        (&b"\x04\x01\0P\0\0\0\x01u\0h\0"[..], &b"\0Z\0\0\0\0\0\0"[..]),
        (b"tail-of-upload&x=1", b"tail of a download"),
        (b"line\r\nx=1", b"\r\n</html>"),
        (b"line\nx y z\r", b"\xff\xfe\n\xff"),
        (b"\r\n", b"HTTP/1.1 and"),
        (b"the end of it", b"220 ready\r\n"),
    ] {
        check(
            &[
                client(to_server),
                server(to_client),
                client(request),
                server(""),
                server(OK),
            ],
            &expected,
        );
    }
}

#[test]
fn a_message_found_in_pieces_began_with_its_first() {
    for (first, second) in [
        ("junkG", "ET /a HTTP/1.1\r\n\r\n"),
        ("junkGET ", "/a HTTP/1.1\r\n\r\n"),
        ("junkGET /a HTTP/1.1\r", "\n\r\n"),
    ] {
        let steps = [client("more "), client(first), client(second), server(OK)];
        let expected = [("/a", [2, 3], None), ("200", [4, 4], Some(1))];
        check(&steps, &expected);
    }
    // By hand, a byte in each packet.
    let line = b"GET /by/hand HTTP/1.1\r\n\r\n";
    let mut steps = vec![client(b"\x05\x01\0"), client(b"some more")];
    steps.extend(line.iter().map(|byte| client([*byte])));
    steps.push(server(OK));
    let end = 2 + line.len() as u64;
    let expected = [
        ("/by/hand", [3, end], None),
        ("200", [end + 1, end + 1], Some(1)),
    ];
    check(&steps, &expected);
}

#[test]
fn a_response_does_not_follow_a_request_of_after_it() {
    // What seemed to have begun before the first response had not.
    let steps = [
        client("the end of an upload"),
        server(OK),
        client("GET /next HTTP/1.1\r\n\r\n"),
        server(""),
        server(OK),
    ];
    let expected = [
        ("200", [2, 2], None),
        ("/next", [3, 3], None),
        ("200", [5, 5], Some(2)),
    ];
    check(&steps, &expected);
}

#[test]
fn a_request_of_one_line_is_over_with_it() {
    let steps = [client("GET /old\r\n"), server(""), server("<html>")];
    check(&steps, &[("/old", [1, 1], None)]);
    let steps = [client("GET /a\r\n"), client("GET /b\r"), client("\n")];
    let expected = [("/a", [1, 1], None), ("/b", [2, 3], None)];
    check(&steps, &expected);
    let steps = [client("PUT /a\r\n"), server(""), server(OK)];
    let expected = [("/a", [1, 1], None), ("200", [3, 3], Some(2))];
    check(&steps, &expected);
}

#[test]
fn a_response_without_its_body_is_over_with_its_head() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";
    let steps = [
        server(head),
        server("HTTP/1.1 4"),
        server("04 No\r\nContent-Length: 0\r\n\r\n"),
    ];
    let expected = [("200", [1, 1], None), ("404", [2, 3], None)];
    check(&steps, &expected);
    let steps = [server(head), server("HTTP"), server("/1.")];
    check(&steps, &[("200", [1, 3], None)]);
}
