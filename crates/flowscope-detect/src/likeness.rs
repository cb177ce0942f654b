//! What the first bytes of a connection are.

use flowscope_core::FlowSide;

use crate::held::Held;
use crate::message::Protocol;

/// What is to be done with a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It is of this protocol.
    Is(Protocol),
    /// It begins as none of them, but may become one.
    Search,
    /// More bytes will tell.
    Wait,
}

/// The ports of a flow, as far as they say something.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Ports {
    #[default]
    Any,
    Http,
    Dns,
    MulticastDns,
}

impl Ports {
    pub(crate) fn of(ports: [u16; 2]) -> Self {
        let either = |known: &[u16]| ports.iter().any(|port| known.contains(port));
        if ports.contains(&5353) {
            Self::MulticastDns
        } else if either(&[53, 5355]) {
            Self::Dns
        } else if either(&[80, 3128, 8000, 8008, 8080, 8081, 8888]) {
            Self::Http
        } else {
            Self::Any
        }
    }

    pub(crate) fn is_dns(self) -> bool {
        matches!(self, Self::Dns | Self::MulticastDns)
    }
}

/// How much some bytes look like a protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Likeness {
    No,
    Unsure,
    Certain,
}

/// What a connection is that began with what is held, and which side says so.
pub(crate) fn verdict(held: &Held, ports: Ports) -> (Verdict, FlowSide) {
    let mut found = (Verdict::Wait, FlowSide::Initiator);
    for side in FlowSide::BOTH {
        match begins(held.first(side), side, ports) {
            verdict @ Verdict::Is(_) => return (verdict, side),
            Verdict::Search => found = (Verdict::Search, side),
            Verdict::Wait => {}
        }
    }
    found
}

/// Whether the answer to what is of `protocol` is of another one, if its first
/// bytes are enough to tell.
///
/// A server of HTTP to which TLS is spoken says so in HTTP, and one of TLS
/// answers anything else with an alert. Nobody answers in DNS.
pub(crate) fn answer(first: &[u8], side: FlowSide, protocol: Protocol) -> Option<Answer> {
    let tls = match protocol {
        Protocol::Tls => Likeness::No,
        Protocol::Http | Protocol::Dns => of_tls(first),
    };
    let http = match protocol {
        Protocol::Http => Likeness::No,
        Protocol::Tls | Protocol::Dns => of_http(first, side),
    };
    match (tls, http) {
        (Likeness::Certain, _) => Some(Answer::In(Protocol::Tls)),
        (_, Likeness::Certain) => Some(Answer::In(Protocol::Http)),
        (Likeness::No, Likeness::No) => Some(Answer::Alike),
        _ => None,
    }
}

/// What the second side of a connection speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    /// The same as the first, or nothing that is known.
    Alike,
    /// This protocol instead.
    In(Protocol),
}

/// What a connection is of which one side began with these bytes.
pub(crate) fn begins(first: &[u8], side: FlowSide, ports: Ports) -> Verdict {
    if first.is_empty() {
        return Verdict::Wait;
    }
    let mut is_none = true;
    for (protocol, likeness) in of_connection(first, side, ports) {
        match likeness {
            Likeness::Certain => return Verdict::Is(protocol),
            Likeness::Unsure => is_none = false,
            Likeness::No => {}
        }
    }
    match is_none {
        true => Verdict::Search,
        false => Verdict::Wait,
    }
}

/// How much a connection on which `side` begins like this looks like each of
/// the protocols, found out one by one.
pub(crate) fn of_connection(
    first: &[u8],
    side: FlowSide,
    ports: Ports,
) -> impl Iterator<Item = (Protocol, Likeness)> {
    [Protocol::Tls, Protocol::Http, Protocol::Dns]
        .into_iter()
        .map(move |protocol| {
            let likeness = match protocol {
                Protocol::Tls => of_tls(first),
                Protocol::Http => of_http(first, side),
                Protocol::Dns => of_dns(first, ports),
            };
            (protocol, likeness)
        })
}

/// Whether a connection of HTTP begins with a request for a path: no tunnel, to
/// all appearances. Proxies are asked for a host, and so is a server that is to
/// go on with TLS in most cases (`OPTIONS *`; RFC 2817, section 3.2).
pub(crate) fn is_plain_http(held: &Held) -> bool {
    FlowSide::BOTH.iter().any(|side| {
        let line = held.first(*side).trim_ascii_start();
        let mut behind_method = line.iter().skip_while(|byte| **byte != b' ').skip(1);
        behind_method.next() == Some(&b'/')
    })
}

#[cfg(feature = "tls")]
fn of_tls(first: &[u8]) -> Likeness {
    use flowscope_tls::Likeness as Tls;
    match flowscope_tls::likeness(first) {
        Tls::Certain => Likeness::Certain,
        Tls::Unsure => Likeness::Unsure,
        Tls::No => Likeness::No,
    }
}

#[cfg(not(feature = "tls"))]
fn of_tls(_: &[u8]) -> Likeness {
    Likeness::No
}

#[cfg(feature = "http")]
fn of_http(first: &[u8], side: FlowSide) -> Likeness {
    use flowscope_http::Likeness as Http;
    // Methods and versions are text, and so is what may be before them: most
    // binary protocols are told here.
    match first {
        [b'\r' | b'\n' | b'!'..=b'~', ..] | [] => {}
        _ => return Likeness::No,
    }
    match flowscope_http::HttpParser::recognise(first, side) {
        Http::Certain => Likeness::Certain,
        Http::Unsure => Likeness::Unsure,
        Http::No => Likeness::No,
    }
}

#[cfg(not(feature = "http"))]
fn of_http(_: &[u8], _: FlowSide) -> Likeness {
    Likeness::No
}

/// On a port of DNS, a length and a header that may be DNS are enough.
#[cfg(feature = "dns")]
fn of_dns(first: &[u8], ports: Ports) -> Likeness {
    use flowscope_dns::Likeness as Dns;
    let first = match first.first_chunk::<HEADER>() {
        Some(header) if ports.is_dns() => header,
        _ => first,
    };
    match flowscope_dns::Likeness::of_stream(first) {
        Dns::Certain => Likeness::Certain,
        Dns::Unsure if ports.is_dns() && first.len() >= HEADER => Likeness::Certain,
        Dns::Unsure => Likeness::Unsure,
        Dns::No => Likeness::No,
    }
}

/// How much a datagram looks like DNS. On its ports, a header is enough.
#[cfg(feature = "dns")]
pub(crate) fn of_datagram(payload: &[u8], ports: Ports) -> Likeness {
    use flowscope_dns::Likeness as Dns;
    if ports.is_dns() && payload.len() >= HEADER - 2 {
        return Likeness::Certain;
    }
    match Dns::of_datagram(payload) {
        Dns::Certain => Likeness::Certain,
        Dns::Unsure => Likeness::Unsure,
        Dns::No => Likeness::No,
    }
}

#[cfg(not(feature = "dns"))]
pub(crate) fn of_datagram(_: &[u8], _: Ports) -> Likeness {
    Likeness::No
}

#[cfg(not(feature = "dns"))]
fn of_dns(_: &[u8], _: Ports) -> Likeness {
    Likeness::No
}

/// A length and a header of DNS.
const HEADER: usize = 14;
