//! Several parsers for a connection of which no protocol is known yet, or whose
//! sides speak different ones.
//!
//! TLS may follow STARTTLS or SOCKS, HTTP may follow SOCKS, and a capture may
//! begin in the middle of anything. The parsers of both know how to find their
//! beginning, and give up when they have searched for long enough. DNS is not
//! told as clearly by its form, so its parser is a candidate on its own ports
//! alone.

use alloc::boxed::Box;
use alloc::vec::Vec;

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Close, Input, Interest, SessionParser, StreamEnd};
use flowscope_core::{BySide, FlowSide, Sink};

use crate::protocol_parser::ProtocolParser;
#[cfg(feature = "dns")]
use crate::protocols::dns::DnsOverTcp;
use crate::protocols::{OverStreams, Parser, StreamProtocol};
use crate::{Message, Protocol};

/// Parsers that each search for their protocol. The first to find it on a side
/// gets that side: a server of HTTP may answer a ClientHello in HTTP.
#[derive(Clone, Debug, Default)]
pub(crate) struct Candidates {
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<flowscope_tls::TlsParser>,
    #[cfg(feature = "http")]
    pub(crate) http: Option<crate::protocols::http::HttpWithTunnel>,
    #[cfg(feature = "dns")]
    pub(crate) dns: Option<Box<flowscope_dns::DnsTcpParser>>,
    sides: BySide<Side>,
}

/// What is known of one side.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Side {
    /// It has sent nothing.
    #[default]
    Silent,
    /// It has sent something of which no protocol is known.
    Unknown,
    /// It speaks this protocol.
    Found(Protocol),
}

impl Side {
    fn protocol(self) -> Option<Protocol> {
        match self {
            Self::Silent | Self::Unknown => None,
            Self::Found(protocol) => Some(protocol),
        }
    }

    /// Whether what it sends may be of `protocol`.
    fn may_be(self, protocol: Protocol) -> bool {
        self.protocol().is_none_or(|found| found == protocol)
    }
}

impl Candidates {
    /// The parsers of a connection whose sides are known to speak different
    /// protocols: each side gets the one of its own.
    pub(crate) fn for_sides(
        protocols: BySide<Protocol>,
        parsers: impl IntoIterator<Item = ProtocolParser>,
    ) -> Self {
        let mut candidates = Self {
            sides: BySide::from_fn(|side| Side::Found(protocols[side])),
            ..Self::default()
        };
        for parser in parsers {
            match parser {
                ProtocolParser::One(parser) => parser.join(&mut candidates),
                // Both of its sides would be read already.
                ProtocolParser::Candidates(_) => {}
            }
        }
        candidates
    }

    /// Notes that a side has sent something of which no protocol is known.
    pub(crate) fn note_unknown(&mut self, side: FlowSide) {
        self.sides[side] = Side::Unknown;
    }

    /// Bytes of memory that the parsers take, besides themselves.
    pub(crate) fn memory(&self) -> usize {
        let mut memory = 0;
        #[cfg(feature = "tls")]
        {
            memory += self.tls.as_ref().map_or(0, SessionParser::memory);
        }
        #[cfg(feature = "http")]
        {
            memory += self.http.as_ref().map_or(0, |http| http.memory());
        }
        #[cfg(feature = "dns")]
        {
            let dns = self.dns.as_deref();
            memory += dns.map_or(0, |dns| size_of_val(dns) + dns.memory());
        }
        memory
    }

    /// Whether there is no parser.
    pub(crate) fn is_empty(&self) -> bool {
        ![Protocol::Tls, Protocol::Http, Protocol::Dns]
            .into_iter()
            .any(|protocol| self.has(protocol))
    }

    /// What the connection was found to be.
    pub(crate) fn protocol(&self) -> Option<Protocol> {
        let found = self.sides.initiator.protocol();
        let found = found.or(self.sides.responder.protocol());
        #[cfg(feature = "http")]
        if found == Some(Protocol::Http) {
            let http = self.http.as_ref();
            return found
                .filter(|_| http.is_none_or(crate::protocols::http::HttpWithTunnel::reports_http));
        }
        found
    }

