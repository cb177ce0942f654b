//! What a dealer has a worker do.

use alloc::boxed::Box;
use core::num::NonZeroU32;

use super::batch::Attachments;
use crate::engine::Advance;
use crate::engine::flow_ref::ConnectionNote;
use crate::extract::{Decaps, DetachedHeaders, Extracted};
use crate::track::{Anomalies, Effect, EndReason, FlowId, FlowState};
use crate::{FlowEvent, FlowSide, Timestamp};

/// A step, and where it stands: two cache lines, as there is one for nearly every
/// packet.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) flow: FlowId,
    /// Which mark of the batch it comes with.
    pub(super) mark: u32,
    /// Which of the steps of all workers since that mark.
    pub(super) number: u32,
    /// See [`Place`](super::Place).
    pub(super) moment: Timestamp,
    /// The time of what happens.
    pub(super) at: Timestamp,
    /// Which frame it came in.
    pub(super) packet: u64,
    pub(super) kind: StepKind,
}

#[derive(Debug)]
pub(super) enum StepKind {
    Open {
        state: FlowState,
        /// Its key: its place in the batch.
        key: u32,
        packet: DealtPacket,
    },
    Packet(PacketStep),
    Fragment {
        side: FlowSide,
        wire_len: u32,
        /// What of the datagram's payload counts with it.
        payload_len: u32,
        first: Option<DealtPacket>,
    },
    Close {
        reason: EndReason,
        cause: EndReason,
        state: FlowState,
        /// The latest frame that was passed by; zero for none.
        passed: u64,
        /// Its statistics: their place in the batch.
        stats: u32,
    },
    /// Something that came with a packet of which the consumer is not told.
    Report(Odd),
}

#[derive(Debug)]
pub(super) struct PacketStep {
    pub(super) side: FlowSide,
    pub(super) state: FlowState,
    pub(super) effect: Effect,
    /// Whether it was counted on its flow: a datagram that was put together was
    /// with its fragments.
    pub(super) is_counted: bool,
    /// What else came with it: its place in the batch.
    pub(super) odd: Option<NonZeroU32>,
    pub(super) packet: DealtPacket,
}

/// What comes with few packets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Odd {
    pub(super) found: Anomalies,
    pub(super) changed: Option<Changed>,
}

impl Odd {
    pub(super) const NOTHING: Self = Self {
        found: Anomalies::NONE,
        changed: None,
    };
}

/// How a flow's state changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Changed {
    Established,
    State(FlowState, FlowState),
}

impl Changed {
    /// The state then.
    pub(super) fn state(self) -> FlowState {
        match self {
            Self::Established => FlowState::Established,
            Self::State(_, to) => to,
        }
    }

    pub(super) fn event<K>(self, flow: FlowId, at: Timestamp) -> FlowEvent<K> {
        match self {
            Self::Established => FlowEvent::Established { flow, at },
            Self::State(from, to) => FlowEvent::StateChange { flow, at, from, to },
        }
    }
}

/// A packet whose bytes come with the batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct DealtPacket {
    pub(super) headers: DetachedHeaders,
    /// Where its frame is.
    pub(super) frame: (u32, u32),
    /// Where its payload is, in the same block.
    pub(super) payload: (u32, u32),
    /// What else is known of it: its place in the batch.
    pub(super) note: Option<NonZeroU32>,
    pub(super) block: BlockNumber,
}

/// Which of the lent blocks of a batch it is; zero for what was copied.
pub(super) type BlockNumber = u16;

/// What is to be known of few packets.
#[derive(Debug)]
pub(super) struct PacketNote {
    pub(super) connection: Option<ConnectionNote>,
    /// The packet's own time, where that is not when it happened.
    pub(super) timestamp: Option<Timestamp>,
    pub(super) decaps: Option<Box<Decaps>>,
}

impl DealtPacket {
    #[inline]
    pub(super) fn note<'b, K>(&self, attached: &'b Attachments<K>) -> Option<&'b PacketNote> {
        attached.notes.get(self.note?.get() as usize - 1)
    }

    /// The packet as it was extracted, with the bytes of the batch.
    #[inline]
    pub(super) fn view<'b, K>(
        &self,
        key: K,
        at: Timestamp,
        note: Option<&PacketNote>,
        block: &'b [u8],
    ) -> Extracted<'b, K> {
        let timestamp = note.and_then(|note| note.timestamp).unwrap_or(at);
        let decaps = note.and_then(|note| note.decaps.as_deref());
        let (frame, payload) = (slice(block, self.frame), slice(block, self.payload));
        self.headers.attach(key, timestamp, decaps, frame, payload)
    }
}

#[inline]
fn slice(block: &[u8], (start, end): (u32, u32)) -> &[u8] {
    block.get(start as usize..end as usize).unwrap_or_default()
}

/// What the engine of a dealer reports: what its consumer makes of it, and the
/// engine's own events.
#[derive(Debug)]
pub(super) enum Dealt<K> {
    Event(FlowEvent<K>),
    Advance(Advance),
    Step(DealtStep),
    /// A packet of which nobody is to be told.
    Passed,
}

/// A step of a flow.
#[derive(Debug)]
pub(super) struct DealtStep {
    pub(super) flow: FlowId,
    pub(super) at: Timestamp,
    pub(super) packet: u64,
    pub(super) kind: StepKind,
}

impl<K> From<FlowEvent<K>> for Dealt<K> {
    #[inline]
    fn from(event: FlowEvent<K>) -> Self {
        Self::Event(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_fills_two_cache_lines() {
        assert!(size_of::<Step>() <= 128, "{}", size_of::<Step>());
    }
}
