//! What a detector makes of flows, through its public interface.
#![cfg(all(feature = "http", feature = "tls", feature = "quic", feature = "dns"))]

use flowscope_core::FlowSide::{self, Initiator, Responder};
use flowscope_core::Timestamp;
use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{
    Close, Datagram, DatagramParser, FlowFactory, Input, Interest, SessionParser, StreamEnd,
};
use flowscope_core::wire::Transport;
use flowscope_detect::{DetectConfig, Detector, HasPorts, Message, Protocol, Protocols};
use flowscope_http::HttpMessage;
use flowscope_quic::{QuicConfig, QuicMessage, ReadUntil};
use flowscope_tls::TlsMessage;
use proptest::prelude::*;

type Said<'a> = &'a [(FlowSide, &'a [u8])];

/// What a detector finds in what was said, and whether it still listened.
fn listen(detector: &mut Detector, said: Said<'_>) -> (Vec<Message>, Interest) {
    let mut found = Vec::new();
    for (side, bytes) in said {
        let input = Input::new(*side, Timestamp::EPOCH, Chunk::Data(bytes));
        match SessionParser::feed(detector, input, &mut found) {
            Ok(Interest::More) => {}
            Ok(Interest::Done) => return (found, Interest::Done),
            Err(error) => panic!("{error}"),
        }
    }
    for side in FlowSide::BOTH {
        let end = StreamEnd::new(side, Timestamp::EPOCH, Close::Fin);
        SessionParser::close(detector, end, &mut found);
    }
    (found, Interest::More)
}

fn client_hello(host: &str) -> Vec<u8> {
    let name = host.as_bytes();
    let len = |more: usize| {
        u16::try_from(name.len() + more)
            .expect("short")
            .to_be_bytes()
    };
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0xc0, 0x2f, 1, 0]);
    body.extend(len(9));
    body.extend([0, 0]);
    body.extend(len(5));
    body.extend(len(3));
    body.push(0);
    body.extend(len(0));
    body.extend(name);
    let mut record = vec![22, 3, 1];
    let body_len = u16::try_from(body.len()).expect("short");
    record.extend((body_len + 4).to_be_bytes());
    record.extend([1, 0]);
    record.extend(body_len.to_be_bytes());
    record.extend(body);
    record
}

const QUERY: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01";

fn kinds(found: &[Message]) -> Vec<&'static str> {
    found
        .iter()
        .map(|message| match message {
            Message::Http(HttpMessage::Request(_)) => "request",
            Message::Http(HttpMessage::Response(_)) => "response",
            Message::Http(HttpMessage::Tunnel(_)) => "tunnel",
            Message::Tls(TlsMessage::ClientHello(_)) => "client hello",
            Message::Quic(QuicMessage::GoogleHello(_)) => "google hello",
            Message::Dns(_) => "dns",
            _ => "other",
        })
        .collect()
}

#[test]
fn first_bytes_tell_the_protocol() {
    let hello = client_hello("example.org");
    let mut over_tcp = vec![0, 25];
    over_tcp.extend(QUERY);
    let exchange: Said<'_> = &[
        (Initiator, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (Responder, b"HTTP/1.1 204 No Content\r\n\r\n"),
    ];
    let starttls: Said<'_> = &[
        (Responder, b"220 mail.example\r\n"),
        (Initiator, b"STARTTLS\r\n"),
        (Responder, b"220 go on\r\n"),
        (Initiator, &hello),
    ];
    for (said, protocol, expected) in [
        (exchange, Protocol::Http, &["request", "response"][..]),
        (&[(Initiator, &hello[..])], Protocol::Tls, &["client hello"]),
        (
            &[(Initiator, &over_tcp[..])],
            Protocol::Dns,
            &["dns", "dns"],
        ),
        (starttls, Protocol::Tls, &["client hello"]),
    ] {
        let mut detector = Detector::default();
        let (found, _) = listen(&mut detector, said);
        assert_eq!(detector.protocol(), Some(protocol));
        // A handshake that did not go on, and a question without an answer.
        let found = kinds(&found);
        let found: Vec<_> = found.into_iter().filter(|kind| *kind != "other").collect();
        assert_eq!(found, expected, "{protocol:?}");
    }
}

