//! The few bytes of a side that are held back while they may begin a message.

use alloc::boxed::Box;

use flowscope_core::Timestamp;

/// A few bytes, and when they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    /// When the first of them came.
    at: Timestamp,
    /// When each of them came, unless all came with the first.
    times: Option<Box<[Timestamp; HELD]>>,
    bytes: [u8; HELD],
    len: u8,
}

impl Held {
    pub(crate) fn len(&self) -> usize {
        self.len.into()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or_default()
    }

    /// Adds bytes that came at `at`, as far as there is room, and says whether all of
    /// them are held now.
    pub(crate) fn push(&mut self, bytes: &[u8], at: Timestamp) -> bool {
        let before = self.len();
        if before == 0 {
            (self.at, self.times) = (at, None);
        } else if self.times.is_some() || at != self.at {
            let first = self.at;
            let times = self.times.get_or_insert_with(|| Box::new([first; HELD]));
            times.iter_mut().skip(before).for_each(|time| *time = at);
        }
        for (place, byte) in self.bytes.iter_mut().skip(before).zip(bytes) {
            *place = *byte;
            self.len += 1;
        }
        self.len() == before + bytes.len()
    }

    /// Lets the first `count` bytes go.
    pub(crate) fn discard(&mut self, count: usize) {
        let count = count.min(self.len());
        self.bytes.copy_within(count.., 0);
        self.len -= count as u8;
        if let Some(times) = &mut self.times {
            times.copy_within(count.., 0);
            let [first, ..] = &**times;
            self.at = *first;
        }
    }

    /// The bytes that came at the same time, for each time.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (&[u8], Timestamp)> {
        let mut rest = self.bytes();
        let mut from = 0;
        core::iter::from_fn(move || {
            let times = self.times.as_ref().and_then(|times| times.get(from..));
            let at = times.map_or(Some(self.at), |times| times.first().copied())?;
            let same = times.map(|times| times.iter().take_while(|time| **time == at).count());
            let count = same.unwrap_or(HELD).min(rest.len());
            let (piece, behind) = rest.split_at_checked(count)?;
            (rest, from) = (behind, from + count);
            (!piece.is_empty()).then_some((piece, at))
        })
    }

    /// Bytes of memory on the heap that it takes.
    pub(crate) fn memory(&self) -> usize {
        self.times.as_deref().map_or(0, size_of_val)
    }
}

/// The most bytes that do not tell yet whether they begin a message.
pub(crate) const HELD: usize = 17;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn pieces(held: &Held) -> Vec<(&[u8], u64)> {
        held.pieces()
            .map(|(bytes, at)| (bytes, at.as_secs()))
            .collect()
    }

    #[test]
    fn bytes_keep_their_times() {
        let at = |second| Timestamp::new(second, 0);
        let mut held = Held::default();
        assert_eq!(pieces(&held), []);
        assert!(held.push(b"ab", at(1)));
        assert!(held.push(b"c", at(1)));
        assert_eq!(held.memory(), 0);
        assert!(held.push(b"de", at(2)));
        assert_eq!(pieces(&held), [(&b"abc"[..], 1), (b"de", 2)]);
        assert!(held.memory() > 0);
        held.discard(2);
        assert_eq!(pieces(&held), [(&b"c"[..], 1), (b"de", 2)]);
        held.discard(1);
        assert!(!held.push(&[b'x'; HELD], at(2)));
        assert_eq!(pieces(&held), [(&b"dexxxxxxxxxxxxxxx"[..], 2)]);
        held.discard(HELD);
        assert!(held.push(b"y", at(3)));
        assert_eq!(pieces(&held), [(&b"y"[..], 3)]);
        assert_eq!(held.memory(), 0);
    }
}
