//! When the bytes came that cannot be read yet.

use alloc::vec::Vec;

use flowscope_core::Timestamp;

/// The times of the packets that brought the bytes in the buffer of one side.
///
/// A message that is found within it began with the packet of its own first
/// byte, whatever came before that.
#[derive(Clone, Debug)]
pub(super) struct ArrivalTimes {
    /// When the first byte came.
    first: Timestamp,
    /// Later times, each with the first byte that came then. Most heads come in
    /// one packet and have none.
    later: Vec<(u32, Timestamp)>,
}

impl ArrivalTimes {
    /// What is added behind the first `buffered` bytes came at `at`.
    pub(super) fn push(&mut self, buffered: usize, at: Timestamp) {
        if buffered == 0 {
            self.later.clear();
            self.first = at;
        } else if self.last() != at {
            if self.later.len() >= MOST {
                // Only a sender with a byte or so in each packet gets here. The
                // times of its oldest bytes are merged: the line that is
                // searched for most likely begins behind them.
                self.later.drain(..MOST / 2);
            }
            self.later.push((index(buffered), at));
        }
    }

    /// When byte `offset` came.
    pub(super) fn of(&self, offset: usize) -> Timestamp {
        let behind = self
            .later
            .partition_point(|(from, _)| *from <= index(offset));
        let (before, _) = self.later.split_at_checked(behind).unwrap_or_default();
        before.last().map_or(self.first, |(_, at)| *at)
    }

    /// The first `count` bytes were removed from the buffer.
    pub(super) fn drain(&mut self, count: usize) {
        self.first = self.of(count);
        self.later.retain(|(from, _)| *from > index(count));
        for (from, _) in &mut self.later {
            *from -= index(count);
        }
    }

    /// The buffer was emptied. A little memory is kept for the next bytes.
    pub(super) fn clear(&mut self) {
        self.later.clear();
        if self.later.capacity() > KEPT {
            self.later = Vec::new();
        }
    }

    /// The pieces of the `len` bytes in the buffer, as they came: how many bytes
    /// each has, and when it came.
    pub(super) fn pieces(&self, len: usize) -> impl Iterator<Item = (usize, Timestamp)> {
        let ends = self.later.iter().map(|(from, _)| *from as usize);
        let times = self.later.iter().map(|(_, at)| *at);
        let mut before = 0;
        core::iter::once(self.first)
            .chain(times)
            .zip(ends.chain([len]))
            .map(move |(at, end)| {
                let count = end.saturating_sub(before);
                before = end;
                (count, at)
            })
    }

    pub(super) fn memory(&self) -> usize {
        self.later.capacity() * size_of::<(u32, Timestamp)>()
    }

    fn last(&self) -> Timestamp {
        self.later.last().map_or(self.first, |(_, at)| *at)
    }
}

impl Default for ArrivalTimes {
    fn default() -> Self {
        Self {
            first: Timestamp::EPOCH,
            later: Vec::new(),
        }
    }
}

/// A buffer is never longer than a `u32` says.
fn index(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// How many times are told apart of one side. No start line comes in more
/// packets.
const MOST: usize = 1024;

/// Room for so many times is kept when the buffer is empty.
const KEPT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Timestamp {
        Timestamp::new(second, 0)
    }

    #[test]
    fn each_byte_came_with_its_own_packet() {
        let mut arrival_times = ArrivalTimes::default();
        for (held, second) in [(0, 1), (3, 2), (4, 2), (7, 5)] {
            arrival_times.push(held, at(second));
        }
        let times = |arrival_times: &ArrivalTimes| {
            [0, 2, 3, 6, 7, 9].map(|offset| arrival_times.of(offset))
        };
        assert_eq!(times(&arrival_times), [1, 1, 2, 2, 5, 5].map(at));
        assert!(
            arrival_times
                .pieces(9)
                .eq([(3, at(1)), (4, at(2)), (2, at(5))])
        );
        arrival_times.drain(2);
        assert_eq!(times(&arrival_times), [1, 2, 2, 5, 5, 5].map(at));
        arrival_times.drain(1);
        assert!(arrival_times.pieces(6).eq([(4, at(2)), (2, at(5))]));
        arrival_times.push(0, at(9));
        assert!(arrival_times.pieces(1).eq([(1, at(9))]));
    }

    #[test]
    fn only_so_many_times_are_told_apart() {
        let mut arrival_times = ArrivalTimes::default();
        for byte in 0..10_000 {
            arrival_times.push(byte, at(byte as u64));
        }
        assert_eq!(arrival_times.of(9_999), at(9_999));
        assert_eq!(arrival_times.of(9_500), at(9_500));
        assert!(arrival_times.memory() < 64 << 10);
    }
}
