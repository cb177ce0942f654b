//! Both sides of a connection, and what ties them together.
//!
//! Each side is a state machine of its own, in [`half`]. A side learns from the
//! other which request a response answers, and with that whether it has a body,
//! and when the connection becomes a tunnel.
//!
//! [`start`] finds messages and reads their heads, [`message`] follows them to
//! their ends.

mod arrivals;
mod half;
mod message;
mod start;

use flowscope_core::session::Close;
use flowscope_core::{BySide, FlowSide, Timestamp};

use arrivals::Arrivals;
use half::{Half, Message, State};

use crate::body::Body;
use crate::fields::Fields;
use crate::start_line::Wanted;
use crate::waiting::Waiting;
use crate::{
    HttpAnomaly, HttpAnomalyKind, HttpConfig, HttpMessage, HttpRequest, HttpResponse, HttpTunnel,
    TunnelKind,
};

/// Takes what is read.
pub(crate) trait Output {
    fn message(&mut self, message: HttpMessage);

    /// The next bytes of a body, of a request that is not over.
    fn request_body(&mut self, request: &HttpRequest, bytes: &[u8]) {
        let _ = (request, bytes);
    }

    /// The next bytes of a body, of a response that is not over.
    fn response_body(&mut self, response: &HttpResponse, bytes: &[u8]) {
        let _ = (response, bytes);
    }
}

/// One call: what is said by whom, when, and who hears of it.
pub(crate) struct Call<'a> {
    pub(crate) side: FlowSide,
    pub(crate) at: Timestamp,
    pub(crate) config: &'a HttpConfig,
    pub(crate) out: &'a mut dyn Output,
}

impl Call<'_> {
    fn anomaly(&mut self, kind: HttpAnomalyKind) {
        let (side, at) = (self.side, self.at);
        self.out
            .message(HttpMessage::Anomaly(HttpAnomaly { side, at, kind }));
    }
}

/// A connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    halves: BySide<Half>,
    waiting: Waiting,
    /// Who sends the requests, once that is known.
    client: Option<FlowSide>,
    /// How many bytes were searched since the last start line.
    searched: u64,
    /// A tunnel was agreed upon.
    tunnel: bool,
    /// A tunnel was told of.
    told: bool,
}

impl Connection {
    /// Takes bytes; gives those at the end that belong to a tunnel.
    pub(crate) fn data<'a>(&mut self, mut bytes: &'a [u8], call: &mut Call<'_>) -> &'a [u8] {
        self.settle_simple(call.side.peer(), call);
        while !bytes.is_empty() {
            bytes = match self.halves[call.side].state {
                State::Start { tentative } => self.start(bytes, tentative, call),
                State::Search { at_line } => self.search(bytes, at_line, call),
                State::Body(body) => self.body(bytes, body, call),
                State::Peek(body) => self.peek(bytes, body, call),
                State::Trailers => self.trailers(bytes, call),
                State::Await => self.answered_by(bytes, call),
                State::Opaque => return bytes,
                State::Closed => return &[],
            }
        }
        bytes
    }

    /// Takes bytes that came earlier, each with the packet that brought it.
    fn replay(&mut self, bytes: &[u8], arrivals: &Arrivals, call: &mut Call<'_>) {
        let now = call.at;
        let mut rest = bytes;
        for (count, at) in arrivals.pieces(bytes.len()) {
            let (piece, behind) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            call.at = at;
            self.data(piece, call);
            rest = behind;
        }
        call.at = now;
    }

    /// Goes on behind missing bytes.
    pub(crate) fn gap(&mut self, missing: u64, call: &mut Call<'_>) {
        match self.halves[call.side].state {
            State::Body(body) => self.gap_in_body(missing, body, call),
            State::Peek(body) => {
                self.not_peeked(body, call);
                self.gap(missing, call);
            }
            State::Start { .. } => {
                self.partial(call);
                self.lose(call);
            }
            State::Search { .. } => {
                self.partial_found(call);
                self.lose(call);
            }
            State::Trailers => {
                self.cut(call);
                self.lose(call);
            }
            State::Await | State::Opaque | State::Closed => {}
        }
    }

    /// One side is over.
    pub(crate) fn close(&mut self, how: Close, call: &mut Call<'_>) {
        if let State::Peek(body) = self.halves[call.side].state {
            if self.is_bodiless(call.side) && how == Close::Fin {
                self.complete_bodiless(call);
            } else {
                self.not_peeked(body, call);
            }
        }
        self.settle_simple(call.side, call);
        match (self.halves[call.side].state, how) {
            (State::Start { .. }, _) => self.partial(call),
            (State::Body(Body::Close), Close::Fin) => self.complete(call),
            (State::Body(_) | State::Trailers, _) => self.cut(call),
            _ => {}
        }
        let half = &mut self.halves[call.side];
        half.release();
        half.state = State::Closed;
    }

