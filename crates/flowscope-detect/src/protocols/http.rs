//! HTTP, and what its tunnels carry.

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Input, Interest, ProbeResult, SessionParser, StreamEnd};
use flowscope_core::{BySide, FlowSide, Sink, Timestamp};
use flowscope_http::{HttpConfig, HttpMessage, HttpParser, HttpTunnel, Parsed, TunnelKind};

use super::StreamProtocol;
use crate::candidates::Candidates;
use crate::probe::PortHint;
use crate::{DetectError, Detector, Message, Protocol};

/// The parser of an HTTP connection, with a detector for what follows in case
/// it becomes a tunnel.
#[derive(Clone, Debug)]
pub(crate) struct HttpWithTunnel {
    parser: HttpParser,
    tunnel: Tunnel,
    scope: Scope,
}

/// Of what messages are given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scope {
    /// Of HTTP, and of what a tunnel carries.
    All,
    /// Only of what a tunnel carries: HTTP itself is not selected.
    TunnelOnly,
}

#[derive(Clone, Debug)]
enum Tunnel {
    /// There is none yet. If there will be one, the detector reads it.
    NotYet(Detector),
    /// The detector reads what it carries.
    Open(Detector),
    /// What it carries is not read.
    Ignored,
}

impl HttpWithTunnel {
    /// The parser of a flow of `detector`.
    pub(crate) fn of(detector: &Detector, config: HttpConfig) -> Self {
        let scope = match detector.selects(Protocol::Http) {
            true => Scope::All,
            false => Scope::TunnelOnly,
        };
        Self::new(HttpParser::new(config), detector.inside_tunnel(), scope)
    }

    /// `inner` reads what a tunnel carries.
    pub(crate) fn new(parser: HttpParser, inner: Option<Detector>, scope: Scope) -> Self {
        Self {
            parser,
            scope,
            tunnel: match inner {
                Some(inner) => Tunnel::NotYet(inner),
                None => Tunnel::Ignored,
            },
        }
    }

    /// The same for a connection whose sides have each sent so many bytes that
    /// begin nothing.
    pub(crate) fn with_searched(mut self, searched: BySide<u32>) -> Self {
        self.parser = self.parser.with_searched(searched);
        self
    }

    /// Behind so many bytes, `side` speaks another protocol, or may.
    pub(crate) fn note_other(&mut self, side: FlowSide, behind: u32) {
        self.parser.note_other(side, behind);
    }

    /// Whether messages of HTTP are given.
    pub(crate) fn reports_http(&self) -> bool {
        self.scope == Scope::All
    }

    /// Whether a side has begun a message.
    pub(crate) fn has_begun(&self, side: FlowSide) -> bool {
        self.parser.has_begun(side)
    }

    /// What reads the open tunnel.
    fn inner(&self) -> Option<&Detector> {
        match &self.tunnel {
            Tunnel::Open(inner) => Some(inner),
            Tunnel::NotYet(_) | Tunnel::Ignored => None,
        }
    }

    /// What reads the open tunnel.
    fn inner_mut(&mut self) -> Option<&mut Detector> {
        match &mut self.tunnel {
            Tunnel::Open(inner) => Some(inner),
            Tunnel::NotYet(_) | Tunnel::Ignored => None,
        }
    }
}

impl SessionParser for HttpWithTunnel {
    type Message = Message;
    type Error = DetectError;

    fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        let reports_http = self.reports_http();
        let tunnel = &mut self.tunnel;
        let parsed = self.parser.parse(input, &mut |message| {
            if let HttpMessage::Tunnel(message) = &message {
                tunnel.open(message);
            }
            if reports_http {
                out.push(Message::Http(message));
            }
        });
        let rest = match parsed {
            Ok(Parsed::Tunnel(rest)) => rest,
            Ok(Parsed::Http) => return Ok(Interest::More),
            Err(error) if reports_http => return Err(error.into()),
            _ => return Ok(Interest::Done),
        };
        let chunk = match input.chunk {
            Chunk::Data(_) => Chunk::Data(rest),
            gap @ Chunk::Gap(_) => gap,
        };
        if let Some(inner) = self.inner_mut()
            && chunk != Chunk::Data(b"")
        {
            let input = Input::new(input.side, input.at, chunk);
            if SessionParser::feed(inner, input, out)? == Interest::Done {
                self.tunnel = Tunnel::Ignored;
            }
        }
        let is_opaque = FlowSide::BOTH
            .iter()
            .all(|side| self.parser.is_opaque(*side));
        match (&self.tunnel, is_opaque) {
            (Tunnel::Ignored, true) => Ok(Interest::Done),
            _ => Ok(Interest::More),
        }
    }

    fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<Message>) {
        let reports_http = self.reports_http();
        let tunnel = &mut self.tunnel;
        self.parser.close(end, &mut |message| {
            if let HttpMessage::Tunnel(message) = &message {
                tunnel.open(message);
            }
            if reports_http {
                out.push(Message::Http(message));
            }
        });
        if let Some(inner) = self.inner_mut() {
            SessionParser::close(inner, end, out);
        }
    }

    fn next_tick(&self) -> Option<Timestamp> {
        SessionParser::next_tick(self.inner()?)
    }

    fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<Message>) {
        if let Some(inner) = self.inner_mut() {
            SessionParser::tick(inner, at, out);
        }
    }

    fn memory(&self) -> usize {
        let inner = self.inner();
        self.parser.memory() + inner.map_or(0, SessionParser::memory)
    }
}

impl StreamProtocol for HttpWithTunnel {
    const PROTOCOL: Protocol = Protocol::Http;

    fn probe(first: &[u8], side: FlowSide, _: PortHint) -> ProbeResult {
        // A method or version is text, and so is white space before it. Most binary
        // protocols are refused by their first byte here, which costs less than
        // to read a start line.
        match first {
            [b'\r' | b'\n' | b'!'..=b'~', ..] | [] => HttpParser::probe(first, side),
            _ => ProbeResult::NoMatch,
        }
    }

    fn open(detector: &Detector) -> Self {
        Self::of(detector, detector.config().http)
    }

    fn is_confirmed(&self) -> bool {
        self.reports_http()
    }

    fn join(self, candidates: &mut Candidates) {
        candidates.http = Some(self);
    }
}

impl Tunnel {
    /// A tunnel begins. One that leads to another host, or to TLS (RFC 2817),
    /// may carry one of the protocols; any other, such as a WebSocket, carries
    /// none and is not read.
    fn open(&mut self, message: &HttpTunnel) {
        let is_tls = |protocol: flowscope_http::Text<'_>| {
            let name = protocol.as_bytes().first_chunk::<4>();
            name.is_some_and(|name| name.eq_ignore_ascii_case(b"TLS/"))
        };
        let may_carry = match message.kind {
            TunnelKind::Connect => true,
            _ => message.protocol().is_some_and(is_tls),
        };
        *self = match core::mem::replace(self, Self::Ignored) {
            Self::NotYet(inner) if may_carry => Self::Open(inner),
            Self::Open(inner) => Self::Open(inner),
            Self::NotYet(_) | Self::Ignored => Self::Ignored,
        };
    }
}
