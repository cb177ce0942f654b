//! HTTP, and what is inside its tunnels.

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Input, Interest, SessionParser, StreamEnd};
use flowscope_core::{FlowSide, Sink};
use flowscope_http::{HttpMessage, HttpParser, HttpTunnel, Reading, TunnelKind};

use crate::{DetectError, Detector, Message};

/// A connection of HTTP, which may become a tunnel.
#[derive(Clone, Debug)]
pub(crate) struct Web {
    parser: HttpParser,
    tunnel: Tunnel,
    reports: Reports,
}

/// What is given of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reports {
    Everything,
    /// Only what is in its tunnel.
    Tunnels,
}

#[derive(Clone, Debug)]
enum Tunnel {
    /// There is none; if there will be one, this is for what is in it.
    Ahead(Detector),
    Open(Detector),
    /// What is in it is of no interest.
    Ignored,
}

impl Web {
    /// `inner` looks into a tunnel.
    pub(crate) fn new(parser: HttpParser, inner: Option<Detector>, reports: Reports) -> Self {
        Self {
            parser,
            reports,
            tunnel: match inner {
                Some(inner) => Tunnel::Ahead(inner),
                None => Tunnel::Ignored,
            },
        }
    }

    /// Whether its messages are given.
    pub(crate) fn is_heard(&self) -> bool {
        self.reports == Reports::Everything
    }

    /// Whether a side has begun a message.
    pub(crate) fn has_begun(&self, side: FlowSide) -> bool {
        self.parser.has_begun(side)
    }

    /// What looks into its tunnel.
    pub(crate) fn inner(&self) -> Option<&Detector> {
        match &self.tunnel {
            Tunnel::Open(inner) => Some(inner),
            Tunnel::Ahead(_) | Tunnel::Ignored => None,
        }
    }

    /// What looks into its tunnel.
    pub(crate) fn inner_mut(&mut self) -> Option<&mut Detector> {
        match &mut self.tunnel {
            Tunnel::Open(inner) => Some(inner),
            Tunnel::Ahead(_) | Tunnel::Ignored => None,
        }
    }

    pub(crate) fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        let is_heard = self.is_heard();
        let tunnel = &mut self.tunnel;
        let reading = self.parser.read(input, &mut |message| {
            if let HttpMessage::Tunnel(told) = &message {
                tunnel.open(told);
            }
            if is_heard {
                out.push(Message::Http(message));
            }
        });
        let rest = match reading {
            Ok(Reading::Tunnel(rest)) => rest,
            Ok(Reading::Http) => return Ok(Interest::More),
            Err(error) if is_heard => return Err(error.into()),
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

    pub(crate) fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<Message>) {
        let is_heard = self.is_heard();
        let tunnel = &mut self.tunnel;
        self.parser.close(end, &mut |message| {
            if let HttpMessage::Tunnel(told) = &message {
                tunnel.open(told);
            }
            if is_heard {
                out.push(Message::Http(message));
            }
        });
        if let Some(inner) = self.inner_mut() {
            SessionParser::close(inner, end, out);
        }
    }
}

impl Tunnel {
    /// A tunnel begins. Those that lead to other hosts, and those to TLS (RFC
    /// 2817), may have one of the protocols in them.
    fn open(&mut self, told: &HttpTunnel) {
        let is_tls = |protocol: flowscope_http::Text<'_>| {
            let name = protocol.as_bytes().first_chunk::<4>();
            name.is_some_and(|name| name.eq_ignore_ascii_case(b"TLS/"))
        };
        let is_worth_it = match told.kind {
            TunnelKind::Connect => true,
            _ => told.protocol().is_some_and(is_tls),
        };
        *self = match core::mem::replace(self, Self::Ignored) {
            Self::Ahead(inner) if is_worth_it => Self::Open(inner),
            Self::Open(inner) => Self::Open(inner),
            Self::Ahead(_) | Self::Ignored => Self::Ignored,
        };
    }
}