#[test]
fn tls_is_found_in_a_tunnel() {
    let hello = client_hello("inside.example");
    let said: Said<'_> = &[
        (Initiator, b"CONNECT inside.example:443 HTTP/1.1\r\n\r\n"),
        (Responder, b"HTTP/1.1 200 OK\r\n\r\n"),
        (Initiator, &hello),
    ];
    let (found, _) = listen(&mut Detector::default(), said);
    let found = kinds(&found);
    for kind in ["request", "tunnel", "response", "client hello"] {
        assert!(found.contains(&kind), "{kind} in {found:?}");
    }
}

/// A detector that looks for one protocol.
fn only(protocol: Protocol) -> Detector {
    Detector::new(DetectConfig {
        protocols: Protocols::only(protocol),
        ..DetectConfig::default()
    })
}

const PAGE: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn what_is_not_looked_for_is_let_go_at_once() {
    let hello = client_hello("example.org");
    let over_tcp = [&[0, 25][..], QUERY].concat();
    let said = [
        (Protocol::Http, PAGE),
        (Protocol::Tls, &hello[..]),
        (Protocol::Dns, &over_tcp[..]),
    ];
    for looked_for in [Protocol::Http, Protocol::Tls, Protocol::Dns] {
        for (protocol, bytes) in said {
            let mut detector = only(looked_for);
            // An answer of another protocol may be looked for.
            let talk = [(Initiator, bytes), (Responder, &b"\0"[..])];
            let silent = usize::from(looked_for != Protocol::Dns);
            let (found, interest) = listen(&mut detector, &talk[..=silent]);
            let is_it = looked_for == protocol;
            let expected = if is_it {
                Interest::More
            } else {
                Interest::Done
            };
            assert_eq!(interest, expected, "{protocol:?}, not {looked_for:?}");
            assert_eq!(found.is_empty(), !is_it, "{protocol:?}");
            assert_eq!(detector.protocol(), is_it.then_some(protocol));
        }
    }
    let datagram = Datagram::new(Initiator, Timestamp::EPOCH, QUERY);
    for (looked_for, expected) in [
        (Protocol::Tls, Interest::Done),
        (Protocol::Dns, Interest::More),
    ] {
        let parsed = only(looked_for).parse(datagram, &mut |_| {});
        assert_eq!(parsed, Ok(expected), "{looked_for:?}");
    }
}

#[test]
fn tunnels_are_looked_into_for_what_is_looked_for() {
    let hello = client_hello("inside.example");
    let tunnel: Said<'_> = &[
        (Initiator, b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        (Responder, b"HTTP/1.1 204 No Content\r\n\r\n"),
        (Initiator, b"CONNECT inside.example:443 HTTP/1.1\r\n\r\n"),
        (Responder, b"HTTP/1.1 200 OK\r\n\r\n"),
        (Initiator, &hello),
    ];
    let mut detector = only(Protocol::Tls);
    let (found, interest) = listen(&mut detector, tunnel);
    assert_eq!(kinds(&found)[0], "client hello");
    assert_eq!(interest, Interest::More);

    let (found, _) = listen(&mut only(Protocol::Http), tunnel);
    assert!(!kinds(&found).contains(&"client hello"), "{found:?}");
    // There is nothing of it inside.
    let (found, interest) = listen(&mut only(Protocol::Dns), tunnel);
    assert_eq!((found.len(), interest), (0, Interest::Done));
}

#[test]
fn a_connection_that_is_nothing_is_let_go() {
    let noise = vec![0xfe; 200 << 10];
    let mut detector = Detector::default();
    let (found, interest) = listen(&mut detector, &[(Initiator, &noise), (Responder, &noise)]);
    assert_eq!((found.len(), interest), (0, Interest::Done));
    assert_eq!(detector.protocol(), None);
}

