//! Both sides of a connection, and what ties them together.
//!
//! Each side is a state machine of its own, in [`direction`]. A side learns from
//! the other which request a response answers, and with that whether it has a
//! body, and when the connection becomes a tunnel.
//!
//! [`start`] finds messages and reads their heads, [`message`] reads them from
//! there to their ends.

mod arrival_times;
mod direction;
mod message;
mod start;

use flowscope_core::session::Close;
use flowscope_core::{BySide, FlowSide, Timestamp};

use arrival_times::ArrivalTimes;
use direction::{Direction, InProgress, State};

use crate::body::Body;
use crate::fields::Fields;
use crate::pending_requests::PendingRequests;
use crate::start_line::ExpectedMessage;
use crate::{
    HttpAnomaly, HttpAnomalyKind, HttpConfig, HttpMessage, HttpRequest, HttpResponse, HttpTunnel,
    TunnelKind,
};

/// Where what was read goes.
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

/// What every step needs: who sent the bytes, when they came, the limits, and
/// where messages go.
pub(crate) struct Context<'a> {
    pub(crate) side: FlowSide,
    pub(crate) at: Timestamp,
    pub(crate) config: &'a HttpConfig,
    pub(crate) out: &'a mut dyn Output,
}

impl Context<'_> {
    fn anomaly(&mut self, kind: HttpAnomalyKind) {
        let (side, at) = (self.side, self.at);
        self.out
            .message(HttpMessage::Anomaly(HttpAnomaly { side, at, kind }));
    }
}

/// A connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    directions: BySide<Direction>,
    pending: PendingRequests,
    /// Who sends the requests, once that is known.
    client: Option<FlowSide>,
    /// How many bytes of each side were searched since the last start line.
    searched: BySide<u64>,
    /// Behind how many bytes a side may speak another protocol: see
    /// [`HttpParser::note_other`](crate::HttpParser::note_other).
    other: BySide<Option<u32>>,
    tunnel: Tunnel,
}

/// Whether the connection has become a tunnel.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Tunnel {
    #[default]
    None,
    /// It was reported, as one side went on with another protocol. The response
    /// that says so was not seen.
    Reported,
    /// Both sides agreed to it, and it was reported.
    Agreed,
}

impl Connection {
    /// The sides have each sent so many bytes in which no message begins.
    pub(crate) fn have_searched(&mut self, searched: BySide<u32>) {
        for side in FlowSide::BOTH {
            if searched[side] > 0 {
                self.directions[side].state = State::Resync { at_line: false };
                self.searched[side] += u64::from(searched[side]);
            }
        }
    }

    /// Reads bytes, and returns those at the end that belong to a tunnel.
    pub(crate) fn data<'a>(&mut self, mut bytes: &'a [u8], context: &mut Context<'_>) -> &'a [u8] {
        // The other side sends now, so no headers follow its request of one line.
        self.confirm_simple(context.side.peer(), context);
        while !bytes.is_empty() && !self.is_past_limit(context) {
            bytes = match self.directions[context.side].state {
                State::Head(first_line) => self.start(bytes, first_line, context),
                State::Resync { at_line } => self.search(bytes, at_line, context),
                State::Body(body) => self.body(bytes, body, context),
                State::Peek(body) => self.peek(bytes, body, context),
                State::Trailers => self.trailers(bytes, context),
                State::AwaitUpgrade => self.after_upgrade_request(bytes, context),
                State::Opaque => return bytes,
                State::Closed => return &[],
            }
        }
        bytes
    }

    /// Reads bytes that came earlier, with the times at which they came.
    fn replay(&mut self, bytes: &[u8], arrival_times: &ArrivalTimes, context: &mut Context<'_>) {
        let now = context.at;
        let mut rest = bytes;
        for (count, at) in arrival_times.pieces(bytes.len()) {
            let (piece, behind) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            context.at = at;
            self.data(piece, context);
            rest = behind;
        }
        context.at = now;
    }