    /// Whether nothing came behind the head of a response, whose request was
    /// not seen. It was a `HEAD`, then.
    fn is_bodiless(&self, side: FlowSide) -> bool {
        let half = &self.halves[side];
        half.held.is_empty() && matches!(half.message, Some(Message::Response(_)))
    }

    /// Gives what is under way, for nothing more will be read.
    pub(crate) fn give_up(&mut self, call: &mut Call<'_>) {
        for side in FlowSide::BOTH {
            call.side = side;
            self.close(Close::Lost, call);
        }
    }

    /// Whether a message, or a tunnel, was seen.
    pub(crate) fn is_recognised(&self) -> bool {
        self.client.is_some() || self.told
    }

    /// Whether a side has begun a message, or left HTTP.
    pub(crate) fn has_begun(&self, side: FlowSide) -> bool {
        self.halves[side].begun || self.is_opaque(side)
    }

    pub(crate) fn searched(&self) -> u64 {
        self.searched
    }

    pub(crate) fn is_opaque(&self, side: FlowSide) -> bool {
        self.halves[side].state == State::Opaque
    }

    /// Whether there is nothing more to read.
    pub(crate) fn is_over(&self) -> bool {
        self.halves
            .iter()
            .all(|(_, half)| matches!(half.state, State::Opaque | State::Closed))
    }

    /// Whether both sides are over.
    pub(crate) fn is_closed(&self) -> bool {
        self.halves
            .iter()
            .all(|(_, half)| half.state == State::Closed)
    }

    pub(crate) fn memory(&self) -> usize {
        let halves: usize = self.halves.iter().map(|(_, half)| half.memory()).sum();
        size_of::<Self>() + halves + self.waiting.memory()
    }

    fn wanted(&self, side: FlowSide) -> Wanted {
        match self.client {
            None => Wanted::Either,
            Some(client) if client == side => Wanted::Requests,
            Some(_) => Wanted::Responses,
        }
    }

    /// Where the next message begins is unknown, and how many are missing.
    fn lose(&mut self, call: &Call<'_>) {
        let half = &mut self.halves[call.side];
        if half.state != State::Opaque {
            half.release();
            half.state = State::Search { at_line: false };
        }
        match self.wanted(call.side) {
            Wanted::Requests => self.waiting.requests_lost(),
            Wanted::Responses => self.waiting.responses_lost(),
            Wanted::Either => {}
        }
    }

    /// Decides by the first byte behind a request that asks to leave HTTP,
    /// where the response has not been seen: it may be missing altogether.
    fn answered_by<'a>(&mut self, bytes: &'a [u8], call: &mut Call<'_>) -> &'a [u8] {
        let half = &mut self.halves[call.side];
        if matches!(bytes.first(), Some(b'A'..=b'Z' | b'\r' | b'\n')) {
            half.state = State::Start { tentative: false };
            return bytes;
        }
        half.state = State::Opaque;
        if let Some(request) = self.waiting.latest() {
            let head = request.head.clone();
            let kind = match request.method() {
                b"CONNECT" => TunnelKind::Connect,
                _ => TunnelKind::Upgrade,
            };
            self.tell(kind, Some(head), None, call);
        }
        bytes
    }

    /// The request that asked to leave HTTP got another answer.
    fn refuse(&mut self, client: FlowSide) {
        let half = &mut self.halves[client];
        half.asks = false;
        match half.state {
            State::Await => half.state = State::Start { tentative: false },
            State::Opaque => half.state = State::Search { at_line: false },
            _ => {}
        }
    }

    /// Both sides speak something else from here on.
    fn leave(
        &mut self,
        kind: TunnelKind,
        request: Option<Fields>,
        response: Option<Fields>,
        call: &mut Call<'_>,
    ) {
        self.tunnel = true;
        for side in FlowSide::BOTH {
            let half = &mut self.halves[side];
            // A message under way comes to its end first.
            if half.message.is_none() && half.state != State::Closed {
                half.release();
                half.state = State::Opaque;
            }
        }
        self.tell(kind, request, response, call);
    }

    fn tell(
        &mut self,
        kind: TunnelKind,
        request: Option<Fields>,
        protocol: Option<Fields>,
        call: &mut Call<'_>,
    ) {
        if self.told {
            return;
        }
        self.told = true;
        call.out.message(HttpMessage::Tunnel(HttpTunnel {
            request,
            protocol,
            at: call.at,
            kind,
        }));
    }
}