struct Between([u16; 2]);

impl HasPorts for Between {
    fn ports(&self) -> Option<[u16; 2]> {
        Some(self.0)
    }
}

#[test]
fn each_flow_gets_a_detector_that_knows_its_ports() {
    let odd = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\0\xff\xf0\0\x01";
    let mut detectors = Detector::default().by_ports();
    for (ports, protocol) in [([40_000, 53], Some(Protocol::Dns)), ([40_000, 9], None)] {
        let mut detector = detectors
            .open(&Between(ports), &Transport::Udp)
            .expect("one for each flow");
        let datagram = Datagram::new(Initiator, Timestamp::EPOCH, odd);
        let parsed = detector.parse(datagram, &mut |_| {});
        assert!(parsed.is_ok());
        assert_eq!(detector.protocol(), protocol, "{ports:?}");
    }
}

#[test]
fn datagrams_are_dns_by_their_form_or_their_port() {
    let odd = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\0\xff\xf0\0\x01";
    let mut found = Vec::new();
    for (detector, payload, protocol) in [
        (Detector::default(), QUERY, Some(Protocol::Dns)),
        (Detector::default(), &odd[..], None),
        (
            Detector::default().with_ports([4000, 53]),
            &odd[..],
            Some(Protocol::Dns),
        ),
    ] {
        let mut detector = detector;
        let datagram = Datagram::new(Initiator, Timestamp::EPOCH, payload);
        assert_eq!(detector.parse(datagram, &mut found), Ok(Interest::More));
        assert_eq!(detector.protocol(), protocol);
    }
    assert_eq!(found.len(), 2);

    let mut detector = Detector::default();
    let quic = Datagram::new(Initiator, Timestamp::EPOCH, &[0xc0; 1200]);
    let interest = [(); 4].map(|()| detector.parse(quic, &mut found));
    assert_eq!(interest.last(), Some(&Ok(Interest::Done)));
}

#[test]
fn streams_on_ports_of_dns_may_begin_in_the_middle() {
    let len = u16::try_from(QUERY.len()).expect("it is short");
    let framed = [&len.to_be_bytes(), QUERY].concat();
    let said: Said<'_> = &[
        (Initiator, b"the end of a message"),
        (Initiator, &framed),
        (Responder, &framed),
    ];
    for (ports, count, protocol) in [
        ([4000, 53], 2, Some(Protocol::Dns)),
        ([4000, 4001], 0, None),
    ] {
        let mut detector = Detector::default().with_ports(ports);
        let (found, _) = listen(&mut detector, said);
        let heard = found
            .iter()
            .filter(|m| matches!(m, Message::Dns(it) if it.packet().is_some()));
        assert_eq!(heard.count(), count, "{ports:?}");
        assert_eq!(detector.protocol(), protocol, "{ports:?}");
    }
}

#[test]
fn what_is_held_is_bounded() {
    // It may become a request until the line ends.
    let mut detector = Detector::default();
    let made = allocation_counter::measure(|| {
        for _ in 0..1000 {
            let input = Input::new(Initiator, Timestamp::EPOCH, Chunk::Data(b"OPTIONS aaaa"));
            let _ = SessionParser::feed(&mut detector, input, &mut |_| {});
        }
    });
    assert!(made.bytes_max < 400_000, "{}", made.bytes_max);
}

#[test]
fn a_connection_of_which_nothing_is_known_allocates_nothing() {
    assert!(size_of::<Detector>() <= 128, "{}", size_of::<Detector>());
    let prototype = Detector::default();
    let mut noise: Vec<u8> = (0..200_u8).map(|byte| byte.wrapping_mul(73)).collect();
    noise.extend(b"G");
    let made = allocation_counter::measure(|| {
        let mut detector = prototype.clone();
        for turn in 0..20 {
            let side = if turn % 2 == 0 { Initiator } else { Responder };
            let input = Input::new(side, Timestamp::EPOCH, Chunk::Data(&noise));
            let fed = SessionParser::feed(&mut detector, input, &mut |_| {});
            assert_eq!(fed, Ok(Interest::More));
            assert_eq!(SessionParser::memory(&detector), 0);
        }
    });
    assert_eq!(made.count_total, 0);
}

