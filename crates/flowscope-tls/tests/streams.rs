//! Where in a connection messages are found, and when a parser lets it go.

mod common;

use allocation_counter::measure;
use common::*;
use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Close, Input, Interest, SessionParser, StreamEnd, StreamFactory};
use flowscope_core::wire::Transport;
use flowscope_core::{FlowSide, Timestamp};
use flowscope_tls::{
    ClientHello, Handshake, Outcome, Report, Resumption, TlsAnomaly, TlsConfig, TlsError,
    TlsFactory, TlsHandler, TlsMessage, TlsParser,
};

fn summary(messages: &[TlsMessage]) -> &Handshake {
    match messages.last() {
        Some(TlsMessage::Handshake(handshake)) => handshake,
        other => panic!("{other:?}"),
    }
}

fn interest(acts: &[Act]) -> Interest {
    read_with(TlsParser::default(), acts).1
}

#[test]
fn a_handshake_of_tls_1_2_is_read_to_where_it_is_encrypted() {
    let acts = classic("a.example");
    let found = read(&acts);
    assert_eq!(
        names(&found),
        [
            "client Some(\"a.example\")",
            "server TLS 1.2",
            "certificates 2"
        ]
    );
    let handshake = summary(&found);
    assert_eq!(handshake.outcome, Outcome::Encrypted);
    assert_eq!(handshake.resumption, Resumption::Full);
    assert_eq!(handshake.client_side(), CLIENT);
    assert_eq!(handshake.started, Timestamp::new(1, 0));
    assert_eq!(handshake.ended, Timestamp::new(4, 0));
    assert!(handshake.certificates.is_some());
    assert_eq!(interest(&acts[..3]), Interest::More);
    assert_eq!(interest(&acts[..4]), Interest::Done);
}

#[test]
fn a_hello_in_small_pieces_is_read_when_the_peer_has_ended() {
    let hello = Hello::to("a.example").bytes();
    for len in [1, 3, hello.len()] {
        let mut parser = TlsParser::default();
        let mut found = Vec::new();
        parser.close(
            StreamEnd::new(SERVER, Timestamp::EPOCH, Close::Fin),
            &mut found,
        );
        for bytes in hello.chunks(len) {
            let input = Input::new(CLIENT, Timestamp::EPOCH, Chunk::Data(bytes));
            let _ = parser.feed(input, &mut found);
        }
        assert_eq!(names(&found), ["client Some(\"a.example\")"], "{len}");
    }
}

#[test]
fn a_handshake_of_tls_1_3_is_read_with_both_hellos() {
    let acts = modern("a.example");
    let found = read(&acts);
    assert_eq!(
        names(&found),
        [
            "client Some(\"a.example\")",
            "retry",
            "client Some(\"a.example\")",
            "server TLS 1.3"
        ]
    );
    let handshake = summary(&found);
    assert!(handshake.retry.is_some());
    assert_eq!(handshake.outcome, Outcome::Encrypted);
    assert_eq!(interest(&acts[..4]), Interest::More);
    assert_eq!(interest(&acts), Interest::Done);
}

#[test]
fn early_data_does_not_hide_a_second_hello() {
    let hello = Hello::to("a.example").with(42, vec![]).bytes();
    let acts = [
        client(
            [
                hello.clone(),
                change_cipher_spec(),
                encrypted(),
                encrypted(),
            ]
            .concat(),
        ),
        server(retry()),
        client([encrypted(), hello].concat()),
        server(modern_server()),
        client(encrypted()),
    ];
    assert_eq!(names(&read(&acts)).len(), 4);
    assert_eq!(interest(&acts), Interest::Done);
    // A hello that was not asked for is told from what is encrypted.
    let mut unasked = acts.to_vec();
    unasked.remove(1);
    assert_eq!(names(&read(&unasked)).len(), 3);
    unasked[0] = client([Hello::to("b").bytes(), change_cipher_spec(), finished()].concat());
    assert_eq!(names(&read(&unasked[..1])).len(), 1);
}

