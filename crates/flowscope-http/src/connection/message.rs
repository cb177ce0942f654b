//! From the head of a message to its end.

use alloc::vec::Vec;

use flowscope_core::session::ProbeResult;
use flowscope_core::{BySide, Timestamp};

use super::direction::{Direction, InProgress, State};
use super::start::up_to_line_end;
use super::{Connection, Context, Tunnel};
use crate::anomaly::AnomalySet;
use crate::body::{Body, Piece};
use crate::framing::BodyLength;
use crate::head::Head;
use crate::pending_requests::PendingRequest;
use crate::probe;
use crate::start_line::without_line_end;
use crate::{
    Answered, Bodies, HttpAnomalyKind, HttpMessage, HttpRequest, HttpResponse, Transfer,
    TunnelKind, lenient,
};

/// What comes behind a head.
#[derive(Debug)]
pub(super) enum AfterHead {
    Body(BodyLength),
    /// A body, or the next message, if this one answers a `HEAD` that was not
    /// seen.
    PerhapsBody(BodyLength),
    Tunnel(TunnelKind, Option<PendingRequest>),
}

impl Connection {
    /// Makes a message in progress of its head.
    pub(super) fn start_message(&mut self, head: Head, context: &mut Context<'_>) -> AfterHead {
        self.searched = BySide::default();
        for kind in head.framing.anomalies.iter() {
            context.anomaly(kind);
        }
        let direction = &mut self.directions[context.side];
        (direction.has_begun, direction.reported) = (true, AnomalySet::default());
        match head.status {
            None => self.start_request(head, context),
            Some(status) => self.start_response(head, status, context),
        }
    }

    /// Makes a message in progress of a start line that is cut short. A request
    /// of which a part of the target is missing is matched with no response.
    pub(super) fn start_cut_message(&mut self, head: Head, context: &mut Context<'_>) {
        if head.status.is_some() {
            self.start_message(head, context);
            return;
        }
        self.searched = BySide::default();
        self.client.get_or_insert(context.side);
        let direction = &mut self.directions[context.side];
        direction.has_begun = true;
        let request = HttpRequest {
            side: context.side,
            transfer: Transfer::begun(direction.first_byte_at(), context.at),
            version: head.version,
            head: head.fields,
        };
        direction.message = Some(InProgress::Request {
            request,
            asks_upgrade: false,
        });
    }

    fn start_request(&mut self, head: Head, context: &mut Context<'_>) -> AfterHead {
        let framing = head.framing;
        let request = HttpRequest {
            side: context.side,
            transfer: Transfer::begun(self.directions[context.side].first_byte_at(), context.at),
            version: head.version,
            head: head.fields,
        };
        // The first message tells which side is the client. A request of the other
        // side is reported, but no response can answer it.
        if *self.client.get_or_insert(context.side) == context.side {
            let waits = PendingRequest {
                head: request.head.clone(),
                at: context.at,
                body_open: true,
                expects_continue: framing.expects_continue,
                upgrade: framing.upgrade,
                repeated: 0,
            };
            if self
                .pending
                .push(waits, request.transfer.started, context.config)
            {
                context.anomaly(HttpAnomalyKind::TooManyOutstanding);
            }
        }
        let direction = &mut self.directions[context.side];
        direction.message = Some(InProgress::Request {
            asks_upgrade: framing.upgrade || request.method() == "CONNECT",
            request,
        });
        AfterHead::Body(framing.of_request())
    }

    fn start_response(&mut self, head: Head, status: u16, context: &mut Context<'_>) -> AfterHead {
        let client = context.side.peer();
        // A line that may be a request is one if it is answered in HTTP.
        self.confirm_ambiguous(client, context);
        let began = self.directions[context.side].first_byte_at();
        // 101 is no interim response here: HTTP ends with it.
        let interim = (100..200).contains(&status) && status != 101;
        let answered = if *self.client.get_or_insert(client) == client {
            self.pending.answer(interim, began)
        } else {
            None
        };
        let framing = head.framing;
        let reason = head.fields.first();
        let tunnel = tunnel(status, framing.upgrade, reason, answered.as_ref());
        if !interim && let Some(request) = &answered {
            // A final response without a tunnel: the client stays in HTTP.
            if tunnel.is_none() {
                self.refuse_tunnel(client);
            }
            if request.body_open && request.expects_continue {
                self.expect_no_body(client);
            }
        }
        let method = answered.as_ref().map(PendingRequest::method);
        // RFC 9112, section 6.3: these have no body, whatever their fields say.
        let bodiless = matches!(status, 100..200 | 204) || tunnel.is_some();
        if bodiless && framing.promises_body() && method != Some(b"HEAD") {
            context.anomaly(HttpAnomalyKind::ForbiddenBody);
        }
        let next = if let Some(kind) = tunnel {
            AfterHead::Tunnel(kind, answered.clone())
        } else if bodiless || status == 304 || method == Some(b"HEAD") {
            AfterHead::Body(BodyLength::Known(0))
        } else if answered.is_some() {
            AfterHead::Body(framing.of_response())
        } else {
            // The request was not seen. If it was a HEAD, no body follows.
            AfterHead::PerhapsBody(framing.of_response())
        };
        let response = HttpResponse {
            side: context.side,
            transfer: Transfer::begun(began, context.at),
            version: head.version,
            status,
            request: answered
                .filter(|it| !interim || it.may_be_repeated())
                .map(|request| Answered {
                    latency: began - request.at,
                    head: request.head,
                }),
            head: head.fields,
        };
        self.directions[context.side].message = Some(InProgress::Response(response));
        next
    }

