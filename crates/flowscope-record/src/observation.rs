//! What the engines see of flows.

use crate::names::NameRequest;
use crate::record::Record;
use flowscope_core::FlowEvent;

/// What was seen of a flow.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "each is handed on at once; boxing it would allocate"
)]
pub(crate) enum Observation<K> {
    /// Something happened to a flow.
    Event(FlowEvent<K>),
    /// Something that makes a record. If that is of a flow that ended, the
    /// engine's own event follows.
    Record(Record),
    /// A name was asked for.
    Name(NameRequest),
}

impl<K> From<FlowEvent<K>> for Observation<K> {
    #[inline]
    fn from(event: FlowEvent<K>) -> Self {
        Self::Event(event)
    }
}