#[test]
fn a_search_ends_with_so_many_bytes_or_chunks() {
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (chunks, len, is_found) in [(100, 100, true), (511, 1, false), (7, 10_000, false)] {
        let mut said = vec![(Initiator, &[0; 3][..])];
        let noise = vec![0; len];
        said.extend((0..chunks).map(|_| (Responder, &noise[..])));
        said.push((Initiator, request));
        let (found, interest) = listen(&mut Detector::default(), &said);
        assert_eq!(kinds(&found).contains(&"request"), is_found, "{chunks}");
        assert_eq!(interest == Interest::More, is_found, "{chunks}");
    }
}

#[test]
fn damaged_dns_is_told_alike_whole_and_in_pieces() {
    // A question, and an answer that is cut within its name.
    let mut message = vec![0, 28, 0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
    message.extend(b"\x07example\0\0\x01\0\x01\x05ab");
    message[1] = (message.len() - 2) as u8;
    let whole = listen(&mut Detector::default(), &[(Responder, &message)]).0;
    let pieces: Vec<_> = message.chunks(1).map(|piece| (Responder, piece)).collect();
    let in_pieces = listen(&mut Detector::default(), &pieces).0;
    assert_eq!(whole.len(), 1, "{whole:?}");
    assert_eq!(whole, in_pieces);
}

#[test]
fn a_connection_that_is_over_takes_nothing() {
    let mut detector = Detector::default();
    let kept = allocation_counter::measure(|| {
        let bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let input = Input::new(Initiator, Timestamp::EPOCH, Chunk::Data(bytes));
        assert!(SessionParser::feed(&mut detector, input, &mut |_| {}).is_ok());
        for side in [Initiator, Responder] {
            let end = StreamEnd::new(side, Timestamp::EPOCH, Close::Fin);
            SessionParser::close(&mut detector, end, &mut |_| {});
        }
    });
    assert_eq!(kept.count_current, 0);
    assert_eq!(detector.protocol(), Some(Protocol::Http));
}

const REFUSAL: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbad";
const ALERT: &[u8] = &[21, 3, 1, 0, 2, 2, 70];

#[test]
fn each_side_is_read_for_what_it_says() {
    let hello = client_hello("example.org");
    let greeted = [&b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"[..], &hello].concat();
    let over_tcp = [&[0, 25][..], QUERY].concat();
    let socks = [&[5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 1, 0, 80][..], &hello].concat();
    for (said, expected) in [
        (
            vec![(Initiator, &hello[..]), (Responder, REFUSAL)],
            ["client hello", "response"],
        ),
        (
            vec![(Responder, REFUSAL), (Initiator, &hello)],
            ["response", "client hello"],
        ),
        (
            vec![(Responder, &hello), (Initiator, REFUSAL)],
            ["client hello", "response"],
        ),
        (
            vec![(Initiator, PAGE), (Responder, ALERT)],
            ["request", "alert"],
        ),
        (
            vec![(Responder, ALERT), (Initiator, PAGE)],
            ["alert", "request"],
        ),
        (
            vec![(Initiator, &over_tcp), (Responder, ALERT)],
            ["dns", "alert"],
        ),
        // Found behind something else.
        (
            vec![(Initiator, &greeted), (Responder, REFUSAL)],
            ["client hello", "response"],
        ),
        (
            vec![
                (Initiator, &socks),
                (Responder, &[5, 0, 5, 0, 0, 1, 0, 0]),
                (Responder, REFUSAL),
            ],
            ["client hello", "response"],
        ),
    ] {
        let heard = |detector: &mut Detector, said: Said<'_>| {
            let (found, _) = listen(detector, said);
            let kinds = kinds(&found).into_iter().zip(&found);
            let kinds = kinds.filter_map(|(kind, message)| match message {
                Message::Tls(TlsMessage::Handshake(_)) => None,
                Message::Tls(TlsMessage::Alert(_)) => Some("alert"),
                Message::Dns(message) => message.packet().map(|_| kind),
                _ => Some(kind),
            });
            kinds.collect::<Vec<_>>()
        };
        let cut: Vec<_> = said
            .iter()
            .flat_map(|(side, bytes)| bytes.chunks(1).map(|byte| (*side, byte)))
            .collect();
        for said in [&said, &cut] {
            assert_eq!(heard(&mut Detector::default(), said), expected);
            for (protocol, own) in [
                (Protocol::Http, &["request", "response"][..]),
                (Protocol::Tls, &["client hello", "alert"]),
            ] {
                let expected: Vec<_> = expected.into_iter().filter(|it| own.contains(it)).collect();
                assert_eq!(
                    heard(&mut only(protocol), said),
                    expected,
                    "{protocol:?} of {said:?}"
                );
            }
        }
    }
}

#[test]
fn what_is_wrong_is_of_the_side_that_sent_it() {
    let mut hello = client_hello("example.org");
    hello[43] = 33;
    for (said, side) in [
        ([(Initiator, &hello[..]), (Responder, ALERT)], Initiator),
        ([(Responder, &hello), (Initiator, ALERT)], Responder),
        ([(Initiator, &hello), (Responder, REFUSAL)], Initiator),
        ([(Initiator, PAGE), (Responder, &hello)], Responder),
    ] {
        let (found, _) = listen(&mut Detector::default(), &said);
        let odd = found.iter().filter_map(|message| match message {
            Message::Tls(TlsMessage::Anomaly(odd)) => Some(odd.side),
            _ => None,
        });
        assert!(odd.eq([side]), "{found:?}");
        assert_eq!(found.len(), 2, "{found:?}");
    }
}

/// What a detector that searches `max_search` bytes finds in packets a second apart,
/// each of which comes in pieces of `len` bytes.
fn find_in_pieces(said: Said<'_>, len: usize, max_search: u32) -> Vec<Message> {
    let config = DetectConfig {
        max_search,
        ..DetectConfig::default()
    };
    let mut detector = Detector::new(config);
    let mut found = Vec::new();
    for (second, (side, packet)) in (1..).zip(said) {
        for piece in packet.chunks(len) {
            let input = Input::new(*side, Timestamp::new(second, 0), Chunk::Data(piece));
            let _ = SessionParser::feed(&mut detector, input, &mut found).expect("no error");
        }
    }
    found
}

#[test]
fn what_is_searched_and_found_is_the_same_in_any_pieces() {
    let hello = client_hello("a.example");
    let cut = &hello[..40];
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    type Pieces<'a> = &'a [(FlowSide, &'a [u8])];
    let cases: [(Pieces<'_>, u32, usize); 5] = [
        // The hello takes nothing of the limit, so that the refusal is read.
        (
            &[
                (Initiator, b"220 mail\r\n"),
                (Initiator, &hello),
                (Responder, REFUSAL),
            ],
            11,
            2,
        ),
        // No request is looked for beyond the limit, even while it may be a hello.
        (
            &[
                (Responder, b"\x15CONNECT a:443 HTTP/1."),
                (Responder, cut),
                (Responder, request),
            ],
            41,
            0,
        ),
        // The time of a message is not that of the empty line in front of it.
        (
            &[
                (Responder, b"no line of any\r\n"),
                (Initiator, b"\n"),
                (Initiator, REFUSAL),
            ],
            1000,
            1,
        ),
        // Nor that of a line that may be a request.
        (
            &[
                (Initiator, &[0; 14]),
                (Responder, b"PUT /x\r\n"),
                (Responder, REFUSAL),
            ],
            1000,
            1,
        ),
        // What a record says that is no message of TLS is told of.
        (
            &[
                (Responder, &request[1..]),
                (Initiator, &hello[..5]),
                (Initiator, &hello),
            ],
            1000,
            1,
        ),
    ];
    for (said, max_search, count) in cases {
        let whole = find_in_pieces(said, usize::MAX, max_search);
        assert_eq!(whole.len(), count, "{whole:?}");
        for len in [1, 2, 7] {
            assert_eq!(find_in_pieces(said, len, max_search), whole, "{len}");
        }
    }
}

/// Streams of any protocol, or of none.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let known = prop_oneof![
        Just(
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
                .to_vec()
        ),
        Just(b"CONNECT a:443 HTTP/1.1\r\n\r\n".to_vec()),
        Just(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec()),
        Just([&[0, 25][..], QUERY, &[0, 25], QUERY].concat()),
        Just(client_hello("a.example")),
        Just(b"220 mail\r\n".to_vec()),
        Just(REFUSAL.to_vec()),
        Just(ALERT.to_vec()),
        Just(b"PUT /x\r\n".to_vec()),
    ];
    prop_oneof![
        4 => known,
        1 => proptest::collection::vec(any::<u8>(), 0..64),
    ]
}

/// What a packet brings.
#[derive(Clone, Debug)]
enum Packet {
    Data(Vec<u8>),
    Gap(u64),
    Close,
}

/// A packet of any of those streams, or with the first or last bytes of one.
fn packet() -> impl Strategy<Value = Packet> {
    let garbage = prop_oneof![
        Just(b"no line of any\r\n".to_vec()),
        Just(b"EHLO me\r\nSTARTTLS\r\n".to_vec()),
        Just(vec![5, 1, 0]),
        Just(b"GE GET \x16\x03".to_vec()),
    ];
    let bytes = prop_oneof![3 => stream(), 1 => garbage];
    let part = (bytes, any::<proptest::sample::Index>(), 0..4u8);
    prop_oneof![
        12 => part.prop_map(|(bytes, at, part)| {
            let (first, last) = bytes.split_at(at.index(bytes.len() + 1));
            Packet::Data(match part {
                0 => first.to_vec(),
                1 => last.to_vec(),
                _ => bytes,
            })
        }),
        1 => (1..40u64).prop_map(Packet::Gap),
        1 => Just(Packet::Close),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_split_gives_the_same_messages(
        streams in proptest::collection::vec((any::<bool>(), stream()), 1..6),
        cut in 1..40usize,
        protocols in prop_oneof![
            2 => Just(Protocols::ALL),
            1 => Just(Protocols::only(Protocol::Http)),
            1 => Just(Protocols::only(Protocol::Tls)),
            1 => Just(Protocols::only(Protocol::Dns)),
        ],
    ) {
        let said: Vec<_> = streams
            .iter()
            .map(|(from, bytes)| (if *from { Initiator } else { Responder }, &bytes[..]))
            .collect();
        let run = |said: Said<'_>| {
            let mut found = Vec::new();
            let mut detector = Detector::new(DetectConfig {
                protocols,
                ..DetectConfig::default()
            });
            for (side, bytes) in said {
                let input = Input::new(*side, Timestamp::EPOCH, Chunk::Data(bytes));
                match SessionParser::feed(&mut detector, input, &mut found) {
                    Ok(Interest::More) => {}
                    Ok(Interest::Done) | Err(_) => break,
                }
            }
            found
        };
        let cut: Vec<_> = said
            .iter()
            .flat_map(|(side, bytes)| bytes.chunks(cut).map(|chunk| (*side, chunk)))
            .collect();
        prop_assert_eq!(run(&said), run(&cut));
    }

    /// The same with holes, ends, and a time for each packet.
    #[test]
    fn any_split_of_packets_gives_the_same_messages(
        packets in proptest::collection::vec((any::<bool>(), packet()), 1..8),
        cut in 1..40usize,
        ports in prop_oneof![3 => Just([1, 2]), 1 => Just([1, 80]), 1 => Just([1, 53])],
        max_search in prop_oneof![Just(64 << 10), 0..300u32],
    ) {
        let run = |cut: usize| {
            let mut found = Vec::new();
            let config = DetectConfig { max_search, ..DetectConfig::default() };
            let mut detector = Detector::new(config).with_ports(ports);
            for (second, (from, packet)) in (1..).zip(&packets) {
                let side = if *from { Initiator } else { Responder };
                let at = Timestamp::new(second, 0);
                let chunks: Vec<_> = match packet {
                    Packet::Data(bytes) => bytes.chunks(cut).map(Chunk::Data).collect(),
                    Packet::Gap(len) => vec![Chunk::Gap(*len)],
                    Packet::Close => {
                        let end = StreamEnd::new(side, at, Close::Fin);
                        SessionParser::close(&mut detector, end, &mut found);
                        Vec::new()
                    }
                };
                for chunk in chunks {
                    let input = Input::new(side, at, chunk);
                    match SessionParser::feed(&mut detector, input, &mut found) {
                        Ok(Interest::More) => {}
                        Ok(Interest::Done) | Err(_) => return found,
                    }
                }
            }
            found
        };
        prop_assert_eq!(run(usize::MAX), run(cut));
    }

    #[test]
    fn any_bytes_are_taken(
        said in proptest::collection::vec(
            (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..200), 0..1000u64),
            0..20,
        ),
    ) {
        let mut detector = Detector::default().with_ports([1, 53]);
        let mut datagrams = Detector::default().with_ports([5353, 5353]);
        for (from, bytes, gap) in &said {
            let side = if *from { Initiator } else { Responder };
            let chunk = match gap {
                0..100 => Chunk::Gap(*gap + 1),
                _ => Chunk::Data(bytes),
            };
            let _ = SessionParser::feed(
                &mut detector,
                Input::new(side, Timestamp::EPOCH, chunk),
                &mut |_| {},
            );
            let datagram = Datagram::new(side, Timestamp::EPOCH, bytes);
            let _ = datagrams.parse(datagram, &mut |_| {});
        }
    }
}

/// What a detector finds in datagrams, and whether it still listened.
fn listen_to_datagrams(detector: &mut Detector, said: Said<'_>) -> (Vec<Message>, Interest) {
    let mut found = Vec::new();
    for (side, bytes) in said {
        let datagram = Datagram::new(*side, Timestamp::EPOCH, bytes);
        match DatagramParser::parse(detector, datagram, &mut found) {
            Ok(Interest::More) => {}
            Ok(Interest::Done) => return (found, Interest::Done),
            Err(error) => panic!("{error}"),
        }
    }
    (found, Interest::More)
}

/// A ClientHello of DTLS 1.2.
fn dtls_hello() -> Vec<u8> {
    let mut datagram = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 54];
    datagram.extend([1, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0, 42, 0xfe, 0xfd]);
    datagram.extend([7; 32]);
    datagram.extend([0, 0, 0, 2, 0xc0, 0x2b, 1, 0]);
    datagram
}

