//! What is read of DTLS.

mod common;

use common::*;
use flowscope_core::session::{Datagram, DatagramParser, Interest, ProbeResult};
use flowscope_core::{FlowSide, Timestamp};
use flowscope_tls::{
    DtlsParser, Outcome, ReadUntil, TlsConfig, TlsMessage, TlsTransport, TlsVersion,
};
use proptest::prelude::*;

type Datagrams = Vec<(FlowSide, Vec<u8>)>;

fn read_with(
    parser: &mut DtlsParser,
    datagrams: &[(FlowSide, Vec<u8>)],
) -> (Vec<TlsMessage>, Interest) {
    let mut found = Vec::new();
    for (second, (side, bytes)) in (1..).zip(datagrams) {
        let datagram = Datagram::new(*side, Timestamp::new(second, 0), bytes);
        let Ok(interest) = parser.parse(datagram, &mut found);
        if interest == Interest::Done {
            return (found, interest);
        }
    }
    parser.close(Timestamp::new(1000, 0), &mut found);
    (found, Interest::More)
}

fn read_datagrams(datagrams: &[(FlowSide, Vec<u8>)]) -> Vec<TlsMessage> {
    read_with(&mut DtlsParser::default(), datagrams).0
}

/// The messages in short, those of DTLS included.
fn in_short(found: &[TlsMessage]) -> Vec<String> {
    found
        .iter()
        .flat_map(|message| match message {
            TlsMessage::HelloVerifyRequest(request) => {
                vec![format!("verify {:?}", request.cookie())]
            }
            other => names(core::slice::from_ref(other)),
        })
        .collect()
}

fn dtls_record(kind: u8, version: u16, epoch: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(version.to_be_bytes());
    bytes.extend([0, epoch, 0, 0, 0, 0, 0, 5]);
    bytes.extend(vec16(content));
    bytes
}

/// A fragment of a message, in a record.
fn fragment(kind: u8, seq: u16, body: &[u8], from: usize, to: usize) -> Vec<u8> {
    let number = |value: usize| u32::try_from(value).expect("short").to_be_bytes();
    let mut bytes = vec![kind];
    bytes.extend(&number(body.len())[1..]);
    bytes.extend(seq.to_be_bytes());
    bytes.extend(&number(from)[1..]);
    bytes.extend(vec24(&body[from..to]));
    dtls_record(22, 0xfefd, 0, &bytes)
}

fn whole(kind: u8, seq: u16, body: &[u8]) -> Vec<u8> {
    fragment(kind, seq, body, 0, body.len())
}

fn change() -> Vec<u8> {
    dtls_record(20, 0xfefd, 0, &[1])
}

fn sealed() -> Vec<u8> {
    dtls_record(22, 0xfefd, 1, &[0xee; 40])
}

/// The body of a ClientHello with a cookie.
fn hello(versions: &[u16], cookie: &[u8]) -> Vec<u8> {
    let mut hello = Hello::new(0xfefd, &[0xc02b, 0xc02f]).with(0, sni("example.org"));
    if !versions.is_empty() {
        hello = hello.with(43, vec8(&numbers(versions)));
    }
    let body = hello.body();
    let (before, behind) = body.split_at(35);
    [before, &vec8(cookie), behind].concat()
}

fn chain() -> Vec<u8> {
    vec24(&[vec24(&[1; 900]), vec24(&[2; 700])].concat())
}

fn dtls12() -> Datagrams {
    let answer = server_hello(0xfefd, &[7; 32], 0xc02b, &[(65281, vec![0])]);
    let certificates = chain();
    vec![
        (CLIENT, whole(1, 0, &hello(&[], &[]))),
        (SERVER, whole(3, 0, &[0xfe, 0xff, 3, 8, 9, 10])),
        (CLIENT, whole(1, 1, &hello(&[], &[8, 9, 10]))),
        (
            SERVER,
            [whole(2, 1, &answer), fragment(11, 2, &certificates, 0, 800)].concat(),
        ),
        (
            SERVER,
            fragment(11, 2, &certificates, 800, certificates.len()),
        ),
        (
            SERVER,
            [whole(12, 3, &[3; 300]), whole(14, 4, &[])].concat(),
        ),
        (
            CLIENT,
            [whole(16, 2, &[4; 66]), change(), sealed()].concat(),
        ),
        (SERVER, [change(), sealed()].concat()),
        (CLIENT, dtls_record(23, 0xfefd, 1, &[5; 50])),
    ]
}

