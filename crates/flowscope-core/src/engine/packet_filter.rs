//! Packets that are rejected before they are tracked.

use crate::Dedup;
use crate::PacketView;
use crate::extract::FlowExtractor;
use crate::wire::{Cause, ChecksumVerdict, Checksums, Layer, Skip};

/// What a packet has to pass first.
#[derive(Debug, Default)]
pub(super) struct PacketFilter {
    pub(super) dedup: Option<Dedup>,
    pub(super) checksums: Checksums,
}

impl PacketFilter {
    /// Whether every packet passes.
    pub(super) fn is_open(&self) -> bool {
        self.dedup.is_none() && self.checksums == Checksums::Ignore
    }

    /// Why a packet is rejected, if it is.
    ///
    /// Only what is sound is remembered for its copies to be known by, so that
    /// a damaged packet does not take the place of a sound one.
    #[inline(never)]
    pub(super) fn rejects(
        &mut self,
        packet: PacketView<'_>,
        extractor: &impl FlowExtractor,
    ) -> Option<Skip> {
        if self.checksums == Checksums::Verify {
            // The walk again, and only where that was asked for.
            let verdict = ChecksumVerdict::trace_of(|visitor| extractor.trace(packet, visitor));
            if let Some(skip) = verdict.skip() {
                return Some(skip);
            }
        }
        let dedup = self.dedup.as_mut()?;
        dedup
            .is_duplicate(&packet)
            .then_some(Skip::new(Layer::Link, Cause::Duplicate))
    }
}
