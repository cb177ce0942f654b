//! What a flow is, told by one payload.

use flowscope_core::FlowSide;
use flowscope_core::session::ProbeResult;

use crate::Protocol;
use crate::probe::{PortHint, probe_stream};

/// What a connection between `ports` is on which `side` sent `payload`, told by
/// that payload alone.
///
/// It keeps nothing, for those who want to know which protocols there are
/// without putting streams in order and reading them. Ports decide where the
/// bytes do not. What one payload does not tell is only found by a
/// [`Detector`](crate::Detector): a ClientHello behind the first bytes of a
/// connection, or that what begins like a protocol does not go on as it.
///
/// ```
/// use flowscope_core::FlowSide::Initiator;
/// use flowscope_detect::{Protocol, quick_probe};
///
/// let probe = |payload| quick_probe(payload, Initiator, [40_000, 8443]);
/// assert_eq!(probe(b"GET / HTTP/1.1\r\n"), Some(Protocol::Http));
/// assert_eq!(probe(b"SSH-2.0-OpenSSH_9.2"), None);
/// ```
#[must_use]
pub fn quick_probe(payload: &[u8], side: FlowSide, ports: [u16; 2]) -> Option<Protocol> {
    probe_stream(payload, side, PortHint::of(ports))
        .find(|(_, result)| *result == ProbeResult::Match)
        .map(|(protocol, _)| protocol)
}

/// What a flow of datagrams between `ports` is, told by one of them.
///
/// ```
/// use flowscope_detect::{Protocol, quick_probe_datagram};
///
/// let header = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0";
/// assert_eq!(quick_probe_datagram(header, [40_000, 8443]), None);
/// assert_eq!(quick_probe_datagram(header, [40_000, 53]), Some(Protocol::Dns));
/// ```
#[must_use]
pub fn quick_probe_datagram(payload: &[u8], ports: [u16; 2]) -> Option<Protocol> {
    Protocol::of_datagram(payload, PortHint::of(ports))
}
