//! How much a flow's payload may hold, and what happens beyond that.

use super::PayloadConsumer;
use super::state::PayloadState;
use crate::engine::FlowRef;
use crate::engine::reader::{PayloadReader, ReadState};
use crate::reassemble::{OverflowPolicy, Reassembler};
use crate::session::Close;
use crate::track::{Anomalies, AnomalyKind};
use crate::{FlowSide, Sink};

impl<R> PayloadConsumer<R> {
    /// Bytes of memory that the reader holds for a flow, rounded up: so a small
    /// change, such as a request that waits for its response, is none.
    pub(super) fn parser_memory<K>(&self, state: &PayloadState<R::Stream>) -> u32
    where
        R: PayloadReader<K>,
    {
        let held = state
            .stream()
            .map_or(0, |stream| self.reader.memory(stream));
        // Without the rounding almost every packet would change the sum of what all flows
        // hold, and would have to be settled there.
        let rounded = held.checked_next_multiple_of(PARSER_MEMORY_UNIT);
        u32::try_from(rounded.unwrap_or(usize::MAX)).unwrap_or(u32::MAX)
    }

    /// Keeps what a flow holds within its own limit, and holds nothing of a flow
    /// that is read no more.
    #[cold]
    pub(super) fn bound<K>(
        &mut self,
        state: &mut PayloadState<R::Stream>,
        flow: FlowRef<'_, K>,
        found: &mut Anomalies,
        out: &mut impl Sink<R::Event>,
    ) where
        R: PayloadReader<K>,
    {
        if state.session() != ReadState::Open {
            state.stop();
        }
        while state.memory() > self.config.max_memory_per_flow && state.holds() {
            self.reduce(state, flow, found, out);
        }
    }

    /// Lets a flow hold less, as its policy says.
    pub(super) fn reduce<K>(
        &mut self,
        state: &mut PayloadState<R::Stream>,
        flow: FlowRef<'_, K>,
        found: &mut Anomalies,
        out: &mut impl Sink<R::Event>,
    ) where
        R: PayloadReader<K>,
    {
        let Some(sides) = &state.sides else { return };
        let [initiator, responder] =
            FlowSide::BOTH.map(|side| sides[side].reassembler.held_memory());
        // The larger side pays: whoever fills one direction to no end must not cost the
        // other what it holds.
        let side = if initiator >= responder {
            FlowSide::Initiator
        } else {
            FlowSide::Responder
        };
        match self.config.streams.overflow {
            OverflowPolicy::SlidingWindow => {
                let before = state.memory();
                *found |= self.step(state, flow, side, out, |reassembler, delivery| {
                    reassembler.shed(flow.at, delivery)
                });
                // If that gave nothing back, it never will: the loop around this must end.
                if state.session() != ReadState::Open || state.memory() >= before {
                    state.stop();
                }
            }
            OverflowPolicy::DropFlow => {
                found.insert(side, AnomalyKind::StreamOverflow);
                state.stop();
            }
        }
    }

    /// Reads no more of a flow, as its reader holds too much: what that has read
    /// of each side is the last.
    #[cold]
    pub(super) fn give_up<K>(
        &mut self,
        state: &mut PayloadState<R::Stream>,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<R::Event>,
    ) where
        R: PayloadReader<K>,
    {
        match &mut state.sides {
            Some(sides) => {
                for side in FlowSide::BOTH {
                    let mut delivery = state.progress.to(&mut self.reader, flow, side, out);
                    sides[side].close(&mut delivery, Close::Lost);
                }
            }
            None => {
                if let Some(stream) = &mut state.progress.stream {
                    self.reader.give_up_datagrams(stream, flow, out);
                }
            }
        }
        if state.session() == ReadState::Open {
            state.progress.session = ReadState::Left;
            self.reader.leave(&mut state.progress.stream);
        }
    }
}

/// What parsers hold is counted in units of so many bytes.
const PARSER_MEMORY_UNIT: usize = 512;