const DTLS12: [&str; 5] = [
    "client Some(\"example.org\")",
    "verify [8, 9, 10]",
    "client Some(\"example.org\")",
    "server DTLS 1.2",
    "certificates 2",
];

#[test]
fn a_handshake_of_dtls_1_2_is_read() {
    let (found, interest) = read_with(&mut DtlsParser::default(), &dtls12());
    assert_eq!(in_short(&found), DTLS12);
    assert_eq!(interest, Interest::Done);
    let [
        TlsMessage::ClientHello(first),
        _,
        TlsMessage::ClientHello(second),
        TlsMessage::ServerHello(server),
        ..,
        TlsMessage::Handshake(summary),
    ] = &found[..]
    else {
        panic!("{found:?}");
    };
    assert_eq!(first.cookie(), []);
    assert_eq!(second.cookie(), [8, 9, 10]);
    assert_eq!(second.cipher_suites().collect::<Vec<_>>(), [0xc02b, 0xc02f]);
    assert_eq!(second.compression_methods(), [0]);
    assert_eq!(second.version(), TlsVersion::DTLS_1_2);
    assert_eq!(second.transport(), TlsTransport::Dtls);
    assert_eq!(&second.ja4().as_str()[..10], "dd2d020100");
    assert!(second.ja3_raw().starts_with("65277,49195-49199,0,"));
    assert_eq!(
        (server.cipher_suite(), server.session_id().len()),
        (0xc02b, 32)
    );
    assert_eq!(server.transport(), TlsTransport::Dtls);
    assert!(!server.encrypts_at_once());
    assert_eq!(summary.outcome, Outcome::Encrypted);
    assert_eq!(summary.version(), Some(TlsVersion::DTLS_1_2));
}

#[test]
fn what_is_sent_again_counts_once() {
    let mut twice = Vec::new();
    let all = dtls12();
    for step in all.chunks(2) {
        twice.extend(step.iter().chain(step).cloned());
    }
    assert_eq!(in_short(&read_datagrams(&twice)), DTLS12);
}

fn until_the_flow_ends() -> DtlsParser {
    DtlsParser::new(TlsConfig {
        dtls_until: ReadUntil::FlowEnd,
        ..TlsConfig::default()
    })
}

/// The same handshake, with other random bytes in its ClientHellos.
fn again(datagrams: &Datagrams, random: u8) -> Datagrams {
    let mut datagrams = datagrams.clone();
    for (_, sent) in &mut datagrams {
        // A ClientHello, alone in its datagram: the headers of record and message, and
        // a version, are before its random bytes.
        if sent[0] == 22 && sent[13] == 1 {
            sent[27..59].fill(random);
        }
    }
    datagrams
}

fn handshakes(found: &[TlsMessage]) -> Vec<Outcome> {
    found
        .iter()
        .filter_map(|message| match message {
            TlsMessage::Handshake(summary) => Some(summary.outcome),
            _ => None,
        })
        .collect()
}

/// RFC 6347, section 4.2.8: a client that lost its association begins another one
/// between the same ports.
#[test]
fn a_second_handshake_of_a_flow_is_read() {
    let first = dtls12();
    let both = [first.clone(), again(&first, 0x5a), again(&first, 0x5b)].concat();
    let (found, interest) = read_with(&mut until_the_flow_ends(), &both);
    assert_eq!(in_short(&found), [DTLS12; 3].concat());
    assert_eq!(handshakes(&found), [Outcome::Encrypted; 3]);
    assert_eq!(interest, Interest::More);
    // Who wants the first alone is done with it.
    let (found, interest) = read_with(&mut DtlsParser::default(), &both);
    assert_eq!(in_short(&found), DTLS12);
    assert_eq!(interest, Interest::Done);
}

#[test]
fn a_hello_that_comes_again_behind_its_handshake_begins_none() {
    let first = dtls12();
    let mut parser = until_the_flow_ends();
    let (found, _) = read_with(&mut parser, &[first.clone(), first.clone()].concat());
    assert_eq!(in_short(&found), DTLS12);
    assert!(parser.is_at_rest());
    assert_eq!(DatagramParser::memory(&parser), 32);
    // Nor does what else is sent again, or comes late.
    let late: Datagrams = first.iter().rev().cloned().collect();
    assert_eq!(read_with(&mut parser, &late).0, []);
    assert!(parser.is_at_rest());
}

