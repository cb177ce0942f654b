//! What holds for any input.

mod common;

use allocation_counter::measure;
use common::*;
use flowscope_core::FlowSide;
use flowscope_tls::{TlsConfig, TlsMessage, TlsParser};
use proptest::collection::vec;
use proptest::prelude::*;

/// Conversations of several kinds.
fn talk() -> impl Strategy<Value = Vec<Act>> {
    let bytes = || vec(any::<u8>(), 0..200);
    let start = prop_oneof![
        Just(Vec::new()),
        (bytes(), bytes()).prop_map(|(a, b)| vec![server(a), client(b)]),
        Just(vec![
            server(b"220 mx\r\n"),
            client(b"STARTTLS\r\n\x16\x03\x01")
        ]),
        // What looks like the beginning of hellos, and is not.
        (bytes(), 0..60_usize).prop_map(|(bytes, len)| {
            let mut hello = Hello::to("z.example").bytes();
            let begin = [22, 3, 1, 0, 6, 1, 0, 0, 40, 3, 3];
            hello.truncate(hello.len() - len);
            vec![client(
                [b"x".to_vec(), begin.to_vec(), bytes, hello].concat(),
            )]
        }),
    ];
    let rest = prop_oneof![
        Just(classic("a.example")),
        Just(modern("b.example")),
        Just(classic("c.example")[1..].to_vec()),
        Just(vec![
            client(Hello::to("d.example").bytes()),
            server(record(21, &[2, 40])),
        ]),
        bytes().prop_map(|bytes| vec![
            client([Hello::to("e.example").bytes(), bytes].concat()),
            server(modern_server()),
        ]),
    ];
    (start, rest).prop_map(|(start, rest)| [start, rest].concat())
}

/// The same, in which each piece is sent in smaller ones.
fn split(acts: &[Act], sizes: &[usize]) -> Vec<Act> {
    let mut sizes = sizes.iter().cycle();
    let mut pieces = Vec::new();
    for act in acts {
        let Act::Send(side, bytes) = act else {
            pieces.push(act.clone());
            continue;
        };
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let size = rest.len().min(*sizes.next().expect("a cycle"));
            let (piece, after) = rest.split_at(size);
            pieces.push(Act::Send(*side, piece.to_vec()));
            rest = after;
        }
    }
    pieces
}

fn damaged(acts: Vec<Act>, changes: Vec<(usize, usize, Change)>) -> Vec<Act> {
    let mut acts = acts;
    for (act, place, change) in changes {
        let act = act % acts.len();
        let Act::Send(side, bytes) = acts[act].clone() else {
            continue;
        };
        if bytes.is_empty() {
            continue;
        }
        let place = place % bytes.len();
        match change {
            Change::Byte(byte) => {
                let Act::Send(_, bytes) = &mut acts[act] else {
                    continue;
                };
                bytes[place] = byte;
            }
            Change::Lost(count) => {
                let end = (place + usize::from(count)).min(bytes.len());
                let lost = (end - place) as u64;
                let replacement = [
                    Act::Send(side, bytes[..place].to_vec()),
                    Act::Lose(side, lost.max(1)),
                    Act::Send(side, bytes[end..].to_vec()),
                ];
                acts.splice(act..=act, replacement);
            }
        }
    }
    acts
}

#[derive(Clone, Debug)]
enum Change {
    Byte(u8),
    Lost(u16),
}

fn changes() -> impl Strategy<Value = Vec<(usize, usize, Change)>> {
    let change = prop_oneof![
        any::<u8>().prop_map(Change::Byte),
        (0..3000_u16).prop_map(Change::Lost),
    ];
    vec((any::<usize>(), any::<usize>(), change), 0..4)
}

/// Reads all that can be read of a message.
fn look_at(message: &TlsMessage) -> usize {
    match message {
        TlsMessage::ClientHello(hello) => {
            #[cfg(feature = "ja3")]
            let _ = hello.ja3();
            #[cfg(feature = "ja4")]
            assert_eq!(hello.ja4().as_str().len(), 36);
            let _ = (
                hello.sni(),
                hello.ech(),
                hello.has_grease(),
                hello.version(),
            );
            hello.alpn().count() + hello.key_share_groups().count() + hello.extensions().count()
        }
        TlsMessage::ServerHello(hello) => {
            #[cfg(feature = "ja3")]
            let _ = hello.ja3s();
            let _ = (
                hello.alpn(),
                hello.key_share_group(),
                hello.cipher_suite_name(),
            );
            hello.extensions().count()
        }
        TlsMessage::Certificate(chain) => {
            #[cfg(feature = "x509")]
            let _ = chain.first().map(|one| one.details());
            chain.certificates().count()
        }
        other => other.to_owned().side() as usize,
    }
}

