//! A flow as consumers see it.

use crate::track::{Effect, EndReason, Fin, Flow, FlowId, FlowState, FlowStats};
use crate::{FlowSide, SeqNumber, Timestamp};

/// A flow as a [`Consumer`](super::Consumer) sees it.
#[derive(Debug)]
pub struct FlowRef<'a, K> {
    /// Its identifier.
    pub id: FlowId,
    /// What it is told apart by, seen from its initiator.
    pub key: &'a K,
    /// The time of what happens: of the packet, the alarm or the end.
    pub at: Timestamp,
    /// Which of the frames that the engine was given it came in, counted from 1;
    /// of what happens without a packet, the latest.
    ///
    /// It is not always the latest: a SYN on the ports of a connection is
    /// counted when it is known whose it is.
    pub packet: u64,
    pub(super) connection: Connection<'a>,
    pub(super) effect: Effect,
}

/// What is known of a flow's connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Connection<'a> {
    /// All of it: the flow is in the tracker's table.
    Live(&'a Flow),
    /// Its state; and what else was noted down with the packet, if the packet may
    /// begin or end something.
    Noted(FlowState, Option<&'a ConnectionNote>),
}

/// What a packet that may begin or end something leaves of its connection, noted
/// down for whoever has no access to the tracker's table.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnectionNote {
    begins: [Option<SeqNumber>; 2],
    fins: [Fin; 2],
    refused_early_data: [bool; 2],
    is_other_syn: bool,
}

impl ConnectionNote {
    /// Of a segment with the number `seq`.
    pub(super) fn of<K>(flow: FlowRef<'_, K>, side: FlowSide, seq: SeqNumber) -> Self {
        Self {
            begins: FlowSide::BOTH.map(|side| flow.stream_begin(side)),
            fins: FlowSide::BOTH.map(|side| flow.fin(side)),
            refused_early_data: FlowSide::BOTH.map(|side| flow.has_refused_early_data(side)),
            is_other_syn: flow.is_other_syn(side, seq),
        }
    }
}

impl<'a, K> FlowRef<'a, K> {
    /// A flow of the tracker's table, outside of its packets.
    #[inline]
    pub(super) fn of_live(
        id: FlowId,
        key: &'a K,
        flow: &'a Flow,
        at: Timestamp,
        packet: u64,
    ) -> Self {
        Self {
            id,
            key,
            at,
            packet,
            connection: Connection::Live(flow),
            effect: Effect::Plain,
        }
    }

    /// What it is doing.
    #[must_use]
    pub fn state(&self) -> FlowState {
        match self.connection {
            Connection::Live(flow) => flow.state,
            Connection::Noted(state, _) => state,
        }
    }

    /// What the packet does to its connection.
    #[inline]
    pub(super) fn effect(&self) -> Effect {
        self.effect
    }

    /// The first number of a side's stream, once that is settled.
    #[inline]
    pub(super) fn stream_begin(&self, side: FlowSide) -> Option<SeqNumber> {
        match self.connection {
            Connection::Live(flow) => flow.stream_begin(side),
            Connection::Noted(_, note) => note?.begins[side as usize],
        }
    }

    /// Whether the other side has taken the SYN of a side without its data.
    pub(super) fn has_refused_early_data(&self, side: FlowSide) -> bool {
        match self.connection {
            Connection::Live(flow) => flow.has_refused_early_data(side),
            Connection::Noted(_, note) => {
                note.is_some_and(|note| note.refused_early_data[side as usize])
            }
        }
    }

    /// Whether the packet's SYN, of a side, has another number than its first.
    pub(super) fn is_other_syn(&self, side: FlowSide, seq: SeqNumber) -> bool {
        match self.connection {
            Connection::Live(flow) => flow.is_other_syn(side, seq),
            Connection::Noted(_, note) => note.is_some_and(|note| note.is_other_syn),
        }
    }

    /// Whether a side's stream has ended.
    #[inline]
    pub(super) fn fin(&self, side: FlowSide) -> Fin {
        match self.connection {
            Connection::Live(flow) => flow.fin(side),
            Connection::Noted(_, note) => note.map_or(Fin::None, |note| note.fins[side as usize]),
        }
    }
}

impl<K> Clone for FlowRef<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for FlowRef<'_, K> {}

/// The end of a flow.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FlowEnd<'a> {
    /// Why it ended.
    pub reason: EndReason,
    /// What it amounts to, without what its consumer knows of it.
    pub stats: &'a FlowStats,
    /// Why it was taken out of the table, whatever the connection said last.
    pub(super) cause: EndReason,
}
