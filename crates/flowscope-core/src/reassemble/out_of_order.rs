//! The state of a stream whose segments did not come in order.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::held::Held;
use super::{StreamConfig, StreamStats};
use crate::Timestamp;

/// What is kept beside the 48 bytes that a stream in order needs.
#[derive(Debug, Default)]
pub(super) struct OutOfOrder {
    pub(super) held: Held,
    /// When the first hole was found.
    pub(super) since: Timestamp,
    /// A FIN behind a hole: where, and since when.
    pub(super) fin: Option<(u64, Timestamp)>,
    /// An ACK, and when it was found to cover the first hole.
    pub(super) covering_ack: Option<(u64, Timestamp)>,
    pub(super) stray: Option<Box<StraySegment>>,
    pub(super) counts: StreamStats,
}

/// A segment from far outside the window.
#[derive(Debug)]
pub(super) struct StraySegment {
    pub(super) at: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) cut: u32,
    pub(super) fin: bool,
    pub(super) since: Timestamp,
}

impl StraySegment {
    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64 + u64::from(self.cut)
    }

    pub(super) fn end(&self) -> u64 {
        self.at + self.len()
    }
}

impl OutOfOrder {
    /// Whether there is no hole.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.held.is_empty() && self.fin.is_none()
    }

    /// Where the first hole ends: at what is held, or at the FIN.
    pub(super) fn hole_end(&self) -> Option<u64> {
        let first = self.held.first().map(|(at, _)| at);
        first.or(self.fin.map(|(at, _)| at))
    }

    /// When the first hole is to be given up.
    pub(super) fn deadline(&self, config: &StreamConfig) -> Option<Timestamp> {
        let end = self.hole_end()?;
        let oldest = self.since + config.hole_timeout;
        let covering_ack = self.covering_ack.filter(|(ack, _)| *ack >= end);
        Some(match covering_ack {
            Some((_, at)) => oldest.min(at + config.ack_grace),
            None => oldest,
        })
    }

    /// Notes that the receiver acknowledged everything before `acked`, if that
    /// says something new about the first hole.
    pub(super) fn note_ack(&mut self, acked: u64, now: Timestamp) {
        if let Some(end) = self.hole_end()
            && acked >= end
            && self.covering_ack.is_none_or(|(ack, _)| ack < end)
        {
            self.covering_ack = Some((acked, now));
        }
    }

    /// Updates what is kept of the first hole after it was filled or given up.
    pub(super) fn update_first_hole(&mut self) {
        // A FIN behind a hole may be left even if nothing is held.
        self.held.release();
        if let Some((_, since)) = self.held.first().or(self.fin) {
            self.since = since;
        } else {
            self.covering_ack = None;
        }
    }

    pub(super) fn memory(&self) -> usize {
        size_of::<Self>() + self.held_memory()
    }

    /// Bytes of it that are freed when nothing is held any more.
    pub(super) fn held_memory(&self) -> usize {
        let stray = self.stray.as_ref().map_or(0, |stray| {
            size_of::<StraySegment>() + stray.bytes.capacity()
        });
        self.held.memory() + stray
    }
}
