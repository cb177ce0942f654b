//! The side that did not tell what a connection is.
//!
//! It need not speak the same: a server of HTTP answers a ClientHello in HTTP,
//! and a server of TLS answers anything else with an alert. So its first bytes
//! are probed too, and it gets a parser of its own where it needs one.

use alloc::boxed::Box;

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Input, Interest, StreamEnd};
use flowscope_core::{BySide, FlowSide, Sink};

use super::Detector;
use super::state::{Parsing, State};
use crate::candidates::Candidates;
use crate::probe::{Reply, probe_reply};
use crate::protocol_parser::ProtocolParser;
use crate::replay::ReplayBuffer;
use crate::{DetectError, Message, Protocol};

/// A side whose first bytes do not tell yet what it speaks, while what its peer
/// speaks is known.
#[derive(Clone, Debug)]
pub(super) struct PendingReply {
    pub(super) side: FlowSide,
    /// What its peer speaks.
    protocol: Protocol,
    /// What it has sent, once that was too little to tell.
    buffer: Option<Box<ReplayBuffer>>,
}

impl PendingReply {
    /// Bytes of memory that it takes, besides itself.
    pub(super) fn memory(&self) -> usize {
        self.buffer.as_ref().map_or(0, |buffer| buffer.memory())
    }

    pub(super) fn new(side: FlowSide, protocol: Protocol) -> Self {
        Self {
            side,
            protocol,
            buffer: None,
        }
    }

    /// Probes what the side sends. Returns what it speaks, once that is known or
    /// no more than `max_probe` bytes may be waited for, and those bytes of the
    /// chunk that were not buffered.
    fn push<'a>(
        &mut self,
        input: Input<'a>,
        max_probe: usize,
    ) -> (Option<Reply>, Option<Chunk<'a>>) {
        // The usual case: the first chunk tells, and nothing is buffered.
        if self.buffer.is_none()
            && let Chunk::Data(bytes) = input.chunk
            && let first = bytes.get(..max_probe).unwrap_or(bytes)
            && let Some(reply) = probe_reply(first, self.side, self.protocol)
        {
            return (Some(reply), Some(input.chunk));
        }
        let buffer = self.buffer.get_or_insert_default();
        let rest = buffer.push(input, max_probe);
        let is_full = buffer.is_full() || !rest.is_empty();
        let probed = probe_reply(buffer.first_bytes(self.side), self.side, self.protocol);
        let reply = probed.or(is_full.then_some(Reply::Same));
        (reply, (!rest.is_empty()).then_some(Chunk::Data(rest)))
    }
}

impl Detector {
    /// The reply of `side` to what is of `protocol`, if it may be in another one
    /// that is selected.
    pub(super) fn expect_reply(&self, side: FlowSide, protocol: Protocol) -> Option<PendingReply> {
        [Protocol::Http, Protocol::Tls]
            .into_iter()
            .any(|other| other != protocol && self.selects(other))
            .then(|| PendingReply::new(side, protocol))
    }

    /// Reads what the second side sends until it is known what it speaks.
    #[cold]
    pub(super) fn read_reply(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        let max_probe = self.max_probe();
        let Some(pending) = self.state.pending_reply() else {
            return self.feed_parser(input, out);
        };
        let (Some(reply), rest) = pending.push(input, max_probe) else {
            return Ok(Interest::More);
        };
        if let Some(buffer) = self.settle_reply(reply)
            && self.replay(&buffer, out)? == Interest::Done
        {
            return Ok(Interest::Done);
        }
        match rest {
            Some(chunk) => self.feed_parser(Input::new(input.side, input.at, chunk), out),
            None => Ok(self.state.interest()),
        }
    }

    /// The second side has ended: what it has sent was all.
    pub(super) fn close_reply(&mut self, end: StreamEnd, out: &mut dyn Sink<Message>) {
        if self.state.awaits_reply_of(end.side)
            && let Some(buffer) = self.settle_reply(Reply::Same)
        {
            // An error cannot be returned here; the state has it.
            let _ = self.replay(&buffer, out);
        }
    }

    /// Goes on with what is known now of the second side, and returns what was
    /// buffered of it, to be read.
    fn settle_reply(&mut self, reply: Reply) -> Option<Box<ReplayBuffer>> {
        let is_same = match reply {
            Reply::Other(other) => !self.selects(other),
            Reply::Same => true,
        };
        // The usual case: the parser reads both sides, and stays where it is.
        if is_same && let State::Parsing(parsing) = &mut self.state {
            return parsing.reply.take()?.buffer;
        }
        let (parser, pending, closed) = match core::mem::take(&mut self.state) {
            State::Parsing(Parsing {
                parser,
                reply: Some(pending),
                closed,
                ..
            }) => (Some(parser), pending, closed),
            State::AwaitingReply { reply, closed } => (None, reply, closed),
            state => {
                self.state = state;
                return None;
            }
        };
        let PendingReply {
            side,
            protocol,
            buffer,
        } = pending;
        let parser = match reply {
            Reply::Other(other) if self.selects(other) => {
                let mut protocols = BySide::from_fn(|_| protocol);
                protocols[side] = other;
                let parsers = parser.into_iter().chain(self.new_parser(other));
                let candidates = Candidates::for_sides(protocols, parsers);
                Some(ProtocolParser::Candidates(Box::new(candidates)))
            }
            Reply::Other(_) | Reply::Same => parser,
        };
        self.state = match parser {
            Some(parser) => {
                let mut parsing = Parsing::new(parser, None);
                parsing.closed = closed;
                State::Parsing(parsing)
            }
            None => State::Done,
        };
        buffer
    }
}

#[cfg(all(test, feature = "http", feature = "tls"))]
mod tests {
    use FlowSide::Responder;
    use flowscope_core::Timestamp;

    use super::*;

    fn push<'a>(
        pending: &mut PendingReply,
        chunk: Chunk<'a>,
    ) -> (Option<Reply>, Option<Chunk<'a>>) {
        pending.push(Input::new(Responder, Timestamp::EPOCH, chunk), 8)
    }

    #[test]
    fn a_first_chunk_that_tells_is_not_buffered() {
        let mut pending = PendingReply::new(Responder, Protocol::Http);
        let alert = Chunk::Data(b"\x15\x03\x01\0\x02\x02\x28");
        let reply = Some(Reply::Other(Protocol::Tls));
        assert_eq!(push(&mut pending, alert), (reply, Some(alert)));
        assert!(pending.buffer.is_none());
    }

    #[test]
    fn a_reply_that_does_not_tell_within_the_limit_is_the_same() {
        let mut pending = PendingReply::new(Responder, Protocol::Tls);
        assert_eq!(push(&mut pending, Chunk::Data(b"HTTP")), (None, None));
        let (reply, rest) = push(&mut pending, Chunk::Data(b"/1.1 2"));
        assert_eq!(reply, Some(Reply::Same));
        assert_eq!(rest, Some(Chunk::Data(b" 2")));
    }

    #[test]
    fn a_gap_ends_the_wait() {
        let mut pending = PendingReply::new(Responder, Protocol::Tls);
        let told = push(&mut pending, Chunk::Gap(5));
        assert_eq!(told, (Some(Reply::Same), None));
    }
}