const GOOGLE: &[u8] = b"\x0d12345678Q043\x01CHLO\x01\0\0\0SNI\0\x0b\0\0\0example.org";
const STUN: &[u8] = b"\0\x01\0\0\x21\x12\xa4\x42123456789012";

#[test]
fn datagrams_tell_the_protocol() {
    let hello = dtls_hello();
    for (datagram, protocol, kind, interest) in [
        (QUERY, Protocol::Dns, "dns", Interest::More),
        (&hello[..], Protocol::Dtls, "client hello", Interest::More),
        (GOOGLE, Protocol::Quic, "google hello", Interest::Done),
    ] {
        // Also on a port of DNS.
        for detector in [
            Detector::default(),
            Detector::default().with_ports([4000, 53]),
        ] {
            let mut detector = detector;
            let said = listen_to_datagrams(&mut detector, &[(Initiator, datagram)]);
            assert_eq!((&kinds(&said.0)[..], said.1), (&[kind][..], interest));
            assert_eq!(detector.protocol(), Some(protocol));
        }
        let quick = flowscope_detect::quick_probe_datagram(datagram, [4000, 5000]);
        assert_eq!(quick, Some(protocol));
        let mut others = Protocols::only(Protocol::Http);
        for other in [Protocol::Dns, Protocol::Quic, Protocol::Dtls] {
            if other != protocol {
                others = others.with(other);
            }
        }
        let mut detector = Detector::new(DetectConfig {
            protocols: others,
            ..DetectConfig::default()
        });
        let said = listen_to_datagrams(&mut detector, &[(Initiator, datagram)]);
        assert_eq!(said, (vec![], Interest::Done), "{protocol}");
    }
}

