//! What all consumers of the engines have in common.

use flowscope_core::engine::Consumer;
use flowscope_core::wire::IcmpHeader;

use crate::observation::Observation;

/// A consumer that reports observations.
pub(crate) trait Observer<K>: Consumer<K, Event = Observation<K>> {
    /// Type and code of a flow's first packet, if that is of ICMP.
    fn icmp(state: &Self::Flow) -> Option<IcmpHeader>;
}
