//! The parsers on their own, against the detector that chooses among them.

use flowscope::detect::Message;
use flowscope::dns::{DnsMessage, DnsTcpParser, DnsUdpParser};
use flowscope::extract::{AutoDetectEncap, FiveTuple};
use flowscope::http::HttpParser;
use flowscope::quic::QuicParser;
use flowscope::tls::{DtlsParser, TlsParser};
use flowscope::{FlowDatagramDriver, FlowSessionDriver, SessionEvent, Timestamp};

use crate::support::{captures, messages, replay};

/// A driver of one parser, and the messages that it reads in a capture.
macro_rules! alone {
    ($driver:ident, $parser:expr, $capture:expr) => {{
        let flows = AutoDetectEncap::new(FiveTuple::bidirectional());
        let mut driver = $driver::new(flows, $parser);
        let mut found = Vec::new();
        let mut keep = |event| {
            if let SessionEvent::Application { message, .. } = event {
                found.push(message);
            }
        };
        replay($capture, |packet| driver.track(packet, &mut keep));
        driver.finish(&mut keep);
        found
    }};
}

#[test]
fn each_parser_reads_the_same_without_the_detector() {
    for capture in captures() {
        let (mut http, mut tls, mut quic, mut dns) = (vec![], vec![], vec![], vec![]);
        for found in messages(&capture) {
            match found.message {
                Message::Http(it) => http.push(it),
                Message::Tls(it) => tls.push(it),
                Message::Quic(it) => quic.push(it),
                Message::Dns(it) => dns.push(it),
                other => panic!("{other:?}"),
            }
        }
        let web = alone!(FlowSessionDriver, HttpParser::default(), &capture);
        assert_eq!(web, http, "{capture}");
        let mut hellos = alone!(FlowSessionDriver, TlsParser::default(), &capture);
        hellos.extend(alone!(FlowDatagramDriver, DtlsParser::default(), &capture));
        assert_eq!(hellos, tls, "{capture}");
        let others = alone!(FlowDatagramDriver, QuicParser::default(), &capture);
        assert_eq!(others, quic, "{capture}");
        let mut names = alone!(FlowDatagramDriver, DnsUdpParser::default(), &capture);
        names.extend(alone!(FlowSessionDriver, DnsTcpParser::default(), &capture));
        names.sort_by_key(time);
        dns.sort_by_key(time);
        assert_eq!(names, dns, "{capture}");
    }
}

fn time(message: &DnsMessage) -> Timestamp {
    match message {
        DnsMessage::Query(it) => it.at,
        DnsMessage::Response(it) => it.at,
        DnsMessage::Unanswered(it) => it.asked,
        other => panic!("{other:?}"),
    }
}
