//! From the head of a message to its end.

use alloc::vec::Vec;
use core::mem;

use flowscope_core::Timestamp;

use super::half::{Half, Message, State};
use super::start::up_to_line_end;
use super::{Call, Connection};
use crate::anomaly::Oddities;
use crate::body::{Body, Piece};
use crate::framing::Ending;
use crate::head::Head;
use crate::recognise::{self, Likeness};
use crate::start_line::without_line_end;
use crate::waiting::Request;
use crate::{
    Answered, Bodies, HttpAnomalyKind, HttpMessage, HttpRequest, HttpResponse, Transfer,
    TunnelKind, lenient,
};

/// What comes behind a head.
#[derive(Debug)]
pub(super) enum Next {
    Body(Ending),
    /// A body, or the next message, if this one answers a `HEAD` that was not
    /// seen.
    PerhapsBody(Ending),
    Tunnel(TunnelKind, Option<Request>),
}

impl Connection {
    /// Makes a head the message under way.
    pub(super) fn prepare(&mut self, head: Head, call: &mut Call<'_>) -> Next {
        self.searched = 0;
        for kind in head.framing.oddities.iter() {
            call.anomaly(kind);
        }
        let half = &mut self.halves[call.side];
        (half.begun, half.told) = (true, Oddities::default());
        match head.status {
            None => self.prepare_request(head, call),
            Some(status) => self.prepare_response(head, status, call),
        }
    }

    /// Makes what there is of a start line the message under way. Of a request
    /// with half a target, no response says that it answers it.
    pub(super) fn prepare_cut(&mut self, head: Head, call: &mut Call<'_>) {
        if head.status.is_some() {
            self.prepare(head, call);
            return;
        }
        self.searched = 0;
        self.client.get_or_insert(call.side);
        let half = &mut self.halves[call.side];
        half.begun = true;
        half.message = Some(Message::Request(HttpRequest {
            side: call.side,
            transfer: Transfer::begun(half.began(), call.at),
            version: head.version,
            head: head.fields,
        }));
    }

    fn prepare_request(&mut self, head: Head, call: &mut Call<'_>) -> Next {
        let framing = head.framing;
        let request = HttpRequest {
            side: call.side,
            transfer: Transfer::begun(self.halves[call.side].began(), call.at),
            version: head.version,
            head: head.fields,
        };
        if *self.client.get_or_insert(call.side) == call.side {
            let waits = Request {
                head: request.head.clone(),
                at: call.at,
                open: true,
                expects: framing.expects,
                upgrade: framing.upgrade,
            };
            if self
                .waiting
                .push(waits, request.transfer.started, call.config)
            {
                call.anomaly(HttpAnomalyKind::TooManyOutstanding);
            }
        }
        let half = &mut self.halves[call.side];
        half.asks = framing.upgrade || request.method() == "CONNECT";
        half.message = Some(Message::Request(request));
        Next::Body(framing.of_request())
    }

    fn prepare_response(&mut self, head: Head, status: u16, call: &mut Call<'_>) -> Next {
        let client = call.side.peer();
        self.settle_doubtful(client, call);
        let began = self.halves[call.side].began();
        let interim = (100..200).contains(&status) && status != 101;
        let answered = if *self.client.get_or_insert(client) == client {
            self.waiting.answer(interim, began)
        } else {
            None
        };
        let framing = head.framing;
        let reason = head.fields.first();
        let tunnel = tunnel(status, framing.upgrade, reason, answered.as_ref());
        if !interim && let Some(request) = &answered {
            if tunnel.is_none() {
                self.refuse(client);
            }
            if request.open && request.expects {
                self.unexpect(client);
            }
        }
        let method = answered.as_ref().map(Request::method);
        let bodiless = matches!(status, 100..200 | 204) || tunnel.is_some();
        if bodiless && framing.promises_body() && method != Some(b"HEAD") {
            call.anomaly(HttpAnomalyKind::ForbiddenBody);
        }
        let next = if let Some(kind) = tunnel {
            Next::Tunnel(kind, answered.clone())
        } else if bodiless || status == 304 || method == Some(b"HEAD") {
            Next::Body(Ending::Length(0))
        } else if answered.is_some() {
            Next::Body(framing.of_response())
        } else {
            Next::PerhapsBody(framing.of_response())
        };
        let response = HttpResponse {
            side: call.side,
            transfer: Transfer::begun(began, call.at),
            version: head.version,
            status,
            request: answered.map(|request| Answered {
                latency: began - request.at,
                head: request.head,
            }),
            head: head.fields,
        };
        self.halves[call.side].message = Some(Message::Response(response));
        next
    }

