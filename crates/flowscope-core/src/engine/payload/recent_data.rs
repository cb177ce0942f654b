//! What was delivered lately, to tell whether a second copy says otherwise.
//!
//! Bytes in order are borrowed from their packet and gone when the packet is.
//! Who sends other bytes with the same numbers later, or who did so first, is
//! not to go unnoticed (RFC 9293, section 3.10.7.4, has the receiver keep the
//! first copy). So the beginning of what each side says in turn is kept, in a
//! ring that all flows of a shard share: heads of messages, and not bulk.

use alloc::vec::Vec;

use crate::slab::SlabIndex;
use crate::track::FlowId;

/// A ring for each shard of flows.
#[derive(Debug)]
pub(super) struct RecentByShard(Vec<RecentData>);

impl RecentByShard {
    /// For so many shards, a power of two.
    pub(super) fn new(shards: usize) -> Self {
        let size = (RING / shards).max(SMALLEST_RING);
        Self((0..shards).map(|_| RecentData::of_size(size)).collect())
    }

    /// That of a flow.
    #[inline]
    pub(super) fn of(&mut self, flow: FlowId) -> &mut RecentData {
        let mask = self.0.len() - 1;
        &mut self.0[flow.index().number() as usize & mask]
    }
}

/// Bytes that were delivered, the latest over the oldest.
#[derive(Debug)]
pub(super) struct RecentData {
    /// As long as it was ever filled.
    ring: Vec<u8>,
    /// How long it gets.
    size: usize,
    /// How many bytes were ever written.
    written: u64,
}

/// Where the latest data of one side's stream are, with what else is kept of a
/// side: 16 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecentOfStream {
    /// Where its latest entry was written.
    last: Option<RingOffset>,
    /// How much of the stream was delivered, modulo 2^32.
    position: u32,
    /// How much more is kept before the other side speaks.
    budget: u16,
    /// Whether the reader knows that the stream is over.
    pub(super) is_closed: bool,
}

/// How many bytes had been written before an entry, and one.
type RingOffset = core::num::NonZeroU64;

impl RecentOfStream {
    /// Of a stream of which nothing was delivered.
    pub(super) const NEW: Self = Self {
        last: None,
        position: 0,
        budget: BUDGET,
        is_closed: false,
    };

    /// The other side has spoken: what comes next begins something.
    #[inline]
    pub(super) fn renew(&mut self) {
        self.budget = BUDGET;
    }

    /// Bytes of the stream are missing.
    pub(super) fn skip(&mut self, len: u64) {
        self.position = self.position.wrapping_add(len as u32);
    }
}

impl RecentData {
    fn of_size(size: usize) -> Self {
        Self {
            // Memory is not there before it is written to.
            ring: Vec::with_capacity(size),
            size,
            written: 0,
        }
    }

    /// Bytes were delivered.
    #[inline]
    pub(super) fn keep(&mut self, recent: &mut RecentOfStream, bytes: &[u8]) {
        if recent.budget > 0 {
            self.write(recent, bytes);
        }
        recent.position = recent.position.wrapping_add(bytes.len() as u32);
    }

    #[inline(never)]
    fn write(&mut self, recent: &mut RecentOfStream, bytes: &[u8]) {
        let len = bytes.len().min(recent.budget.into());
        let Some(kept) = bytes.get(..len) else { return };
        recent.budget -= len as u16;
        let size = self.size;
        let mut at = self.written as usize % size;
        // An entry that went round the end of the ring would be two slices to compare.
        if at + HEADER + len > size {
            // An entry lies in one piece.
            self.written += (size - at) as u64;
            at = 0;
        }
        if self.ring.len() < at + HEADER + len {
            self.ring.resize(at + HEADER + len, 0);
        }
        let entry = Entry {
            before: recent.last.map_or(0, RingOffset::get),
            position: recent.position,
            len: len as u16,
        };
        let Some((header, room)) = self
            .ring
            .get_mut(at..at + HEADER + len)
            .and_then(|place| place.split_first_chunk_mut())
        else {
            return;
        };
        *header = entry.to_bytes();
        room.copy_from_slice(kept);
        recent.last = RingOffset::new(self.written + 1);
        self.written += (HEADER + len) as u64;
    }

    /// How many of `bytes` differ from what was delivered in their place. They
    /// begin `behind` bytes before the end of what was delivered.
    #[cold]
    pub(super) fn differing(&self, recent: &RecentOfStream, behind: u64, bytes: &[u8]) -> u64 {
        let behind = i64::try_from(behind).unwrap_or(i64::MAX);
        let mut differing = 0;
        let mut place = recent.last;
        for _ in 0..MAX_ENTRIES {
            let Some((entry, kept)) = place.and_then(|place| self.entry(place)) else {
                break;
            };
            // Places count from the first of `bytes`.
            let age = recent.position.wrapping_sub(entry.position);
            let start = behind - i64::from(age);
            differing += count_differing(bytes, kept, start);
            if start <= 0 {
                break;
            }
            place = RingOffset::new(entry.before);
        }
        differing
    }

