//! What a flow is, told by one payload.

use flowscope_core::FlowSide;

use crate::Protocol;
use crate::likeness::{Likeness, Ports, of_connection, of_datagram};

/// Tells what a flow speaks by looking at single payloads, and keeps nothing.
///
/// For those who want to know what there is without putting streams in order
/// and reading them. What is not told by one payload, such as a ClientHello
/// behind the first bytes of a connection, is found by a
/// [`Detector`](crate::Detector) alone, and so is that what begins as a
/// protocol does not go on as it.
///
/// ```
/// use flowscope_core::FlowSide::Initiator;
/// use flowscope_detect::{Glance, Protocol};
///
/// let glance = Glance::between([40_000, 8443]);
/// assert_eq!(glance.at_stream(b"GET / HTTP/1.1\r\n", Initiator), Some(Protocol::Http));
/// assert_eq!(glance.at_stream(b"SSH-2.0-OpenSSH_9.2", Initiator), None);
///
/// let header = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0";
/// assert_eq!(glance.at_datagram(header), None);
/// assert_eq!(Glance::between([40_000, 53]).at_datagram(header), Some(Protocol::Dns));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Glance {
    ports: Ports,
}

impl Glance {
    /// At a flow between these ports, which decide where the bytes do not.
    #[must_use]
    pub fn between(ports: [u16; 2]) -> Self {
        Self {
            ports: Ports::of(ports),
        }
    }

    /// What a connection is on which `side` begins like this.
    #[must_use]
    pub fn at_stream(self, first: &[u8], side: FlowSide) -> Option<Protocol> {
        let mut all = of_connection(first, side, self.ports);
        let certain = all.find(|(_, it)| *it == Likeness::Certain);
        certain.map(|(protocol, _)| protocol)
    }

    /// What a flow of such datagrams is.
    #[must_use]
    pub fn at_datagram(self, payload: &[u8]) -> Option<Protocol> {
        let likeness = of_datagram(payload, self.ports);
        (likeness == Likeness::Certain).then_some(Protocol::Dns)
    }
}
