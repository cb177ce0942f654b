//! Answers are matched to questions.

mod common;

use core::time::Duration;

use common::{CLIENT, SERVER, at, lines, message, query, response, send};
use flowscope_core::session::DatagramParser;
use flowscope_dns::{DnsConfig, DnsMessage, DnsUdpParser, Matching, Unanswered};

fn tick(parser: &mut DnsUdpParser, millis: u64) -> Vec<String> {
    let mut found = Vec::new();
    parser.tick(at(millis), &mut found);
    lines(&found)
}

#[test]
fn a_response_goes_the_other_way_with_the_same_question() {
    let mut parser = DnsUdpParser::default();
    send(&mut parser, CLIENT, 0, &query(1, "a.example"));
    for (side, other) in [
        (CLIENT, response(1, "a.example")),
        (SERVER, response(2, "a.example")),
        (SERVER, response(1, "b.example")),
        (SERVER, message(1, 0x8180, "a.example", 28, 0)),
        // A NOTIFY.
        (SERVER, message(1, 0xa180, "a.example", 1, 0)),
    ] {
        let line = send(&mut parser, side, 1, &other).concat();
        assert!(!line.contains("ms)"), "{line}");
    }
    let answered = send(&mut parser, SERVER, 7, &response(1, "A.eXample"));
    assert_eq!(
        answered,
        ["response 1 NoError A.eXample A → A 192.0.0.0 (7ms)"]
    );
    // Once.
    let again = send(&mut parser, SERVER, 8, &response(1, "a.example"));
    assert_eq!(again, ["response 1 NoError a.example A → A 192.0.0.0"]);
    assert_eq!(parser.next_tick(), None);
}

#[test]
fn a_pointer_is_not_the_name_it_leads_to() {
    // The same question, byte by byte, of different names behind it.
    let pointing = |flags: u16, name: &[u8]| {
        let mut bytes = message(1, flags, "", 1, 0);
        bytes.splice(12..13, [0xc0, 18]);
        [&bytes, name].concat()
    };
    for (name, is_answer) in [(&b"\x01b\0"[..], false), (b"\x01A\0", true)] {
        let mut parser = DnsUdpParser::default();
        send(&mut parser, CLIENT, 0, &pointing(0x0100, b"\x01a\0"));
        let told = send(&mut parser, SERVER, 7, &pointing(0x8180, name)).concat();
        assert_eq!(told.contains("ms)"), is_answer, "{told}");
    }
}

#[test]
fn a_response_without_a_question_is_matched_by_its_identifier() {
    let mut parser = DnsUdpParser::default();
    send(&mut parser, CLIENT, 0, &query(1, "a.example"));
    let refused = [0, 1, 0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(
        send(&mut parser, SERVER, 2, &refused),
        ["response 1 FormErr (2ms)"]
    );
}

#[test]
fn a_query_sent_again_is_told_and_timed_from_its_first_copy() {
    let mut parser = DnsUdpParser::default();
    let asked = query(1, "a.example");
    assert_eq!(
        send(&mut parser, CLIENT, 0, &asked),
        ["query 1 a.example A"]
    );
    assert_eq!(
        send(&mut parser, CLIENT, 5_000, &asked),
        ["query 1 a.example A (again)"]
    );
    // The second copy has time of its own.
    assert_eq!(tick(&mut parser, 14_999), [""; 0]);
    let answered = send(&mut parser, SERVER, 14_999, &response(1, "a.example"));
    assert_eq!(
        answered,
        ["response 1 NoError a.example A → A 192.0.0.0 (14.999s)"]
    );
}

#[test]
fn a_query_without_a_response_is_reported_when_its_time_is_up() {
    let mut parser = DnsUdpParser::default();
    send(&mut parser, CLIENT, 0, &query(1, "a.example"));
    send(&mut parser, CLIENT, 2_000, &query(2, "b.example"));
    assert_eq!(parser.next_tick(), Some(at(10_000)));
    assert_eq!(tick(&mut parser, 9_999), [""; 0]);
    assert_eq!(tick(&mut parser, 10_000), ["unanswered 1 a.example A"]);
    assert_eq!(parser.next_tick(), Some(at(12_000)));
    // Packets pass the time too.
    let late = send(&mut parser, SERVER, 12_001, &response(2, "b.example"));
    assert_eq!(
        late,
        [
            "unanswered 2 b.example A",
            "response 2 NoError b.example A → A 192.0.0.0"
        ]
    );
    assert_eq!(parser.next_tick(), None);
}

#[test]
fn a_flow_that_ends_leaves_its_queries_unanswered() {
    let mut parser = DnsUdpParser::default();
    send(&mut parser, CLIENT, 3, &query(1, "a.example"));
    send(&mut parser, CLIENT, 4, &query(1, "a.example"));
    let mut found = Vec::new();
    parser.close(at(5), &mut found);
    let [DnsMessage::Unanswered(lost)] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(
        (lost.id(), lost.attempts, lost.why),
        (1, 2, Unanswered::FlowEnded)
    );
    assert_eq!((lost.side, lost.asked), (CLIENT, at(3)));
}

#[test]
fn the_oldest_query_gives_way_and_is_reported() {
    let config = DnsConfig {
        max_pending: 3,
        ..DnsConfig::default()
    };
    let mut parser = DnsUdpParser::new(config);
    for id in 0..3 {
        assert_eq!(send(&mut parser, CLIENT, 0, &query(id, "a")).len(), 1);
    }
    let evicted = send(&mut parser, CLIENT, 0, &query(3, "a"));
    assert_eq!(evicted, ["unanswered 0 a A", "query 3 a A"]);
}

#[test]
fn multicast_is_not_matched() {
    let mut parser = DnsUdpParser::default();
    // No identifier; and a question for a unicast response.
    send(&mut parser, CLIENT, 0, &message(0, 0, "a.local", 1, 0));
    let mut unicast = message(7, 0, "a.local", 1, 0);
    let class = unicast.len() - 2;
    unicast[class] = 0x80;
    assert_eq!(
        send(&mut parser, CLIENT, 0, &unicast),
        ["query 7 a.local A"]
    );
    assert_eq!(parser.next_tick(), None);

    let config = DnsConfig {
        matching: Matching::Nothing,
        ..DnsConfig::default()
    };
    let mut parser = DnsUdpParser::new(config);
    send(&mut parser, CLIENT, 0, &query(1, "a.local"));
    assert_eq!(parser.next_tick(), None);
}

#[test]
fn the_timeout_is_the_one_configured() {
    let timeout = Duration::from_secs(2);
    let mut parser = DnsUdpParser::new(DnsConfig {
        timeout,
        ..DnsConfig::default()
    });
    send(&mut parser, CLIENT, 500, &query(1, "a"));
    assert_eq!(parser.next_tick(), Some(at(2_500)));
}

#[test]
fn a_long_query_is_not_kept_whole() {
    let mut parser = DnsUdpParser::default();
    let mut long = query(1, "a.example");
    long.resize(1_000, 0);
    send(&mut parser, CLIENT, 0, &long);
    assert!(parser.memory() < 300, "{}", parser.memory());
    assert_eq!(tick(&mut parser, 20_000), ["unanswered 1 a.example A"]);
}