/// Messages without their times, which are of the pieces.
fn comparable(messages: Vec<TlsMessage>) -> Vec<TlsMessage> {
    let mut messages = messages;
    for message in &mut messages {
        if let TlsMessage::Handshake(handshake) = message {
            handshake.started = flowscope_core::Timestamp::EPOCH;
            handshake.ended = flowscope_core::Timestamp::EPOCH;
        }
        if let TlsMessage::Anomaly(anomaly) = message {
            anomaly.at = flowscope_core::Timestamp::EPOCH;
        }
    }
    messages
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_split_gives_the_same_messages(
        acts in talk(),
        changes in changes(),
        sizes in vec(1..400_usize, 1..8),
    ) {
        let acts = damaged(acts, changes);
        let (whole, end) = read_with(TlsParser::default(), &acts);
        let (pieces, end_of_pieces) = read_with(TlsParser::default(), &split(&acts, &sizes));
        prop_assert_eq!(comparable(whole), comparable(pieces));
        prop_assert_eq!(end, end_of_pieces);
    }

    #[test]
    fn any_bytes_are_survived(
        acts in talk(),
        changes in changes(),
        noise in vec((any::<bool>(), vec(any::<u8>(), 0..300)), 0..6),
    ) {
        let mut acts = damaged(acts, changes);
        for (n, (from_client, bytes)) in noise.into_iter().enumerate() {
            let _ = TlsParser::probe(&bytes);
            let side = if from_client { FlowSide::Initiator } else { FlowSide::Responder };
            acts.insert((n * 2).min(acts.len()), Act::Send(side, bytes));
        }
        let (found, _) = read_with(TlsParser::default(), &acts);
        found.iter().for_each(|message| { look_at(message); });
    }

    #[test]
    fn any_hello_is_survived(kind in prop_oneof![Just(1_u8), Just(2), Just(6), Just(11)],
                             body in vec(any::<u8>(), 0..200),
                             start in vec(any::<u8>(), 0..4)) {
        let mut begin = Hello::to("a").body();
        begin.truncate(34 + usize::from(start.first().copied().unwrap_or(0) % 60));
        for body in [&body, &[&begin[..], &body].concat(), &vec24(&vec24(&body))] {
            let acts = [server(modern_server()), client(handshake(kind, body))];
            let (found, _) = read_with(TlsParser::default(), &acts);
            found.iter().for_each(|message| { look_at(message); });
        }
    }

    #[test]
    fn memory_stays_under_the_cap(
        kind in prop_oneof![Just(1_u8), Just(2), Just(11), Just(12), any::<u8>()],
        claimed in 0..40_000_u32,
        size in 1..3000_usize,
    ) {
        const LIMIT: u32 = 10_000;
        let config = TlsConfig { max_message: LIMIT, ..TlsConfig::default() };
        // Both sides say hello, and then a message that never ends.
        let endless = |side, start: Vec<u8>| {
            let mut bytes = start;
            let head = [&[kind], &claimed.to_be_bytes()[1..]].concat();
            bytes.extend(record(22, &head));
            (0..30_000 / size).for_each(|_| bytes.extend(record(22, &vec![0; size])));
            split(&[Act::Send(side, bytes)], &[1000])
        };
        let acts = [
            endless(CLIENT, Hello::to("a").bytes()),
            endless(SERVER, handshake(2, &server_hello(0x0303, &[], 0x2f, &[]))),
        ].concat();
        let mut parser = TlsParser::new(config);
        let cost = measure(|| {
            for act in &acts {
                let Act::Send(side, bytes) = act else { continue };
                let chunk = flowscope_core::reassemble::Chunk::Data(bytes);
                let input = flowscope_core::session::Input::new(
                    *side,
                    flowscope_core::Timestamp::EPOCH,
                    chunk,
                );
                use flowscope_core::session::{Interest, SessionParser};
                let fed = parser.feed(input, &mut |_: TlsMessage| {});
                if fed != Ok(Interest::More) {
                    break;
                }
            }
        });
        // A message of each side in parts, and as given; and the state.
        prop_assert!(cost.bytes_max <= 4 * u64::from(LIMIT) + 2000, "{:?}", cost);
    }
}