    /// A client that waits for a word before it sends a body may send none,
    /// now that there is an answer.
    fn unexpect(&mut self, client: flowscope_core::FlowSide) {
        let half = &mut self.halves[client];
        if let (State::Body(body), Some(message)) = (half.state, &mut half.message)
            && message.transfer().body_bytes == 0
            && body.is_untouched()
        {
            half.state = State::Peek(body);
        }
    }

    pub(super) fn proceed(&mut self, next: Next, call: &mut Call<'_>) {
        match next {
            Next::Body(Ending::Unknown) | Next::PerhapsBody(Ending::Unknown) => {
                self.cut(call);
                self.lose(call);
            }
            Next::Body(ending) => match Body::new(ending) {
                Some(body) => self.halves[call.side].state = State::Body(body),
                None => self.complete(call),
            },
            Next::PerhapsBody(ending) => match Body::new(ending) {
                Some(body) => self.halves[call.side].state = State::Peek(body),
                None => self.complete(call),
            },
            Next::Tunnel(kind, request) => {
                let response = match &self.halves[call.side].message {
                    Some(Message::Response(response)) => Some(response.head.clone()),
                    _ => None,
                };
                self.complete(call);
                self.leave(kind, request.map(|request| request.head), response, call);
            }
        }
    }

    pub(super) fn body<'a>(
        &mut self,
        bytes: &'a [u8],
        mut body: Body,
        call: &mut Call<'_>,
    ) -> &'a [u8] {
        let (piece, rest) = body.take(bytes, call.config.max_head);
        let half = &mut self.halves[call.side];
        half.state = State::Body(body);
        match piece {
            Piece::Content(content) => half.content(content, call),
            Piece::Framing => {}
            Piece::Odd(kind) => {
                if !half.told.has(kind) {
                    half.told.add(kind);
                    call.anomaly(kind);
                }
            }
            Piece::Bad(kind) => {
                call.anomaly(kind);
                self.cut(call);
                self.lose(call);
                return rest;
            }
        }
        if body.is_over() {
            self.complete(call);
        } else if body.is_at_trailers() {
            self.halves[call.side].state = State::Trailers;
        }
        rest
    }

    pub(super) fn gap_in_body(&mut self, missing: u64, mut body: Body, call: &mut Call<'_>) {
        let half = &mut self.halves[call.side];
        let known = body.known().unwrap_or(0);
        if let Some(message) = &mut half.message {
            message.transfer().miss(missing.min(known));
        }
        body.skip(missing.min(known));
        half.state = State::Body(body);
        if body.is_over() {
            self.complete(call);
        } else if missing > known {
            self.cut(call);
        }
        if missing > known {
            self.lose(call);
        }
    }

    pub(super) fn trailers<'a>(&mut self, bytes: &'a [u8], call: &mut Call<'_>) -> &'a [u8] {
        let half = &mut self.halves[call.side];
        let (piece, rest) = up_to_line_end(bytes);
        if half.held.len() + piece.len() > call.config.max_head as usize {
            call.anomaly(HttpAnomalyKind::HeadTooLong);
            self.cut(call);
            self.lose(call);
            return bytes;
        }
        // Most often there are none.
        if half.held.is_empty() && matches!(piece, b"\r\n" | b"\n") {
            self.complete(call);
            return rest;
        }
        half.held.extend_from_slice(piece);
        if !piece.ends_with(b"\n") {
            return rest;
        }
        let line = half.held.get(half.line..).unwrap_or_default();
        if !without_line_end(line).is_empty() {
            half.line = half.held.len();
            return rest;
        }
        if half.line > 0 {
            let mut oddities = Oddities::default();
            let max_headers = call.config.max_headers as usize;
            let trailers = lenient::trailers(&half.held, max_headers, &mut oddities);
            if let Some(message) = &mut half.message {
                message.transfer().trailers = Some(trailers);
            }
            for kind in oddities.iter() {
                call.anomaly(kind);
            }
        }
        half.release();
        self.complete(call);
        rest
    }

    /// Finds out whether a body follows or the next message.
    pub(super) fn peek<'a>(
        &mut self,
        bytes: &'a [u8],
        body: Body,
        call: &mut Call<'_>,
    ) -> &'a [u8] {
        let half = &mut self.halves[call.side];
        let wanted = PEEKED.saturating_sub(half.held.len());
        let (more, rest) = bytes.split_at_checked(wanted).unwrap_or((bytes, &[]));
        half.hold(more, call.at);
        let is_request = matches!(half.message, Some(Message::Request(_)));
        let likeness = match is_request {
            true => recognise::known_request(&half.held),
            false => recognise::response(&half.held),
        };
        match likeness {
            Likeness::Unsure if half.held.len() < PEEKED => return rest,
            Likeness::Unsure | Likeness::No => {
                self.not_peeked(body, call);
                return rest;
            }
            Likeness::Certain => {}
        }
        // What is held is part of this chunk, unless others came before.
        let (held, arrivals) = half.take_held();
        match is_request {
            true => self.cut(call),
            false => self.complete_bodiless(call),
        }
        self.halves[call.side].state = State::Start { tentative: false };
        if held.len() == more.len() {
            return bytes;
        }
        self.replay(&held, &arrivals, call);
        rest
    }

    /// What was held is the beginning of the body.
    pub(super) fn not_peeked(&mut self, body: Body, call: &mut Call<'_>) {
        let half = &mut self.halves[call.side];
        half.state = State::Body(body);
        let (held, arrivals) = half.take_held();
        self.replay(&held, &arrivals, call);
    }

    /// The message under way has no body after all, and was over with its head.
    pub(super) fn complete_bodiless(&mut self, call: &mut Call<'_>) {
        let now = call.at;
        if let Some(message) = &mut self.halves[call.side].message {
            call.at = message.transfer().ended;
        }
        self.complete(call);
        call.at = now;
    }

    /// The message under way is over.
    pub(super) fn complete(&mut self, call: &mut Call<'_>) {
        self.finish(false, call);
        let half = &mut self.halves[call.side];
        half.state = if self.tunnel {
            State::Opaque
        } else if mem::take(&mut half.asks) {
            State::Await
        } else {
            State::Start { tentative: false }
        };
    }

    /// The message under way, if any, is over too early.
    pub(super) fn cut(&mut self, call: &mut Call<'_>) {
        self.finish(true, call);
    }

    fn finish(&mut self, incomplete: bool, call: &mut Call<'_>) {
        let Some(mut message) = self.halves[call.side].message.take() else {
            return;
        };
        let transfer = message.transfer();
        transfer.ended = call.at;
        transfer.incomplete = incomplete;
        match message {
            Message::Request(request) => {
                if self.client == Some(call.side) {
                    self.waiting.ended(call.at);
                }
                call.out.message(HttpMessage::Request(request));
            }
            Message::Response(response) => call.out.message(HttpMessage::Response(response)),
        }
    }
}

