//! How many messages of which kind each capture has.

use flowscope::detect::Message;
use flowscope::dns::DnsMessage;
use flowscope::http::HttpMessage;
use flowscope::quic::QuicMessage;
use flowscope::tls::TlsMessage;

use crate::support::{captures, messages};

/// What a capture has, of the one protocol that is in it.
#[derive(Debug, Eq, PartialEq)]
enum Counts {
    Nothing,
    /// Requests and responses.
    Http(usize, usize),
    /// ClientHellos, ServerHellos (and HelloRetryRequests), certificate
    /// messages, alerts; and handshakes.
    Tls(usize, usize, usize, usize, usize),
    /// ClientHellos, ServerHellos (and HelloRetryRequests), Retries, and Version
    /// Negotiations of QUIC.
    Quic(usize, usize, usize, usize),
    /// Queries, responses; and queries without one.
    Dns(usize, usize, usize),
}

use Counts::{Dns, Http, Nothing, Quic, Tls};

#[test]
fn every_capture_has_its_messages_and_no_others() {
    let names: Vec<&str> = EXPECTED.iter().map(|(name, _)| *name).collect();
    assert_eq!(captures(), names);
    for (name, counts) in EXPECTED {
        assert_eq!(count(name), *counts, "{name}");
    }
}

fn count(capture: &str) -> Counts {
    let (mut http, mut tls, mut quic, mut dns) = ([0; 2], [0; 5], [0; 4], [0; 3]);
    for found in messages(capture) {
        let count = match found.message {
            // The ClientHello that it asks for is counted.
            Message::Tls(TlsMessage::HelloVerifyRequest(_)) => continue,
            Message::Http(HttpMessage::Request(_)) => &mut http[0],
            Message::Http(HttpMessage::Response(_)) => &mut http[1],
            Message::Tls(TlsMessage::ClientHello(_)) => &mut tls[0],
            Message::Tls(TlsMessage::ServerHello(_)) => &mut tls[1],
            Message::Tls(TlsMessage::Certificate(_)) => &mut tls[2],
            Message::Tls(TlsMessage::Alert(_)) => &mut tls[3],
            Message::Tls(TlsMessage::Handshake(_)) => &mut tls[4],
            Message::Quic(QuicMessage::ClientHello(_)) => &mut quic[0],
            Message::Quic(QuicMessage::ServerHello(_)) => &mut quic[1],
            Message::Quic(QuicMessage::Retry(_)) => &mut quic[2],
            Message::Quic(QuicMessage::VersionNegotiation(_)) => &mut quic[3],
            Message::Dns(DnsMessage::Query(_)) => &mut dns[0],
            Message::Dns(DnsMessage::Response(_)) => &mut dns[1],
            Message::Dns(DnsMessage::Unanswered(_)) => &mut dns[2],
            other => panic!("{capture}: {other:?}"),
        };
        *count += 1;
    }
    match (http, tls, quic, dns) {
        ([0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0]) => Nothing,
        ([a, b], [0, 0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0]) => Http(a, b),
        ([0, 0], [a, b, c, d, e], [0, 0, 0, 0], [0, 0, 0]) => Tls(a, b, c, d, e),
        ([0, 0], [0, 0, 0, 0, 0], [a, b, c, d], [0, 0, 0]) => Quic(a, b, c, d),
        ([0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0], [a, b, c]) => Dns(a, b, c),
        several => panic!("{capture}: {several:?}"),
    }
}

