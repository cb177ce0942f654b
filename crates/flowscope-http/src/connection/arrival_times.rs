//! When the bytes came that cannot be read yet.

use alloc::vec::Vec;

use flowscope_core::Timestamp;

/// The times of the packets that brought what is held of one side.
///
/// A message that is found within it began with the packet of its own first
/// byte, whatever came before that.
#[derive(Clone, Debug)]
pub(super) struct ArrivalTimes {
    /// When the first byte came.
    first: Timestamp,
    /// From which byte on which other time holds. Most heads come at once.
    later: Vec<(u32, Timestamp)>,
}

impl ArrivalTimes {
    /// What is behind the first `held` bytes came at `at`.
    pub(super) fn push(&mut self, held: usize, at: Timestamp) {
        if held == 0 {
            self.later.clear();
            self.first = at;
        } else if self.last() != at {
            if self.later.len() >= MOST {
                // Who sends a byte in a packet has sent as many before the
                // line that is looked for.
                self.later.drain(..MOST / 2);
            }
            self.later.push((index(held), at));
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

    /// The first `count` bytes are held no longer.
    pub(super) fn drain(&mut self, count: usize) {
        self.first = self.of(count);
        self.later.retain(|(from, _)| *from > index(count));
        for (from, _) in &mut self.later {
            *from -= index(count);
        }
    }

    /// Nothing is held. A little memory is kept for the next.
    pub(super) fn clear(&mut self) {
        self.later.clear();
        if self.later.capacity() > KEPT {
            self.later = Vec::new();
        }
    }

    /// The pieces of `len` bytes that are held, as they came: how many bytes
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

/// What is held is never longer than a `u32` says.
fn index(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// As many times as are told apart of one side. No line worth finding came in
/// more packets.
const MOST: usize = 1024;

/// Room for so many times is kept when nothing is held.
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
