//! Messages that come in fragments which say where they belong: those of a
//! DTLS handshake, and QUIC's CRYPTO frames.

use core::fmt;

/// Puts bytes together that come in any order, more than once and overlapping.
///
/// What is first told of a byte counts.
///
/// ```
/// use flowscope_tls::Fragments;
///
/// let mut fragments = Fragments::default();
/// fragments.insert(6, b"world", 100)?;
/// assert_eq!(fragments.front(), b"");
/// fragments.insert(0, b"hello ", 100)?;
/// assert_eq!(fragments.front(), b"hello world");
/// fragments.consume(6);
/// assert_eq!(fragments.front(), b"world");
/// # Ok::<(), flowscope_tls::FragmentsError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Fragments {
    /// How many bytes were consumed.
    start: u64,
    /// In order, with holes between them.
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
struct Piece {
    offset: u64,
    bytes: Vec<u8>,
}

impl Piece {
    fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

impl Fragments {
    /// Adds the `bytes` at `offset`, of which all but those consumed count.
    ///
    /// # Errors
    ///
    /// Nothing is added if it ends more than `limit` bytes behind what was
    /// consumed, or if there would be more than 256 holes.
    pub fn insert(
        &mut self,
        offset: u64,
        bytes: &[u8],
        limit: usize,
    ) -> Result<(), FragmentsError> {
        let old = usize::try_from(self.start.saturating_sub(offset)).unwrap_or(usize::MAX);
        let Some(bytes) = bytes.get(old..).filter(|new| !new.is_empty()) else {
            return Ok(());
        };
        let offset = offset.max(self.start);
        let end = offset.saturating_add(bytes.len() as u64);
        if end - self.start > limit as u64 {
            return Err(FragmentsError);
        }
        let first = self.pieces.partition_point(|piece| piece.end() < offset);
        let behind = self.pieces.partition_point(|piece| piece.offset <= end);
        if first == behind && self.pieces.len() >= MAX_PIECES {
            return Err(FragmentsError);
        }
        let known = self.pieces.get(first..behind).unwrap_or_default();
        let mut whole = Piece {
            offset: known
                .first()
                .map_or(offset, |piece| piece.offset.min(offset)),
            bytes: Vec::new(),
        };
        // The bytes from the end of a piece on, up to the next.
        let hole = |from: u64, to: u64| {
            let place = |at: u64| usize::try_from(at.saturating_sub(offset)).unwrap_or(usize::MAX);
            bytes.get(place(from)..place(to)).unwrap_or_default()
        };
        for piece in self.pieces.drain(first..behind) {
            let between = hole(whole.end(), piece.offset);
            if whole.bytes.is_empty() && between.is_empty() {
                whole.bytes = piece.bytes;
            } else {
                whole.bytes.extend_from_slice(between);
                whole.bytes.extend_from_slice(&piece.bytes);
            }
        }
        let last = hole(whole.end(), end);
        whole.bytes.extend_from_slice(last);
        self.pieces.insert(first, whole);
        Ok(())
    }

    /// Whether `bytes` at `offset` are what is held there, as far as anything is.
    ///
    /// ```
    /// use flowscope_tls::Fragments;
    ///
    /// let mut fragments = Fragments::default();
    /// fragments.insert(2, b"cd", 10)?;
    /// assert!(fragments.agrees(0, b"abcdef"));
    /// assert!(!fragments.agrees(3, b"e"));
    /// # Ok::<(), flowscope_tls::FragmentsError>(())
    /// ```
    #[must_use]
    pub fn agrees(&self, offset: u64, bytes: &[u8]) -> bool {
        let end = offset.saturating_add(bytes.len() as u64);
        let first = self.pieces.partition_point(|piece| piece.end() <= offset);
        let held = self.pieces.get(first..).unwrap_or_default().iter();
        let mut overlapping = held.take_while(|piece| piece.offset < end);
        overlapping.all(|piece| {
            let from = piece.offset.max(offset);
            let len = piece.end().min(end) - from;
            part(&piece.bytes, from - piece.offset, len) == part(bytes, from - offset, len)
        })
    }

    /// The same with `bytes` at `offset`, whatever is held there.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    pub fn replaced(
        &self,
        offset: u64,
        bytes: &[u8],
        limit: usize,
    ) -> Result<Self, FragmentsError> {
        let mut replaced = Self {
            start: self.start,
            pieces: Vec::new(),
        };
        replaced.insert(offset, bytes, limit)?;
        for piece in &self.pieces {
            replaced.insert(piece.offset, &piece.bytes, limit)?;
        }
        Ok(replaced)
    }

