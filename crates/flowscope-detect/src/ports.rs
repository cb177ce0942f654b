//! The ports of flows.

use flowscope_core::FlowSide;
use flowscope_core::extract::{FiveTupleKey, FlowLabelKey, IpPairKey, MacPairKey, ScopedKey};
use flowscope_core::session::FlowFactory;
use flowscope_core::wire::Transport;

use crate::Detector;

/// A key that may know the ports of its flow.
///
/// All keys of [`extract`](flowscope_core::extract) do; for one of your own it
/// is enough to say nothing of ports.
///
/// ```
/// use flowscope_detect::HasPorts;
///
/// struct Vlan(u16);
///
/// impl HasPorts for Vlan {}
///
/// assert_eq!(Vlan(7).ports(), None);
/// ```
pub trait HasPorts {
    /// Both ports, where the key has them.
    fn ports(&self) -> Option<[u16; 2]> {
        None
    }
}

impl HasPorts for FiveTupleKey {
    fn ports(&self) -> Option<[u16; 2]> {
        Some([
            self.port(FlowSide::Initiator)?,
            self.port(FlowSide::Responder)?,
        ])
    }
}

impl HasPorts for IpPairKey {}

impl HasPorts for MacPairKey {}

impl<K: HasPorts> HasPorts for ScopedKey<K> {
    fn ports(&self) -> Option<[u16; 2]> {
        self.key.ports()
    }
}

impl<K: HasPorts> HasPorts for FlowLabelKey<K> {
    fn ports(&self) -> Option<[u16; 2]> {
        self.key.ports()
    }
}

/// Gives every flow a copy of a [`Detector`] that knows the flow's ports.
///
/// Made by [`Detector::by_ports`].
#[derive(Debug)]
pub struct ByPorts(pub(crate) Detector);

impl<K: HasPorts> FlowFactory<K> for ByPorts {
    type Parser = Detector;

    fn open(&mut self, key: &K, _: &Transport) -> Option<Detector> {
        let detector = self.0.clone();
        Some(match key.ports() {
            Some(ports) => detector.with_ports(ports),
            None => detector,
        })
    }
}