    /// Feeds the parsers. When one of them has both sides, it is returned to be
    /// fed alone from then on.
    pub(crate) fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> (Interest, Option<Box<dyn Parser>>) {
        let side = input.side;
        if self.sides[side] == Side::Silent {
            self.sides[side] = Side::Unknown;
        }
        match input.chunk {
            Chunk::Gap(_) => self.feed_piece(input, out),
            Chunk::Data(mut rest) => loop {
                let (piece, behind) = match self.sides[side] {
                    Side::Found(_) => (rest, &[][..]),
                    Side::Silent | Side::Unknown => before_next_record(rest),
                };
                let piece = Chunk::Data(piece);
                self.feed_piece(Input::new(side, input.at, piece), out);
                if behind.is_empty() {
                    break;
                }
                rest = behind;
            },
        }
        let interest = match self.is_over() {
            true => Interest::Done,
            false => Interest::More,
        };
        (interest, self.chosen())
    }

    /// Feeds the parsers with bytes in which, except at their start, no record of TLS
    /// begins: so what begins first is found first, in however many pieces it comes.
    fn feed_piece(&mut self, input: Input<'_>, out: &mut dyn Sink<Message>) {
        for protocol in [Protocol::Tls, Protocol::Http, Protocol::Dns] {
            if self.sides[input.side].may_be(protocol) {
                self.search(protocol, input, out);
            }
            if self.sides[input.side] == Side::Found(protocol) {
                break;
            }
        }
    }

    pub(crate) fn close(
        &mut self,
        end: StreamEnd,
        out: &mut dyn Sink<Message>,
    ) -> Option<Box<dyn Parser>> {
        #[cfg(feature = "tls")]
        self.close_tls(end, out);
        #[cfg(feature = "http")]
        if let Some(http) = &mut self.http
            && self.sides[end.side].may_be(Protocol::Http)
        {
            let mut found = false;
            http.close(end, &mut |message| {
                found = true;
                out.push(message);
            });
            if found {
                self.sides[end.side] = Side::Found(Protocol::Http);
            }
        }
        self.chosen()
    }

    /// Tells the parser of TLS that a side has ended, unless that side speaks
    /// another protocol. A peer that speaks another protocol is ended with it:
    /// the parser would wait for it otherwise, and give no summary.
    #[cfg(feature = "tls")]
    fn close_tls(&mut self, end: StreamEnd, out: &mut dyn Sink<Message>) {
        let Some(parser) = &mut self.tls else {
            return;
        };
        if !self.sides[end.side].may_be(Protocol::Tls) {
            return;
        }
        for side in [end.side, end.side.peer()] {
            if side == end.side || !self.sides[side].may_be(Protocol::Tls) {
                let end = StreamEnd::new(side, end.at, end.how);
                parser.close(end, &mut |message| out.push(Message::Tls(message)));
            }
        }
    }

    fn has(&self, protocol: Protocol) -> bool {
        match protocol {
            #[cfg(feature = "tls")]
            Protocol::Tls => self.tls.is_some(),
            #[cfg(feature = "http")]
            Protocol::Http => self.http.is_some(),
            #[cfg(feature = "dns")]
            Protocol::Dns => self.dns.is_some(),
            // It is not one of those that are found within a connection.
            _ => false,
        }
    }

    /// Whether no parser reads either side. A side that has sent nothing is not
    /// waited for when the parser of the other has ended.
    fn is_over(&self) -> bool {
        FlowSide::BOTH.iter().all(|side| match self.sides[*side] {
            Side::Found(protocol) => !self.has(protocol),
            Side::Unknown => self.is_empty(),
            Side::Silent => {
                let peer = self.sides[side.peer()].protocol();
                self.is_empty() || peer.is_some_and(|protocol| !self.has(protocol))
            }
        })
    }

    /// The parser that has both sides, if one has.
    fn chosen(&mut self) -> Option<Box<dyn Parser>> {
        let BySide {
            initiator,
            responder,
        } = self.sides;
        match (initiator.protocol(), responder.protocol()) {
            #[cfg(feature = "tls")]
            (Some(Protocol::Tls), Some(Protocol::Tls)) => boxed(self.tls.take()),
            #[cfg(feature = "http")]
            (Some(Protocol::Http), Some(Protocol::Http)) => boxed(self.http.take()),
            // On its own ports nothing else is searched for on the other side.
            #[cfg(feature = "dns")]
            (Some(Protocol::Dns), None | Some(Protocol::Dns)) | (None, Some(Protocol::Dns)) => {
                boxed(self.dns.take().map(|parser| DnsOverTcp::confirmed(*parser)))
            }
            _ => None,
        }
    }

