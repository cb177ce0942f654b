//! How much of HTTP is kept.

use flowscope::http::{Bodies, HttpConfig};
use flowscope_fixtures::{Conversation, Frame, Side, address};

use crate::limit::{Limit, Told, size};

fn says(bytes: &[u8]) -> Conversation {
    Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"))
        .handshake()
        .send(Side::Client, bytes)
}

fn request(fields: usize) -> Vec<u8> {
    let field = b"X-Field: some value\r\n".repeat(fields);
    [b"GET / HTTP/1.1\r\nHost: a\r\n", &field[..], b"\r\n"].concat()
}

fn post() -> Vec<Frame> {
    says(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").frames()
}

pub(crate) fn limits() -> Vec<Limit> {
    let config = HttpConfig::default();
    vec![
        Limit {
            name: "HttpConfig::max_head",
            default: size(config.max_head),
            what: "the start line and the header of a message; a longer one is given as incomplete",
            told: Told::By("head_too_long"),
            base: |_| {},
            lower: |settings| settings.detect.http.max_head = 200,
            frames: || says(&request(50)).frames(),
        },
        Limit {
            name: "HttpConfig::max_headers",
            default: config.max_headers.to_string(),
            what: "the fields of a message that are kept; those beyond are left out",
            told: Told::By("too_many_headers"),
            base: |_| {},
            lower: |settings| settings.detect.http.max_headers = 10,
            frames: || says(&request(50)).frames(),
        },
        Limit {
            name: "HttpConfig::max_outstanding",
            default: config.max_outstanding.to_string(),
            what: "requests that wait for their responses; the oldest is forgotten",
            told: Told::By("too_many_outstanding"),
            base: |_| {},
            lower: |settings| settings.detect.http.max_outstanding = 3,
            frames: || says(&request(0).repeat(10)).frames(),
        },
        Limit {
            name: "HttpConfig::max_prelude",
            default: size(config.max_prelude),
            what: "what is searched for the first start line, on a port of HTTP",
            told: Told::Without("request, 0 bytes kept"),
            base: |_| {},
            lower: |settings| settings.detect.http.max_prelude = 1000,
            frames: || says(&[&[0xfe; 20_000], &request(0)[..]].concat()).frames(),
        },
        Limit {
            name: "HttpConfig::max_resync",
            default: size(config.max_resync),
            what: "what is searched for the next start line behind the last message; then the connection is read no further",
            told: Told::Without("response to a request"),
            base: |_| {},
            lower: |settings| settings.detect.http.max_resync = 1000,
            frames: || {
                says(&request(0))
                    .send(Side::Server, &[0xfe; 20_000])
                    .send(Side::Server, b"\r\nHTTP/1.1 204 No Content\r\n\r\n")
                    .frames()
            },
        },
        Limit {
            name: "Bodies::Collected",
            default: "none".to_owned(),
            what: "what of a body is kept in its message; all of it is counted",
            told: Told::By("request, 3 bytes kept"),
            base: |_| {},
            lower: |settings| settings.detect.http.bodies = Bodies::Collected { limit: 3 },
            frames: post,
        },
    ]
}