#[test]
fn a_hello_may_be_in_as_many_records_as_it_has_bytes() {
    let mut hello = Hello::to("a.example");
    // A key share after quantum computers, and then some.
    hello = hello.with(
        51,
        vec16(&[numbers(&[0x11ec]), vec16(&[5; 21_000])].concat()),
    );
    let whole = message(1, &hello.body());
    for size in [1, 3, 4, 5, 100, 16_384] {
        let records: Vec<u8> = whole
            .chunks(size)
            .flat_map(|part| record(22, part))
            .collect();
        assert_eq!(
            names(&read(&[client(&records)])),
            ["client Some(\"a.example\")"],
            "{size}"
        );
    }
}

#[test]
fn a_message_that_is_too_long_does_not_hide_the_answer() {
    let config = TlsConfig {
        max_message: 1000,
        ..TlsConfig::default()
    };
    let long = Hello::to("a.example").with(21, vec![0; 1000]);
    let acts = [client(long.bytes()), server(modern_server())];
    let (found, interest) = read_with(TlsParser::new(config), &acts);
    assert_eq!(interest, Interest::Done);
    let error = TlsError::TooLong { limit: 1000 };
    assert_eq!(
        names(&found),
        [format!("initiator {error}"), "server TLS 1.3".into()]
    );
    assert_eq!(summary(&found).resumption, Resumption::Full);
}

#[test]
fn tls_is_found_behind_what_came_before_it() {
    let preludes: [&[(FlowSide, &[u8])]; 10] = [
        // SMTP (RFC 3207).
        &[
            (SERVER, b"220 mx ESMTP\r\n"),
            (CLIENT, b"EHLO me\r\n"),
            (SERVER, b"250 STARTTLS\r\n"),
            (CLIENT, b"STARTTLS\r\n"),
            (SERVER, b"220 go ahead\r\n"),
        ],
        // IMAP and POP3 (RFC 2595).
        &[
            (SERVER, b"* OK\r\n"),
            (CLIENT, b"a STARTTLS\r\n"),
            (SERVER, b"a OK begin\r\n"),
        ],
        &[
            (SERVER, b"+OK\r\n"),
            (CLIENT, b"STLS\r\n"),
            (SERVER, b"+OK\r\n"),
        ],
        // FTP (RFC 4217).
        &[
            (SERVER, b"220 ftp\r\n"),
            (CLIENT, b"AUTH TLS\r\n"),
            (SERVER, b"234 ok\r\n"),
        ],
        // XMPP (RFC 6120).
        &[
            (
                CLIENT,
                b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
            ),
            (
                SERVER,
                b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
            ),
        ],
        // PostgreSQL: SSLRequest, and one byte for yes.
        &[(CLIENT, &[0, 0, 0, 8, 4, 210, 22, 47]), (SERVER, b"S")],
        // MySQL: a greeting, and a login that stops before the name.
        &[
            (SERVER, b"\x15\0\0\0\x0a8.0.36\0\x16\x03\0\0abcdefgh"),
            (
                CLIENT,
                b"\x20\0\0\x01\x8d\xae\xff\x19\0\0\0\x01\x21\0\0\0\0\0\0\0\0\0\0\0\0",
            ),
        ],
        // LDAP (RFC 4511): an extended request and its response.
        &[
            (
                CLIENT,
                b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037",
            ),
            (
                SERVER,
                b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0",
            ),
        ],
        // CONNECT (RFC 9110).
        &[
            (CLIENT, b"CONNECT a.example:443 HTTP/1.1\r\n\r\n"),
            (SERVER, b"HTTP/1.1 200 OK\r\n\r\n"),
        ],
        // SOCKS 5 (RFC 1928).
        &[
            (CLIENT, b"\x05\x01\0"),
            (SERVER, b"\x05\0"),
            (CLIENT, b"\x05\x01\0\x03\x09a.example\x01\xbb"),
            (SERVER, b"\x05\0\0\x01\0\0\0\0\0\0"),
        ],
    ];
    for prelude in preludes {
        for talk in [classic("a.example"), modern("a.example")] {
            let before = prelude
                .iter()
                .map(|(side, bytes)| Act::Send(*side, bytes.to_vec()));
            let acts: Vec<Act> = before.chain(talk.clone()).collect();
            assert_eq!(names(&read(&acts)), names(&read(&talk)), "{prelude:?}");
            assert_eq!(interest(&acts), Interest::Done);
        }
    }
}

