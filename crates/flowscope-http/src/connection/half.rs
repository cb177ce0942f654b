//! What is known of one side.

use alloc::vec::Vec;
use core::mem;

use flowscope_core::Timestamp;

use super::arrivals::Arrivals;
use crate::anomaly::Oddities;
use crate::body::Body;
use crate::{HttpRequest, HttpResponse, Transfer};

/// One side of a connection.
#[derive(Clone, Debug)]
pub(super) struct Half {
    pub(super) state: State,
    /// The message whose body is under way.
    pub(super) message: Option<Message>,
    /// What cannot be read yet.
    pub(super) held: Vec<u8>,
    /// Where in it the last line begins; what is before are whole lines.
    pub(super) line: usize,
    /// When what is held came.
    pub(super) arrivals: Arrivals,
    /// It sent a message.
    pub(super) begun: bool,
    /// The request under way asks to leave HTTP.
    pub(super) asks: bool,
    /// What the first line that is held is.
    pub(super) first_line: FirstLine,
    /// What was told of this message's chunks.
    pub(super) told: Oddities,
}

/// What a line is that may be a request by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FirstLine {
    /// The first of a head, or there is none.
    Sure,
    /// A whole request, if no headers follow.
    Simple,
    /// No request, unless headers follow or an answer. At the end of the head
    /// it is one if its method `is_known`.
    Doubtful { is_known: bool },
}

/// What a side is about to send.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// A message. A tentative one was found in the middle of something, and
    /// may turn out to be none.
    Start { tentative: bool },
    /// Anything, with a start line somewhere in it. What comes next, or is
    /// held, may begin with the beginning of a line.
    Search { at_line: bool },
    /// The rest of a body.
    Body(Body),
    /// The beginning of a body, or a start line.
    Peek(Body),
    /// The fields behind a chunked body.
    Trailers,
    /// A request, or whatever the other side agrees to.
    Await,
    /// Another protocol.
    Opaque,
    /// Nothing.
    Closed,
}

/// A message under way.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "it is moved once, and boxing it would allocate for each message"
)]
pub(super) enum Message {
    Request(HttpRequest),
    Response(HttpResponse),
}

impl Message {
    pub(super) fn transfer(&mut self) -> &mut Transfer {
        match self {
            Self::Request(request) => &mut request.transfer,
            Self::Response(response) => &mut response.transfer,
        }
    }
}

impl Half {
    /// Throws away what is held, but keeps a little memory for the next.
    pub(super) fn release(&mut self) {
        self.held.clear();
        if self.held.capacity() > KEPT {
            self.held = Vec::new();
        }
        self.arrivals.clear();
        self.line = 0;
        self.first_line = FirstLine::Sure;
    }

    /// When the first byte came of what is held, or was read last.
    pub(super) fn began(&self) -> Timestamp {
        self.arrivals.of(0)
    }

    /// Holds some more, that came at `at`.
    pub(super) fn hold(&mut self, bytes: &[u8], at: Timestamp) {
        if !bytes.is_empty() {
            self.arrivals.push(self.held.len(), at);
            self.held.extend_from_slice(bytes);
        }
    }

    /// Holds the first `count` bytes no longer.
    pub(super) fn drop_held(&mut self, count: usize) {
        self.held.drain(..count);
        self.arrivals.drain(count);
    }

    /// Gives what is held, and when it came.
    pub(super) fn take_held(&mut self) -> (Vec<u8>, Arrivals) {
        (mem::take(&mut self.held), mem::take(&mut self.arrivals))
    }

    pub(super) fn memory(&self) -> usize {
        let message = self.message.as_ref().map_or(0, |message| {
            let (fields, body) = match message {
                Message::Request(request) => (&request.head, &request.transfer.body),
                Message::Response(response) => (&response.head, &response.transfer.body),
            };
            fields.memory() + body.capacity()
        });
        self.held.capacity() + self.arrivals.memory() + message
    }
}

impl Default for Half {
    fn default() -> Self {
        Self {
            state: State::Start { tentative: false },
            message: None,
            held: Vec::new(),
            line: 0,
            arrivals: Arrivals::default(),
            begun: false,
            asks: false,
            first_line: FirstLine::Sure,
            told: Oddities::default(),
        }
    }
}

/// Memory that is kept when nothing is held.
const KEPT: usize = 2 << 10;
