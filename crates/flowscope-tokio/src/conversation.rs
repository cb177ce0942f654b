//! The bytes of a flow, as messages.

use core::convert::Infallible;

use flowscope::reassemble::Chunk;
use flowscope::session::{
    Close, Datagram, DatagramParser, Input, Interest, SessionParser, StreamEnd,
};
use flowscope::{FlowSide, Sink, Timestamp};

/// What one side of a flow said next.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ConversationPart {
    /// Bytes: of a TCP stream, in order and each once, or a whole datagram.
    #[non_exhaustive]
    Data {
        /// Who sent them.
        side: FlowSide,
        /// The time of the packet that brought them here.
        at: Timestamp,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Bytes that the capture lacks.
    #[non_exhaustive]
    Missing {
        /// Who sent them.
        side: FlowSide,
        /// When they were given up.
        at: Timestamp,
        /// How many.
        len: u64,
    },
    /// One side of a connection will send no more.
    #[non_exhaustive]
    Closed {
        /// Which.
        side: FlowSide,
        /// When.
        at: Timestamp,
        /// How it ended.
        how: Close,
    },
}

impl ConversationPart {
    /// Who spoke.
    #[must_use]
    pub const fn side(&self) -> FlowSide {
        match self {
            Self::Data { side, .. } | Self::Missing { side, .. } | Self::Closed { side, .. } => {
                *side
            }
        }
    }
}

/// Hands on what it is fed.
#[derive(Clone, Debug, Default)]
pub struct ConversationParser(());

impl SessionParser for ConversationParser {
    type Message = ConversationPart;
    type Error = Infallible;

    fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<ConversationPart>,
    ) -> Result<Interest, Infallible> {
        let Input {
            side, at, chunk, ..
        } = input;
        out.push(match chunk {
            Chunk::Data(bytes) => ConversationPart::Data {
                side,
                at,
                bytes: bytes.to_vec(),
            },
            Chunk::Gap(len) => ConversationPart::Missing { side, at, len },
        });
        Ok(Interest::More)
    }

    fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<ConversationPart>) {
        let StreamEnd { side, at, how, .. } = end;
        out.push(ConversationPart::Closed { side, at, how });
    }
}

impl DatagramParser for ConversationParser {
    type Message = ConversationPart;
    type Error = Infallible;

    fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<ConversationPart>,
    ) -> Result<Interest, Infallible> {
        out.push(ConversationPart::Data {
            side: datagram.side,
            at: datagram.at,
            bytes: datagram.payload.to_vec(),
        });
        Ok(Interest::More)
    }
}
