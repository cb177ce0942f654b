//! The result of processing a segment.

use crate::SeqNumber;
use crate::track::{Anomalies, FlowState};

/// What a segment does to its connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effect {
    /// It continues the connection: nothing begins or ends, and nothing is
    /// unconfirmed.
    Plain,
    /// It may confirm where a stream begins or ends.
    Confirming,
    /// It has none, because its receiver drops it.
    Refused,
}

/// The result of processing a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) effect: Effect,
    /// The anomalies of the segment, or of what it confirms.
    pub(crate) found: Anomalies,
    /// The state before and after, if it changed.
    pub(crate) states: Option<(FlowState, FlowState)>,
}

impl Verdict {
    /// The segment changes nothing.
    pub(crate) const PLAIN: Self = Self {
        effect: Effect::Plain,
        found: Anomalies::NONE,
        states: None,
    };
}

/// Whether a side's stream has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fin {
    /// No FIN was sent at the end of what was sent.
    None,
    /// It ends at this number, unless more is acknowledged.
    Unconfirmed(SeqNumber),
    /// It ends at this number.
    Confirmed(SeqNumber),
}
