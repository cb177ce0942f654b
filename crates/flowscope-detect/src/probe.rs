//! What the first bytes of a connection are.

use flowscope_core::FlowSide;
use flowscope_core::session::ProbeResult;

use crate::Protocol;
use crate::replay::ReplayBuffer;

/// What is known of a connection by its first bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It is of this protocol.
    Match(Protocol),
    /// It begins as none of them, but may become one.
    NoMatch,
    /// More bytes will tell.
    NeedMore,
}

/// What the ports of a flow say of its protocol.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum PortHint {
    #[default]
    None,
    Http,
    Dns,
    MulticastDns,
}

impl PortHint {
    pub(crate) fn of(ports: [u16; 2]) -> Self {
        let either = |known: &[u16]| ports.iter().any(|port| known.contains(port));
        if ports.contains(&5353) {
            Self::MulticastDns
        } else if either(&[53, 5355]) {
            Self::Dns
        } else if either(&[80, 3128, 8000, 8008, 8080, 8081, 8888]) {
            Self::Http
        } else {
            Self::None
        }
    }

    pub(crate) fn is_dns(self) -> bool {
        matches!(self, Self::Dns | Self::MulticastDns)
    }
}

/// What a connection is of which `buffer` has the first bytes, and which side
/// tells so.
pub(crate) fn probe_connection(buffer: &ReplayBuffer, hint: PortHint) -> (Verdict, FlowSide) {
    let mut found = (Verdict::NeedMore, FlowSide::Initiator);
    for side in FlowSide::BOTH {
        match probe_side(buffer.first_bytes(side), side, hint) {
            verdict @ Verdict::Match(_) => return (verdict, side),
            Verdict::NoMatch => found = (Verdict::NoMatch, side),
            Verdict::NeedMore => {}
        }
    }
    found
}

/// What a connection is of which `side` begins with `first`.
pub(crate) fn probe_side(first: &[u8], side: FlowSide, hint: PortHint) -> Verdict {
    if first.is_empty() {
        return Verdict::NeedMore;
    }
    let mut verdict = Verdict::NoMatch;
    for (protocol, result) in probe_stream(first, side, hint) {
        match result {
            ProbeResult::Match => return Verdict::Match(protocol),
            ProbeResult::Possible => verdict = Verdict::NeedMore,
            ProbeResult::NoMatch => {}
        }
    }
    verdict
}

/// Whether `side`, which begins with `first`, speaks one of the protocols that are
/// found within a connection, too.
pub(crate) fn probe_beginning(first: &[u8], side: FlowSide) -> ProbeResult {
    let results = [Protocol::Tls, Protocol::Http]
        .map(|protocol| protocol.probe_stream(first, side, PortHint::None));
    let is_any = |result| results.contains(&result);
    match (is_any(ProbeResult::Match), is_any(ProbeResult::Possible)) {
        (true, _) => ProbeResult::Match,
        (false, true) => ProbeResult::Possible,
        (false, false) => ProbeResult::NoMatch,
    }
}

/// Probes the first bytes of `side` for each of the protocols. The iterator is
/// lazy, so that a caller who has found a match does not pay for the others.
pub(crate) fn probe_stream(
    first: &[u8],
    side: FlowSide,
    hint: PortHint,
) -> impl Iterator<Item = (Protocol, ProbeResult)> {
    let all = Protocol::ALL.iter();
    all.map(move |protocol| (*protocol, protocol.probe_stream(first, side, hint)))
}

/// What the second side of a connection speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reply {
    /// The same as the first, or nothing that is known.
    Same,
    /// This protocol instead.
    Other(Protocol),
}

/// What `side` speaks, whose peer speaks `protocol`; `None` if its `first`
/// bytes are too few to tell.
///
/// A server of HTTP answers a ClientHello in HTTP, and a server of TLS answers
/// anything else with an alert. There is no such case for DNS.
pub(crate) fn probe_reply(first: &[u8], side: FlowSide, protocol: Protocol) -> Option<Reply> {
    let probe = |other: Protocol| match other == protocol {
        true => ProbeResult::NoMatch,
        false => other.probe_stream(first, side, PortHint::None),
    };
    match (probe(Protocol::Tls), probe(Protocol::Http)) {
        (ProbeResult::Match, _) => Some(Reply::Other(Protocol::Tls)),
        (_, ProbeResult::Match) => Some(Reply::Other(Protocol::Http)),
        (ProbeResult::NoMatch, ProbeResult::NoMatch) => Some(Reply::Same),
        _ => None,
    }
}