#[test]
fn a_server_may_say_hello_before_its_client_as_in_ftp() {
    let hello = Act::Send(SERVER, Hello::to("a.example").bytes());
    let answer = Act::Send(CLIENT, modern_server());
    let found = read(&[hello, answer]);
    assert_eq!(found[0].side(), SERVER);
    assert_eq!(summary(&found).client_side(), SERVER);
}

#[test]
fn a_connection_under_way_is_read_from_where_it_is() {
    // Without the ClientHello.
    let found = read(&classic("a.example")[1..]);
    assert_eq!(names(&found), ["server TLS 1.2", "certificates 2"]);
    let handshake = summary(&found);
    assert_eq!(
        (&handshake.client, handshake.client_side()),
        (&None, CLIENT)
    );
    // In the middle of the server's flight.
    let acts = [
        server([certificates(&[b"a"]), change_cipher_spec()].concat()),
        client(encrypted()),
    ];
    assert_eq!(names(&read(&acts)), ["certificates 1"]);
    assert_eq!(interest(&acts), Interest::Done);
    // Encrypted on both sides.
    let acts = [server(encrypted()), client(encrypted())];
    assert_eq!(names(&read(&acts)), [""; 0]);
    assert_eq!(interest(&acts), Interest::Done);
}

#[test]
fn other_streams_are_let_go_within_the_prelude() {
    let limit = TlsConfig::default().max_prelude as usize;
    let text = b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n".repeat(1000);
    assert_eq!(interest(&[client(&text[..limit - 1])]), Interest::More);
    assert_eq!(interest(&[client(&text[..limit])]), Interest::Done);
    let acts = [client(&text[..limit - 10]), client(Hello::to("a").bytes())];
    assert_eq!(names(&read(&acts)).len(), 1);
    let acts = [client(&text[..limit]), client(Hello::to("a").bytes())];
    assert_eq!(names(&read(&acts)).len(), 0);
}

#[test]
fn what_resumes_a_session_is_told() {
    let resumed = |ticket: Vec<u8>, client_id: &[u8], server_id: &[u8]| {
        let mut hello = Hello::new(0x0303, &[0xc02f]).with(35, ticket);
        hello.session_id = client_id.to_vec();
        let flight = [
            handshake(2, &server_hello(0x0303, server_id, 0xc02f, &[])),
            change_cipher_spec(),
            finished(),
        ];
        let acts = [
            client(hello.bytes()),
            server(flight.concat()),
            client([change_cipher_spec(), finished()].concat()),
        ];
        let found = read(&acts);
        assert_eq!(summary(&found).outcome, Outcome::Encrypted);
        summary(&found).resumption
    };
    assert_eq!(resumed(vec![], &[1; 32], &[1; 32]), Resumption::SessionId);
    assert_eq!(resumed(vec![9; 80], &[1; 32], &[1; 32]), Resumption::Ticket);
    assert_eq!(resumed(vec![9; 80], &[], &[]), Resumption::Ticket);
    assert_eq!(resumed(vec![], &[], &[]), Resumption::Full);

    let list = [(43, numbers(&[0x0304])), (41, numbers(&[0]))];
    let server_hello = handshake(2, &server_hello(0x0303, &[], 0x1301, &list));
    let acts = [
        client(Hello::to("a").bytes()),
        server(server_hello),
        client(encrypted()),
    ];
    assert_eq!(summary(&read(&acts)).resumption, Resumption::PreSharedKey);
    assert_eq!(summary(&read(&acts[..1])).resumption, Resumption::Unknown);
}