    /// Goes on behind missing bytes.
    pub(crate) fn gap(&mut self, missing: u64, context: &mut Context<'_>) {
        match self.directions[context.side].state {
            State::Body(body) => self.gap_in_body(missing, body, context),
            State::Peek(body) => {
                self.resume_body(body, context);
                self.gap(missing, context);
            }
            State::Head(_) => {
                self.finish_cut_head(context);
                self.resync(context);
            }
            State::Resync { .. } => {
                self.finish_cut_line(context);
                self.resync(context);
            }
            State::Trailers => {
                self.finish_incomplete(context);
                self.resync(context);
            }
            // What is missing is none of HTTP.
            State::AwaitUpgrade | State::Opaque | State::Closed => {}
        }
    }

    /// One side is over.
    pub(crate) fn close(&mut self, how: Close, context: &mut Context<'_>) {
        if let State::Peek(body) = self.directions[context.side].state {
            if self.is_bodiless(context.side) && how == Close::Fin {
                self.complete_without_body(context);
            } else {
                self.resume_body(body, context);
            }
        }
        self.confirm_simple(context.side, context);
        match (self.directions[context.side].state, how) {
            (State::Head(_), _) => self.finish_cut_head(context),
            // Such a body ends with the connection (RFC 9112, section 6.3). After
            // a reset, or at the end of the capture, its end was not seen.
            (State::Body(Body::Close), Close::Fin) => self.complete(context),
            (State::Body(_) | State::Trailers, _) => self.finish_incomplete(context),
            _ => {}
        }
        let direction = &mut self.directions[context.side];
        direction.clear_buffer();
        direction.state = State::Closed;
    }

    /// Whether nothing came behind the head of a response whose request was not
    /// seen. That request was a `HEAD`, most likely.
    fn is_bodiless(&self, side: FlowSide) -> bool {
        let direction = &self.directions[side];
        direction.buffer.is_empty() && matches!(direction.message, Some(InProgress::Response(_)))
    }

    /// Reports what is in progress, as nothing more will be read.
    pub(crate) fn give_up(&mut self, context: &mut Context<'_>) {
        for side in FlowSide::BOTH {
            context.side = side;
            self.close(Close::Lost, context);
        }
    }