const EXPECTED: &[(&str, Counts)] = &[
    ("chromium-http", Http(7, 7)),
    ("chromium-https", Tls(2, 2, 0, 0, 2)),
    ("chromium-https-http1", Tls(3, 3, 0, 0, 3)),
    ("dns-dnssec", Dns(5, 5, 0)),
    ("dns-edns", Dns(4, 4, 0)),
    ("dns-fragments", Dns(2, 2, 0)),
    ("dns-ipv6", Dns(2, 2, 0)),
    ("dns-lookup", Dns(4, 4, 0)),
    ("dns-negative", Dns(4, 4, 0)),
    ("dns-no-server", Dns(2, 0, 2)),
    ("dns-tcp", Dns(6, 6, 0)),
    ("dns-transfer", Dns(1, 1, 0)),
    ("dns-truncated", Dns(4, 4, 0)),
    ("dns-types", Dns(16, 16, 0)),
    ("dtls-gnutls", Tls(4, 2, 4, 0, 2)),
    ("dtls10-openssl", Tls(2, 1, 1, 0, 1)),
    ("dtls12-openssl", Tls(2, 1, 1, 0, 1)),
    ("dtls12-small-records", Tls(2, 1, 1, 0, 1)),
    ("http-1-0", Http(2, 2)),
    ("http-bad-requests", Http(1, 2)),
    ("http-chunked", Http(3, 3)),
    ("http-download", Http(1, 1)),
    ("http-head-range", Http(7, 7)),
    ("http-ipv6", Http(2, 2)),
    ("http-keep-alive", Http(4, 4)),
    ("http-parallel", Http(8, 8)),
    ("http-pipelined", Http(3, 3)),
    ("http-post", Http(3, 4)),
    ("https-curl", Tls(2, 2, 0, 0, 2)),
    ("https-ipv6", Tls(1, 1, 1, 0, 1)),
    ("https-node", Tls(1, 1, 0, 0, 1)),
    ("https-python", Tls(1, 1, 0, 0, 1)),
    ("icmp-fragments", Nothing),
    ("icmp-ping", Nothing),
    ("icmp-unreachable", Nothing),
    ("link-sll", Http(1, 1)),
    ("link-sll2", Http(1, 1)),
    ("nanoseconds", Http(1, 1)),
    ("qinq-mirror", Http(1, 1)),
    ("quic-early-data", Quic(2, 2, 0, 0)),
    ("quic-hello-retry", Quic(2, 2, 0, 0)),
    ("quic-ipv6", Quic(1, 1, 0, 0)),
    ("quic-moves", Quic(1, 1, 0, 0)),
    ("quic-negotiation", Quic(2, 1, 0, 1)),
    ("quic-retry", Quic(1, 1, 1, 0)),
    ("quic-v1", Quic(1, 1, 0, 0)),
    ("quic-v2-draft", Quic(2, 2, 0, 0)),
    ("snap-length-96", Http(1, 1)),
    ("tcp-aborted", Http(1, 1)),
    ("tcp-duplicated", Http(1, 1)),
    ("tcp-half-closed", Nothing),
    ("tcp-keep-alive-probes", Nothing),
    ("tcp-loss", Http(1, 1)),
    ("tcp-loss-sender", Http(1, 1)),
    ("tcp-mid-stream", Nothing),
    ("tcp-no-answer", Nothing),
    ("tcp-offload", Http(1, 1)),
    ("tcp-refused", Nothing),
    ("tcp-reordered", Http(1, 1)),
    ("tcp-reset-by-server", Nothing),
    ("tls-alerts", Tls(3, 1, 1, 3, 3)),
    ("tls-gnutls", Tls(2, 2, 2, 0, 2)),
    ("tls-gnutls-nginx", Tls(1, 1, 0, 0, 1)),
    ("tls-small-records", Tls(1, 1, 1, 0, 1)),
    ("tls10-openssl", Tls(2, 2, 2, 0, 2)),
    ("tls12-client-certificate", Tls(1, 1, 2, 0, 1)),
    ("tls12-openssl", Tls(1, 1, 1, 0, 1)),
    ("tls12-resumption", Tls(6, 6, 1, 0, 6)),
    ("tls12-rsa-key-exchange", Tls(1, 1, 1, 0, 1)),
    ("tls13-client-certificate", Tls(1, 1, 0, 0, 1)),
    ("tls13-early-data", Tls(2, 2, 0, 0, 2)),
    ("tls13-hello-retry", Tls(2, 2, 0, 0, 1)),
    ("tls13-openssl", Tls(1, 1, 0, 0, 1)),
    ("tls13-resumption", Tls(2, 2, 0, 0, 2)),
    ("vlan-mirror", Http(1, 1)),
    ("vxlan", Http(1, 1)),
];