#[test]
fn alerts_are_given_where_they_can_be_read() {
    let acts = [client(Hello::to("a").bytes()), server(record(21, &[2, 40]))];
    let found = read(&acts);
    assert_eq!(names(&found)[1..], ["fatal handshake_failure"]);
    assert!(matches!(summary(&found).outcome, Outcome::Alert(alert) if alert.side() == SERVER));

    // A warning goes before the hello, and a client gives up on TLS 1.3.
    let acts = [
        client(Hello::to("a").bytes()),
        server([record(21, &[1, 112]), modern_server()].concat()),
        client(record(21, &[2, 47])),
    ];
    let expected = [
        "warning unrecognized_name",
        "server TLS 1.3",
        "fatal illegal_parameter",
    ];
    assert_eq!(names(&read(&acts))[1..], expected);

    // What is encrypted looks like nothing.
    let mut acts = classic("a");
    acts.truncate(3);
    acts.push(client(record(21, &[2, 40])));
    acts.push(server(record(21, &[0xee; 26])));
    assert_eq!(names(&read(&acts)).len(), 3);
}

#[test]
fn nonsense_on_one_side_does_not_hide_the_other() {
    let acts = [
        client([Hello::to("a").bytes(), b"nonsense".to_vec()].concat()),
        server(modern_server()),
    ];
    let (found, interest) = read_with(TlsParser::default(), &acts);
    assert_eq!(interest, Interest::Done);
    let [_, TlsMessage::Anomaly(odd), TlsMessage::ServerHello(_), _] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((odd.side, odd.at), (CLIENT, Timestamp::new(1, 0)));
    let of = |error| {
        matches!(
            error,
            TlsError::Record {
                content_type: b'n',
                ..
            }
        )
    };
    assert!(of(odd.error), "{odd:?}");
}

#[test]
fn the_side_that_is_wrong_is_told_when_it_is() {
    let mut body = Hello::to("a").body();
    body[34] = 33;
    let hello = handshake(1, &body);
    let mut body = server_hello(0x0303, &[7; 32], 0xc02f, &[]);
    body[34] = 33;
    let answer = handshake(2, &body);
    let alert = record(21, &[2, 50]);
    for (acts, expected) in [
        (vec![client(&hello)], vec![(CLIENT, 1)]),
        (vec![client(&hello), server(&alert)], vec![(CLIENT, 1)]),
        (vec![server(&hello), client(&alert)], vec![(SERVER, 1)]),
        (
            vec![client(Hello::to("a").bytes()), server(&answer)],
            vec![(SERVER, 2)],
        ),
        (
            vec![client(&hello), server(&answer)],
            vec![(CLIENT, 1), (SERVER, 2)],
        ),
        // Once for each side.
        (vec![client(&hello), client(&hello)], vec![(CLIENT, 1)]),
        (
            vec![client(certificates(&[])), client(handshake(11, &[0, 0, 9]))],
            vec![(CLIENT, 2)],
        ),
    ] {
        let (found, _) = read_with(TlsParser::default(), &acts);
        let odd = found.iter().filter_map(|message| match message {
            TlsMessage::Anomaly(odd) => Some((odd.side, odd.at.as_secs())),
            _ => None,
        });
        assert!(odd.eq(expected), "{found:?}");
        let alerts = found.iter().filter(|it| matches!(it, TlsMessage::Alert(_)));
        let sent = acts
            .iter()
            .filter(|it| matches!(it, Act::Send(_, bytes) if *bytes == alert));
        assert_eq!(alerts.count(), sent.count(), "{found:?}");
    }
    // Too short to be one, so it is not taken for TLS at the beginning.
    let (found, _) = read_with(TlsParser::default(), &[client(handshake(1, &[3, 3, 0]))]);
    assert_eq!(found, []);
}

/// `bytes` in frames of another protocol: a length and a few bytes before each
/// piece.
fn framed(bytes: &[u8], size: usize) -> Vec<u8> {
    let frame =
        |piece: &[u8]| vec16(&[&[0x20, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1][..], piece].concat());
    bytes.chunks(size).flat_map(frame).collect()
}

