//! Both sides of a connection, until nothing more can be read of either.

use flowscope_core::reassemble::Chunk;
use flowscope_core::{BySide, FlowSide};

use crate::direction::Direction;
use crate::exchange::{Context, Exchange};

/// What is kept of a connection that has carried data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    directions: BySide<Direction>,
    exchange: Exchange,
}

impl Connection {
    /// Bytes of memory that it takes.
    pub(crate) fn memory(&self) -> usize {
        let directions = self.directions.iter();
        let buffers: usize = directions.map(|(_, direction)| direction.memory()).sum();
        size_of::<Self>() + buffers + self.exchange.memory()
    }

    /// Reads what one side sent next. Whether more is to be expected is
    /// [`is_over`](Self::is_over).
    pub(crate) fn feed(&mut self, side: FlowSide, chunk: Chunk<'_>, context: &mut Context<'_>) {
        let direction = &mut self.directions[side];
        match chunk {
            Chunk::Data(bytes) => direction.feed(side, bytes, &mut self.exchange, context),
            Chunk::Gap(count) => direction.gap(side, count, &mut self.exchange, context),
        }
        if self.exchange.is_classic() {
            // The client's ChangeCipherSpec may have come before the version was
            // known that says what it means.
            self.directions[side.peer()].apply_change_cipher_spec(&mut self.exchange, context);
        }
    }

    /// The sides have each sent so many bytes in which TLS does not begin.
    pub(crate) fn have_searched(&mut self, searched: BySide<u32>) {
        for side in FlowSide::BOTH {
            if searched[side] > 0 {
                self.directions[side] = Direction::behind(searched[side]);
            }
        }
    }

    /// One side will send no more.
    pub(crate) fn close(&mut self, side: FlowSide) {
        self.directions[side].close();
    }

    /// Whether nothing more can be read.
    pub(crate) fn is_over(&self) -> bool {
        let BySide {
            initiator,
            responder,
        } = &self.directions;
        let has_begun = initiator.has_begun() || responder.has_begun();
        let is_other = initiator.is_unreadable() || responder.is_unreadable();
        // If one side was found to be something else, so is the other. A side that ends
        // early says nothing of the other. A side that sends nothing is not waited for
        // when enough of the other went by.
        (initiator.is_over() && responder.is_over())
            || (is_other && !has_begun)
            || initiator.is_given_up()
            || responder.is_given_up()
    }

    /// Reports the summary, once.
    pub(crate) fn report(&mut self, context: &mut Context<'_>) {
        let encrypted =
            self.directions.initiator.is_encrypted() && self.directions.responder.is_encrypted();
        self.exchange.report(encrypted, context);
    }

    /// How many bytes of a side come before TLS.
    pub(crate) fn before(&self, side: FlowSide) -> u32 {
        self.directions[side].before()
    }

    /// Whether a side has said something that was found to be TLS.
    pub(crate) fn has_begun(&self, side: FlowSide) -> bool {
        self.directions[side].is_found()
    }
}
