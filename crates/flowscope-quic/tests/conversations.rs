//! Conversations of many kinds, made up and taken apart at random.

mod common;

use common::*;
use flowscope_core::FlowSide;
use flowscope_core::session::{DatagramParser, Interest};
use flowscope_quic::{QuicConfig, QuicMessage, QuicParser, ReadUntil};
use proptest::prelude::*;

/// How a handshake is sent.
#[derive(Clone, Debug)]
struct Plan {
    version: u32,
    /// Where in the version of the server's answer is another.
    answer_version: u32,
    original: Vec<u8>,
    client_id: Vec<u8>,
    server_id: Vec<u8>,
    token: Vec<u8>,
    hello_padding: usize,
    /// Into how many datagrams the hello goes.
    parts: usize,
    number_len: usize,
    /// What is put into packets around CRYPTO frames.
    strewn: Vec<u8>,
    /// Which of the client's datagrams go to the ID that the server has chosen.
    to_chosen_id: usize,
    /// Which of all datagrams comes twice.
    twice: usize,
    early_data: EarlyData,
    acks: usize,
    answer_parts: usize,
}

#[derive(Clone, Copy, Debug)]
enum EarlyData {
    None,
    Before,
    Behind,
}

fn id(least: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), least..=20)
}

fn plans() -> impl Strategy<Value = Plan> {
    let ids = (id(0), id(0), id(0));
    let token = prop_oneof![Just(vec![]), proptest::collection::vec(any::<u8>(), 1..200)];
    let versions = (proptest::sample::select(&VERSIONS[..]), any::<bool>());
    let early_data =
        proptest::sample::select(vec![EarlyData::None, EarlyData::Before, EarlyData::Behind]);
    let strewn = proptest::collection::vec(0..2_u8, 0..30);
    let counts = (
        0..2500_usize,
        1..6_usize,
        1..5_usize,
        0..2_usize,
        0..12_usize,
        0..3_usize,
        1..3_usize,
    );
    (versions, ids, token, strewn, early_data, counts).prop_map(
        |(
            (version, switches),
            (original, client_id, server_id),
            token,
            strewn,
            early_data,
            counts,
        )| {
            let (hello_padding, parts, number_len, to_chosen_id, twice, acks, answer_parts) =
                counts;
            Plan {
                version,
                answer_version: if version == V1 && switches {
                    V2
                } else {
                    version
                },
                original,
                client_id,
                server_id,
                token,
                hello_padding,
                parts,
                number_len,
                strewn,
                to_chosen_id,
                twice,
                early_data,
                acks,
                answer_parts,
            }
        },
    )
}

const ACK: &[u8] = &[2, 0, 0, 0, 0];

impl Plan {
    /// Every datagram, in the order in which they would be sent.
    fn datagrams(&self) -> Vec<(FlowSide, Vec<u8>)> {
        let mut datagrams = self.of_client();
        datagrams.extend(self.of_server());
        let again = datagrams.get(self.twice).cloned();
        datagrams.extend(again);
        datagrams
    }

    fn hello(&self) -> Vec<u8> {
        client_hello("example.org", self.hello_padding)
    }

    fn of_client(&self) -> Vec<(FlowSide, Vec<u8>)> {
        let sender = Sender::client(self.version, &self.original);
        let hello = self.hello();
        let mut packets = Vec::new();
        let len = hello.len().div_ceil(self.parts);
        for (index, part) in hello.chunks(len).enumerate() {
            packets.push([&self.strewn[..], &crypto(index * len, part), &self.strewn].concat());
        }
        for _ in 0..self.acks {
            packets.push([ACK, &[0; 30]].concat());
        }
        let count = packets.len();
        let numbered = (0..).zip(packets);
        let sealed = numbered.map(|(number, frames)| {
            // At least one goes to the ID that keys are made of.
            let is_late = number as usize + self.to_chosen_id.min(count - 1) >= count;
            let header = Header {
                destination: if is_late {
                    &self.server_id
                } else {
                    &self.original
                },
                source: &self.client_id,
                token: &self.token,
                number,
                number_len: self.number_len,
                is_greased: false,
            };
            let initial = sender.initial(header, &[&frames[..], &[0; 20]].concat());
            let early = unreadable(self.version, Unreadable::EarlyData, 90);
            let datagram = match self.early_data {
                EarlyData::None => initial,
                EarlyData::Before => [early, initial].concat(),
                EarlyData::Behind => [initial, early].concat(),
            };
            (CLIENT, datagram)
        });
        sealed.collect()
    }