    /// Whether a message, or a tunnel, was seen.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.client.is_some() || self.tunnel != Tunnel::None
    }

    /// Whether a side has begun a message, or left HTTP.
    pub(crate) fn has_begun(&self, side: FlowSide) -> bool {
        self.directions[side].has_begun || self.is_opaque(side)
    }

    /// Behind so many bytes, `side` may speak another protocol.
    pub(crate) fn note_other(&mut self, side: FlowSide, behind: u32) {
        self.other[side] = Some(behind);
    }

    /// How many bytes count as searched.
    pub(crate) fn searched(&self) -> u64 {
        let [first, second] = FlowSide::BOTH.map(|side| self.searched_of(side));
        first.saturating_add(second)
    }

    fn searched_of(&self, side: FlowSide) -> u64 {
        let searched = self.searched[side];
        match self.other[side].map(u64::from) {
            _ if self.is_confirmed() => searched,
            // However much was read of the other protocol before it was known.
            Some(before) if self.directions[side].state == State::Closed => before,
            Some(before) => searched.min(before),
            None => searched,
        }
    }

    /// Whether so much was searched without a find that nothing more is read.
    pub(crate) fn is_lost(&self, config: &HttpConfig) -> bool {
        self.searched() > self.most(config)
    }

    /// Whether so much was searched that no message is looked for in what this side
    /// sends. While that may be another protocol, more may be read of the peer.
    fn is_past_limit(&self, context: &Context<'_>) -> bool {
        let peer = self.searched_of(context.side.peer());
        let searched = self.searched[context.side].saturating_add(peer);
        searched > self.most(context.config)
    }

    fn most(&self, config: &HttpConfig) -> u64 {
        match self.is_confirmed() {
            true => config.max_resync,
            false => config.max_prelude.into(),
        }
    }

    pub(crate) fn is_opaque(&self, side: FlowSide) -> bool {
        self.directions[side].state == State::Opaque
    }

    /// Whether there is nothing more to read.
    pub(crate) fn is_over(&self) -> bool {
        self.directions
            .iter()
            .all(|(_, direction)| matches!(direction.state, State::Opaque | State::Closed))
    }

    /// Whether both sides are over.
    pub(crate) fn is_closed(&self) -> bool {
        self.directions
            .iter()
            .all(|(_, direction)| direction.state == State::Closed)
    }

    pub(crate) fn memory(&self) -> usize {
        let buffers: usize = self
            .directions
            .iter()
            .map(|(_, direction)| direction.memory())
            .sum();
        size_of::<Self>() + buffers + self.pending.memory()
    }

    fn expected(&self, side: FlowSide) -> ExpectedMessage {
        match self.client {
            None => ExpectedMessage::Either,
            Some(client) if client == side => ExpectedMessage::Requests,
            Some(_) => ExpectedMessage::Responses,
        }
    }

    /// Searches for the next message: where it begins is unknown, and how many are
    /// missing before it.
    fn resync(&mut self, context: &Context<'_>) {
        let direction = &mut self.directions[context.side];
        if direction.state != State::Opaque {
            direction.clear_buffer();
            direction.state = State::Resync { at_line: false };
        }
        match self.expected(context.side) {
            ExpectedMessage::Requests => self.pending.requests_lost(),
            ExpectedMessage::Responses => self.pending.responses_lost(),
            ExpectedMessage::Either => {}
        }
    }

    /// Reads what follows a request that asks to leave HTTP when no response was
    /// seen, which may be missing altogether. The first byte decides: a method
    /// begins with a capital letter.
    fn after_upgrade_request<'a>(
        &mut self,
        bytes: &'a [u8],
        context: &mut Context<'_>,
    ) -> &'a [u8] {
        let direction = &mut self.directions[context.side];
        if matches!(bytes.first(), Some(b'A'..=b'Z' | b'\r' | b'\n')) {
            direction.state = State::START;
            return bytes;
        }
        direction.state = State::Opaque;
        if let Some(request) = self.pending.latest() {
            let head = request.head.clone();
            let kind = match request.method() {
                b"CONNECT" => TunnelKind::Connect,
                _ => TunnelKind::Upgrade,
            };
            self.report_tunnel(kind, Some(head), None, context);
        }
        bytes
    }

    /// The request that asked to leave HTTP was answered by staying in it.
    fn refuse_tunnel(&mut self, client: FlowSide) {
        let direction = &mut self.directions[client];
        if let Some(InProgress::Request { asks_upgrade, .. }) = &mut direction.message {
            *asks_upgrade = false;
        }
        match direction.state {
            State::AwaitUpgrade => direction.state = State::START,
            State::Opaque => direction.state = State::Resync { at_line: false },
            _ => {}
        }
    }

    /// Both sides speak another protocol from here on.
    fn enter_tunnel(
        &mut self,
        kind: TunnelKind,
        request: Option<Fields>,
        response: Option<Fields>,
        context: &mut Context<'_>,
    ) {
        for side in FlowSide::BOTH {
            let direction = &mut self.directions[side];
            // A message in progress is read to its end first.
            if direction.message.is_none() && direction.state != State::Closed {
                direction.clear_buffer();
                direction.state = State::Opaque;
            }
        }
        self.report_tunnel(kind, request, response, context);
        self.tunnel = Tunnel::Agreed;
    }

    fn report_tunnel(
        &mut self,
        kind: TunnelKind,
        request: Option<Fields>,
        protocol: Option<Fields>,
        context: &mut Context<'_>,
    ) {
        if self.tunnel != Tunnel::None {
            return;
        }
        self.tunnel = Tunnel::Reported;
        context.out.message(HttpMessage::Tunnel(HttpTunnel {
            request,
            protocol,
            at: context.at,
            kind,
        }));
    }
}