/// Whether a connection of HTTP begins with a request for a path, and so will
/// most likely not become a tunnel. Proxies are asked for a host, and a server
/// that is to go on with TLS is asked for `*` in most cases (RFC 2817, section
/// 3.2).
pub(crate) fn requests_path(buffer: &ReplayBuffer) -> bool {
    FlowSide::BOTH.iter().any(|side| {
        let line = buffer.first_bytes(*side).trim_ascii_start();
        let mut behind_method = line.iter().skip_while(|byte| **byte != b' ').skip(1);
        behind_method.next() == Some(&b'/')
    })
}

/// Whether a datagram is one of those that come before DTLS in WebRTC: STUN, or
/// what a TURN channel carries (RFC 7983, section 7).
pub(crate) fn may_precede_dtls(payload: &[u8]) -> bool {
    match payload {
        [0..=3, _, _, _, cookie @ ..] => cookie.starts_with(&STUN_COOKIE),
        [first, ..] => (0x40..=0x4f).contains(first),
        [] => false,
    }
}

/// What STUN has behind type and length (RFC 8489, section 5).
const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

#[cfg(all(test, feature = "http", feature = "tls", feature = "dns"))]
mod tests {
    use super::*;
    use FlowSide::{Initiator, Responder};

    const HELLO: &[u8] = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03";
    const ALERT: &[u8] = b"\x15\x03\x01\0\x02\x02\x28";

    #[test]
    fn first_bytes_tell_the_protocol() {
        for (bytes, verdict) in [
            (&b""[..], Verdict::NeedMore),
            (b"GE", Verdict::NeedMore),
            (b"GET /", Verdict::Match(Protocol::Http)),
            (HELLO, Verdict::Match(Protocol::Tls)),
            (b"\x16\x03", Verdict::NeedMore),
            (b"SSH-2.0-OpenSSH_9.2\r\n", Verdict::NoMatch),
        ] {
            let shown = bytes.escape_ascii();
            assert_eq!(
                probe_side(bytes, Initiator, PortHint::None),
                verdict,
                "{shown}"
            );
        }
    }

    #[test]
    fn a_port_of_dns_makes_a_header_enough() {
        // One question is announced, which is not there.
        let header = b"\0\x19\x12\x34\x01\0\0\x01\0\0\0\0\0\0";
        let dns = Verdict::Match(Protocol::Dns);
        assert_eq!(probe_side(header, Initiator, PortHint::of([4000, 53])), dns);
        assert_eq!(
            probe_side(header, Initiator, PortHint::of([4000, 80])),
            Verdict::NeedMore
        );
        let datagram = &header[2..];
        let dns = Some(Protocol::Dns);
        assert_eq!(Protocol::of_datagram(datagram, PortHint::Dns), dns);
        assert_eq!(Protocol::of_datagram(datagram, PortHint::None), None);
    }

    #[test]
    fn a_reply_in_another_protocol_is_told_from_one_in_the_same() {
        for (bytes, of, reply) in [
            (
                &b"HTTP/1.1 400 Bad Request\r\n"[..],
                Protocol::Tls,
                Some(Reply::Other(Protocol::Http)),
            ),
            (ALERT, Protocol::Http, Some(Reply::Other(Protocol::Tls))),
            (ALERT, Protocol::Tls, Some(Reply::Same)),
            (b"HTTP/1.1 200 OK\r\n", Protocol::Http, Some(Reply::Same)),
            (b"HTTP/1", Protocol::Tls, None),
            (b"\x15", Protocol::Http, None),
        ] {
            let shown = bytes.escape_ascii();
            assert_eq!(probe_reply(bytes, Responder, of), reply, "{shown} {of:?}");
        }
    }
}