    fn of_server(&self) -> Vec<(FlowSide, Vec<u8>)> {
        let sender = Sender::server(self.answer_version, &self.original);
        let hello = server_hello();
        let len = hello.len().div_ceil(self.answer_parts);
        let parts = (0..).zip(hello.chunks(len));
        let sealed = parts.map(|(number, part)| {
            let header = Header {
                destination: &self.client_id,
                source: &self.server_id,
                token: &[],
                number,
                number_len: self.number_len,
                is_greased: false,
            };
            let frames = [
                ACK,
                &crypto(number as usize * len, part),
                &self.strewn,
                &[0; 4],
            ]
            .concat();
            let handshake = unreadable(self.answer_version, Unreadable::Handshake, 60);
            (
                SERVER,
                [sender.initial(header, &frames), handshake].concat(),
            )
        });
        sealed.collect()
    }
}

/// A plan, and its datagrams in any order at all.
fn shuffled() -> impl Strategy<Value = (Plan, Vec<(FlowSide, Vec<u8>)>)> {
    plans().prop_flat_map(|plan| {
        let datagrams = Just(plan.datagrams()).prop_shuffle();
        (Just(plan), datagrams)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// The server's answer may be seen before what it answers, and packets to
    /// the ID that it chose before the first packet of all.
    #[test]
    fn a_handshake_is_read_in_any_order((plan, datagrams) in shuffled()) {
        let (found, interest) = read_with(&mut QuicParser::default(), &datagrams);
        prop_assert_eq!(found.len(), 2, "{:?}", names(&found));
        let client = found.iter().find_map(|it| match it {
            QuicMessage::ClientHello(client) => Some(client),
            _ => None,
        });
        let client = client.expect("a client");
        prop_assert_eq!(client.hello.sni(), Some("example.org".into()));
        prop_assert_eq!(client.version.0, plan.version);
        prop_assert_eq!(client.source_id.bytes(), &plan.client_id[..]);
        prop_assert_eq!(client.token_len as usize, plan.token.len());
        let server = found.iter().find_map(|it| match it {
            QuicMessage::ServerHello(server) => Some(server),
            _ => None,
        });
        let server = server.expect("a server");
        prop_assert_eq!(server.version.0, plan.answer_version);
        prop_assert_eq!(server.source_id.bytes(), &plan.server_id[..]);
        prop_assert_eq!(interest, Interest::Done);
    }

    /// What is lost is sent again, with other numbers.
    #[test]
    fn a_handshake_is_read_in_spite_of_loss(plan in plans(), lost in 0..6_usize) {
        let mut first = plan.of_client();
        if lost < first.len() {
            first.remove(lost);
        }
        let again = Plan { number_len: 2, parts: plan.parts % 5 + 1, ..plan.clone() };
        let datagrams = [first, again.of_client(), again.of_server()].concat();
        let found = read(&datagrams);
        prop_assert_eq!(found.len(), 2, "{:?}", names(&found));
    }

    /// Connections between the same ports, one after the other or all at once.
    #[test]
    fn connections_share_a_flow(
        plans in proptest::collection::vec(plans(), 2..4),
        is_in_turn: bool,
    ) {
        let mut ids: Vec<_> = plans.iter().map(|plan| &plan.original).collect();
        ids.sort();
        ids.dedup();
        prop_assume!(ids.len() == plans.len());
        let flights: Vec<_> = (0_u8..).zip(&plans).map(|(index, plan)| {
            let hello = client_hello(&format!("{index}.example"), plan.hello_padding);
            let header = Header {
                destination: &plan.original,
                source: &plan.client_id,
                number_len: plan.number_len,
                ..to_server(0)
            };
            let sender = Sender::client(plan.version, &plan.original);
            let first = sender.initial(header, &crypto(0, &hello[..60]));
            let second = sender.initial(Header { number: 1, ..header }, &crypto(60, &hello[60..]));
            let answer = Sender::server(plan.version, &plan.original)
                .initial(to_client(0), &crypto(0, &server_hello_with([index; 32])));
            [(CLIENT, first), (CLIENT, second), (SERVER, answer)]
        }).collect();
        let mut datagrams = Vec::new();
        match is_in_turn {
            true => datagrams.extend(flights.iter().flatten().cloned()),
            false => for step in 0..3 {
                datagrams.extend(flights.iter().map(|flight| flight[step].clone()));
            },
        }
        // What comes behind the last handshake, and all of it once more.
        datagrams.push((CLIENT, vec![0x41; 60]));
        datagrams.extend(datagrams.clone());
        let mut parser = QuicParser::new(until_end());
        let (found, interest) = read_with(&mut parser, &datagrams);
        prop_assert_eq!(found.len(), 2 * plans.len(), "{:?}", names(&found));
        prop_assert_eq!(interest, Interest::More);
        prop_assert!(parser.is_at_rest());
        prop_assert_eq!(parser.memory(), 0);
    }
}

fn until_end() -> QuicConfig {
    QuicConfig {
        until: ReadUntil::FlowEnd,
        ..QuicConfig::default()
    }
}

fn hello_to(sender: &Sender, header: Header<'_>, name: &str) -> (FlowSide, Vec<u8>) {
    (
        CLIENT,
        sender.initial(header, &padded(&client_hello(name, 0))),
    )
}

fn answer(version: u32, original: &[u8]) -> (FlowSide, Vec<u8>) {
    let sender = Sender::server(version, original);
    (
        SERVER,
        sender.initial(to_client(0), &crypto(0, &server_hello())),
    )
}

#[test]
fn a_hello_of_many_datagrams_is_read() {
    // As with a post-quantum key share and a long list of certificates.
    let hello = client_hello("large.example", 9000);
    let sender = Sender::client(V1, ID);
    let mut datagrams: Vec<_> = (0..)
        .zip(hello.chunks(1100))
        .map(|(number, part)| {
            let frames = crypto(number as usize * 1100, part);
            (CLIENT, sender.initial(to_server(number), &frames))
        })
        .collect();
    datagrams.reverse();
    assert!(datagrams.len() > 8);
    assert_eq!(names(&read(&datagrams)), ["v1 client large.example"]);
}

#[test]
fn keys_change_with_each_retry() {
    let token = [7; 90];
    let middle = [3; 20];
    let to = |destination| Header {
        destination,
        token: &token,
        ..to_server(1)
    };
    let datagrams = [
        hello_to(&Sender::client(V1, ID), to_server(0), "a.example"),
        (SERVER, retry(ID, &middle, &token)),
        // A second one is not taken, as its tag is of another ID.
        (SERVER, retry(ID, SERVER_ID, &token)),
        hello_to(&Sender::client(V1, &middle), to(&middle), "a.example"),
        answer(V1, &middle),
    ];
    let (found, interest) = read_with(&mut QuicParser::default(), &datagrams);
    let retried = "v1 retry 0303030303030303030303030303030303030303";
    assert_eq!(names(&found), ["v1 client a.example", retried, "v1 server"]);
    assert_eq!(interest, Interest::Done);

    // The capture has the first packet behind all others, or not at all.
    let [first, _, _, second, answer] = datagrams;
    let late = [second.clone(), first, answer.clone()];
    let (found, interest) = read_with(&mut QuicParser::default(), &late);
    assert_eq!(names(&found), ["v1 client a.example", "v1 server"]);
    assert_eq!(interest, Interest::Done);
    let missing = read(&[second, answer]);
    assert_eq!(names(&missing), ["v1 client a.example", "v1 server"]);
    let QuicMessage::ClientHello(client) = &missing[0] else {
        panic!("{missing:?}")
    };
    assert_eq!(client.token_len, 90);
}

#[test]
fn a_version_is_agreed_on_in_both_ways() {
    // RFC 9369, section 4: both sides go on in version 2.
    let sender = Sender::client(V2, ID);
    let acked = (
        CLIENT,
        sender.initial(to_server(1), &[ACK, &[0; 30]].concat()),
    );
    let datagrams = [
        hello_to(&Sender::client(V1, ID), to_server(0), "a.example"),
        answer(V2, ID),
        acked.clone(),
    ];
    assert_eq!(
        names(&read(&datagrams)),
        ["v1 client a.example", "v2 server"]
    );
    // The client's hello itself goes on in version 2.
    let hello = client_hello("b.example", 1000);
    let datagrams = [
        (
            CLIENT,
            Sender::client(V1, ID).initial(to_server(0), &crypto(0, &hello[..700])),
        ),
        (
            SERVER,
            Sender::server(V2, ID).initial(to_client(0), &[ACK, &[0; 30]].concat()),
        ),
        acked,
        (
            CLIENT,
            sender.initial(to_server(2), &crypto(700, &hello[700..])),
        ),
        answer(V2, ID),
    ];
    assert_eq!(
        names(&read(&datagrams)),
        ["v1 client b.example", "v2 server"]
    );
}

#[test]
fn a_version_that_nobody_speaks_is_read_as_one_that_somebody_does() {
    let choice = [&b"\xc0\0\0\0\0\0\x08"[..], ID, b"\0\0\0\x01"].concat();
    for spoken in [V1, DRAFT_29] {
        let sender = Sender::greasing_client(GREASE, spoken, ID);
        let datagrams = [
            hello_to(&sender, to_server(0), "a.example"),
            (SERVER, choice.clone()),
            hello_to(&Sender::client(V1, ID), to_server(0), "a.example"),
            answer(V1, ID),
        ];
        let found = read(&datagrams);
        let expected = [
            "0x1a2a3a4a client a.example",
            "versions [QuicVersion(1)]",
            "v1 server",
        ];
        assert_eq!(names(&found), expected);
    }
    // With the keys of none of them it says nothing, and is negotiated even so.
    let sender = Sender::greasing_client(GREASE, 0xff00_0016, ID);
    let datagrams = [
        hello_to(&sender, to_server(0), "a.example"),
        (SERVER, choice),
    ];
    assert_eq!(names(&read(&datagrams)), ["versions [QuicVersion(1)]"]);
}

#[test]
fn nothing_is_read_of_a_connection_whose_beginning_is_missing() {
    let sender = Sender::client(V1, ID);
    let later = Header {
        destination: SERVER_ID,
        ..to_server(3)
    };
    let mut datagrams = vec![
        answer(V1, ID),
        (CLIENT, sender.initial(later, &[ACK, &[0; 30]].concat())),
        (CLIENT, unreadable(V1, Unreadable::Handshake, 200)),
        (SERVER, vec![0x41; 300]),
    ];
    let mut parser = QuicParser::default();
    let (found, interest) = read_with(&mut parser, &datagrams);
    assert_eq!((found, interest), (vec![], Interest::More));
    assert!(parser.memory() < 3000, "{}", parser.memory());
    for _ in 0..8 {
        datagrams.extend(datagrams.clone());
    }
    let (found, interest) = read_with(&mut parser, &datagrams);
    assert_eq!((found, interest), (vec![], Interest::Done));
    assert!(parser.memory() < 10_000, "{}", parser.memory());
}

/// A client may not move before its handshake is over (RFC 9000, section 9), but
/// its address may change all the same. Each address is a flow of its own.
#[test]
fn a_client_is_read_where_its_first_packets_are() {
    let sender = Sender::client(V1, ID);
    let hello = hello_to(&sender, to_server(0), "a.example");
    let moved = Header {
        destination: SERVER_ID,
        ..to_server(2)
    };
    let later = (CLIENT, sender.initial(moved, &[ACK, &[0; 30]].concat()));
    // It says its hello again from where it is now.
    assert_eq!(
        names(&read(&[hello, answer(V1, ID)])),
        ["v1 client a.example", "v1 server"]
    );
    let again = hello_to(&sender, to_server(1), "a.example");
    assert_eq!(
        names(&read(&[later.clone(), again])),
        ["v1 client a.example"]
    );
    // It goes on: nothing is made up of packets whose keys are not known.
    assert_eq!(read(&[later, (SERVER, vec![0x41; 100])]), []);
}

#[test]
fn names_are_read_in_a_flow_that_had_google_s_quic_before() {
    let mut chlo = b"\x0d\x01\x02\x03\x04\x05\x06\x07\x08Q043\x01".to_vec();
    chlo.extend([0; 12]);
    chlo.extend(b"\xa0\x01\0\0CHLO\x01\0\0\0SNI\0\x09\0\0\0a.example");
    let datagrams = [
        (CLIENT, chlo.clone()),
        (CLIENT, chlo),
        (
            CLIENT,
            b"\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x02rest".to_vec(),
        ),
        hello_to(&Sender::client(V1, ID), to_server(0), "b.example"),
        answer(V1, ID),
    ];
    let mut parser = QuicParser::new(until_end());
    let (found, _) = read_with(&mut parser, &datagrams);
    assert_eq!(found.len(), 3);
    assert_eq!(names(&found[1..]), ["v1 client b.example", "v1 server"]);
}

#[test]
fn the_hello_of_google_s_last_version_is_encrypted() {
    const Q050: u32 = 0x5130_3530;
    let mut frames = crypto(0, b"CHLO\x01\0\0\0SNI\0\x09\0\0\0a.example");
    frames.resize(1100, 0);
    let datagram = (
        CLIENT,
        Sender::client(Q050, ID).initial(to_server(0), &frames),
    );
    let found = read(core::slice::from_ref(&datagram));
    let [QuicMessage::GoogleHello(hello)] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(hello.version.to_string(), "Q050");
    assert_eq!(hello.server_name.as_deref(), Some(&b"a.example"[..]));
    let mut damaged = datagram;
    damaged.1[100] ^= 1;
    assert_eq!(read(&[damaged]), []);
}
