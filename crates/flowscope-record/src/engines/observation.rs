//! What comes out of the engines.

use flowscope_core::engine::Consumer;
use flowscope_core::track::FlowEvent;
use flowscope_core::wire::IcmpHeader;

use crate::names::NameRequest;
use crate::record::{FlowRecord, Record};

/// What was seen of a flow.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "each is handed on at once; boxing it would allocate"
)]
pub(crate) enum Observation<K> {
    /// Something happened to a flow.
    Event(FlowEvent<K>),
    /// A flow ended; the engine's own event follows.
    Flow(FlowRecord),
    /// Something else that makes a record.
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

/// A consumer that reports observations.
pub(crate) trait Observer<K>: Consumer<K, Event = Observation<K>> {
    /// Type and code of a flow's first packet, if that is of ICMP.
    fn icmp(state: &Self::Flow) -> Option<IcmpHeader>;
}
