//! What comes of a segment.

use crate::SeqNumber;
use crate::track::{Anomalies, FlowState};

/// What a segment does to its connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effect {
    /// It goes on: nothing begins or ends, and nothing is in doubt.
    Plain,
    /// It may settle where a stream begins or ends.
    Settling,
    /// None: its receiver drops it.
    Refused,
}

/// What became of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) effect: Effect,
    /// What is odd about it, or about what it settles.
    pub(crate) found: Anomalies,
    /// The state before and after, if it changed.
    pub(crate) states: Option<(FlowState, FlowState)>,
}

impl Verdict {
    /// Nothing of note.
    pub(crate) const PLAIN: Self = Self {
        effect: Effect::Plain,
        found: Anomalies::NONE,
        states: None,
    };
}

/// Whether a side's stream has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fin {
    /// No FIN was sent in its place.
    None,
    /// It ends at this number, unless more is acknowledged.
    Claimed(SeqNumber),
    /// It ends at this number.
    Settled(SeqNumber),
}
