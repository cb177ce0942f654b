//! What is read, with nothing missing.

mod common;

use common::{CLIENT, SERVER, Step, Talk, client, said, server};
use flowscope_core::session::Close;
use flowscope_core::{FlowSide, Timestamp};
use flowscope_http::{Bodies, HttpConfig, HttpMessage, HttpVersion, Parsed, TunnelKind};

#[test]
fn a_message_has_all_that_was_sent() {
    let talk = Talk::default().steps(&[
        client("\r\n\r\nPOST /caf\u{e9}?x HTTP/1.1\r\nHost: h\r\nuser-agent: a b\r\n"),
        client(b"X:  \xff\xfe \r\nx: 2\r\nContent-Length: 3\r\n\r\nab"),
        client("c"),
        server("HTTP/1.0 404 Not there\nContent-Type: text/plain\n\nsorry"),
        server("!"),
    ]);
    let talk = talk.finish();
    let [
        HttpMessage::Request(request),
        HttpMessage::Response(response),
    ] = &talk.messages[..]
    else {
        panic!("{:?}", talk.messages)
    };
    assert_eq!(request.method(), "POST");
    assert_eq!(request.target(), "/caf\u{e9}?x");
    assert_eq!(request.version, HttpVersion::HTTP_11);
    assert_eq!(request.host().expect("sent"), "h");
    assert_eq!(request.user_agent().expect("sent"), "a b");
    assert_eq!(request.header("X").expect("sent").as_bytes(), b"\xff\xfe");
    assert_eq!(request.header("y"), None);
    let names: Vec<_> = request.headers().map(|h| h.name.to_string()).collect();
    assert_eq!(names, ["Host", "user-agent", "X", "x", "Content-Length"]);
    assert_eq!((request.body_bytes, request.incomplete), (3, false));
    assert_eq!(request.started, Timestamp::new(1, 0));
    assert_eq!(request.ended, Timestamp::new(3, 0));

    assert_eq!(response.status, 404);
    assert_eq!(response.reason(), "Not there");
    assert_eq!(response.version.to_string(), "HTTP/1.0");
    assert_eq!(response.content_type().expect("sent"), "text/plain");
    assert_eq!((response.body_bytes, response.incomplete), (6, false));
    let answered = response.request.as_ref().expect("it was seen");
    assert_eq!(answered.method(), "POST");
    assert_eq!(answered.target(), "/caf\u{e9}?x");
    assert_eq!(answered.latency.as_secs(), 1);
}

