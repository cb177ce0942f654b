//! What is ambiguous is read as the standard says, and told of.

mod common;

use common::{Talk, client, server};
use flowscope_http::HttpAnomalyKind::{self, *};
use flowscope_http::{HttpConfig, HttpMessage, HttpVersion};

fn check(request: &str, kinds: &[HttpAnomalyKind], expected: &[&str]) {
    let talk = Talk::default().steps(&[client(request)]);
    assert_eq!(talk.anomalies(), kinds, "{request}");
    let messages: Vec<_> = talk
        .said()
        .into_iter()
        .filter(|words| words.contains(' '))
        .collect();
    assert_eq!(messages, expected, "{request}");
}

#[test]
fn ambiguous_framing_is_settled_and_flagged() {
    let next = "GET /next HTTP/1.1\r\n\r\n";
    let whole = |words| [words, "GET /next 0"];
    for (lines, body, kinds, first) in [
        (
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
            "1\r\na\r\n0\r\n\r\n",
            &[BothLengths][..],
            "POST / 1",
        ),
        (
            "Content-Length: 3\r\nContent-Length: 3\r\n",
            "abc",
            &[RepeatedLength],
            "POST / 3",
        ),
        (
            "Content-Length: 3\r\nContent-Length: 4\r\n",
            "abc",
            &[DifferingLengths],
            "POST / 0 cut",
        ),
        (
            "Content-Length: -3\r\n",
            "abc",
            &[BadLength],
            "POST / 0 cut",
        ),
        (
            "Content-Length : 3\r\n",
            "abc",
            &[SpaceBeforeColon],
            "POST / 3",
        ),
        (
            "Content-Length:\r\n 3\r\n",
            "abc",
            &[ObsoleteFolding],
            "POST / 3",
        ),
        (
            "Transfer-Encoding: chunked, x\r\n",
            "abc",
            &[BadTransferEncoding],
            "POST / 0 cut",
        ),
        (
            "Content-Length: 3\r\nX: a\0b\r\n",
            "abc",
            &[ControlCharacter],
            "POST / 3",
        ),
        (
            "Content-Length: 3\r\r\nX: y\r\n",
            "abc",
            &[ControlCharacter],
            "POST / 3",
        ),
        (
            "Transfer-Encoding\x0b: chunked\0\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
            &[SpaceBeforeColon, ControlCharacter],
            "POST / 3",
        ),
        (
            "Transfer-Encoding: \x0bchunked\r\n",
            "abc",
            &[BadTransferEncoding, ControlCharacter],
            "POST / 0 cut",
        ),
        (
            "Content-Length: 3\r\nno header\r\n",
            "abc",
            &[BadHeader],
            "POST / 3",
        ),
        ("Host: a\r\nHost: b\r\n", "", &[RepeatedHost], "POST / 0"),
        (
            "Transfer-Encoding: chunked\r\n",
            "3\r\nabcd\r\n",
            &[BadChunkEnd],
            "POST / 3 cut",
        ),
        (
            "Transfer-Encoding: chunked\r\n",
            "3\nabc\n0\n\n",
            &[BareLineFeedInChunk],
            "POST / 3",
        ),
        (
            "Transfer-Encoding: chunked\r\n",
            "+3\r\nabc\r\n",
            &[BadChunkSize],
            "POST / 0 cut",
        ),
        ("", "who knows\r\n", &[NotAStartLine], "POST / 0"),
    ] {
        let request = format!("POST / HTTP/1.1\r\n{lines}\r\n{body}{next}");
        check(&request, kinds, &whole(first));
    }
    check(
        "POST  / HTTP/1.1\r\nContent-Length: 1\r\n\r\na",
        &[BadStartLine],
        &["POST / 1"],
    );
    check(
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        &[TransferEncodingInOldVersion],
        &["POST / 0"],
    );
}

