//! What a connection carries before its protocol is known.

use alloc::vec::Vec;

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Input, StreamEnd};
use flowscope_core::{BySide, FlowSide, Timestamp};

/// The first bytes of both sides, and in which order they came, so that the
/// parser that is chosen later can be fed with them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReplayBuffer {
    bytes: BySide<Vec<u8>>,
    /// What was fed, without the bytes of chunks: those are one after the other
    /// in `bytes`.
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
enum Entry {
    Data {
        side: FlowSide,
        at: Timestamp,
        len: usize,
    },
    Gap {
        side: FlowSide,
        at: Timestamp,
        len: u64,
    },
    Close(StreamEnd),
}

/// What is replayed, in order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Replayed<'a> {
    Input(Input<'a>),
    Close(StreamEnd),
}

impl ReplayBuffer {
    /// Bytes of memory that it takes.
    pub(crate) fn memory(&self) -> usize {
        let bytes: usize = self.bytes.iter().map(|(_, bytes)| bytes.capacity()).sum();
        size_of::<Self>() + bytes + self.entries.capacity() * size_of::<Entry>()
    }

    /// Keeps a chunk. Of each side no more than `limit` bytes are kept; those
    /// beyond are returned.
    pub(crate) fn push<'a>(&mut self, input: Input<'a>, limit: usize) -> &'a [u8] {
        let Input { side, at, .. } = input;
        match input.chunk {
            Chunk::Gap(len) => {
                self.entries.push(Entry::Gap { side, at, len });
                &[]
            }
            Chunk::Data(bytes) => {
                let room = limit.saturating_sub(self.bytes[side].len());
                let (kept, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
                self.bytes[side].extend_from_slice(kept);
                self.push_data(side, at, kept.len());
                rest
            }
        }
    }

    /// Notes where bytes belong. Those of one packet are one entry, however
    /// many chunks they came in.
    fn push_data(&mut self, side: FlowSide, at: Timestamp, more: usize) {
        match self.entries.last_mut() {
            Some(Entry::Data {
                side: last_side,
                at: last_at,
                len,
            }) if (*last_side, *last_at) == (side, at) => *len += more,
            _ => self.entries.push(Entry::Data {
                side,
                at,
                len: more,
            }),
        }
    }

    pub(crate) fn close(&mut self, end: StreamEnd) {
        self.entries.push(Entry::Close(end));
    }

    /// What a side sent first. A gap ends the buffering, so nothing is missing
    /// in front of these bytes or between them.
    pub(crate) fn first_bytes(&self, side: FlowSide) -> &[u8] {
        &self.bytes[side]
    }

    /// Whether nothing more is to be kept: there are a lot of entries, or bytes
    /// are missing.
    pub(crate) fn is_full(&self) -> bool {
        let has_gap = matches!(self.entries.last(), Some(Entry::Gap { .. }));
        has_gap || self.entries.len() >= MAX_ENTRIES
    }

    /// Whether both sides have ended.
    pub(crate) fn is_closed(&self) -> bool {
        let is_close = |entry: &&Entry| matches!(entry, Entry::Close(_));
        self.entries.iter().filter(is_close).count() > 1
    }

    /// Everything, in the order in which it came.
    pub(crate) fn replay(&self) -> impl Iterator<Item = Replayed<'_>> {
        let mut rest = BySide::from_fn(|side| &self.bytes[side][..]);
        self.entries.iter().map(move |entry| match *entry {
            Entry::Data { side, at, len } => {
                let (bytes, behind) = rest[side].split_at_checked(len).unwrap_or_default();
                rest[side] = behind;
                Replayed::Input(Input::new(side, at, Chunk::Data(bytes)))
            }
            Entry::Gap { side, at, len } => Replayed::Input(Input::new(side, at, Chunk::Gap(len))),
            Entry::Close(end) => Replayed::Close(end),
        })
    }
}

/// How many entries are kept of a connection. It is more than any protocol
/// needs bytes to be told, so that it makes no difference how bytes are cut.
const MAX_ENTRIES: usize = 512;

#[cfg(test)]
mod tests {
    use FlowSide::{Initiator, Responder};
    use flowscope_core::session::Close;

    use super::*;

    fn at(second: u64) -> Timestamp {
        Timestamp::new(second, 0)
    }

    fn data(side: FlowSide, second: u64, bytes: &[u8]) -> Input<'_> {
        Input::new(side, at(second), Chunk::Data(bytes))
    }

    #[test]
    fn what_was_kept_is_replayed_in_order_with_its_times() {
        let mut buffer = ReplayBuffer::default();
        let end = StreamEnd::new(Initiator, at(3), Close::Fin);
        for input in [
            data(Initiator, 1, b"ab"),
            data(Initiator, 1, b"c"),
            data(Responder, 2, b"x"),
            data(Initiator, 2, b"d"),
        ] {
            assert!(buffer.push(input, 100).is_empty());
        }
        buffer.close(end);
        assert_eq!(buffer.first_bytes(Initiator), b"abcd");
        let replayed: Vec<_> = buffer.replay().collect();
        assert_eq!(
            replayed,
            [
                Replayed::Input(data(Initiator, 1, b"abc")),
                Replayed::Input(data(Responder, 2, b"x")),
                Replayed::Input(data(Initiator, 2, b"d")),
                Replayed::Close(end),
            ]
        );
    }

    #[test]
    fn bytes_beyond_the_limit_of_a_side_come_back() {
        let mut buffer = ReplayBuffer::default();
        assert_eq!(buffer.push(data(Initiator, 1, b"abc"), 2), b"c");
        assert_eq!(buffer.push(data(Responder, 1, b"xy"), 2), b"");
        assert_eq!(buffer.first_bytes(Initiator), b"ab");
    }

    #[test]
    fn a_gap_or_too_many_packets_fill_it() {
        let mut gap = ReplayBuffer::default();
        gap.push(Input::new(Initiator, at(1), Chunk::Gap(7)), 100);
        assert!(gap.is_full());
        let mut packets = ReplayBuffer::default();
        for second in 0..MAX_ENTRIES as u64 {
            assert!(!packets.is_full());
            packets.push(data(Initiator, second, b""), 100);
        }
        assert!(packets.is_full());
    }

    #[test]
    fn it_is_closed_with_the_second_side() {
        let mut buffer = ReplayBuffer::default();
        for (side, closed) in [(Initiator, false), (Responder, true)] {
            buffer.close(StreamEnd::new(side, at(1), Close::Fin));
            assert_eq!(buffer.is_closed(), closed);
        }
    }
}
