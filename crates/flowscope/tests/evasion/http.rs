//! HTTP that recipients may read in different ways.

use flowscope_fixtures::{Conversation, Disturbance, Resend, Side};

use crate::case::{Case, talk};

fn asks(request: &str) -> Conversation {
    talk().send(Side::Client, request.as_bytes())
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = heads();
    cases.extend(bodies());
    cases.extend(streams());
    cases
}

fn heads() -> Vec<Case> {
    let read = ["client: GET /a, body of 0"];
    let case = |title: &str, source, request: &str| {
        Case::messages(title, source, &read).of(&asks(request))
    };
    vec![
        case(
            "lines that end with a line feed alone",
            "RFC 9112, 2.2",
            "GET /a HTTP/1.1\nHost: a.example\n\n",
        ),
        case(
            "a header over two lines",
            "RFC 9112, 5.2",
            "GET /a HTTP/1.1\r\nHost: a.example\r\nX: one\r\n two\r\n\r\n",
        )
        .reported(&["client obsolete_folding"]),
        case(
            "a space before the colon",
            "RFC 9112, 5.1",
            "GET /a HTTP/1.1\r\nHost : a.example\r\n\r\n",
        )
        .reported(&["client space_before_colon"]),
        case(
            "two hosts",
            "RFC 9112, 3.2",
            "GET /a HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n",
        )
        .reported(&["client repeated_host"]),
        Case::messages(
            "a target with another host than the header has",
            "RFC 9112, 3.2.2",
            &["client: GET http://b.example/a, body of 0"],
        )
        .of(&asks(
            "GET http://b.example/a HTTP/1.1\r\nHost: a.example\r\n\r\n",
        ))
        .reported(&["client host_mismatch"]),
        case(
            "a NUL in a header",
            "RFC 9110, 5.5",
            "GET /a HTTP/1.1\r\nHost: a.example\r\nX: a\0b\r\n\r\n",
        )
        .reported(&["client control_character"]),
        case(
            "a carriage return alone in a header",
            "RFC 9112, 2.2",
            "GET /a HTTP/1.1\r\nHost: a.example\r\nX: a\rb\r\n\r\n",
        )
        .reported(&["client control_character"]),
        case(
            "a line without a colon",
            "RFC 9112, 5",
            "GET /a HTTP/1.1\r\nHost: a.example\r\nno colon\r\n\r\n",
        )
        .reported(&["client bad_header"]),
        case(
            "empty lines before the request",
            "RFC 9112, 2.2",
            "\r\n\r\nGET /a HTTP/1.1\r\nHost: a.example\r\n\r\n",
        ),
        Case::messages(
            "a version that there is not",
            "RFC 9112, 2.3",
            &["client: GET /a, body of 0"],
        )
        .of(&asks("GET /a HTTP/1.9\r\nHost: a.example\r\n\r\n")),
        Case::messages(
            "spaces instead of one",
            "RFC 9112, 3",
            &["client: GET /a, body of 0"],
        )
        .of(&asks("GET   /a   HTTP/1.1\r\nHost: a.example\r\n\r\n"))
        .reported(&["client bad_start_line"]),
    ]
}

fn bodies() -> Vec<Case> {
    let two = ["client: POST /a, body of 5", "client: GET /b, body of 0"];
    let case = |title: &str, source, head: &str, body: &str| {
        let request = format!("POST /a HTTP/1.1\r\nHost: a.example\r\n{head}\r\n{body}");
        let next = "GET /b HTTP/1.1\r\nHost: a.example\r\n\r\n";
        Case::messages(title, source, &two).of(&asks(&(request + next)))
    };
    vec![
        case(
            "a length",
            "RFC 9112, 6.2",
            "Content-Length: 5\r\n",
            "hello",
        ),
        case(
            "chunks",
            "RFC 9112, 7.1",
            "Transfer-Encoding: chunked\r\n",
            "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        ),
        case(
            "a length and chunks, of which the chunks count",
            "RFC 9112, 6.3",
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
        )
        .but(
            "a recipient that takes the length",
            &["client: POST /a, body of 3"],
        )
        .reported(&["client both_lengths"]),
        case(
            "the same length twice",
            "RFC 9112, 6.3",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "hello",
        )
        .reported(&["client repeated_length"]),
        case(
            "chunks with an extension",
            "RFC 9112, 7.1.1",
            "Transfer-Encoding: chunked\r\n",
            "5;a=b\r\nhello\r\n0\r\n\r\n",
        ),
        case(
            "chunks with trailers",
            "RFC 9112, 7.1.2",
            "Transfer-Encoding: chunked\r\n",
            "5\r\nhello\r\n0\r\nX: y\r\n\r\n",
        ),
        case(
            "chunks that end with a line feed alone",
            "RFC 9112, 7.1",
            "Transfer-Encoding: chunked\r\n",
            "5\nhello\r\n0\r\n\r\n",
        )
        .reported(&["client bare_line_feed_in_chunk"]),
    ]
}

fn streams() -> Vec<Case> {
    const REQUEST: &str = "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let read = ["client: GET /a, body of 0"];
    vec![
        Case::messages(
            "a head in segments of one byte",
            "fragroute, tcp_seg",
            &read,
        )
        .of(&talk()
            .with_segment_size(1)
            .send(Side::Client, REQUEST.as_bytes())),
        Case::messages(
            "a request that is sent again with other bytes",
            "Ptacek and Newsham, 4.2",
            &read,
        )
        .of(&asks(REQUEST).disturb(Disturbance::Resend {
            packet: 3,
            behind: 1,
            what: Resend::Conflicting,
        }))
        .reported(&["client overlap_conflict"]),
        Case::messages(
            "two requests, of which the second is an answer's tail to some",
            "RFC 9112, 9.3.2",
            &["client: GET /a, body of 0", "client: GET /a, body of 0"],
        )
        .of(&asks(&format!("{REQUEST}{REQUEST}"))),
        Case::messages(
            "a body in answer to HEAD, which has none",
            "RFC 9112, 6.3",
            &["client: HEAD /a, body of 0", "server: 200 to /a, body of 0"],
        )
        .of(&asks("HEAD /a HTTP/1.1\r\nHost: a.example\r\n\r\n").send(
            Side::Server,
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        )),
    ]
}
