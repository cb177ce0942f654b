//! Recent packets, in a table of fixed size.

use alloc::boxed::Box;
use alloc::vec;

/// Hashes of packets, with the time and the interface of each.
///
/// A packet can be in one bucket only, which is a cache line. A new entry
/// replaces the oldest one of its bucket. Which one is the oldest is known by
/// their order and not by their times, which may be wrong in a broken capture.
#[derive(Clone)]
pub(super) struct Recent {
    buckets: Box<[Bucket]>,
    window: u64,
}

#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Bucket([Entry; SLOTS]);

/// 48 bits of hash and 16 of the interface, and nanoseconds since the epoch.
#[derive(Clone, Copy, Default)]
struct Entry {
    key: u64,
    at: u64,
}

impl Recent {
    pub(super) fn new(max_entries: usize, window: u64) -> Self {
        let buckets = (max_entries / SLOTS).clamp(1, MAX_BUCKETS);
        let buckets = 1 << buckets.ilog2();
        Self {
            buckets: vec![Bucket::default(); buckets].into(),
            window,
        }
    }

    /// Bytes taken.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.buckets)
    }

    /// Whether a packet with this hash was captured less than a window away, on
    /// another interface or where the interface is not known. Inserts it if not.
    #[inline]
    pub(super) fn check_and_insert(&mut self, hash: u64, interface: u16, at: u64) -> bool {
        let key = (hash | TAKEN) & !INTERFACE | u64::from(interface);
        // What selects the bucket are bits that the key lacks.
        let index = hash as usize & (self.buckets.len() - 1);
        let Some(Bucket(entries)) = self.buckets.get_mut(index) else {
            return false;
        };
        if entries.iter().any(|entry| entry.has_hash_of(key)) {
            return check_same_hash(entries, key, at, self.window);
        }
        insert(entries, key, at);
        false
    }
}

impl Entry {
    #[inline]
    fn has_hash_of(&self, key: u64) -> bool {
        self.key ^ key <= INTERFACE
    }

    /// Whether a packet with the same hash is a copy of its packet.
    fn is_copied_by(&self, key: u64, at: u64, window: u64) -> bool {
        let is_on_same_interface = self.key == key && key & INTERFACE != 0;
        !is_on_same_interface && self.at.abs_diff(at) < window
    }
}

#[cold]
fn check_same_hash(entries: &mut [Entry; SLOTS], key: u64, at: u64, window: u64) -> bool {
    let mut same = entries.iter().filter(|entry| entry.has_hash_of(key));
    if same.any(|entry| entry.is_copied_by(key, at, window)) {
        return true;
    }
    // The packet was sent again, so a copy is to be expected from now on.
    match entries.iter_mut().find(|entry| entry.key == key) {
        Some(entry) => entry.at = at,
        None => insert(entries, key, at),
    }
    false
}

#[inline]
fn insert(entries: &mut [Entry; SLOTS], key: u64, at: u64) {
    let [a, b, c, _] = *entries;
    *entries = [Entry { key, at }, a, b, c];
}

const SLOTS: usize = 4;
/// The part of a key that is not hash.
const INTERFACE: u64 = 0xffff;
/// Is set in every key, so that a free slot matches no packet.
const TAKEN: u64 = 1 << 63;
/// 256 MiB: far more than any window holds.
const MAX_BUCKETS: usize = 1 << 22;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_entry_replaces_the_oldest_of_its_bucket() {
        let mut recent = Recent::new(4, 10);
        let hashes = [1, 2, 3, 4, 5].map(|n| n << 32);
        for hash in hashes {
            assert!(!recent.check_and_insert(hash, 0, 0));
        }
        for hash in hashes.iter().skip(1) {
            assert!(recent.check_and_insert(*hash, 0, 0));
        }
        assert!(!recent.check_and_insert(hashes[0], 0, 0));
    }

    #[test]
    fn entries_with_broken_times_are_replaced() {
        let mut recent = Recent::new(4, 10);
        for n in 1..=4 {
            recent.check_and_insert(n << 32, 0, u64::MAX);
        }
        for n in 5..=8 {
            recent.check_and_insert(n << 32, 0, 100);
        }
        assert!((5..=8).all(|n| recent.check_and_insert(n << 32, 0, 105)));
    }

    #[test]
    fn a_free_slot_matches_no_packet() {
        let mut recent = Recent::new(4, 10);
        assert!(!recent.check_and_insert(0, 0, 0));
        assert!(recent.check_and_insert(0, 0, 0));
    }

    #[test]
    fn the_table_is_no_larger_than_asked_for() {
        for (asked, got) in [(0, 4), (4, 4), (7, 4), (4095, 2048), (4096, 4096)] {
            assert_eq!(Recent::new(asked, 0).memory(), got * size_of::<Entry>());
        }
    }
}
