//! What bodies are, where they are asked for.

use flowscope::detect::{DetectConfig, Message};
use flowscope::http::{Bodies, HttpConfig, HttpMessage};

use crate::support::messages_within;

#[test]
fn a_download_is_the_same_however_it_arrives() {
    for capture in [
        "http-download",
        "tcp-duplicated",
        "tcp-loss",
        "tcp-loss-sender",
        "tcp-offload",
        "tcp-reordered",
    ] {
        let bodies = bodies(capture);
        assert!(
            bodies == [String::new(), numbered_lines(4_000)],
            "{capture}"
        );
    }
}

#[test]
fn what_comes_before_the_end_is_kept() {
    let text = numbered_lines(2_000);
    let bodies = bodies("tcp-aborted");
    assert_eq!(bodies[1], text[..15_123]);
}

#[test]
fn forms_and_pages_are_as_sent() {
    assert_eq!(
        bodies("http-post")[..5],
        [
            "name=flow&colour=blue",
            "thank you\n",
            "",
            "name=flow&colour=blue\n",
            "thank you\n"
        ]
    );
}

#[test]
fn chunks_are_put_together() {
    let bodies = bodies("http-chunked");
    let page = "<p>First part.</p>\n{\"flows\": [1, 2, 3], \"open\": true}\n\n<p>Last part.</p>\n";
    assert_eq!(bodies[1], page);
    assert_eq!(bodies[4..], ["name=flow&colour=blue\n", "thank you\n"]);
}

#[test]
fn parts_are_what_was_asked_for() {
    let bodies = bodies("http-head-range");
    assert_eq!(bodies[5], numbered_lines(1)[10..].to_owned() + "l");
    assert_eq!(
        bodies[7],
        "\r\n--00000000000000000001\r\n\
         Content-Type: text/plain\r\n\
         Content-Range: bytes 0-9/58000\r\n\r\n\
         line 00000\r\n\
         --00000000000000000001\r\n\
         Content-Type: text/plain\r\n\
         Content-Range: bytes 100-109/58000\r\n\r\n\
         f the long\r\n\
         --00000000000000000001--\r\n"
    );
}

/// The bodies of all messages, in order.
fn bodies(capture: &str) -> Vec<String> {
    let config = DetectConfig {
        http: HttpConfig {
            bodies: Bodies::Collected { limit: 1 << 20 },
            ..HttpConfig::default()
        },
        ..DetectConfig::default()
    };
    let found = messages_within(config, capture);
    let bodies = found.iter().map(|it| match &it.message {
        Message::Http(HttpMessage::Request(it)) => &it.body,
        Message::Http(HttpMessage::Response(it)) => &it.body,
        other => panic!("{other:?}"),
    });
    bodies
        .map(|body| String::from_utf8_lossy(body).into_owned())
        .collect()
}

/// The text that was served.
fn numbered_lines(lines: usize) -> String {
    (1..=lines)
        .map(|line| format!("line {line:06} of the long text\n"))
        .collect()
}
