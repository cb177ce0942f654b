//! Messages over TCP: cut anywhere, behind holes, and what is none.

mod common;

use common::{CLIENT, SERVER, at, feed, framed, lines, query, response};
use flowscope_core::FlowSide;
use flowscope_core::reassemble::Chunk::{Data, Gap};
use flowscope_core::session::{Close, Input, Interest, SessionParser, StreamEnd};
use flowscope_dns::{DnsConfig, DnsError, DnsTcpParser, Problem, Strictness};

fn ids(stream: &[u8], hole: core::ops::Range<usize>) -> Vec<u16> {
    let mut parser = DnsTcpParser::default();
    let mut found = Vec::new();
    let chunks = [
        Data(&stream[..hole.start]),
        Gap(hole.len() as u64),
        Data(&stream[hole.end..]),
    ];
    for chunk in chunks
        .into_iter()
        .filter(|chunk| !matches!(chunk, Data([]) | Gap(0)))
    {
        found.extend(feed(&mut parser, SERVER, chunk).expect("it is DNS"));
    }
    found
        .iter()
        .filter_map(|message| message.packet())
        .filter(|packet| packet.problem().is_none())
        .map(|packet| packet.id())
        .collect()
}

#[test]
fn a_hole_loses_only_the_messages_it_touches() {
    let messages: Vec<Vec<u8>> = (0..6)
        .map(|n| framed(&response(n, "host.example")))
        .collect();
    let len = messages[0].len();
    let stream = messages.concat();
    for start in 0..stream.len() {
        for end in [
            start + 1,
            start + 2,
            start + len / 2,
            start + len,
            start + 2 * len,
        ] {
            let hole = start..end.min(stream.len());
            let touched = hole.start / len..=(hole.end - 1) / len;
            let mut expected: Vec<u16> = (0..6).collect();
            expected.retain(|n| !touched.contains(&usize::from(*n)));
            assert_eq!(ids(&stream, hole.clone()), expected, "{hole:?}");
        }
    }
}

#[test]
fn what_came_before_a_hole_is_given() {
    let stream = framed(&response(7, "host.example"));
    let mut parser = DnsTcpParser::default();
    feed(&mut parser, SERVER, Data(&stream[..40])).expect("it is DNS");
    let found = feed(&mut parser, SERVER, Gap(3)).expect("it is DNS");
    assert_eq!(lines(&found), ["response 7 NoError host.example A"]);
    let packet = found[0].packet().expect("a message");
    let missing = u32::try_from(stream.len() - 40).expect("a small one");
    assert_eq!(packet.problem(), Some(Problem::Cut { missing }));
}

#[test]
fn a_side_that_does_not_come_back_is_given_up() {
    let mut parser = DnsTcpParser::default();
    feed(&mut parser, CLIENT, Data(&framed(&query(1, "a")))).expect("it is DNS");
    feed(&mut parser, SERVER, Gap(1)).expect("a hole is no error");
    for _ in 0..40 {
        let found = feed(&mut parser, SERVER, Data(&[0x5a; 4096])).expect("no error");
        assert_eq!(found, []);
    }
    assert!(parser.memory() < 1000, "{}", parser.memory());
    // Nobody knows what became of the query.
    let mut found = Vec::new();
    parser.close(StreamEnd::new(SERVER, at(1), Close::Fin), &mut found);
    assert_eq!(lines(&found), [""; 0]);
}

#[test]
fn two_sides_that_do_not_come_back_end_the_parser() {
    let mut parser = DnsTcpParser::default();
    let mut interest = Ok(Interest::More);
    for side in FlowSide::BOTH {
        assert_eq!(interest, Ok(Interest::More));
        feed(&mut parser, side, Gap(1)).expect("a hole is no error");
        for _ in 0..40 {
            let input = Input::new(side, at(0), Data(&[0x5a; 4096]));
            interest = parser.feed(input, &mut Vec::new());
        }
    }
    assert_eq!(interest, Ok(Interest::Done));
}

#[test]
fn garbage_ends_the_parser_by_its_header() {
    for garbage in [
        &b"\xff\xffGET / HTTP/1.1\r\n"[..],
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03abc",
        b"SSH-2.0-OpenSSH",
        &[0; 14],
        &[0xff; 14],
    ] {
        for chunk in [1, 5, garbage.len()] {
            let mut parser = DnsTcpParser::default();
            let end = garbage
                .chunks(chunk)
                .find_map(|bytes| feed(&mut parser, CLIENT, Data(bytes)).err());
            assert_eq!(end, Some(DnsError::NotDns), "{garbage:?}");
        }
    }
}

#[test]
fn garbage_behind_a_message_ends_the_parser_too() {
    let stream = [framed(&query(1, "a")), vec![0x41; 14]].concat();
    for chunk in [1, 7, stream.len()] {
        let mut parser = DnsTcpParser::default();
        let mut found = Vec::new();
        let mut end = None;
        for bytes in stream.chunks(chunk) {
            let input = Input::new(CLIENT, at(0), Data(bytes));
            end = end.or(parser.feed(input, &mut found).err());
        }
        assert_eq!(
            (lines(&found), end),
            (vec!["query 1 a A".into()], Some(DnsError::NotDns))
        );
    }
}

