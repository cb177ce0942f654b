//! What holds for any input.

mod common;

use common::{CLIENT, SERVER, Step, Talk};
use flowscope_core::FlowSide;
use flowscope_core::session::{Close, ProbeResult};
use flowscope_http::{Bodies, HttpConfig, HttpMessage, HttpParser};
use proptest::prelude::*;

/// Pieces of which streams are made that are nearly HTTP.
const PIECES: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\n",
    b"POST /x HTTP/1.0\n",
    b"HEAD /h HTTP/1.1\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    b"BREW  /y z HTTP/1.1\r\n",
    b"GET /s\r\n",
    b"GET HTTP/1.1\r\n",
    b"PUT /d\r\n",
    b"BREW /e f\r\n",
    b"OPTIONS *\r\n",
    b"GET\x0b/v\x0cHTTP/1.1\r\n",
    b"HTTP/1.1\r200\0OK\r\n",
    b"HTTP/1.1\x0b204\r\r\n\r\n",
    b"GET http://a/ HTTP/1.1\r\n",
    b"Host: a:81\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
    b"ICY 200 OK\r\n",
    b"HTTP/2.01 2000 x\r\n",
    b"Connection: close\r\n",
    b" 5,\r\nhello\r\n",
    b"PRI * HTTP/2.0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\n\r\n",
    b"HTTP/1.1 204\r\n\r\n",
    b"HTTP/1.0 417 \xe9\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 50\r\n\r\n",
    b"Content-Length: x\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: upgrade\r\nUpgrade: x\r\n",
    b"X: y\r\n",
    b"X: y\r\n z\r\n",
    b"X: \0\r\n",
    b"5\r\nhello\r\n",
    b"A;x\nhello hell\n",
    b"0\r\n\r\n",
    b"0\r\nT: u\r\n\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b"hello",
    b"\x16\x03\x01\0\n",
    b"HTTP/1.",
    b"GE",
    b"no line of any\r\n",
    b"\x05\x01\0",
    b"0123456789012345678901234567890123456789",
];

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        12 => prop::sample::select(PIECES).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..30),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

fn side() -> impl Strategy<Value = FlowSide> {
    prop::sample::select(vec![CLIENT, SERVER])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (side(), stream()).prop_map(|(side, bytes)| Step::Data(side, bytes)),
        1 => (side(), 1..60u64).prop_map(|(side, missing)| Step::Gap(side, missing)),
        1 => side().prop_map(|side| Step::End(side, Close::Fin)),
    ]
}

fn small() -> HttpConfig {
    HttpConfig {
        max_head: 60,
        max_headers: 3,
        max_outstanding: 3,
        bodies: Bodies::Collected { limit: 20 },
        ..HttpConfig::default()
    }
}

fn configs() -> impl Strategy<Value = HttpConfig> {
    let searches_little = HttpConfig {
        max_prelude: 30,
        max_resync: 60,
        ..HttpConfig::default()
    };
    prop_oneof![
        Just(HttpConfig::default()),
        Just(small()),
        Just(searches_little),
    ]
}

/// What the steps say, a second apart, each cut into pieces of the lengths
/// given in turn.
fn cut(config: HttpConfig, steps: &[Step], lengths: &[usize]) -> Vec<HttpMessage> {
    let mut talk = Talk::new(config);
    let mut lengths = lengths.iter().cycle();
    for step in steps {
        talk.second += 1;
        match step {
            Step::Data(side, bytes) => {
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    let len = lengths.next().map_or(rest.len(), |len| *len);
                    let (piece, behind) = rest.split_at(len.min(rest.len()));
                    talk.step(&Step::Data(*side, piece.to_vec()));
                    rest = behind;
                }
            }
            step => talk.step(step),
        }
    }
    talk.step(&Step::End(SERVER, Close::Fin));
    talk.step(&Step::End(CLIENT, Close::Reset));
    talk.messages
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_split_gives_the_same_messages(
        config in configs(),
        steps in prop::collection::vec(step(), 1..6),
        lengths in prop::collection::vec(1..20usize, 1..10),
    ) {
        let whole = cut(config, &steps, &[]);
        prop_assert_eq!(&cut(config, &steps, &[1]), &whole);
        prop_assert_eq!(&cut(config, &steps, &lengths), &whole);
    }

    #[test]
    fn any_bytes_give_no_panic(
        steps in prop::collection::vec(
            (side(), prop::collection::vec(any::<u8>(), 1..100))
                .prop_map(|(side, bytes)| Step::Data(side, bytes)),
            1..10,
        ),
    ) {
        cut(HttpConfig::default(), &steps, &[]);
        cut(small(), &steps, &[7]);
    }

    #[test]
    fn memory_stays_under_the_cap(
        steps in prop::collection::vec(step(), 1..30),
        repeated in 1..20usize,
    ) {
        let mut talk = Talk::new(small());
        for _ in 0..repeated {
            talk = talk.steps(&steps);
        }
        // Both sides: what is held, twice that while it grows, a head with the
        // lengths of its fields and a body; and the requests that wait.
        prop_assert!(talk.most_memory < 3000, "{}", talk.most_memory);
    }

    #[test]
    fn more_bytes_change_no_verdict(bytes in stream(), side in side()) {
        let mut last = ProbeResult::Possible;
        for len in 0..=bytes.len() {
            let now = HttpParser::probe(&bytes[..len], side);
            prop_assert!(last == ProbeResult::Possible || now == last, "{} of {:?}", len, bytes);
            last = now;
        }
    }
}
