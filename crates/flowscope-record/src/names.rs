//! The names that hosts ask for.

use flowscope_detect::{Message, Protocol};
use flowscope_dns::DnsMessage;
use flowscope_http::HttpMessage;
use flowscope_quic::QuicMessage;
use flowscope_tls::TlsMessage;

use crate::ranking::{Amount, Ranking};
use crate::record::{NameCounts, NameRequests};

/// A name that somebody asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct NameRequest {
    /// As records show names of DNS, in lower case, without a port or a dot at
    /// its end.
    name: Vec<u8>,
    /// In which protocol it was asked for.
    protocol: Protocol,
}

/// How often each name was asked for, in bounded memory.
///
/// Those who send packets choose the names. So the length of a name is bounded,
/// too: longer ones, which no host can have, are counted among the others.
#[derive(Debug)]
pub(crate) struct Names(Ranking<Vec<u8>, NameCounts>);

impl NameRequest {
    /// What a message asks for, if it asks for anything.
    pub(crate) fn of(message: &Message) -> Option<Self> {
        let (name, protocol) = match message {
            Message::Http(HttpMessage::Request(request)) => {
                let host = request.host()?.as_bytes();
                (of_host(without_port(host)), Protocol::Http)
            }
            Message::Tls(TlsMessage::ClientHello(hello)) => {
                (of_host(hello.sni_bytes()?), Protocol::Tls)
            }
            Message::Quic(QuicMessage::ClientHello(client)) => {
                (of_host(client.hello.sni_bytes()?), Protocol::Tls)
            }
            Message::Quic(QuicMessage::GoogleHello(hello)) => {
                (of_host(hello.server_name.as_deref()?), Protocol::Tls)
            }
            Message::Dns(DnsMessage::Query(query)) => {
                let name = query.packet.question()?.name;
                (name.readable().to_bytes(), Protocol::Dns)
            }
            _ => return None,
        };
        Self::new(name, protocol)
    }

    /// `None` for the root, and for no name at all.
    fn new(mut name: Vec<u8>, protocol: Protocol) -> Option<Self> {
        name.make_ascii_lowercase();
        let is_name = !matches!(&name[..], b"" | b".");
        is_name.then_some(Self { name, protocol })
    }
}

/// The name of a host as DNS would show it. Its dots are between labels, so
/// that of what DNS escapes there are only backslashes; what else is no name is
/// left as it was sent.
fn of_host(host: &[u8]) -> Vec<u8> {
    let host = host.strip_suffix(b".").unwrap_or(host);
    let pieces: Vec<_> = host.split(|byte| *byte == b'\\').collect();
    pieces.join(&br"\\"[..])
}

/// A host without the port behind it (RFC 9110, section 7.2). IPv6 addresses
/// are in brackets.
fn without_port(host: &[u8]) -> &[u8] {
    let host = host.trim_ascii();
    match host.iter().rposition(|byte| *byte == b':') {
        Some(colon) if host[colon + 1..].iter().all(u8::is_ascii_digit) => &host[..colon],
        _ => host,
    }
}

impl Names {
    /// Counts a name.
    pub(crate) fn count(&mut self, request: &NameRequest) {
        let Self(ranking) = self;
        let counts = NameCounts::once(request.protocol);
        match request.name.len() {
            ..=LONGEST => ranking.add(&request.name[..], counts),
            _ => ranking.add_other(counts),
        }
    }

    /// Those asked for most often, and how often all others were.
    pub(crate) fn top(&self, most: usize) -> (Vec<NameRequests>, Option<NameCounts>) {
        let (top, others) = self.0.top(most);
        let top = top.into_iter();
        let top = top.map(|(name, counts)| NameRequests { name, counts });
        (top.collect(), others)
    }
}

impl Default for Names {
    fn default() -> Self {
        Self(Ranking::of_at_most(MOST_KNOWN))
    }
}

impl NameCounts {
    fn once(protocol: Protocol) -> Self {
        let mut counts = Self::default();
        match protocol {
            Protocol::Http => counts.http = 1,
            Protocol::Tls => counts.tls = 1,
            _ => counts.dns = 1,
        }
        counts
    }
}

impl Amount for NameCounts {
    fn weight(self) -> u64 {
        self.http + self.tls + self.dns
    }
}

/// Names that are told apart: 20 MB of them, if all are as long as they may be.
const MOST_KNOWN: usize = 1 << 16;

/// Bytes of a name, as it is shown, at the most: as many as it has in a message
/// (RFC 1035, section 2.3.4), where there is nothing to escape.
const LONGEST: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_the_same_with_and_without_its_port() {
        for (sent, host) in [
            ("example.org", "example.org"),
            (" example.org:8080", "example.org"),
            ("example.org:", "example.org"),
            ("[2001:db8::1]:80", "[2001:db8::1]"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("a:b", "a:b"),
            ("", ""),
        ] {
            assert_eq!(without_port(sent.as_bytes()), host.as_bytes(), "{sent}");
        }
    }

    #[test]
    fn a_name_is_one_however_it_is_asked_for() {
        let mut names = Names::default();
        for (name, protocol) in [
            ("Example.ORG", Protocol::Http),
            ("example.org.", Protocol::Dns),
            ("example.org", Protocol::Tls),
            ("example.org", Protocol::Tls),
            ("example.net", Protocol::Dns),
        ] {
            names.count(&NameRequest::new(of_host(name.as_bytes()), protocol).unwrap());
        }
        assert_eq!(NameRequest::new(b".".to_vec(), Protocol::Dns), None);
        assert_eq!(NameRequest::new(of_host(b"."), Protocol::Http), None);
        let counts = NameCounts {
            http: 1,
            tls: 2,
            dns: 1,
        };
        let (top, others) = names.top(1);
        let name = b"example.org".to_vec();
        assert_eq!(top, [NameRequests { name, counts }]);
        assert_eq!(others, Some(NameCounts::once(Protocol::Dns)));
    }

    #[test]
    fn a_host_is_written_as_a_name_of_dns() {
        for (sent, shown) in [
            ("example.org.", "example.org"),
            (r"www\.example", r"www\\.example"),
            (r"www\.", r"www\\"),
            (r"\", r"\\"),
            ("", ""),
        ] {
            assert_eq!(of_host(sent.as_bytes()), shown.as_bytes(), "{sent}");
        }
    }

    #[test]
    fn long_names_are_counted_but_not_kept() {
        let mut names = Names::default();
        names.count(&NameRequest::new(vec![b'a'; LONGEST + 1], Protocol::Http).unwrap());
        assert_eq!(
            names.top(5),
            (vec![], Some(NameCounts::once(Protocol::Http)))
        );
    }
}