#[test]
fn messages_follow_each_other() {
    for (steps, expected) in [
        (
            // Pipelined, in one piece.
            vec![
                client("GET /1 HTTP/1.1\r\n\r\nHEAD /2 HTTP/1.1\r\n\r\nBREW /3 HTTP/1.1\r\n\r\n"),
                server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"),
                server(
                    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 304 N\r\nContent-Length: 9\r\n\r\n",
                ),
            ],
            vec![
                "GET /1 0",
                "HEAD /2 0",
                "BREW /3 0",
                "200 to /1 1",
                "200 to /2 0",
                "304 to /3 0",
            ],
        ),
        (
            // Chunks with extensions and trailers.
            vec![client(
                "PUT /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
            )],
            vec!["PUT /1 5", "GET /2 0"],
        ),
        (
            // Any number of interim responses.
            vec![
                client("POST /1 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
                server("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
                client("hi"),
                server("HTTP/1.1 204 No Content\r\n\r\n"),
                client("GET /2 HTTP/1.1\r\n\r\n"),
                server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            ],
            vec![
                "100 to /1 0",
                "103 to /1 0",
                "POST /1 2",
                "204 to /1 0",
                "GET /2 0",
                "200 to /2 0",
            ],
        ),
        (
            // A body that is not wanted, and not sent.
            vec![
                client("POST /1 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 90\r\n\r\n"),
                server("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"),
                client("POST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"),
            ],
            vec!["417 to /1 0", "POST /1 0 cut", "POST /1 2"],
        ),
        (
            // One that is sent all the same.
            vec![
                client("POST /1 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"),
                server("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"),
                client("POST"),
                client("GET /2 HTTP/1.1\r\n\r\n"),
            ],
            vec!["413 to /1 0", "POST /1 4", "GET /2 0"],
        ),
        (
            vec![
                client("OPTIONS * HTTP/1.1\r\n\r\n"),
                client("GET http://h/x HTTP/1.0\n\n"),
                server("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"),
                server("until the end"),
            ],
            vec![
                "OPTIONS * 0",
                "GET http://h/x 0",
                "bad_transfer_encoding",
                "200 to * 13",
            ],
        ),
        (
            // The responder asks.
            vec![
                server("GET / HTTP/1.1\r\n\r\n"),
                client("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
            ],
            vec!["GET / 0", "200 to / 2"],
        ),
        (
            // Only responses; the first answers a HEAD that was not seen.
            vec![server(
                "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nHTTP/1.",
            )],
            vec!["200 to ? 0", "200 to ? 7"],
        ),
    ] {
        assert_eq!(said(&steps), expected);
    }
}

#[test]
fn what_a_connection_cuts_is_incomplete() {
    for (how, expected) in [
        (Close::Fin, ["POST /1 1 cut", "200 to /1 2"]),
        (Close::Reset, ["POST /1 1 cut", "200 to /1 2 cut"]),
        (Close::Lost, ["POST /1 1 cut", "200 to /1 2 cut"]),
    ] {
        let talk = Talk::default().steps(&[
            client("POST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\na"),
            server("HTTP/1.0 200 OK\r\n\r\nhi"),
            Step::End(CLIENT, how),
            Step::End(SERVER, how),
        ]);
        assert_eq!(talk.said(), expected);
    }
    let in_head = [client("GET /1 HTTP/1.1\r\nHost: h\r\nUser-Ag")];
    let talk = Talk::default().steps(&in_head).finish();
    let [HttpMessage::Request(request)] = &talk.messages[..] else {
        panic!("{:?}", talk.messages)
    };
    assert!(request.incomplete);
    assert_eq!(request.host().expect("sent"), "h");
    assert_eq!(request.headers().count(), 1);
}

#[test]
fn tunnels_are_told_of_and_left() {
    let upgrade = "GET /chat HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let connect = "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n";
    for (steps, expected, done) in [
        (
            vec![client(connect), server("HTTP/1.1 200 OK\r\n\r\n\x16\x03")],
            vec!["CONNECT h:443 0", "200 to h:443 0", "Connect h:443"],
            true,
        ),
        (
            // Turned down, and then not.
            vec![
                client(connect),
                server("HTTP/1.1 407 Who\r\nContent-Length: 2\r\n\r\nno"),
                client(connect),
                server("HTTP/1.1 200 OK\r\n\r\n"),
            ],
            vec![
                "CONNECT h:443 0",
                "407 to h:443 2",
                "CONNECT h:443 0",
                "200 to h:443 0",
                "Connect h:443",
            ],
            true,
        ),
        (
            vec![
                client(upgrade),
                server(
                    "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n\r\n\x01",
                ),
            ],
            vec!["GET /chat 0", "101 to /chat 0", "Upgrade WebSocket"],
            true,
        ),
        (
            // An offer that is not taken up.
            vec![
                client(upgrade),
                server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
                client("GET /2 HTTP/1.1\r\n\r\n"),
            ],
            vec!["GET /chat 0", "200 to /chat 0", "GET /2 0"],
            false,
        ),
        (
            // The answers are missing altogether.
            vec![client(connect), client("\x16\x03\x01")],
            vec!["CONNECT h:443 0", "Connect h:443"],
            false,
        ),
        (
            vec![client(upgrade), client("GET /2 HTTP/1.1\r\n\r\n")],
            vec!["GET /chat 0", "GET /2 0"],
            false,
        ),
        (
            vec![client("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0")],
            vec!["Http2 h2c"],
            true,
        ),
        (
            // The request is missing.
            vec![server("HTTP/1.0 200 Connection established\r\n\r\n\x16")],
            vec!["200 to ? 0", "Connect "],
            true,
        ),
    ] {
        let talk = Talk::default().steps(&steps);
        assert_eq!(talk.said(), expected);
        assert_eq!(talk.done, done, "{expected:?}");
    }
}

#[test]
fn the_rest_of_a_chunk_is_the_tunnels() {
    let mut talk = Talk::default().steps(&[client("CONNECT h:443 HTTP/1.1\r\n\r\n")]);
    assert!(!talk.parser.is_opaque(CLIENT));
    let chunk = flowscope_core::reassemble::Chunk::Data(b"HTTP/1.1 200 OK\r\n\r\nhello");
    let input = flowscope_core::session::Input::new(SERVER, Timestamp::EPOCH, chunk);
    let parsed = talk.parser.parse(input, &mut talk.messages);
    assert_eq!(parsed, Ok(Parsed::Tunnel(b"hello")));
    assert!(
        FlowSide::BOTH
            .iter()
            .all(|side| talk.parser.is_opaque(*side))
    );
    let Some(HttpMessage::Tunnel(tunnel)) = talk.messages.last() else {
        panic!("{:?}", talk.messages)
    };
    assert_eq!(tunnel.kind, TunnelKind::Connect);
    assert_eq!(tunnel.target().expect("it was seen"), "h:443");
}

#[test]
fn bodies_are_collected_up_to_a_limit() {
    let talk = Talk::new(HttpConfig {
        bodies: Bodies::Collected { limit: 4 },
        ..HttpConfig::default()
    });
    let talk = talk.steps(&[
        client("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n"),
        client("0\r\nX: y\r\n z\r\n\r\n"),
        client("PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\na"),
        Step::Gap(CLIENT, 1),
        client("c"),
    ]);
    let bodies: Vec<_> = talk
        .messages
        .iter()
        .filter_map(|message| match message {
            HttpMessage::Request(request) => {
                let trailers = request.trailers().map(|field| field.value.to_string());
                Some((
                    &request.body[..],
                    request.body_bytes,
                    trailers.collect::<Vec<_>>(),
                ))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        bodies,
        [
            (&b"abcd"[..], 5, vec!["y z".to_string()]),
            (b"a", 3, vec![])
        ]
    );
}

#[test]
fn a_connection_that_is_not_http_is_left() {
    let config = HttpConfig {
        max_prelude: 1000,
        max_resync: 3000,
        ..HttpConfig::default()
    };
    let mut steps = vec![client("SSH-2.0-x\r\n"), server("SSH-2.0-y\r\n")];
    // What may still be part of a start line does not count.
    steps.extend((0..190).map(|_| server([0xa5; 100])));
    let talk = Talk::new(config).steps(&steps);
    assert!(talk.done && talk.messages.is_empty());

    let mut steps = vec![
        client("GET /1 HTTP/1.1\r\n\r\n"),
        server("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n"),
    ];
    steps.extend((0..220).map(|_| client([0xa5; 100])));
    let talk = Talk::new(config).steps(&steps);
    assert!(talk.done);
    assert_eq!(
        talk.said(),
        ["GET /1 0", "not_a_start_line", "200 to /1 0 cut"]
    );
}

#[test]
fn interim_responses_repeat_a_long_request_once() {
    for (target, interim_with_it) in [("/short", 100), ("/".repeat(40_000).as_str(), 1)] {
        let mut talk = Talk::default();
        talk.step(&client(format!("GET {target} HTTP/1.1\r\n\r\n")));
        talk.step(&server("HTTP/1.1 102 Processing\r\n\r\n".repeat(100)));
        talk.step(&server("HTTP/1.1 204 No Content\r\n\r\n"));
        let mut answered = talk.messages.iter().filter_map(|message| match message {
            HttpMessage::Response(response) => Some(response.request.as_ref()),
            _ => None,
        });
        let last = answered
            .next_back()
            .flatten()
            .expect("the request was seen");
        assert_eq!(last.target().as_bytes(), target.as_bytes());
        let interim: Vec<bool> = answered.map(|request| request.is_some()).collect();
        let expected: Vec<bool> = (0..100).map(|n| n < interim_with_it).collect();
        assert_eq!(interim, expected);
    }
}
