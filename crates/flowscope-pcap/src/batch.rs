//! Several packets at a time.

use core::fmt;
use core::ops::Deref;

use flowscope_core::{LinkType, PacketView, Timestamp};

/// A few packets that lie side by side in a capture, as a slice.
///
/// Made by [`next_batch`](crate::PcapFlowSource::next_batch), for
/// [`track_batch`](flowscope_core::FlowTracker::track_batch).
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    packets: [PacketView<'a>; CAPACITY],
    len: usize,
}

impl<'a> Batch<'a> {
    #[inline]
    pub(crate) fn new() -> Self {
        const NONE: PacketView<'_> = PacketView {
            frame: &[],
            link: LinkType::ETHERNET,
            timestamp: Timestamp::EPOCH,
            wire_len: 0,
        };
        Self {
            packets: [NONE; CAPACITY],
            len: 0,
        }
    }

    /// Adds a packet, of which there must not be more than [`CAPACITY`].
    #[inline]
    pub(crate) fn push(&mut self, packet: PacketView<'a>) {
        self.packets[self.len] = packet;
        self.len += 1;
    }
}

impl<'a> Deref for Batch<'a> {
    type Target = [PacketView<'a>];

    #[inline]
    fn deref(&self) -> &[PacketView<'a>] {
        &self.packets[..self.len]
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Packets in a batch at the most.
pub(crate) const CAPACITY: usize = 32;
