//! Both sides of a connection, until nothing more can be read of either.

use flowscope_core::reassemble::Chunk;
use flowscope_core::{BySide, FlowSide};

use crate::TlsMessage;
use crate::exchange::{Context, Exchange};
use crate::stream::Stream;

/// What is kept of a connection that has carried data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    streams: BySide<Stream>,
    exchange: Exchange,
}

impl Connection {
    /// Takes what one side sent next. Whether more is to be expected is
    /// [`is_over`](Self::is_over).
    pub(crate) fn feed(&mut self, side: FlowSide, chunk: Chunk<'_>, context: &mut Context<'_>) {
        let stream = &mut self.streams[side];
        match chunk {
            Chunk::Data(bytes) => stream.feed(side, bytes, &mut self.exchange, context),
            Chunk::Gap(count) => stream.gap(side, count, &mut self.exchange, context),
        }
        if self.exchange.is_classic() {
            // What the other side has said of its ciphers is now understood.
            self.streams[side.peer()].settle(&mut self.exchange, context);
        }
    }

    /// One side will send no more.
    pub(crate) fn close(&mut self, side: FlowSide) {
        self.streams[side].close();
    }

    /// Whether nothing more can be read.
    pub(crate) fn is_over(&self) -> bool {
        let BySide {
            initiator,
            responder,
        } = &self.streams;
        let either_is_over = initiator.is_over() || responder.is_over();
        let has_begun = initiator.has_begun() || responder.has_begun();
        // Where one side is over without TLS, there will be none on the other;
        // nor is it worth waiting for a side that says nothing.
        (initiator.is_over() && responder.is_over())
            || (either_is_over && !has_begun)
            || initiator.is_long_over()
            || responder.is_long_over()
    }

    /// Gives the summary, once.
    pub(crate) fn report(&mut self, context: &mut Context<'_>) {
        let encrypted =
            self.streams.initiator.is_encrypted() && self.streams.responder.is_encrypted();
        if let Some(summary) = self.exchange.summary(encrypted, context.at)
            && context.config.report.wants_handshakes()
        {
            context.out.push(TlsMessage::Handshake(Box::new(summary)));
        }
    }

    /// Whether a side has said something that was found to be TLS.
    pub(crate) fn has_begun(&self, side: FlowSide) -> bool {
        self.streams[side].is_found()
    }
}