#[test]
fn a_hello_that_another_protocol_cut_is_none() {
    let hello = Hello::new(0x0303, &[0xc02f; 30])
        .with(0, sni("a.example"))
        .with(10, vec16(&numbers(&[29, 23])));
    for size in [50, 60, 100, 110] {
        let (found, _) = read_with(
            TlsParser::default(),
            &[client(framed(&hello.bytes(), size))],
        );
        assert_eq!(names(&found), [""; 0], "{size}");
    }
    // Whole in its frame it is one, and so is one behind it.
    for before in [vec![], framed(&hello.bytes(), 50)] {
        let bytes = [before, framed(&hello.bytes(), 500)].concat();
        let (found, _) = read_with(TlsParser::default(), &[client(bytes)]);
        assert_eq!(names(&found), ["client Some(\"a.example\")"]);
    }
    // What comes behind it there is no error.
    let flight = [modern_server(), certificates(&[&[1; 900]])].concat();
    let acts = [
        client(framed(&hello.bytes(), 500)),
        server(framed(&flight, 200)),
    ];
    let (found, _) = read_with(TlsParser::default(), &acts);
    assert_eq!(
        names(&found),
        ["client Some(\"a.example\")", "server TLS 1.3"]
    );
    // At the beginning of a stream, it is one that is wrong.
    let mut bytes = hello.bytes();
    bytes.truncate(90);
    bytes.extend([0x55; 90]);
    let (found, _) = read_with(TlsParser::default(), &[client(bytes)]);
    assert!(matches!(found[..], [TlsMessage::Anomaly(_)]), "{found:?}");
}

#[test]
fn many_false_beginnings_are_passed_by() {
    let begin = [22, 3, 1, 0, 6, 1, 0, 0, 40, 3, 3];
    let mut bytes = b"* OK\r\n".to_vec();
    (0..500).for_each(|_| bytes.extend(begin));
    bytes.extend(Hello::to("a").bytes());
    let (found, _) = read_with(TlsParser::default(), &[client(&bytes)]);
    assert_eq!(
        names(&found).len(),
        0,
        "the last false one takes some of it"
    );
    let mut bytes = b"* OK\r\n".to_vec();
    (0..4000).for_each(|_| bytes.extend(begin));
    bytes.extend([0; 40]);
    bytes.extend(Hello::to("a").bytes());
    let (found, _) = read_with(TlsParser::default(), &[client(&bytes)]);
    assert_eq!(found, [], "it is too far from the beginning");
}

#[test]
fn a_hole_loses_the_messages_it_touches() {
    let acts = classic("a.example");
    let Act::Send(side, flight) = &acts[1] else {
        panic!()
    };
    let whole = names(&read(&acts));
    let hello_end = 5 + 4 + server_hello(0x0303, &[7; 32], 0xc02f, &[(65281, vec![0])]).len();
    let certificates_end = hello_end + 5 + 4 + 3 + 903 + 703;
    for (from, to) in [
        (30, 40),
        (hello_end + 20, hello_end + 1000),
        (hello_end - 10, hello_end),
        (hello_end + 10, certificates_end),
        (hello_end - 10, hello_end + 10),
        (certificates_end, certificates_end + 100),
        (certificates_end - 5, certificates_end + 7),
        (0, 20),
    ] {
        let holed = [
            acts[0].clone(),
            Act::Send(*side, flight[..from].to_vec()),
            Act::Lose(*side, (to - from) as u64),
            Act::Send(*side, flight[to..].to_vec()),
            acts[2].clone(),
            acts[3].clone(),
        ];
        let mut expected = whole.clone();
        if to > hello_end && from < certificates_end {
            expected.remove(2);
        }
        if from < hello_end {
            expected.remove(1);
        }
        assert_eq!(names(&read(&holed)), expected, "{from}..{to}");
        assert_eq!(interest(&holed), Interest::Done, "{from}..{to}");
    }
}

#[test]
fn a_side_that_is_never_seen_is_not_waited_for() {
    let mut acts = vec![client([Hello::to("a").bytes(), encrypted()].concat())];
    acts.extend((0..5).map(|_| client(record(23, &[0xee; 16_000]))));
    assert_eq!(interest(&acts), Interest::Done);
}

#[test]
fn what_is_reported_can_be_chosen() {
    let report = |report| {
        let config = TlsConfig {
            report,
            ..TlsConfig::default()
        };
        let (found, _) = read_with(TlsParser::new(config), &classic("a"));
        (names(&found).len(), found.len())
    };
    assert_eq!(report(Report::All), (3, 4));
    assert_eq!(report(Report::Messages), (3, 3));
    assert_eq!(report(Report::Handshakes), (0, 1));
}