#[test]
fn dtls_may_come_behind_stun() {
    let hello = dtls_hello();
    let mut said = vec![(Initiator, STUN); 40];
    said.push((Responder, &hello));
    let (found, _) = listen_to_datagrams(&mut Detector::default(), &said);
    assert_eq!(kinds(&found), ["client hello"]);
    let (_, interest) = listen_to_datagrams(&mut Detector::default(), &vec![(Initiator, STUN); 64]);
    assert_eq!(interest, Interest::Done);
    let other: Said<'_> = &[(Initiator, &b"\x80\x60 what else there is"[..]); 4];
    let (_, interest) = listen_to_datagrams(&mut Detector::default(), &other[..3]);
    assert_eq!(interest, Interest::More);
    let (_, interest) = listen_to_datagrams(&mut Detector::default(), other);
    assert_eq!(interest, Interest::Done);
}

/// What TURN puts around what a client sends to its peer (RFC 8656, section 11).
fn indication(data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(data.len()).expect("short");
    let mut message = vec![0, 0x16];
    message.extend((len + 16).to_be_bytes());
    message.extend(&STUN[4..]);
    message.extend([0, 0x12, 0, 8, 0, 1, 9, 9, 9, 9, 9, 9, 0, 0x13]);
    message.extend(len.to_be_bytes());
    message.extend(data);
    message
}