    /// Lets the parser of `protocol` search what came.
    fn search(&mut self, protocol: Protocol, input: Input<'_>, out: &mut dyn Sink<Message>) {
        let is_known = self.sides[input.side] == Side::Found(protocol);
        if protocol == Protocol::Http && !is_known {
            self.note_tls_for_http(input.side);
        }
        let found = match protocol {
            #[cfg(feature = "tls")]
            Protocol::Tls => search_with(&mut self.tls, input, is_known, out),
            #[cfg(feature = "http")]
            Protocol::Http => search_with(&mut self.http, input, is_known, out),
            #[cfg(feature = "dns")]
            Protocol::Dns => search_with(&mut self.dns, input, is_known, out),
            _ => false,
        };
        if found {
            self.sides[input.side] = Side::Found(protocol);
            if protocol == Protocol::Tls {
                self.note_tls_for_http(input.side);
            }
            self.end_for_http(StreamEnd::new(input.side, input.at, Close::Lost));
        }
    }

    /// Tells the parser of HTTP behind how many bytes a side speaks TLS, or may. Those
    /// are searched for HTTP until that is known, however many of them came by then.
    fn note_tls_for_http(&mut self, side: FlowSide) {
        #[cfg(all(feature = "http", feature = "tls"))]
        if let Some(http) = &mut self.http {
            let tls = self.tls.as_ref();
            http.note_other(side, tls.map_or(u32::MAX, |tls| tls.before(side)));
        }
        #[cfg(not(all(feature = "http", feature = "tls")))]
        let _ = side;
    }

    /// Ends a side for the parser of HTTP that speaks another protocol, so that
    /// it frees what it holds of it. TLS holds nothing at that point, and would
    /// not wait for the other side any more.
    fn end_for_http(&mut self, end: StreamEnd) {
        #[cfg(feature = "http")]
        if let Some(http) = &mut self.http
            && self.sides[end.side] != Side::Found(Protocol::Http)
        {
            http.close(end, &mut |_| {});
        }
        #[cfg(not(feature = "http"))]
        let _ = end;
    }
}

/// Cuts bytes in front of the first place, but not the start, where a record of TLS may
/// begin that is searched for: at one of its types, with the first byte of a version
/// behind it.
fn before_next_record(bytes: &[u8]) -> (&[u8], &[u8]) {
    let begins = |pair: &[u8]| matches!(pair, [20..=22, 3]);
    let behind = bytes.get(1..).unwrap_or_default();
    let at = behind.windows(2).position(begins);
    at.and_then(|at| bytes.split_at_checked(at + 1))
        .unwrap_or((bytes, &[]))
}

fn boxed<P: StreamProtocol>(parser: Option<P>) -> Option<Box<dyn Parser>> {
    Some(Box::new(OverStreams(parser?)))
}

/// A parser that searches for its protocol.
trait Candidate {
    /// Reads `input`, of a side that `is_known` to be of its protocol or may be,
    /// and says whether the side was found to be.
    fn search(
        &mut self,
        input: Input<'_>,
        is_known: bool,
        out: &mut dyn Sink<Message>,
    ) -> (Interest, bool);
}

/// Lets a candidate search, and drops it when it has given up.
fn search_with<C: Candidate>(
    slot: &mut Option<C>,
    input: Input<'_>,
    is_known: bool,
    out: &mut dyn Sink<Message>,
) -> bool {
    let Some(candidate) = slot else {
        return false;
    };
    let (interest, found) = candidate.search(input, is_known, out);
    if interest == Interest::Done {
        *slot = None;
    }
    found
}

#[cfg(feature = "tls")]
impl Candidate for flowscope_tls::TlsParser {
    fn search(
        &mut self,
        input: Input<'_>,
        is_known: bool,
        out: &mut dyn Sink<Message>,
    ) -> (Interest, bool) {
        let mut has_begun = is_known || self.has_begun(input.side);
        let mut anomalies = Vec::new();
        let Ok(interest) = self.feed(input, &mut |message| {
            let is_anomaly = matches!(message, flowscope_tls::TlsMessage::Anomaly(_));
            has_begun |= !is_anomaly;
            if !has_begun {
                anomalies.push(message);
                return;
            }
            let earlier = anomalies.drain(..).chain([message]);
            earlier.for_each(|message| out.push(Message::Tls(message)));
        });
        // Where nothing says that the side is TLS, they only say that it is not.
        let has_begun = self.has_begun(input.side);
        if has_begun {
            let earlier = anomalies.into_iter();
            earlier.for_each(|message| out.push(Message::Tls(message)));
        }
        (interest, has_begun)
    }
}

