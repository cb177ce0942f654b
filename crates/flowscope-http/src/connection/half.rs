//! What is known of one side.

use alloc::vec::Vec;

use flowscope_core::Timestamp;

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
    /// The time of the first byte of what is held.
    pub(super) began: Timestamp,
    /// It sent a message.
    pub(super) begun: bool,
    /// The request under way asks to leave HTTP.
    pub(super) asks: bool,
    /// The line that is held is a whole request, if no headers follow.
    pub(super) simple: bool,
    /// What was told of this message's chunks.
    pub(super) told: Oddities,
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
        self.line = 0;
        self.simple = false;
    }

    pub(super) fn memory(&self) -> usize {
        let message = self.message.as_ref().map_or(0, |message| {
            let (fields, body) = match message {
                Message::Request(request) => (&request.head, &request.transfer.body),
                Message::Response(response) => (&response.head, &response.transfer.body),
            };
            fields.memory() + body.capacity()
        });
        self.held.capacity() + message
    }
}

impl Default for Half {
    fn default() -> Self {
        Self {
            state: State::Start { tentative: false },
            message: None,
            held: Vec::new(),
            line: 0,
            began: Timestamp::EPOCH,
            begun: false,
            asks: false,
            simple: false,
            told: Oddities::default(),
        }
    }
}

/// Memory that is kept when nothing is held.
const KEPT: usize = 2 << 10;
