//! What is kept of a stream that did not come in order.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::held::Held;
use super::{StreamConfig, StreamStats};
use crate::Timestamp;

/// Everything about a stream that one in perfect order does without.
#[derive(Debug, Default)]
pub(super) struct OutOfOrder {
    pub(super) held: Held,
    /// Since when the first hole has been in the way.
    pub(super) since: Timestamp,
    /// A FIN behind a hole: where, and since when.
    pub(super) fin: Option<(u64, Timestamp)>,
    /// An ACK, and when it was found to cover the first hole.
    pub(super) noted: Option<(u64, Timestamp)>,
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
    /// Whether nothing is waited for.
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
        let noted = self.noted.filter(|(ack, _)| *ack >= end);
        Some(match noted {
            Some((_, at)) => oldest.min(at + config.ack_grace),
            None => oldest,
        })
    }

    /// Notes that the receiver acknowledged everything before `acked`, if that
    /// says something new about the first hole.
    pub(super) fn note(&mut self, acked: u64, now: Timestamp) {
        if let Some(end) = self.hole_end()
            && acked >= end
            && self.noted.is_none_or(|(ack, _)| ack < end)
        {
            self.noted = Some((acked, now));
        }
    }

    /// The next hole is now the first.
    pub(super) fn next_hole(&mut self) {
        // Though a FIN may still be waited for.
        self.held.release();
        if let Some((_, since)) = self.held.first().or(self.fin) {
            self.since = since;
        } else {
            self.noted = None;
        }
    }

    pub(super) fn memory(&self) -> usize {
        size_of::<Self>() + self.held_memory()
    }

    /// What of it is given back when nothing is held any more.
    pub(super) fn held_memory(&self) -> usize {
        let stray = self.stray.as_ref().map_or(0, |stray| {
            size_of::<StraySegment>() + stray.bytes.capacity()
        });
        self.held.memory() + stray
    }
}