    /// The entry at `place`, if it was not written over.
    fn entry(&self, place: RingOffset) -> Option<(Entry, &[u8])> {
        let place = place.get() - 1;
        // Newer entries lie over it by now. The place alone says so: nothing is marked.
        if self.written - place > self.size as u64 {
            return None;
        }
        let rest = self.ring.get(place as usize % self.size..)?;
        let (header, rest) = rest.split_first_chunk()?;
        let entry = Entry::from_bytes(header);
        Some((entry, rest.get(..entry.len.into())?))
    }
}

/// How many bytes differ where `kept` lies from `start` on in `bytes`.
fn count_differing(bytes: &[u8], kept: &[u8], start: i64) -> u64 {
    let ahead = usize::try_from(start.max(0)).unwrap_or(usize::MAX);
    let behind = usize::try_from((-start).max(0)).unwrap_or(usize::MAX);
    let bytes = bytes.get(ahead..).unwrap_or_default();
    let kept = kept.get(behind..).unwrap_or_default();
    let pairs = bytes.iter().zip(kept);
    pairs.filter(|(one, other)| one != other).count() as u64
}

/// What stands before the bytes of an entry.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The place of the entry before it of the same stream, and one; or zero.
    before: u64,
    /// How much of the stream was delivered before.
    position: u32,
    len: u16,
}

impl Entry {
    fn to_bytes(self) -> [u8; HEADER] {
        let position = u64::from(self.position) << 16 | u64::from(self.len);
        let both = u128::from(self.before) << 64 | u128::from(position);
        both.to_le_bytes()
    }

    fn from_bytes(bytes: &[u8; HEADER]) -> Self {
        let both = u128::from_le_bytes(*bytes);
        Self {
            before: (both >> 64) as u64,
            position: (both >> 16) as u32,
            len: both as u16,
        }
    }
}

/// Bytes of all rings: some thousand messages.
const RING: usize = 1 << 20;

/// Bytes of a ring at the least, where there are many.
const SMALLEST_RING: usize = 1 << 16;

/// Bytes kept of what one side says before the other speaks.
const BUDGET: u16 = 1024;

/// Bytes before each entry.
const HEADER: usize = 16;

/// Entries that are looked through for one segment.
const MAX_ENTRIES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_bytes_in_the_same_place_are_counted() {
        let (mut recent_data, mut recent) = (RecentData::of_size(RING), RecentOfStream::NEW);
        recent_data.keep(&mut recent, b"GET /one");
        recent_data.keep(&mut recent, b" HTTP/1.1");
        let differing = |behind, bytes| recent_data.differing(&recent, behind, bytes);
        assert_eq!(differing(17, b"GET /one HTTP/1.1"), 0);
        assert_eq!(differing(17, b"GET /two"), 3);
        assert_eq!(differing(10, b"E HTTP/1.0 and more"), 2);
        assert_eq!(differing(3, b"1.1"), 0);
        assert_eq!(differing(40, b"before all that"), 0);
    }

    #[test]
    fn bulk_is_not_kept_until_the_other_side_speaks() {
        let (mut recent_data, mut recent) = (RecentData::of_size(RING), RecentOfStream::NEW);
        let bulk = [7; 1024];
        recent_data.keep(&mut recent, &bulk);
        recent_data.keep(&mut recent, b"more");
        assert_eq!(recent_data.differing(&recent, 4, b"less"), 0);
        recent.renew();
        recent_data.keep(&mut recent, b"again");
        assert_eq!(recent_data.differing(&recent, 5, b"again"), 0);
        assert_eq!(recent_data.differing(&recent, 5, b"other"), 5);
        assert_eq!(
            recent_data.differing(&recent, 5 + 4 + 1024, &[8; 1024]),
            1024
        );
    }

    #[test]
    fn what_is_missing_keeps_its_place() {
        let (mut recent_data, mut recent) = (RecentData::of_size(RING), RecentOfStream::NEW);
        recent_data.keep(&mut recent, b"abc");
        recent.skip(3);
        recent_data.keep(&mut recent, b"def");
        assert_eq!(recent_data.differing(&recent, 9, b"abc...def"), 0);
        assert_eq!(recent_data.differing(&recent, 9, b"abc...de!"), 1);
    }

    #[test]
    fn what_was_written_over_is_not_compared() {
        let (mut recent_data, mut recent, mut other) = (
            RecentData::of_size(RING),
            RecentOfStream::NEW,
            RecentOfStream::NEW,
        );
        recent_data.keep(&mut recent, b"first");
        assert_eq!(recent_data.differing(&recent, 5, b"other"), 5);
        for _ in 0..RING / 512 {
            other.renew();
            recent_data.keep(&mut other, &[1; 512]);
        }
        assert_eq!(recent_data.differing(&recent, 5, b"other"), 0);
        assert_eq!(recent_data.differing(&other, 512, &[2; 512]), 512);
    }
}
