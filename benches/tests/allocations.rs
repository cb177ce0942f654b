//! How often a message takes memory: what programs have said, as recorded.
//!
//! `docs/PERFORMANCE.md` gives these figures.

use allocation_counter::measure;
use flowscope::Timestamp;
use flowscope::dns::{DnsPacket, DnsUdpParser};
use flowscope::http::HttpParser;
use flowscope::reassemble::Chunk;
use flowscope::session::{Datagram, DatagramParser, Input, SessionParser};
use flowscope::tls::TlsParser;
use flowscope_benches::recorded::{Turn, turns};

/// How often each of the first turns of a capture's first flow takes memory.
fn of_turns<P: SessionParser>(mut parser: P, capture: &str, count: usize) -> Vec<u64> {
    let flows = turns(capture).expect("it is among the fixtures");
    let turn = |(side, bytes): &Turn| {
        let input = Input::new(*side, Timestamp::EPOCH, Chunk::Data(bytes));
        let taken = measure(|| assert!(parser.feed(input, &mut |_| {}).is_ok()));
        taken.count_total
    };
    flows[0].iter().take(count).map(turn).collect()
}

/// The first request takes room for the connection and for what waits.
#[test]
fn a_request_and_a_response_take_one_each() {
    for capture in ["http-keep-alive", "chromium-http"] {
        let taken = of_turns(HttpParser::default(), capture, 4);
        assert_eq!(taken, [3, 1, 1, 1], "{capture}");
    }
}

/// The first hello takes room for the connection, and its reader for two lists.
/// Behind the server's, there may be certificates.
#[test]
fn a_hello_takes_one_and_two_for_the_while() {
    for (capture, expected) in [
        ("tls13-openssl", [4, 1]),
        ("tls12-openssl", [4, 2]),
        ("chromium-https", [4, 1]),
    ] {
        let taken = of_turns(TlsParser::default(), capture, 2);
        assert_eq!(taken, expected, "{capture}");
    }
}

/// Those that wait take room: the first query, and here the second, which comes
/// before the first is answered.
#[test]
fn a_query_and_a_response_take_one_each() {
    let flows = turns("dns-lookup").expect("it is among the fixtures");
    let mut parser = DnsUdpParser::default();
    let taken: Vec<u64> = flows[0]
        .iter()
        .map(|(side, bytes)| {
            let datagram = Datagram::new(*side, Timestamp::EPOCH, bytes);
            let taken = measure(|| assert!(parser.parse(datagram, &mut |_| {}).is_ok()));
            taken.count_total
        })
        .collect();
    assert_eq!(taken, [2, 2, 1, 1]);
}

#[test]
fn records_take_none() {
    let flows = turns("dns-dnssec").expect("it is among the fixtures");
    let packet = DnsPacket::parse(&flows[0][1].1).expect("it is a message");
    let mut count = 0;
    let taken = measure(|| count = packet.records().count());
    assert_eq!(taken.count_total, 0);
    assert!(count > 2);
}