/// Whoever lost the first server's answer.
#[test]
fn a_handshake_that_was_given_up_ends_with_the_next() {
    let first = dtls12();
    for given_up_after in 1..7 {
        let both = [&first[..given_up_after], &again(&first, 0x5a)].concat();
        let (found, _) = read_with(&mut until_the_flow_ends(), &both);
        let short = in_short(&found);
        let (before, behind) = short.split_at(short.len() - DTLS12.len());
        assert_eq!(behind, DTLS12, "{given_up_after}");
        assert_eq!(before, &DTLS12[..before.len()], "{given_up_after}");
        assert!(!before.is_empty());
        assert_eq!(
            handshakes(&found),
            [Outcome::Incomplete, Outcome::Encrypted],
            "{given_up_after}"
        );
    }
}

/// What a parser at rest passes by is what it would find nothing in.
#[test]
fn what_may_begin_a_handshake_is_told_by_few_bytes() {
    let client = whole(1, 0, &hello(&[], &[]));
    assert!(DtlsParser::may_begin(&client));
    let len = u16::try_from(client.len()).expect("short").to_be_bytes();
    let in_channel = [&[0x40, 3][..], &len, &client].concat();
    assert!(DtlsParser::may_begin(&in_channel));
    assert!(DtlsParser::may_begin(
        &[&[1, 0, 0, 0][..], &client].concat()
    ));
    for other in [
        dtls_record(23, 0xfefd, 1, &[5; 50]),
        vec![0x2e, 0, 1, 0, 20, 7, 7, 7],
        [&[0x80, 0x60][..], &[9; 100]].concat(),
        [&[0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42][..], &[9; 20]].concat(),
        Vec::new(),
    ] {
        assert!(!DtlsParser::may_begin(&other), "{other:02x?}");
    }
}

#[test]
fn a_handshake_of_dtls_1_3_is_read() {
    let list = [(43, numbers(&[0xfefc])), (44, vec16(&[6; 20]))];
    let mut retry = server_hello(0xfefd, &[], 0x1301, &list);
    retry[2..34].copy_from_slice(&self::retry()[11..43]);
    let answer = server_hello(0xfefd, &[], 0x1301, &list[..1]);
    let encrypted = vec![0x2e, 0, 1, 0, 20, 7, 7, 7];
    let with_id = vec![25, 0xfe, 0xfd, 0, 1, 7, 7, 7, 7];
    let datagrams = [
        (CLIENT, whole(1, 0, &hello(&[0xfefc, 0xfefd], &[]))),
        (SERVER, whole(2, 0, &retry)),
        (CLIENT, whole(1, 1, &hello(&[0xfefc], &[]))),
        (SERVER, [whole(2, 1, &answer), encrypted].concat()),
        (CLIENT, with_id),
    ];
    let (found, interest) = read_with(&mut DtlsParser::default(), &datagrams);
    let client = "client Some(\"example.org\")";
    assert_eq!(
        in_short(&found),
        [client, "retry", client, "server DTLS 1.3"]
    );
    assert_eq!(interest, Interest::Done);
    let TlsMessage::ClientHello(first) = &found[0] else {
        panic!()
    };
    assert_eq!(first.version(), TlsVersion::DTLS_1_3);
    // The highest number is that of the lower version.
    assert_eq!(&first.ja4().as_str()[..3], "dd2");
    let TlsMessage::ClientHello(second) = &found[2] else {
        panic!()
    };
    assert_eq!(&second.ja4().as_str()[..3], "dd3");
}

#[test]
fn what_openssl_wrote_before_is_read() {
    let mut body = hello(&[], &[]);
    body[..2].copy_from_slice(&[1, 0]);
    let mut sent = whole(1, 0, &body);
    sent[1..3].copy_from_slice(&[1, 0]);
    assert_eq!(DtlsParser::probe(&sent), ProbeResult::Match);
    let found = read_datagrams(&[(CLIENT, sent)]);
    let TlsMessage::ClientHello(first) = &found[0] else {
        panic!("{found:?}")
    };
    assert_eq!(first.version().to_string(), "DTLS 1.0 (OpenSSL)");
    assert_eq!(&first.ja4().as_str()[..3], "ds1");
}