    /// The bytes behind those consumed, up to the first hole.
    #[must_use]
    pub fn front(&self) -> &[u8] {
        match self.pieces.first() {
            Some(piece) if piece.offset == self.start => &piece.bytes,
            _ => &[],
        }
    }

    /// Removes `len` bytes from the [`front`](Self::front), or all of it.
    pub fn consume(&mut self, len: usize) {
        let len = len.min(self.front().len());
        if len == 0 {
            return;
        }
        self.start += len as u64;
        if let Some(piece) = self.pieces.first_mut() {
            piece.bytes.drain(..len);
            piece.offset = self.start;
        }
        self.pieces.retain(|piece| !piece.bytes.is_empty());
    }

    /// How many bytes of memory it has taken, besides itself.
    #[must_use]
    pub fn memory(&self) -> usize {
        let bytes: usize = self.pieces.iter().map(|piece| piece.bytes.capacity()).sum();
        bytes + self.pieces.capacity() * size_of::<Piece>()
    }
}

/// So many bytes from a place within others on.
fn part(bytes: &[u8], from: u64, len: u64) -> Option<&[u8]> {
    let from = usize::try_from(from).ok()?;
    bytes.get(from..)?.get(..usize::try_from(len).ok()?)
}

/// Fragments beyond the limits of [`Fragments::insert`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FragmentsError;

impl fmt::Display for FragmentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fragment too far ahead, or too many holes")
    }
}

impl core::error::Error for FragmentsError {}

/// What memory a piece takes beyond its bytes is bounded by their number.
const MAX_PIECES: usize = 256;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_comes_first_counts() {
        let mut fragments = Fragments::default();
        for (offset, bytes) in [(2, &b"cd"[..]), (6, b"gh"), (1, b"BCDEFGHI"), (0, b"a2345")] {
            assert_eq!(fragments.insert(offset, bytes, 9), Ok(()));
        }
        assert_eq!(fragments.front(), b"aBcdEFghI");
        fragments.consume(100);
        assert_eq!(fragments.insert(3, b"old", 9), Ok(()));
        assert_eq!(fragments.front(), b"");
        assert_eq!(fragments.memory() % size_of::<Piece>(), 0);
    }

    #[test]
    fn what_is_too_far_ahead_is_refused() {
        let mut fragments = Fragments::default();
        assert_eq!(fragments.insert(91, &[0; 10], 100), Err(FragmentsError));
        assert_eq!(
            fragments.insert(u64::MAX, &[0; 10], 100),
            Err(FragmentsError)
        );
        for hole in 0..256 {
            assert_eq!(fragments.insert(1 + 2 * hole, &[7], 1000), Ok(()));
        }
        assert_eq!(fragments.insert(513, &[7], 1000), Err(FragmentsError));
        // One that touches another is no more.
        assert_eq!(fragments.insert(512, &[7], 1000), Ok(()));
        assert_eq!(fragments.insert(0, &[7], 1000), Ok(()));
        assert_eq!(fragments.front(), [7, 7]);
    }

    proptest! {
        #[test]
        fn fragments_are_as_bytes_put_down_one_by_one(
            inserts in proptest::collection::vec(
                (0_u64..60, proptest::collection::vec(any::<u8>(), 0..12), 0_usize..8),
                0..40,
            ),
        ) {
            let mut fragments = Fragments::default();
            let mut model: Vec<Option<u8>> = vec![None; 100];
            let mut start = 0;
            for (offset, bytes, consumed) in inserts {
                let end = offset as usize + bytes.len();
                let fits = end <= start + 64 || bytes.is_empty() || end <= start;
                let known = (offset as usize..).zip(&bytes).filter(|(at, _)| *at >= start);
                let agrees = known.into_iter().all(|(at, byte)| {
                    model.get(at).copied().flatten().is_none_or(|known| known == *byte)
                });
                prop_assert_eq!(fragments.agrees(offset, &bytes), agrees);
                if let Ok(replaced) = fragments.replaced(offset, &bytes, 64) {
                    prop_assert!(replaced.agrees(offset, &bytes));
                    let front = fragments.front();
                    prop_assert!(!agrees || replaced.agrees(start as u64, front));
                }
                prop_assert_eq!(fragments.insert(offset, &bytes, 64).is_ok(), fits);
                for (at, byte) in (offset as usize..).zip(bytes).filter(|_| fits) {
                    model[at].get_or_insert(byte);
                }
                let front: Vec<u8> = model[start..].iter().map_while(|byte| *byte).collect();
                prop_assert_eq!(fragments.front(), &front[..]);
                fragments.consume(consumed);
                start += consumed.min(front.len());
            }
        }
    }
}