#[test]
fn a_message_longer_than_allowed_ends_the_parser() {
    let config = DnsConfig {
        max_message: 100,
        ..DnsConfig::default()
    };
    let mut parser = DnsTcpParser::new(config);
    let long = framed(&common::message(1, 0x8180, "a", 1, 10));
    let end = feed(&mut parser, SERVER, Data(&long));
    assert_eq!(end, Err(DnsError::TooLong { limit: 100 }));
}

#[test]
fn the_end_of_a_side_leaves_queries_unanswered() {
    let mut parser = DnsTcpParser::default();
    feed(&mut parser, CLIENT, Data(&framed(&query(1, "a")))).expect("it is DNS");
    let mut found = Vec::new();
    parser.close(StreamEnd::new(CLIENT, at(1), Close::Fin), &mut found);
    assert_eq!(lines(&found), [""; 0]);
    parser.close(StreamEnd::new(SERVER, at(1), Close::Fin), &mut found);
    assert_eq!(lines(&found), ["unanswered 1 a A"]);
}

#[test]
fn an_unfinished_message_is_given_at_the_end() {
    let mut parser = DnsTcpParser::default();
    let stream = framed(&response(9, "host.example"));
    feed(&mut parser, SERVER, Data(&stream[..stream.len() - 1])).expect("it is DNS");
    let mut found = Vec::new();
    parser.close(StreamEnd::new(SERVER, at(1), Close::Lost), &mut found);
    let problem = found[0].packet().and_then(|packet| packet.problem());
    assert_eq!(problem, Some(Problem::Cut { missing: 1 }));
}

#[test]
fn on_a_known_port_a_header_alone_is_given() {
    let stream = framed(&query(7, "host.example"));
    for (strictness, count) in [(Strictness::AnyPort, 0), (Strictness::KnownPort, 1)] {
        let config = DnsConfig {
            strictness,
            ..DnsConfig::default()
        };
        let mut parser = DnsTcpParser::new(config);
        feed(&mut parser, CLIENT, Data(&stream[..16])).expect("it is DNS");
        let found = feed(&mut parser, CLIENT, Gap(60)).expect("a hole is no error");
        assert_eq!(lines(&found).len(), count, "{strictness:?}");
    }
}

#[test]
fn on_a_known_port_a_message_whose_name_goes_in_circles_is_given() {
    let circle = b"\0\x05\x01\0\0\x01\0\0\0\0\0\0\x01a\xc0\x0c\0\x01\0\x01";
    let stream = [framed(circle), framed(&query(7, "a"))].concat();
    for size in [1, 13, 30, stream.len()] {
        for (strictness, told) in [
            (Strictness::KnownPort, Ok(vec!["query 5", "query 7 a A"])),
            (Strictness::AnyPort, Err(DnsError::NotDns)),
        ] {
            let config = DnsConfig {
                strictness,
                ..DnsConfig::default()
            };
            let mut parser = DnsTcpParser::new(config);
            let fed = stream.chunks(size).try_fold(Vec::new(), |mut all, bytes| {
                all.extend(lines(&feed(&mut parser, CLIENT, Data(bytes))?));
                Ok(all)
            });
            let told = told.map(|lines| lines.into_iter().map(String::from).collect());
            assert_eq!(fed, told, "{strictness:?} by {size}");
        }
    }
}

#[test]
fn on_a_known_port_the_next_message_is_looked_for() {
    let config = DnsConfig {
        strictness: Strictness::KnownPort,
        ..DnsConfig::default()
    };
    let end_of_another = &framed(&response(6, "host.example"))[20..];
    for junk in [
        end_of_another,
        &[0, 0],
        b"\0\x03abc",
        b"hello, this is not DNS",
    ] {
        let mut parser = DnsTcpParser::new(config);
        let stream = [junk, &framed(&query(7, "a")), junk, &framed(&query(8, "b"))].concat();
        let found = feed(&mut parser, CLIENT, Data(&stream)).expect("no error");
        assert_eq!(lines(&found), ["query 7 a A", "query 8 b A"], "{junk:?}");
        let found = feed(&mut parser, SERVER, Data(&framed(&response(7, "a"))));
        assert_eq!(lines(&found.expect("no error")).len(), 1);
    }
    let found = feed(&mut DnsTcpParser::default(), CLIENT, Data(end_of_another));
    assert_eq!(found, Err(DnsError::NotDns));
}

/// A name that goes on behind the end of its message is judged by what the message
/// has, whatever comes behind it.
#[test]
fn the_first_message_is_judged_without_what_is_behind_it() {
    let mut message = vec![0x93, 0xe5, 0x85, 0, 0, 1, 0, 1, 0, 0, 0, 1];
    message.extend(b"\x03ww.1ptRPP1t: */*\r\n\r\n\t8\nAccptP */*\r\n\r\n\t8.1\r\nAccptPccpt");
    let stream = [&[0, message.len() as u8][..], &message, b"P"].concat();
    let config = DnsConfig {
        strictness: Strictness::KnownPort,
        ..DnsConfig::default()
    };
    let read = |size: usize| {
        let mut parser = DnsTcpParser::new(config);
        let mut found = Vec::new();
        for piece in stream.chunks(size) {
            let input = Input::new(CLIENT, at(0), Data(piece));
            assert_eq!(parser.feed(input, &mut found), Ok(Interest::More));
        }
        found
    };
    for size in 1..stream.len() {
        assert_eq!(read(size), read(stream.len()), "in pieces of {size}");
    }
}