#[test]
fn what_shares_a_flow_with_it_is_passed() {
    let stun = || [&[0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42][..], &[9; 20]].concat();
    let rtp = || [&[0x80, 0x60][..], &[9; 100]].concat();
    let mut datagrams = vec![(CLIENT, stun()), (SERVER, stun())];
    for (side, sent) in dtls12() {
        let len = u16::try_from(sent.len()).expect("short").to_be_bytes();
        datagrams.push((side, [&[0x40, 3][..], &len, &sent].concat()));
        datagrams.push((side, rtp()));
    }
    assert_eq!(in_short(&read_datagrams(&datagrams)), DTLS12);
    let (found, interest) = read_with(&mut DtlsParser::default(), &vec![(CLIENT, rtp()); 200]);
    assert_eq!((found, interest), (vec![], Interest::Done));
}

#[test]
fn an_alert_ends_a_handshake() {
    let datagrams = [
        (CLIENT, whole(1, 0, &hello(&[], &[]))),
        (SERVER, dtls_record(21, 0xfefd, 0, &[2, 40])),
    ];
    let found = read_datagrams(&datagrams);
    assert_eq!(in_short(&found)[1..], ["fatal handshake_failure"]);
    let Some(TlsMessage::Handshake(summary)) = found.last() else {
        panic!()
    };
    assert!(matches!(summary.outcome, Outcome::Alert(_)));
}

#[test]
fn what_does_not_fit_is_an_anomaly() {
    let mut cut = whole(1, 0, &hello(&[], &[]));
    cut[24] ^= 1;
    let found = read_datagrams(&[(CLIENT, whole(1, 0, &hello(&[], &[]))), (SERVER, cut)]);
    assert!(
        in_short(&found)[1].starts_with("responder no TLS record"),
        "{found:?}"
    );
    let small = TlsConfig {
        max_message: 50,
        ..TlsConfig::default()
    };
    let (found, _) = read_with(
        &mut DtlsParser::new(small),
        &[(CLIENT, whole(1, 0, &hello(&[], &[])))],
    );
    assert_eq!(
        in_short(&found),
        ["initiator handshake message longer than 50 bytes"]
    );
}

proptest! {
    #[test]
    fn fragments_come_in_any_order(
        cuts in proptest::collection::btree_set(1_usize..1600, 0..12),
        order in any::<prop::sample::Index>(),
        (seed, repeat) in (any::<u64>(), 0_usize..12),
    ) {
        let body = chain();
        let bounds: Vec<usize> = [0].into_iter().chain(cuts).chain([body.len()]).collect();
        let answer = server_hello(0xfefd, &[], 0xc02b, &[]);
        let mut sent: Vec<Vec<u8>> =
            bounds.windows(2).map(|pair| fragment(11, 2, &body, pair[0], pair[1])).collect();
        sent.push(fragment(2, 1, &answer, 0, 20));
        sent.push(fragment(2, 1, &answer, 10, answer.len()));
        sent.push(sent[repeat % sent.len()].clone());
        // Any order: each is moved to a place that the seed tells.
        let count = sent.len();
        for at in 0..count {
            sent.swap(at, (seed.rotate_left(5 * at as u32) % count as u64) as usize);
        }
        sent.rotate_left(order.index(count));
        let datagrams: Datagrams = sent.into_iter().map(|bytes| (SERVER, bytes)).collect();
        let mut found = in_short(&read_datagrams(&datagrams));
        found.sort();
        prop_assert_eq!(found, ["certificates 2", "server DTLS 1.2"]);
    }

    #[test]
    fn any_bytes_do_no_harm_and_take_bounded_memory(
        datagrams in proptest::collection::vec(
            (any::<bool>(), prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..60),
                (1_u8..15, 0_u16..9, 0_usize..900, 0_usize..100).prop_map(|(kind, seq, from, len)| {
                    fragment(kind, seq, &[3; 1000], from, (from + len).min(1000))
                }),
            ]),
            0..60,
        ),
    ) {
        let config = TlsConfig { max_message: 2000, ..TlsConfig::default() };
        let mut parser = DtlsParser::new(config);
        let mut found = Vec::new();
        for (is_client, bytes) in datagrams {
            let side = if is_client { CLIENT } else { SERVER };
            prop_assert_ne!(DtlsParser::probe(&bytes), ProbeResult::Possible);
            let datagram = Datagram::new(side, Timestamp::EPOCH, &bytes);
            let Ok(interest) = parser.parse(datagram, &mut found);
            // Of each side one message may be over the limit, with its capacity; the
            // rest is the connection and the hellos of its summary.
            prop_assert!(parser.memory() < 2 * (2000 + 4000) + 8000, "{}", parser.memory());
            if interest == Interest::Done {
                break;
            }
        }
    }
}
