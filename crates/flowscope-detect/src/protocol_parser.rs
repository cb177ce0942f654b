//! The parser of a flow whose protocol is known, or nearly.

use alloc::boxed::Box;

use flowscope_core::session::{Datagram, Input, Interest, SessionParser, StreamEnd};
use flowscope_core::{Sink, Timestamp};

use crate::candidates::Candidates;
use crate::protocols::Parser;
use crate::{DetectError, Message, Protocol};

/// What reads a flow.
#[derive(Clone, Debug)]
pub(crate) enum ProtocolParser {
    /// The parser of its protocol.
    One(Box<dyn Parser>),
    /// Several, of which the first to find its protocol is kept.
    Candidates(Box<Candidates>),
}

impl ProtocolParser {
    /// Reads what one side of a connection sent next.
    pub(crate) fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        match self {
            Self::One(parser) => parser.feed(input, out),
            Self::Candidates(candidates) => {
                let (interest, chosen) = candidates.feed(input, out);
                if let Some(chosen) = chosen {
                    *self = Self::One(chosen);
                }
                Ok(interest)
            }
        }
    }

    /// Reads a datagram.
    pub(crate) fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        match self {
            Self::One(parser) => parser.parse(datagram, out),
            Self::Candidates(_) => Ok(Interest::Done),
        }
    }

    /// One side of a connection is over.
    pub(crate) fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<Message>) {
        match self {
            Self::One(parser) => parser.close(end, out),
            Self::Candidates(candidates) => {
                if let Some(chosen) = candidates.close(end, out) {
                    *self = Self::One(chosen);
                }
            }
        }
    }

    /// A flow of datagrams is over.
    pub(crate) fn end(&mut self, at: Timestamp, out: &mut dyn Sink<Message>) {
        match self {
            Self::One(parser) => parser.end(at, out),
            Self::Candidates(_) => {}
        }
    }

    /// Bytes of memory on the heap that it takes.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Self::One(parser) => parser.memory(),
            Self::Candidates(candidates) => size_of_val(&**candidates) + candidates.memory(),
        }
    }

    pub(crate) fn next_tick(&self) -> Option<Timestamp> {
        match self {
            Self::One(parser) => parser.next_tick(),
            #[cfg(feature = "http")]
            Self::Candidates(candidates) => candidates.http.as_ref()?.next_tick(),
            #[cfg(not(feature = "http"))]
            Self::Candidates(_) => None,
        }
    }

    pub(crate) fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<Message>) {
        match self {
            Self::One(parser) => parser.tick(at, out),
            #[cfg(feature = "http")]
            Self::Candidates(candidates) => {
                if let Some(http) = &mut candidates.http {
                    http.tick(at, out);
                }
            }
            #[cfg(not(feature = "http"))]
            Self::Candidates(_) => {}
        }
    }

    /// Whether it has read what there was, and waits for something new to begin.
    pub(crate) fn is_at_rest(&self) -> bool {
        match self {
            Self::One(parser) => parser.is_at_rest(),
            Self::Candidates(_) => false,
        }
    }

    /// What it reads, once that is known.
    pub(crate) fn protocol(&self) -> Option<Protocol> {
        match self {
            Self::One(parser) => parser.protocol(),
            Self::Candidates(candidates) => candidates.protocol(),
        }
    }
}
