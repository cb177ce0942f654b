//! Frames that travel together, in one piece of memory.

use core::ops::Range;

use flowscope::{LinkType, PacketView, Timestamp};

/// Several captured frames in one buffer, which can be used again.
///
/// ```
/// use flowscope::{PacketView, Timestamp};
/// use flowscope_tokio::FrameBatch;
///
/// let mut batch = FrameBatch::default();
/// batch.push(PacketView::new(b"one", Timestamp::new(1, 0)));
/// batch.push(PacketView::new(b"another", Timestamp::new(2, 0)));
///
/// let lengths: Vec<usize> = batch.iter().map(|packet| packet.frame.len()).collect();
/// assert_eq!(lengths, [3, 7]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct FrameBatch {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    range: Range<usize>,
    link: LinkType,
    timestamp: Timestamp,
    wire_len: u32,
}

impl FrameBatch {
    /// Copies a frame to the end.
    pub fn push(&mut self, packet: PacketView<'_>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(packet.frame);
        self.entries.push(Entry {
            range: start..self.bytes.len(),
            link: packet.link,
            timestamp: packet.timestamp,
            wire_len: packet.wire_len,
        });
    }

    /// The frames, in the order in which they came.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = PacketView<'_>> + Clone {
        self.entries.iter().map(|entry| self.view(entry))
    }

    /// How many frames there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of all frames.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Takes all frames out and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    pub(crate) fn get(&self, index: usize) -> Option<PacketView<'_>> {
        self.entries.get(index).map(|entry| self.view(entry))
    }

    /// Bytes of memory that it holds.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    fn view(&self, entry: &Entry) -> PacketView<'_> {
        PacketView::new(&self.bytes[entry.range.clone()], entry.timestamp)
            .with_link(entry.link)
            .with_wire_len(entry.wire_len)
    }
}

impl<'a> Extend<PacketView<'a>> for FrameBatch {
    fn extend<I: IntoIterator<Item = PacketView<'a>>>(&mut self, packets: I) {
        for packet in packets {
            self.push(packet);
        }
    }
}
