//! One side of a connection: what it has sent, and what is expected next.

use alloc::vec::Vec;
use core::mem;

use flowscope_core::Timestamp;

use super::arrival_times::ArrivalTimes;
use crate::anomaly::AnomalySet;
use crate::body::Body;
use crate::{HttpRequest, HttpResponse, Transfer};

/// One side of a connection.
#[derive(Clone, Debug)]
pub(super) struct Direction {
    pub(super) state: State,
    /// The message of which the head was read and the end was not.
    pub(super) message: Option<InProgress>,
    /// Bytes that cannot be read yet: the beginning of a head, of a line, or of
    /// what may be a body.
    pub(super) buffer: Vec<u8>,
    /// Where in the buffer the last line begins. Whole lines come before it.
    pub(super) line: usize,
    /// Whether there is a control character in the first line, which is in the
    /// buffer, and that line may be a start line all the same.
    pub(super) has_control: bool,
    /// When the bytes in the buffer came.
    pub(super) arrival_times: ArrivalTimes,
    /// Whether the side has sent a message. A side that has not may not be HTTP
    /// at all, so that no anomaly is reported of it.
    pub(super) has_begun: bool,
    /// The anomalies of the body in progress that were reported. A body may have
    /// a million chunks with the same one.
    pub(super) reported: AnomalySet,
}

/// What a side is about to send.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// The head of a message, of which the buffer may have the beginning.
    Head(FirstLine),
    /// Anything, with a start line somewhere in it. `at_line` says that the next
    /// byte, or the first one in the buffer, is at the beginning of a line.
    Resync { at_line: bool },
    /// The rest of a body.
    Body(Body),
    /// The beginning of a body, or a start line.
    Peek(Body),
    /// The fields behind a chunked body.
    Trailers,
    /// A request, or the protocol that the last request asked for, if the other
    /// side agrees to that.
    AwaitUpgrade,
    /// Another protocol.
    Opaque,
    /// Nothing.
    Closed,
}

/// How sure it is that the first line of a head is a start line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FirstLine {
    /// It is, or has to be: it comes where a message begins.
    Certain,
    /// It was found in the middle of something. It is none, unless headers
    /// follow.
    Tentative,
    /// It is a whole request by itself, if no headers follow.
    Simple,
    /// It is no request, unless headers follow or the other side answers. At the
    /// end of the head it is one if its method `is_known`.
    Ambiguous { is_known: bool },
}

/// A message in progress.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "it is moved once, and boxing it would allocate for each message"
)]
pub(super) enum InProgress {
    Request {
        request: HttpRequest,
        /// Whether it asks to leave HTTP.
        asks_upgrade: bool,
    },
    Response(HttpResponse),
}

impl InProgress {
    pub(super) fn transfer(&mut self) -> &mut Transfer {
        match self {
            Self::Request { request, .. } => &mut request.transfer,
            Self::Response(response) => &mut response.transfer,
        }
    }

    fn memory(&self) -> usize {
        let (fields, body) = match self {
            Self::Request { request, .. } => (&request.head, &request.transfer.body),
            Self::Response(response) => (&response.head, &response.transfer.body),
        };
        fields.memory() + body.capacity()
    }
}

impl State {
    /// Before a message that has to begin with the next byte.
    pub(super) const START: Self = Self::Head(FirstLine::Certain);
}

impl Direction {
    /// Removes all bytes, but keeps a little memory for the next ones.
    pub(super) fn clear_buffer(&mut self) {
        self.buffer.clear();
        if self.buffer.capacity() > KEPT {
            self.buffer = Vec::new();
        }
        self.arrival_times.clear();
        self.line = 0;
        self.has_control = false;
    }

    /// When the first byte came of what is in the buffer, or was read last.
    pub(super) fn first_byte_at(&self) -> Timestamp {
        self.arrival_times.of(0)
    }

    /// Adds bytes that came at `at`.
    pub(super) fn push(&mut self, bytes: &[u8], at: Timestamp) {
        if !bytes.is_empty() {
            self.arrival_times.push(self.buffer.len(), at);
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Removes the first `count` bytes.
    pub(super) fn discard(&mut self, count: usize) {
        self.buffer.drain(..count);
        self.arrival_times.drain(count);
        self.has_control = false;
    }

    /// Removes the whole lines in front of the last one.
    pub(super) fn discard_lines(&mut self) {
        self.discard(self.line);
        self.line = 0;
    }

    /// Removes all bytes and returns them, with the times at which they came.
    pub(super) fn take_buffer(&mut self) -> (Vec<u8>, ArrivalTimes) {
        self.has_control = false;
        (
            mem::take(&mut self.buffer),
            mem::take(&mut self.arrival_times),
        )
    }

    pub(super) fn memory(&self) -> usize {
        let message = self.message.as_ref().map_or(0, InProgress::memory);
        self.buffer.capacity() + self.arrival_times.memory() + message
    }
}

impl Default for Direction {
    fn default() -> Self {
        Self {
            state: State::START,
            message: None,
            buffer: Vec::new(),
            line: 0,
            has_control: false,
            arrival_times: ArrivalTimes::default(),
            has_begun: false,
            reported: AnomalySet::default(),
        }
    }
}

/// How much memory an empty buffer keeps.
const KEPT: usize = 2 << 10;
