//! TLS and DTLS.

use flowscope_core::FlowSide;
use flowscope_core::session::ProbeResult;
use flowscope_tls::{DtlsParser, TlsParser};

use super::{DatagramProtocol, StreamProtocol};
use crate::candidates::Candidates;
use crate::probe::PortHint;
use crate::{Detector, Protocol};

impl StreamProtocol for TlsParser {
    const PROTOCOL: Protocol = Protocol::Tls;

    fn probe(first: &[u8], _: FlowSide, _: PortHint) -> ProbeResult {
        Self::probe(first)
    }

    fn open(detector: &Detector) -> Self {
        Self::new(detector.config().tls)
    }

    fn join(self, candidates: &mut Candidates) {
        candidates.tls = Some(self);
    }
}

impl DatagramProtocol for DtlsParser {
    const PROTOCOL: Protocol = Protocol::Dtls;

    fn probe(payload: &[u8], _: PortHint) -> ProbeResult {
        Self::probe(payload)
    }

    fn open(detector: &Detector) -> Self {
        Self::new(detector.config().tls)
    }

    fn is_at_rest(&self) -> bool {
        self.is_at_rest()
    }

    #[inline]
    fn may_begin(payload: &[u8]) -> bool {
        Self::may_begin(payload)
    }
}