    /// A client that waits for `100 Continue` before it sends a body may send
    /// none, now that there is a final response.
    fn expect_no_body(&mut self, client: flowscope_core::FlowSide) {
        let direction = &mut self.directions[client];
        if let (State::Body(body), Some(message)) = (direction.state, &mut direction.message)
            && message.transfer().body_bytes == 0
            && body.is_untouched()
        {
            direction.state = State::Peek(body);
        }
    }

    pub(super) fn start_body(&mut self, next: AfterHead, context: &mut Context<'_>) {
        match next {
            AfterHead::Body(BodyLength::Unknown) | AfterHead::PerhapsBody(BodyLength::Unknown) => {
                // Recipients do not agree on where this message ends. To guess
                // might read a part of its body as a message.
                self.finish_incomplete(context);
                self.resync(context);
            }
            AfterHead::Body(length) => match Body::new(length) {
                Some(body) => self.directions[context.side].state = State::Body(body),
                None => self.complete(context),
            },
            AfterHead::PerhapsBody(length) => match Body::new(length) {
                Some(body) => self.directions[context.side].state = State::Peek(body),
                None => self.complete(context),
            },
            AfterHead::Tunnel(kind, request) => {
                let response = match &self.directions[context.side].message {
                    Some(InProgress::Response(response)) => Some(response.head.clone()),
                    _ => None,
                };
                self.complete(context);
                self.enter_tunnel(kind, request.map(|request| request.head), response, context);
            }
        }
    }