#[test]
fn handlers_are_called_with_the_key() {
    #[derive(Default)]
    struct Log(Vec<String>);
    impl TlsHandler<u16> for Log {
        fn on_client_hello(&mut self, flow: &u16, hello: &ClientHello) {
            self.0.push(format!("{flow} {:?}", hello.sni()));
        }
        fn on_handshake(&mut self, flow: &u16, handshake: &Handshake) {
            self.0.push(format!("{flow} {:?}", handshake.version()));
        }
        fn on_anomaly(&mut self, flow: &u16, anomaly: &TlsAnomaly) {
            self.0.push(format!("{flow} {}", anomaly.error));
        }
    }

    fn run<H: TlsHandler<u16>>(factory: &mut TlsFactory<H>, acts: &[Act]) {
        let mut parser = factory.open(&7, &Transport::TcpCut).expect("TCP");
        for act in acts {
            let Act::Send(side, bytes) = act else {
                continue;
            };
            let input = Input::new(*side, Timestamp::EPOCH, Chunk::Data(bytes));
            if factory.feed(&mut parser, &7, input) == Interest::Done {
                return;
            }
        }
        for side in FlowSide::BOTH {
            factory.close(
                &mut parser,
                &7,
                StreamEnd::new(side, Timestamp::EPOCH, Close::Fin),
            );
        }
    }

    let mut factory = TlsFactory::with_handler(Log::default());
    run(&mut factory, &classic("a"));
    let nonsense = [Hello::to("b").bytes(), b"nonsense".to_vec()].concat();
    run(&mut factory, &[client(nonsense)]);
    assert!(StreamFactory::<u16>::open(&mut factory, &7, &Transport::Udp).is_none());
    assert_eq!(
        factory.into_handler().0,
        [
            "7 Some(\"a\")",
            "7 Some(TlsVersion(771))",
            "7 Some(\"b\")",
            "7 no TLS record has type 110 and 29541 bytes",
            "7 None"
        ]
    );

    let mut count = 0;
    let mut factory = TlsFactory::with_handler(|_: &u16, _: &TlsMessage| count += 1);
    run(&mut factory, &classic("a"));
    assert_eq!(count, 4);
}

#[test]
fn a_silent_flow_costs_nothing_and_a_hello_four_allocations() {
    assert!(size_of::<TlsParser>() <= 32, "{}", size_of::<TlsParser>());
    let silent = measure(|| drop(TlsParser::default().clone()));
    assert_eq!(silent.count_total, 0);

    let hello = Hello::to("a.example").bytes();
    let mut found = Vec::with_capacity(4);
    let cost = measure(|| {
        let mut parser = TlsParser::default();
        let input = Input::new(CLIENT, Timestamp::EPOCH, Chunk::Data(&hello));
        assert_eq!(parser.feed(input, &mut found), Ok(Interest::More));
    });
    // The connection's state, the hello, and two lists on the way.
    assert_eq!(cost.count_total, 4);
    assert!(cost.bytes_max < 1500, "{cost:?}");
}

/// An early end of one side says nothing of the other, however that comes in pieces.
#[test]
fn what_one_side_says_behind_the_end_of_the_other_is_read() {
    let bytes = [b"\x07".to_vec(), record(21, &[2, 40])].concat();
    for size in [1, 3, bytes.len()] {
        let mut parser = TlsParser::default();
        let mut found = Vec::new();
        let end = StreamEnd::new(SERVER, Timestamp::EPOCH, Close::Fin);
        parser.close(end, &mut found);
        for piece in bytes.chunks(size) {
            let input = Input::new(CLIENT, Timestamp::EPOCH, Chunk::Data(piece));
            assert_eq!(parser.feed(input, &mut found), Ok(Interest::More));
        }
        let is_alert = matches!(found[..], [TlsMessage::Alert(_)]);
        assert!(is_alert, "{found:?} in pieces of {size}");
    }
}
