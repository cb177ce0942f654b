//! QUIC.

use flowscope_core::session::ProbeResult;
use flowscope_quic::QuicParser;

use super::DatagramProtocol;
use crate::probe::PortHint;
use crate::{Detector, Protocol};

impl DatagramProtocol for QuicParser {
    const PROTOCOL: Protocol = Protocol::Quic;

    fn probe(payload: &[u8], _: PortHint) -> ProbeResult {
        Self::probe(payload)
    }

    fn open(detector: &Detector) -> Self {
        Self::new(detector.config().quic)
    }

    fn is_at_rest(&self) -> bool {
        self.is_at_rest()
    }

    #[inline]
    fn may_begin(payload: &[u8]) -> bool {
        Self::may_begin(payload)
    }
}
