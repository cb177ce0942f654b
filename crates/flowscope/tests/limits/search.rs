//! How much of a connection is looked at to tell what it is.

use flowscope::detect::DetectConfig;
use flowscope_fixtures::{Conversation, Frame, Side, address};

use crate::limit::{Limit, Told, size};

/// A connection between ports of no protocol that begins with something else, in
/// segments of so many bytes.
fn behind(prelude: &[u8], segment: usize, then: &[u8]) -> Vec<Frame> {
    Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:9999"))
        .handshake()
        .with_segment_size(segment)
        .send(Side::Client, prelude)
        .with_segment_size(1460)
        .send(Side::Client, then)
        .frames()
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

pub(crate) fn limits() -> Vec<Limit> {
    let config = DetectConfig::default();
    vec![
        Limit {
            name: "DetectConfig::max_probe",
            default: size(config.max_probe),
            what: "what of each side is kept until it is known what it is; then it is searched",
            told: Told::Without("request, 0 bytes kept"),
            base: |settings| settings.detect.max_search = 0,
            lower: |settings| {
                settings.detect.max_search = 0;
                settings.detect.max_probe = 8;
            },
            // A long word may be a method until a space follows.
            frames: || behind(b"", 1460, b"VERSION-CONTROL / HTTP/1.1\r\nHost: a\r\n\r\n"),
        },
        Limit {
            name: "DetectConfig::max_search",
            default: size(config.max_search),
            what: "what of a connection that begins with none of the protocols is searched for one; then it is read no further",
            told: Told::Without("request, 0 bytes kept"),
            base: |_| {},
            lower: |settings| settings.detect.max_search = 1000,
            frames: || behind(&[0xfe; 20_000], 1460, REQUEST),
        },
        Limit {
            name: "DetectConfig::max_search_chunks",
            default: config.max_search_chunks.to_string(),
            what: "in how many packets that may come",
            told: Told::Without("request, 0 bytes kept"),
            base: |_| {},
            lower: |settings| settings.detect.max_search_chunks = 20,
            frames: || behind(&[0xfe; 20_000], 200, REQUEST),
        },
    ]
}
