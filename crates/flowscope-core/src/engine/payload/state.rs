//! What is kept of a flow's payload.

use alloc::sync::Arc;

use super::delivery::{Delivery, Progress};
use super::recent_data::RecentOfStream;
use crate::engine::reader::{PayloadReader, ReadState};
use crate::reassemble::{BufferedReassembler, Reassembler, StreamConfig, StreamStats};
use crate::session::{Close, StreamEnd};
use crate::{BySide, FlowSide, Sink};

/// What is kept of a flow's payload.
#[derive(Debug)]
pub struct PayloadState<S> {
    pub(super) progress: Progress<S>,
    /// Of a TCP connection.
    pub(super) sides: Option<BySide<StreamSide>>,
    /// Who spoke last on it.
    pub(super) speaker: FlowSide,
    /// Bytes of memory that the reader held when it was last fed in order.
    pub(super) parser_memory: u32,
}

/// One direction of a TCP connection.
#[derive(Debug)]
pub(super) struct StreamSide {
    pub(super) reassembler: BufferedReassembler,
    /// Where the latest of its data are remembered.
    pub(super) recent: RecentOfStream,
    /// Whether the reader knows that it is over.
    pub(super) is_closed: bool,
}

impl<S> PayloadState<S> {
    /// What the reader keeps for the flow, such as its parser, unless it let
    /// the flow go.
    #[must_use]
    pub const fn stream(&self) -> Option<&S> {
        self.progress.stream.as_ref()
    }

    /// How far the flow's payload is read.
    #[must_use]
    pub const fn session(&self) -> ReadState {
        self.progress.session
    }

    /// What the streams of a TCP connection amount to so far.
    #[must_use]
    pub fn streams(&self) -> Option<BySide<StreamStats>> {
        let sides = self.sides.as_ref()?;
        Some(BySide::from_fn(|side| sides[side].reassembler.stats()))
    }

    /// Not what a stream that was once out of order keeps for good: that can
    /// not be given back, and must not take the place of what others hold.
    pub(super) fn memory(&self) -> usize {
        self.sides.as_ref().map_or(0, |sides| {
            let [a, b] = FlowSide::BOTH.map(|side| sides[side].reassembler.held_memory());
            a + b
        })
    }

    /// Puts its streams together no more.
    pub(super) fn stop(&mut self) {
        if let Some(sides) = &mut self.sides {
            for side in FlowSide::BOTH {
                sides[side].reassembler.stop();
            }
        }
    }

    pub(super) fn holds(&self) -> bool {
        self.sides.as_ref().is_some_and(|sides| {
            FlowSide::BOTH
                .iter()
                .any(|side| sides[*side].reassembler.holds())
        })
    }
}

impl StreamSide {
    pub(super) fn new(streams: &Arc<StreamConfig>) -> Self {
        Self {
            reassembler: BufferedReassembler::new(Arc::clone(streams)),
            recent: RecentOfStream::NEW,
            is_closed: false,
        }
    }

    /// Tells the reader, once, that nothing more comes.
    #[cold]
    pub(super) fn close<K, R: PayloadReader<K>, O: Sink<R::Event>>(
        &mut self,
        delivery: &mut Delivery<'_, K, R, O>,
        how: Close,
    ) {
        // A FIN closes a side before its flow ends, and the end of the flow closes both.
        if core::mem::replace(&mut self.is_closed, true) {
            return;
        }
        let end = StreamEnd::new(delivery.side, delivery.flow.at, how)
            .with_stats(self.reassembler.stats());
        delivery.give(|reader, stream, flow, out| reader.close(stream, flow, end, out));
    }
}