#[test]
fn an_odd_response_is_better_than_none() {
    for (response, kinds, words) in [
        (
            "HTTP/2.0 200 OK\r\nContent-Length: 1\r\n\r\na",
            &[BadStartLine][..],
            "200 to / 1",
        ),
        (
            "HTTP/1.01 200 OK\r\nContent-Length: 1\r\n\r\na",
            &[BadStartLine],
            "200 to / 1",
        ),
        (
            "HTTP/1.1 2000 OK\r\nContent-Length: 1\r\n\r\na",
            &[BadStartLine],
            "200 to / 1",
        ),
        (
            "HTTP/1.1\r200 OK\r\nContent-Length: 1\r\n\r\na",
            &[BadStartLine],
            "200 to / 1",
        ),
        (
            "HTTP/1.1\x0b200\x0cOK\r\nContent-Length: 1\r\n\r\na",
            &[BadStartLine],
            "200 to / 1",
        ),
        (
            "HTTP/1.1 200\rX-Note: 1\r\nContent-Length: 1\r\n\r\na",
            &[BadStartLine],
            "200 to / 1",
        ),
        (
            "HTTP/1.1 200\0O\0K\r\nContent-Length: 1\r\n\r\na",
            &[BadStartLine],
            "200 to / 1",
        ),
        (
            "ICY 200 OK\r\nicy-name: a\r\n\r\nab",
            &[BadStartLine],
            "200 to / 2",
        ),
        (
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1, 2\r\n\r\nabc",
            &[DifferingLengths],
            "200 to / 3",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n 1,\r\na\r\n 0\r\n\r\n",
            &[BadChunkSize],
            "200 to / 1",
        ),
    ] {
        let talk = Talk::default().steps(&[client("GET / HTTP/1.1\r\n\r\n"), server(response)]);
        let talk = talk.finish();
        assert_eq!(talk.anomalies(), kinds, "{response}");
        assert_eq!(
            talk.said().last().map(String::as_str),
            Some(words),
            "{response}"
        );
    }
}

#[test]
fn a_request_from_before_headers_is_whole_with_its_line() {
    let talk = Talk::default().steps(&[
        client("GET /a\r\n"),
        server("<html>a</html>"),
        client("GET /b\r\nGET /c\r\nHost: c\r\n\r\n"),
        client("GET HTTP/1.1\r\nHost: d\r\n\r\nGET /d http/1.1\r\nHost: d\r\n\r\n"),
        client("GET /e\r\n"),
    ]);
    let talk = talk.finish();
    let mut requests = talk.messages.iter().filter_map(|message| match message {
        HttpMessage::Request(request) => Some((request.target(), request.host())),
        _ => None,
    });
    for (target, host) in [
        ("/a", None),
        ("/b", None),
        ("/c", Some("c")),
        ("", Some("d")),
        ("/d", Some("d")),
        ("/e", None),
    ] {
        let (found, named) = requests.next().expect("there is one more");
        assert_eq!(found, target);
        assert_eq!(named.map(|host| host.to_string()).as_deref(), host);
    }
    assert_eq!(requests.next(), None);
    assert!(talk.said().iter().all(|words| !words.contains("cut")));
}

#[test]
fn a_request_without_a_version_needs_a_sign() {
    let answer = "HTTP/1.0 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad";
    for (line, target) in [
        ("PUT /item", "/item"),
        ("GET /item", "/item"),
        ("GET /an item", "/an"),
        ("CONNECT a.example:443", "a.example:443"),
        ("OPTIONS *", "*"),
        ("PATCH http://a.example/item", "http://a.example/item"),
        ("BREW /item", "/item"),
        ("brew /item FOO", "/item"),
        ("DELETE\x0b/item", "/item"),
    ] {
        let words = format!(
            "{} {target} 0",
            line.split([' ', '\x0b']).next().expect("a word")
        );
        let answered = format!("400 to {target} 3");
        for behind in ["Host: a.example\r\n\r\n", "\r\n", ""] {
            let talk =
                Talk::default().steps(&[client(format!("{line}\r\n{behind}")), server(answer)]);
            let talk = talk.finish();
            if line.to_uppercase().starts_with("BREW") && behind == "\r\n" {
                assert_eq!(talk.said(), ["400 to ? 3"], "{line}");
                continue;
            }
            assert_eq!(talk.said(), ["bad_start_line", &words, &answered], "{line}");
            let Some(HttpMessage::Request(request)) = talk.messages.get(1) else {
                panic!("{line}")
            };
            assert_eq!(request.header("host").is_some(), behind.len() > 2, "{line}");
            let is_old = line == "GET /item" && behind.len() <= 2;
            assert_eq!(request.version == HttpVersion::UNKNOWN, !is_old, "{line}");
        }
    }
    for (line, answer) in [
        ("PUT /key 5\r\n", "+OK\r\n"),
        ("DELETE /key\r\nLOCK /key\r\n", ":1\r\n"),
        ("COPY /a /b\r\n\0\0\r\n", "\0"),
        (
            "OPTIONS sip:a SIP/2.0\r\nVia: b\r\n\r\n",
            "SIP/2.0 200 OK\r\n\r\n",
        ),
        ("SEARCH /\r\nWhat is it?\r\n\r\n", "Nothing\r\n"),
    ] {
        let talk = Talk::default()
            .steps(&[client(line), server(answer)])
            .finish();
        assert!(talk.messages.is_empty(), "{line} {:?}", talk.messages);
    }
}

