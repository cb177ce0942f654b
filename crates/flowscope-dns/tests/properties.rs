//! What holds for any input.
//!
//! `PROPTEST_CASES=1000000 cargo test --release --test properties` runs more.

mod common;

use core::fmt::Write;

use common::{CLIENT, SERVER, at, framed, message};
use flowscope_core::FlowSide;
use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Close, Datagram, DatagramParser, Input, SessionParser, StreamEnd};
use flowscope_dns::{DnsConfig, DnsMessage, DnsPacket, DnsTcpParser, DnsUdpParser, Strictness};
use proptest::collection::vec;
use proptest::prelude::*;

fn cases(modest: u32) -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(modest),
    }
}

/// Everything a message can be asked.
fn read_all(packet: &DnsPacket) -> String {
    let mut text = format!("{packet} {packet:?} {:?}", packet.problem());
    for question in packet.questions() {
        let name = question.name.readable();
        write!(text, "{question} {name}").expect("a string");
        assert_eq!(String::from_utf8_lossy(&name.to_bytes()), name.to_string());
        assert!(!name.to_string().contains(char::is_control));
    }
    for (section, record) in packet.records() {
        let (address, name) = (record.data.address(), record.data.name());
        write!(text, "{section:?} {record} {address:?} {name:?}").expect("a string");
    }
    for record in packet
        .answers()
        .chain(packet.authorities())
        .chain(packet.additionals())
    {
        write!(text, "{record}").expect("a string");
    }
    if let Some(edns) = packet.edns() {
        for option in edns.options() {
            write!(text, "{option}").expect("a string");
        }
    }
    text
}

/// A header that counts about right, and bytes that make names, pointers and
/// records of known types likely.
fn tangled() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => Just(vec![0xc0, 12]),
        2 => (0..64u8).prop_map(|at| vec![0xc0, at]),
        2 => vec(any::<u8>(), 0..6),
        2 => Just(vec![0]),
        2 => Just(b"\x01a\x02bc\0".to_vec()),
        4 => (1..110u8, 0..40u8, vec(any::<u8>(), 0..40)).prop_map(|(rtype, len, data)| {
            [&[0, 0, rtype, 0, 1, 0, 0, 0, 1, 0, len][..], &data].concat()
        }),
        2 => (prop_oneof![Just(0u8), Just(1)], 0..40u8, vec(any::<u8>(), 0..40)).prop_map(
            |(low, len, data)| [&[0, 1, low, 0, 1, 0, 0, 0, 1, 0, len][..], &data].concat()
        ),
    ];
    (
        any::<[u8; 4]>(),
        [0..2u8, 0..5, 0..3, 0..3],
        vec(piece, 0..12),
    )
        .prop_map(|(front, [qd, an, ns, ar], pieces)| {
            let mut bytes = front.to_vec();
            bytes.extend([0, qd, 0, an, 0, ns, 0, ar]);
            bytes.extend(pieces.concat());
            bytes
        })
}

/// Records with any data, of types that are decoded.
fn any_record() -> impl Strategy<Value = Vec<u8>> {
    let rtype = prop_oneof![1..110u16, 249..260u16];
    (rtype, vec(prop_oneof![0..4u8, any::<u8>()], 0..60)).prop_map(|(rtype, data)| {
        let mut bytes = message(1, 0x8180, "a.example", 1, 0);
        bytes[7] = 1;
        bytes.push(0);
        bytes.extend(rtype.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 0, 1, 0, data.len() as u8]);
        bytes.extend(data);
        bytes
    })
}

fn any_message() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..80), tangled(), any_record()]
}

fn good_message() -> impl Strategy<Value = Vec<u8>> {
    (0..4u16, any::<bool>(), "[a-c]{1,9}\\.example", 0..40u16).prop_map(|(id, answer, name, n)| {
        match answer {
            true => message(id, 0x8180, &name, 1, n),
            false => message(id, 0x0100, &name, 1, 0),
        }
    })
}

/// Streams that are DNS, damaged or something else.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        6 => good_message().prop_map(|message| framed(&message)),
        1 => any_message().prop_map(|message| framed(&message)),
        1 => vec(any::<u8>(), 0..30),
    ];
    vec(part, 0..8).prop_map(|parts| parts.concat())
}