impl Half {
    /// Takes bytes of a body.
    fn content(&mut self, bytes: &[u8], call: &mut Call<'_>) {
        let Some(message) = &mut self.message else {
            return;
        };
        match message {
            Message::Request(request) => call.out.request_body(request, bytes),
            Message::Response(response) => call.out.response_body(response, bytes),
        }
        let transfer = message.transfer();
        if let Bodies::Collected { limit } = call.config.bodies
            && transfer.missing_bytes == 0
        {
            let room = limit.saturating_sub(transfer.body.len());
            let kept = bytes.get(..room).unwrap_or(bytes);
            transfer.body.extend_from_slice(kept);
        }
        transfer.body_bytes = transfer.body_bytes.saturating_add(bytes.len() as u64);
    }
}

impl Transfer {
    fn begun(started: Timestamp, so_far: Timestamp) -> Self {
        Self {
            started,
            ended: so_far,
            body_bytes: 0,
            missing_bytes: 0,
            incomplete: false,
            body: Vec::new(),
            trailers: None,
        }
    }

    fn miss(&mut self, missing: u64) {
        self.missing_bytes = self.missing_bytes.saturating_add(missing);
        self.body_bytes = self.body_bytes.saturating_add(missing);
    }
}

/// Whether a response makes its connection a tunnel.
fn tunnel(
    status: u16,
    upgrade: bool,
    reason: crate::Text<'_>,
    request: Option<&Request>,
) -> Option<TunnelKind> {
    match (status, request) {
        (101, request) => (upgrade || request.is_some_and(|request| request.upgrade))
            .then_some(TunnelKind::Upgrade),
        (200..300, Some(request)) => {
            (request.method() == b"CONNECT").then_some(TunnelKind::Connect)
        }
        // As proxies say it, where the request was not seen.
        (200, None) => {
            (reason.eq_ignore_case("connection established")).then_some(TunnelKind::Connect)
        }
        _ => None,
    }
}

/// So many bytes of what may be a body are looked at.
const PEEKED: usize = 40;
