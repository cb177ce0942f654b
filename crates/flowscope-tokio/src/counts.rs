//! What a source took, and what it lost.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;

/// What a source took, and what it lost, so far.
///
/// Every frame that a live interface let through its filter is in one of these:
/// `received` is the sum of `delivered`, `dropped_by_kernel` and what still waits
/// in a buffer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct CaptureCounts {
    /// Frames that came, lost ones included.
    pub received: u64,
    /// Frames that were handed on.
    pub delivered: u64,
    /// Bytes of these on the wire.
    pub delivered_bytes: u64,
    /// Frames for which the kernel's buffer had no room.
    pub dropped_by_kernel: u64,
    /// Frames that the interface or its driver lost before they were counted as
    /// received, if it says so.
    pub dropped_by_interface: u64,
    /// Frames for which a queue within the process had no room.
    pub dropped_in_queue: u64,
}

impl CaptureCounts {
    /// All that is known to be lost.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped_by_kernel + self.dropped_by_interface + self.dropped_in_queue
    }

    /// Frames that were received, and neither handed on nor lost: they wait in a
    /// buffer, or came when the capture had ended.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        self.received
            .saturating_sub(self.delivered)
            .saturating_sub(self.dropped_by_kernel)
            .saturating_sub(self.dropped_in_queue)
    }
}

/// The counts of a source, to be read from anywhere while it runs.
#[derive(Clone, Debug, Default)]
pub struct Counters(Arc<Cells>);

#[derive(Debug, Default)]
struct Cells {
    received: AtomicU64,
    delivered: AtomicU64,
    delivered_bytes: AtomicU64,
    dropped_by_kernel: AtomicU64,
    dropped_by_interface: AtomicU64,
    dropped_in_queue: AtomicU64,
}

impl Counters {
    /// The counts at this moment.
    #[must_use]
    pub fn read(&self) -> CaptureCounts {
        let cells = &*self.0;
        CaptureCounts {
            // In this order none of the frames below is missing above.
            delivered: cells.delivered.load(Relaxed),
            delivered_bytes: cells.delivered_bytes.load(Relaxed),
            dropped_by_kernel: cells.dropped_by_kernel.load(Relaxed),
            dropped_by_interface: cells.dropped_by_interface.load(Relaxed),
            dropped_in_queue: cells.dropped_in_queue.load(Relaxed),
            received: cells.received.load(Relaxed),
        }
    }

    /// Frames came.
    pub fn add_received(&self, frames: u64) {
        self.0.received.fetch_add(frames, Relaxed);
    }

    /// Frames of so many bytes were handed on.
    pub fn add_delivered(&self, frames: u64, bytes: u64) {
        self.0.delivered.fetch_add(frames, Relaxed);
        self.0.delivered_bytes.fetch_add(bytes, Relaxed);
    }

    /// The kernel had no room for frames.
    pub fn add_dropped_by_kernel(&self, frames: u64) {
        self.0.dropped_by_kernel.fetch_add(frames, Relaxed);
    }

    /// The interface lost frames.
    pub fn add_dropped_by_interface(&self, frames: u64) {
        self.0.dropped_by_interface.fetch_add(frames, Relaxed);
    }

    /// A queue had no room for frames.
    pub fn add_dropped_in_queue(&self, frames: u64) {
        self.0.dropped_in_queue.fetch_add(frames, Relaxed);
    }
}