#[derive(Debug, Clone)]
enum Event {
    Data(FlowSide, Vec<u8>),
    Gap(FlowSide, u16),
}

fn side() -> impl Strategy<Value = FlowSide> {
    prop_oneof![Just(CLIENT), Just(SERVER)]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (side(), stream()).prop_map(|(side, bytes)| Event::Data(side, bytes)),
        1 => (side(), 1..200u16).prop_map(|(side, len)| Event::Gap(side, len)),
    ];
    vec(event, 1..6)
}

/// The messages of `events`, whose data comes in chunks of the given sizes.
fn run(events: &[Event], sizes: &[usize], config: DnsConfig, cap: usize) -> Vec<DnsMessage> {
    let mut parser = DnsTcpParser::new(config);
    let mut found = Vec::new();
    let mut sizes = sizes.iter().copied().cycle();
    let mut ok = true;
    for event in events {
        match event {
            Event::Gap(side, len) => {
                let input = Input::new(*side, at(0), Chunk::Gap(u64::from(*len)));
                ok = ok && parser.feed(input, &mut found).is_ok();
            }
            Event::Data(side, bytes) => {
                let mut rest = &bytes[..];
                while !rest.is_empty() && ok {
                    let size = sizes.next().unwrap_or(usize::MAX).clamp(1, rest.len());
                    let (chunk, after) = rest.split_at(size);
                    let input = Input::new(*side, at(0), Chunk::Data(chunk));
                    ok = parser.feed(input, &mut found).is_ok();
                    rest = after;
                    assert!(parser.memory() <= cap, "{}", parser.memory());
                }
            }
        }
    }
    if ok {
        for side in FlowSide::BOTH {
            parser.close(StreamEnd::new(side, at(1), Close::Fin), &mut found);
        }
    }
    found
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn any_split_gives_the_same_messages(
        events in events(),
        sizes in vec(1..60usize, 1..6),
    ) {
        for strictness in [Strictness::AnyPort, Strictness::KnownPort] {
            let config = DnsConfig { strictness, ..DnsConfig::default() };
            let whole = run(&events, &[usize::MAX], config, usize::MAX);
            prop_assert_eq!(&whole, &run(&events, &sizes, config, usize::MAX));
            prop_assert_eq!(&whole, &run(&events, &[1], config, usize::MAX));
        }
    }

    #[test]
    fn memory_stays_under_the_cap(events in events(), sizes in vec(1..60usize, 1..6)) {
        for strictness in [Strictness::AnyPort, Strictness::KnownPort] {
            let config = DnsConfig {
                strictness,
                max_pending: 4,
                max_message: 300,
                ..DnsConfig::default()
            };
            // Two messages, of which each buffer may take twice the size, and
            // four queries.
            let cap = 2 * 2 * 302 + 4 * (300 + 128);
            run(&events, &sizes, config, cap);
        }
    }
}

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn any_bytes_can_be_read(bytes in any_message()) {
        let _ = (DnsUdpParser::probe(&bytes), DnsTcpParser::probe(&bytes));
        if let Ok(packet) = DnsPacket::parse(&bytes) {
            read_all(&packet);
        }
    }

    #[test]
    fn any_datagrams_can_be_parsed(
        datagrams in vec((side(), any_message(), 0..3u32, 0..30_000u64), 1..8),
    ) {
        for strictness in [Strictness::AnyPort, Strictness::KnownPort] {
            let mut parser = DnsUdpParser::new(DnsConfig {
                max_pending: 2,
                strictness,
                ..DnsConfig::default()
            });
            let mut found = Vec::new();
            for (side, bytes, missing, millis) in &datagrams {
                let mut datagram = Datagram::new(*side, at(*millis), bytes);
                datagram.missing = *missing;
                let _ = parser.parse(datagram, &mut found);
                prop_assert!(parser.memory() <= 2 * (512 + 128) + 256, "{}", parser.memory());
            }
            parser.close(at(60_000), &mut found);
            // Each query is answered, evicted or given up, once.
            let unanswered = found.iter().filter(|m| matches!(m, DnsMessage::Unanswered(_)));
            prop_assert!(unanswered.count() <= datagrams.len());
            prop_assert_eq!(parser.next_tick(), None);
        }
    }
}