#[test]
fn dtls_may_come_in_what_turn_puts_around_it() {
    let (around, stun) = (indication(&dtls_hello()), indication(STUN));
    let said: Said<'_> = &[(Initiator, STUN), (Initiator, &stun), (Initiator, &around)];
    let mut detector = Detector::default();
    let (found, _) = listen_to_datagrams(&mut detector, said);
    assert_eq!(kinds(&found), ["client hello"]);
    assert_eq!(detector.protocol(), Some(Protocol::Dtls));
}

#[test]
fn a_flow_of_quic_rests_between_connections() {
    let mut detector = Detector::new(DetectConfig {
        quic: QuicConfig {
            until: ReadUntil::FlowEnd,
            ..QuicConfig::default()
        },
        ..DetectConfig::default()
    });
    assert!(!detector.is_at_rest());
    let other = [&GOOGLE[..29], b"\x07\0\0\0a.other"].concat();
    let said: Said<'_> = &[
        (Initiator, GOOGLE),
        (Responder, b"\x08123456789"),
        (Initiator, GOOGLE),
        (Initiator, &other),
    ];
    let (found, interest) = listen_to_datagrams(&mut detector, said);
    assert_eq!(kinds(&found), ["google hello", "google hello"]);
    assert_eq!(interest, Interest::More);
    assert!(detector.is_at_rest());
}

/// What a side begins with decides whether it is a message, not its first piece.
#[test]
fn a_reply_that_only_begins_like_one_is_none_in_any_pieces() {
    let reply = b"HTTP/1 2.N\n";
    for size in 1..=reply.len() {
        let mut said: Vec<(FlowSide, &[u8])> = vec![(Initiator, b"\0\x002E1.t")];
        said.extend(reply.chunks(size).map(|piece| (Responder, piece)));
        let (found, _) = listen(&mut Detector::default(), &said);
        assert_eq!(found, [], "in pieces of {size}");
    }
}