    pub(super) fn body<'a>(
        &mut self,
        bytes: &'a [u8],
        mut body: Body,
        context: &mut Context<'_>,
    ) -> &'a [u8] {
        let (piece, rest) = body.read(bytes, context.config.max_head);
        let direction = &mut self.directions[context.side];
        direction.state = State::Body(body);
        match piece {
            Piece::Content(content) => direction.read_content(content, context),
            Piece::Framing => {}
            Piece::Irregular(kind) => {
                if !direction.reported.has(kind) {
                    direction.reported.add(kind);
                    context.anomaly(kind);
                }
            }
            Piece::Bad(kind) => {
                // The end of the body is not known without its framing.
                context.anomaly(kind);
                self.finish_incomplete(context);
                self.resync(context);
                return rest;
            }
        }
        if body.is_over() {
            self.complete(context);
        } else if body.is_at_trailers() {
            self.directions[context.side].state = State::Trailers;
        }
        rest
    }

    pub(super) fn gap_in_body(&mut self, missing: u64, mut body: Body, context: &mut Context<'_>) {
        let direction = &mut self.directions[context.side];
        // Bytes that are missing beyond the known part may be chunk framing or
        // another message, so they are not counted as body.
        let known = body.known().unwrap_or(0);
        if let Some(message) = &mut direction.message {
            message.transfer().miss(missing.min(known));
        }
        body.skip(missing.min(known));
        direction.state = State::Body(body);
        if body.is_over() {
            self.complete(context);
        } else if missing > known {
            self.finish_incomplete(context);
        }
        if missing > known {
            self.resync(context);
        }
    }

    pub(super) fn trailers<'a>(&mut self, bytes: &'a [u8], context: &mut Context<'_>) -> &'a [u8] {
        let direction = &mut self.directions[context.side];
        let (piece, rest) = up_to_line_end(bytes);
        if direction.buffer.len() + piece.len() > context.config.max_head as usize {
            context.anomaly(HttpAnomalyKind::HeadTooLong);
            self.finish_incomplete(context);
            self.resync(context);
            return bytes;
        }
        // Most often there are none.
        if direction.buffer.is_empty() && matches!(piece, b"\r\n" | b"\n") {
            self.complete(context);
            return rest;
        }
        direction.buffer.extend_from_slice(piece);
        if !piece.ends_with(b"\n") {
            return rest;
        }
        let line = direction.buffer.get(direction.line..).unwrap_or_default();
        if !without_line_end(line).is_empty() {
            direction.line = direction.buffer.len();
            return rest;
        }
        if direction.line > 0 {
            let mut anomalies = AnomalySet::default();
            let max_headers = context.config.max_headers as usize;
            let trailers = lenient::trailers(&direction.buffer, max_headers, &mut anomalies);
            if let Some(message) = &mut direction.message {
                message.transfer().trailers = Some(trailers);
            }
            for kind in anomalies.iter() {
                context.anomaly(kind);
            }
        }
        direction.clear_buffer();
        self.complete(context);
        rest
    }

    /// Finds out whether a body follows or the next message.
    pub(super) fn peek<'a>(
        &mut self,
        bytes: &'a [u8],
        body: Body,
        context: &mut Context<'_>,
    ) -> &'a [u8] {
        let direction = &mut self.directions[context.side];
        let expected = PEEKED.saturating_sub(direction.buffer.len());
        let (more, rest) = bytes.split_at_checked(expected).unwrap_or((bytes, &[]));
        direction.push(more, context.at);
        let is_request = matches!(direction.message, Some(InProgress::Request { .. }));
        let probed = match is_request {
            true => probe::known_request(&direction.buffer),
            false => probe::response(&direction.buffer),
        };
        match probed {
            ProbeResult::Possible if direction.buffer.len() < PEEKED => return rest,
            ProbeResult::Possible | ProbeResult::NoMatch => {
                self.resume_body(body, context);
                return rest;
            }
            ProbeResult::Match => {}
        }
        // If all that is in the buffer came with this chunk, the chunk is read
        // again from its front, and nothing needs to be replayed.
        let (buffered, arrival_times) = direction.take_buffer();
        match is_request {
            true => self.finish_incomplete(context),
            false => self.complete_without_body(context),
        }
        self.directions[context.side].state = State::START;
        if buffered.len() == more.len() {
            return bytes;
        }
        self.replay(&buffered, &arrival_times, context);
        rest
    }

    /// What is in the buffer is the beginning of the body.
    pub(super) fn resume_body(&mut self, body: Body, context: &mut Context<'_>) {
        let direction = &mut self.directions[context.side];
        direction.state = State::Body(body);
        let (buffered, arrival_times) = direction.take_buffer();
        self.replay(&buffered, &arrival_times, context);
    }

    /// The message in progress has no body after all. It was over with its head,
    /// so that is the time of its end.
    pub(super) fn complete_without_body(&mut self, context: &mut Context<'_>) {
        let now = context.at;
        if let Some(message) = &mut self.directions[context.side].message {
            context.at = message.transfer().ended;
        }
        self.complete(context);
        context.at = now;
    }

    /// The message in progress is over.
    pub(super) fn complete(&mut self, context: &mut Context<'_>) {
        let finished = self.finish(Completeness::Complete, context);
        self.directions[context.side].state = match (self.tunnel, finished) {
            (Tunnel::Agreed, _) => State::Opaque,
            (_, Finished::AsksUpgrade) => State::AwaitUpgrade,
            (_, Finished::Other) => State::START,
        };
    }

    /// The message in progress, if there is one, ended too early.
    pub(super) fn finish_incomplete(&mut self, context: &mut Context<'_>) {
        self.finish(Completeness::Incomplete, context);
    }

    /// Reports the message in progress, if there is one.
    fn finish(&mut self, completeness: Completeness, context: &mut Context<'_>) -> Finished {
        let Some(mut message) = self.directions[context.side].message.take() else {
            return Finished::Other;
        };
        let transfer = message.transfer();
        transfer.ended = context.at;
        transfer.incomplete = completeness == Completeness::Incomplete;
        match message {
            InProgress::Request {
                request,
                asks_upgrade,
            } => {
                if self.client == Some(context.side) {
                    self.pending.end_latest(context.at);
                }
                context.out.message(HttpMessage::Request(request));
                match asks_upgrade {
                    true => Finished::AsksUpgrade,
                    false => Finished::Other,
                }
            }
            InProgress::Response(response) => {
                context.out.message(HttpMessage::Response(response));
                Finished::Other
            }
        }
    }
}

/// Whether the end of a message was seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Completeness {
    Complete,
    Incomplete,
}

/// What message was reported.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Finished {
    /// A request that asks to leave HTTP.
    AsksUpgrade,
    /// Any other, or none.
    Other,
}

impl Direction {
    /// Reads bytes of the body.
    fn read_content(&mut self, bytes: &[u8], context: &mut Context<'_>) {
        let Some(message) = &mut self.message else {
            return;
        };
        match message {
            InProgress::Request { request, .. } => context.out.request_body(request, bytes),
            InProgress::Response(response) => context.out.response_body(response, bytes),
        }
        let transfer = message.transfer();
        if let Bodies::Collected { limit } = context.config.bodies
            // Behind a gap nothing is added: the bytes would look consecutive.
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
    request: Option<&PendingRequest>,
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

/// How many bytes of what may be a body are peeked at.
const PEEKED: usize = 40;
