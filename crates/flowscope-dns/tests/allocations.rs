//! What a message costs in memory.

mod common;

use allocation_counter::measure;
use common::{CLIENT, SERVER, at, framed, query, response};
use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Datagram, DatagramParser, Input, SessionParser};
use flowscope_dns::{DnsMessage, DnsPacket, DnsTcpParser, DnsUdpParser};

#[test]
fn a_message_is_one_allocation() {
    let (asked, answered) = (query(1, "host.example"), response(1, "host.example"));
    let mut parser = DnsUdpParser::default();
    let mut matched = 0;
    let mut round = || {
        for (side, bytes) in [(CLIENT, &asked), (SERVER, &answered)] {
            let mut count = |message: DnsMessage| {
                if let DnsMessage::Response(response) = message {
                    matched += u32::from(response.answers.is_some());
                }
            };
            let parsed = parser.parse(Datagram::new(side, at(0), bytes), &mut count);
            assert!(parsed.is_ok());
        }
    };
    // The first query of a flow takes the room for those that wait.
    assert_eq!(measure(&mut round).count_total, 3);
    let more = measure(|| (0..100).for_each(|_| round()));
    assert_eq!(more.count_total, 200);
    assert_eq!(matched, 101);
}

#[test]
fn messages_on_a_stream_are_one_allocation_each() {
    let stream: Vec<u8> = (0..50)
        .flat_map(|id| framed(&response(id, "host.example")))
        .collect();
    let mut parser = DnsTcpParser::default();
    let mut found = 0;
    let mut feed = |bytes: &[u8]| {
        let mut count = |_: DnsMessage| found += 1;
        let input = Input::new(SERVER, at(0), Chunk::Data(bytes));
        assert!(parser.feed(input, &mut count).is_ok());
    };
    let whole = measure(|| feed(&stream));
    assert_eq!(whole.count_total, 50);
    // In pieces, with a buffer that is taken once.
    let pieces = measure(|| stream.chunks(100).for_each(&mut feed));
    assert!(pieces.count_total <= 50 + 8, "{}", pieces.count_total);
    assert_eq!(found, 100);
}

#[test]
fn header_question_and_records_are_read_without_allocation() {
    let packet = DnsPacket::parse(&response(1, "host.example")).expect("a header");
    let mut sum = 0;
    let cost = measure(|| {
        sum += usize::from(packet.rcode().0) + packet.questions().count();
        sum += packet
            .records()
            .filter(|(_, record)| record.ttl == 60)
            .count();
        sum += usize::from(packet.problem().is_none());
        sum += packet
            .answers()
            .filter_map(|record| record.data.address())
            .count();
    });
    assert_eq!((cost.count_total, sum), (0, 4));
}

#[test]
fn an_idle_flow_is_small() {
    assert!(
        size_of::<DnsUdpParser>() <= 64,
        "{}",
        size_of::<DnsUdpParser>()
    );
    assert!(
        size_of::<DnsTcpParser>() <= 240,
        "{}",
        size_of::<DnsTcpParser>()
    );
    assert!(size_of::<DnsMessage>() <= 96, "{}", size_of::<DnsMessage>());
    let mut parser = DnsUdpParser::default();
    for bytes in [query(1, "host.example"), response(1, "host.example")] {
        let side = if bytes[2] & 0x80 == 0 { CLIENT } else { SERVER };
        let parsed = parser.parse(Datagram::new(side, at(0), &bytes), &mut |_: DnsMessage| {});
        assert!(parsed.is_ok());
    }
    assert!(parser.memory() <= 100, "{}", parser.memory());
}