#[cfg(feature = "http")]
impl Candidate for crate::protocols::http::HttpWithTunnel {
    fn search(
        &mut self,
        input: Input<'_>,
        _: bool,
        out: &mut dyn Sink<Message>,
    ) -> (Interest, bool) {
        let interest = self.feed(input, out).unwrap_or(Interest::Done);
        (interest, self.has_begun(input.side))
    }
}

#[cfg(feature = "dns")]
impl Candidate for Box<flowscope_dns::DnsTcpParser> {
    fn search(
        &mut self,
        input: Input<'_>,
        _: bool,
        out: &mut dyn Sink<Message>,
    ) -> (Interest, bool) {
        let mut found = false;
        let fed = self.feed(input, &mut |message| {
            found = true;
            out.push(Message::Dns(message));
        });
        match found {
            // It is chosen at once, and says again then what is wrong behind
            // the message.
            true => (Interest::More, true),
            false => (fed.unwrap_or(Interest::Done), false),
        }
    }
}

#[cfg(all(test, feature = "http", feature = "tls"))]
mod tests {
    use FlowSide::{Initiator, Responder};
    use flowscope_core::Timestamp;
    use flowscope_http::{HttpMessage, HttpParser};
    use flowscope_tls::TlsParser;

    use super::*;
    use crate::protocols::http::{HttpWithTunnel, Scope};

    fn http() -> HttpWithTunnel {
        HttpWithTunnel::new(HttpParser::default(), None, Scope::All)
    }

    fn data(side: FlowSide, bytes: &[u8]) -> Input<'_> {
        Input::new(side, Timestamp::EPOCH, Chunk::Data(bytes))
    }

    #[test]
    fn the_parser_that_finds_both_sides_is_chosen() {
        let mut candidates = Candidates {
            tls: Some(TlsParser::default()),
            http: Some(http()),
            ..Candidates::default()
        };
        let mut out = Vec::new();
        let request = data(Initiator, b"\x05\x01\0\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let (interest, chosen) = candidates.feed(request, &mut out);
        assert!(interest == Interest::More && chosen.is_none());
        assert_eq!(candidates.protocol(), Some(Protocol::Http));
        let response = data(
            Responder,
            b"\x05\0\nHTTP/1.1 204 No Content\r\nA: b\r\n\r\n",
        );
        let (_, chosen) = candidates.feed(response, &mut out);
        assert_eq!(chosen.and_then(|it| it.protocol()), Some(Protocol::Http));
        assert_eq!(out.len(), 2);
    }

    #[test]
    fn a_side_that_is_known_goes_to_the_parser_of_its_own() {
        let protocols = BySide {
            initiator: Protocol::Tls,
            responder: Protocol::Http,
        };
        let parsers = [
            ProtocolParser::One(Box::new(OverStreams(TlsParser::default()))),
            ProtocolParser::One(Box::new(OverStreams(http()))),
        ];
        let mut candidates = Candidates::for_sides(protocols, parsers);
        let mut out = Vec::new();
        let refusal = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        let (interest, chosen) = candidates.feed(data(Responder, refusal), &mut out);
        assert!(interest == Interest::More && chosen.is_none());
        let [Message::Http(HttpMessage::Response(response))] = &out[..] else {
            panic!("{out:?}")
        };
        assert_eq!(response.status, 400);
    }

    #[test]
    fn bytes_are_cut_where_records_may_begin() {
        for (bytes, len) in [
            (&b""[..], 0),
            (b"\x16", 1),
            (b"\x16\x03\x01", 3),
            (b"x\x16\x03\x01", 1),
            (b"\x16\x03\x15\x03", 2),
            (b"\x17\x03\x13\x03", 4),
        ] {
            assert_eq!(before_next_record(bytes), bytes.split_at(len));
        }
    }

    #[test]
    fn without_a_parser_it_is_over_at_once() {
        let mut candidates = Candidates::default();
        assert!(candidates.is_empty());
        let (interest, _) = candidates.feed(data(Initiator, b"x"), &mut |_| {});
        assert_eq!(interest, Interest::Done);
    }
}
