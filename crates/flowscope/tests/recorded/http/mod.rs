//! HTTP/1: requests, and the responses that answer them.

mod bodies;

use core::fmt::Write as _;

use flowscope::detect::Message;
use flowscope::http::{HttpMessage, HttpRequest, HttpResponse, Text, Transfer};
use insta::assert_snapshot;

use crate::support::messages;

#[test]
fn a_connection_is_used_again_and_again() {
    assert_snapshot!(rows("http-keep-alive"), @r"
    1 > GET / HTTP/1.1 server.example 0 B
    1 < HTTP/1.1 200 OK text/html 306 B to GET /
    1 > GET /style.css HTTP/1.1 server.example 0 B
    1 < HTTP/1.1 200 OK text/css 191 B to GET /style.css
    1 > GET /data.json HTTP/1.1 server.example 0 B
    1 < HTTP/1.1 200 OK application/json 35 B to GET /data.json
    1 > GET /missing HTTP/1.1 server.example 0 B
    1 < HTTP/1.1 404 Not Found text/html 153 B to GET /missing
    ");
    assert_snapshot!(rows("http-ipv6"), @r"
    1 > GET / HTTP/1.1 six.example 0 B
    1 < HTTP/1.1 200 OK text/html 306 B to GET /
    1 > GET /data.json HTTP/1.1 six.example 0 B
    1 < HTTP/1.1 200 OK application/json 35 B to GET /data.json
    ");
}

#[test]
fn bodies_go_both_ways() {
    // Nobody asked for the last body, so it was not sent: tshark does not
    // show its request at all.
    assert_snapshot!(rows("http-post"), @r"
    1 > POST /form HTTP/1.1 server.example 21 B
    1 < HTTP/1.1 200 OK text/plain 10 B to POST /form
    2 < HTTP/1.1 100 Continue - 0 B to POST /form
    2 > POST /form HTTP/1.1 server.example 22 B
    2 < HTTP/1.1 200 OK text/plain 10 B to POST /form
    3 < HTTP/1.1 405 Not Allowed text/html 157 B to PUT /form.txt
    3 > PUT /form.txt HTTP/1.1 server.example 0 B (incomplete)
    ");
}

#[test]
fn chunks_are_counted_without_their_framing() {
    assert_snapshot!(rows("http-chunked"), @r"
    1 > GET /included.shtml HTTP/1.1 server.example 0 B
    1 < HTTP/1.1 200 OK text/html 73 B to GET /included.shtml
    2 > GET /style.css HTTP/1.1 server.example 0 B
    2 < HTTP/1.1 200 OK text/css 161 B to GET /style.css
    3 > POST /form HTTP/1.1 server.example 22 B
    3 < HTTP/1.1 200 OK text/plain 10 B to POST /form
    ");
}

#[test]
fn some_responses_have_no_body_or_a_part_of_it() {
    assert_snapshot!(rows("http-head-range"), @r"
    1 > HEAD / HTTP/1.1 server.example 0 B
    1 < HTTP/1.1 200 OK text/html 0 B to HEAD /
    1 > HEAD /missing HTTP/1.1 server.example 0 B
    1 < HTTP/1.1 404 Not Found text/html 0 B to HEAD /missing
    2 > GET /long.txt HTTP/1.1 server.example 0 B
    2 < HTTP/1.1 206 Partial Content text/plain 20 B to GET /long.txt
    3 > GET /long.txt HTTP/1.1 server.example 0 B
    3 < HTTP/1.1 206 Partial Content multipart/byteranges; boundary=00000000000000000001 224 B to GET /long.txt
    4 > GET /data.json HTTP/1.1 server.example 0 B
    4 < HTTP/1.1 200 OK application/json 35 B to GET /data.json
    5 > GET /moved HTTP/1.1 server.example 0 B
    5 < HTTP/1.1 301 Moved Permanently text/html 169 B to GET /moved
    5 > GET /data.json HTTP/1.1 server.example 0 B
    5 < HTTP/1.1 200 OK application/json 35 B to GET /data.json
    ");
}

#[test]
fn old_connections_end_with_their_response() {
    assert_snapshot!(rows("http-1-0"), @r"
    1 > GET / HTTP/1.0 server.example 0 B
    1 < HTTP/1.0 200 OK text/html 306 B to GET /
    2 > GET /missing HTTP/1.0 server.example 0 B
    2 < HTTP/1.0 404 File not found text/html;charset=utf-8 335 B to GET /missing
    ");
}

#[test]
fn pipelined_requests_get_their_responses_in_order() {
    // tshark takes the response to HEAD for one to the last request, and waits
    // for its body (RFC 9112, section 6.3).
    assert_snapshot!(rows("http-pipelined"), @r"
    1 > GET /data.json HTTP/1.1 server.example 0 B
    1 > HEAD / HTTP/1.1 server.example 0 B
    1 > GET /missing HTTP/1.1 server.example 0 B
    1 < HTTP/1.1 200 OK application/json 35 B to GET /data.json
    1 < HTTP/1.1 200 OK text/html 0 B to HEAD /
    1 < HTTP/1.1 404 Not Found text/html 153 B to GET /missing
    ");
}

#[test]
fn what_is_no_request_is_left_out() {
    assert_snapshot!(rows("http-bad-requests"), @r"
    1 < HTTP/1.1 400 Bad Request text/html 157 B to nothing
    2 > GET / HTTP/1.1 - 0 B
    2 < HTTP/1.1 400 Bad Request text/html 157 B to GET /
    ");
}

#[test]
fn connections_at_the_same_time_are_kept_apart() {
    assert_snapshot!(rows("http-parallel"), @r"
    1 > GET /data.json?3 HTTP/1.1 server.example 0 B
    1 < HTTP/1.1 200 OK application/json 35 B to GET /data.json?3
    2 > GET /data.json?4 HTTP/1.1 server.example 0 B
    3 > GET /data.json?5 HTTP/1.1 server.example 0 B
    4 > GET /data.json?6 HTTP/1.1 server.example 0 B
    5 > GET /data.json?7 HTTP/1.1 server.example 0 B
    6 > GET /data.json?8 HTTP/1.1 server.example 0 B
    7 > GET /data.json?1 HTTP/1.1 server.example 0 B
    8 > GET /data.json?2 HTTP/1.1 server.example 0 B
    2 < HTTP/1.1 200 OK application/json 35 B to GET /data.json?4
    3 < HTTP/1.1 200 OK application/json 35 B to GET /data.json?5
    4 < HTTP/1.1 200 OK application/json 35 B to GET /data.json?6
    5 < HTTP/1.1 200 OK application/json 35 B to GET /data.json?7
    6 < HTTP/1.1 200 OK application/json 35 B to GET /data.json?8
    7 < HTTP/1.1 200 OK application/json 35 B to GET /data.json?1
    8 < HTTP/1.1 200 OK application/json 35 B to GET /data.json?2
    ");
}

#[test]
fn a_browser_fetches_a_page_over_several_connections() {
    assert_snapshot!(rows("chromium-http"), @r"
    1 > GET / HTTP/1.1 server.example 0 B
    1 < HTTP/1.1 200 OK text/html 216 B to GET /
    1 > GET /style.css HTTP/1.1 server.example 0 B
    1 < HTTP/1.1 200 OK text/css 161 B to GET /style.css
    2 > GET /script.js HTTP/1.1 server.example 0 B
    2 < HTTP/1.1 200 OK application/javascript 219 B to GET /script.js
    2 > GET /data.json HTTP/1.1 server.example 0 B
    2 < HTTP/1.1 200 OK application/json 54 B to GET /data.json
    2 > GET /moved HTTP/1.1 server.example 0 B
    1 > GET /missing HTTP/1.1 server.example 0 B
    2 < HTTP/1.1 301 Moved Permanently text/html 169 B to GET /moved
    1 < HTTP/1.1 404 Not Found text/html 176 B to GET /missing
    1 > POST /form HTTP/1.1 server.example 20 B
    1 < HTTP/1.1 200 OK text/plain 10 B to POST /form
    ");
}

#[test]
fn headers_are_given_as_sent() {
    let found = messages("chromium-http");
    let mut sent = found.iter().filter_map(|it| match &it.message {
        Message::Http(HttpMessage::Request(it)) => Some(it.headers()),
        Message::Http(HttpMessage::Response(it)) => Some(it.headers()),
        _ => None,
    });
    let mut lines = || -> String {
        let headers = sent.next().unwrap();
        headers
            .map(|it| format!("{}: {}\n", it.name, it.value))
            .collect()
    };
    assert_snapshot!(lines(), @r"
    Host: server.example
    Connection: keep-alive
    Upgrade-Insecure-Requests: 1
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/jxl,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7
    Accept-Encoding: gzip, deflate
    Accept-Language: en-US,en;q=0.9
    ");
    assert_snapshot!(lines(), @r#"
    Server: nginx/1.22.1
    Date: Mon, 23 Nov 2026 09:38:03 GMT
    Content-Type: text/html
    Last-Modified: Mon, 23 Nov 2026 09:37:37 GMT
    Transfer-Encoding: chunked
    Connection: keep-alive
    ETag: W/"6b040961-132"
    Content-Encoding: gzip
    "#);
}

#[test]
fn latency_is_from_the_request_to_the_response() {
    let latencies: Vec<u128> = messages("http-keep-alive")
        .iter()
        .filter_map(|found| match &found.message {
            Message::Http(HttpMessage::Response(it)) => Some(it.request.as_ref()?.latency),
            _ => None,
        })
        .map(|latency| latency.as_micros())
        .collect();
    assert_eq!(latencies, [92, 22, 16, 20]);
}

#[test]
fn links_and_tunnels_change_nothing() {
    for (capture, host) in [
        ("link-sll", "server.example"),
        ("link-sll2", "server.example"),
        ("nanoseconds", "server.example"),
        ("vlan-mirror", "far.example"),
        ("qinq-mirror", "far.example"),
        ("vxlan", "far.example"),
    ] {
        let expected = format!(
            "1 > GET /data.json HTTP/1.1 {host} 0 B\n\
             1 < HTTP/1.1 200 OK application/json 35 B to GET /data.json\n"
        );
        assert_eq!(rows(capture), expected, "{capture}");
    }
}

#[test]
fn a_download_is_whole_however_it_arrives() {
    for (capture, host) in [
        ("http-download", "server.example"),
        ("tcp-duplicated", "far.example"),
        ("tcp-loss", "far.example"),
        ("tcp-loss-sender", "far.example"),
        ("tcp-offload", "server.example"),
        ("tcp-reordered", "far.example"),
    ] {
        let expected = format!(
            "1 > GET /longer.txt HTTP/1.1 {host} 0 B\n\
             1 < HTTP/1.1 200 OK text/plain 116000 B to GET /longer.txt\n"
        );
        assert_eq!(rows(capture), expected, "{capture}");
    }
}

#[test]
fn what_is_cut_short_is_incomplete() {
    // Of the 58,000 bytes that were promised.
    assert_snapshot!(rows("tcp-aborted"), @r"
    1 > GET /slow.txt HTTP/1.0 - 0 B
    1 < HTTP/1.1 200 OK text/plain 15123 B (incomplete) to GET /slow.txt
    ");
    // No packet has more than the beginning of a head.
    assert_snapshot!(rows("snap-length-96"), @r"
    1 > GET /long.txt HTTP/1.1 - 0 B (incomplete)
    1 < HTTP/1.1 200 OK - 0 B (incomplete) to GET /long.txt
    ");
}

/// The messages of a capture, a row each.
fn rows(capture: &str) -> String {
    let mut rows = String::new();
    for found in messages(capture) {
        let text = match &found.message {
            Message::Http(HttpMessage::Request(it)) => request(it),
            Message::Http(HttpMessage::Response(it)) => response(it),
            other => panic!("{other:?}"),
        };
        let _ = writeln!(rows, "{} {text}", found.arrow());
    }
    rows
}

/// Method, target, version, host, body.
fn request(it: &HttpRequest) -> String {
    let (method, target, host) = (it.method(), it.target(), or_dash(it.host()));
    format!("{method} {target} {} {host} {}", it.version, body(it))
}

/// Version, status, reason, type, body, and what it answers.
fn response(it: &HttpResponse) -> String {
    let asked = it.request.as_ref().map_or_else(
        || "nothing".to_owned(),
        |asked| format!("{} {}", asked.method(), asked.target()),
    );
    let (reason, content) = (it.reason(), or_dash(it.content_type()));
    let (version, status) = (it.version, it.status);
    format!(
        "{version} {status} {reason} {content} {} to {asked}",
        body(it)
    )
}

fn body(transfer: &Transfer) -> String {
    let mut text = format!("{} B", transfer.body_bytes);
    if transfer.missing_bytes > 0 {
        let _ = write!(text, " ({} missing)", transfer.missing_bytes);
    }
    if transfer.incomplete {
        text.push_str(" (incomplete)");
    }
    text
}

fn or_dash(text: Option<Text<'_>>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.to_string())
}