#[test]
fn the_host_of_a_whole_uri_holds() {
    let connect = "CONNECT a.example:443 HTTP/1.1\r\n\r\n";
    let talk = Talk::default().steps(&[client(connect)]);
    let [HttpMessage::Request(request)] = &talk.messages[..] else {
        panic!("{:?}", talk.messages)
    };
    assert_eq!(request.host(), None);
    for (line, lines, host, kinds) in [
        (
            "GET http://a.example/p",
            "Host: b.example",
            "a.example",
            &[HostMismatch][..],
        ),
        (
            "GET http://a.example/p",
            "Host: A.example:80",
            "a.example",
            &[],
        ),
        ("GET http://a.example/p", "X: y", "a.example", &[]),
        (
            "GET http://a.example/p",
            "Host:",
            "a.example",
            &[HostMismatch],
        ),
        (
            "GET http://u:p@[::1]:81/p",
            "Host: [::1]:81",
            "[::1]:81",
            &[],
        ),
        ("GET http:///p", "Host: b.example", "b.example", &[]),
        ("GET /p", "Host: b.example", "b.example", &[]),
        ("OPTIONS *", "Host: b.example", "b.example", &[]),
        (
            "CONNECT a.example:443",
            "Host: a.example",
            "a.example:443",
            &[],
        ),
        (
            "CONNECT a.example:443",
            "Host: b.example",
            "a.example:443",
            &[HostMismatch],
        ),
        (
            "GET http://a.example/p",
            "Host: a.example\r\nHost: b.example",
            "a.example",
            &[RepeatedHost, HostMismatch],
        ),
        (
            "GET  http://a.example/p",
            "Host: b.example",
            "a.example",
            &[HostMismatch, BadStartLine],
        ),
    ] {
        let head = format!("{line} HTTP/1.1\r\n{lines}\r\n\r\n");
        let talk = Talk::default().steps(&[client(&head)]);
        assert_eq!(talk.anomalies(), kinds, "{head}");
        let Some(HttpMessage::Request(request)) = talk.messages.last() else {
            panic!("{head}")
        };
        assert_eq!(request.host().expect("one of them"), host, "{head}");
    }
}

#[test]
fn a_body_where_none_may_be_is_none() {
    let talk = Talk::default().steps(&[
        client("GET / HTTP/1.1\r\n\r\n"),
        server("HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\nhello"),
        server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ]);
    let said = talk.said();
    assert_eq!(
        said,
        [
            "GET / 0",
            "forbidden_body",
            "204 to / 0",
            "not_a_start_line",
            "200 to ? 0"
        ]
    );
}

#[test]
fn caps_are_told_of() {
    let config = HttpConfig {
        max_head: 100,
        max_headers: 2,
        max_outstanding: 1,
        ..HttpConfig::default()
    };
    let long = format!("GET /1 HTTP/1.1\r\nA: b\r\nC: {}\r\n\r\n", "d".repeat(100));
    let many = "POST /2 HTTP/1.1\r\nA: b\r\nA: b\r\nContent-Length: 1\r\n\r\na";
    let talk = Talk::new(config).steps(&[client(long), client(many), client(many)]);
    assert_eq!(
        talk.said(),
        [
            "head_too_long",
            "GET /1 0 cut",
            "too_many_headers",
            "too_many_outstanding",
            "POST /2 1",
            "too_many_headers",
            "POST /2 1",
        ]
    );
}
