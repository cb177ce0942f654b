//! Finds flows by the hashes of their keys.
//!
//! One hash table for all would move all of them each time it grows, and one
//! packet would wait for a million flows. So there are many small tables. When
//! there are more flows than these should hold, one of them is split in two, one
//! after the other in turn (linear hashing). A flow is found with one probe as
//! before; which table is its own is computed from its hash.

use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashTable;

use super::FlowIndex;

/// The places of flows, by hash.
#[derive(Debug)]
pub(super) struct KeyIndex {
    /// As many as the flows ever needed.
    tables: Vec<HashTable<FlowIndex>>,
    /// The bits of a hash that number a table; what they number may not be there
    /// yet.
    mask: usize,
    len: usize,
}

impl KeyIndex {
    pub(super) fn new() -> Self {
        Self {
            tables: vec![HashTable::new()],
            mask: 0,
            len: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The flow with this hash of which `is_it` holds.
    #[inline]
    pub(super) fn find(
        &self,
        hash: u64,
        is_it: impl FnMut(&FlowIndex) -> bool,
    ) -> Option<FlowIndex> {
        self.tables[self.table_of(hash)].find(hash, is_it).copied()
    }

    /// Adds a flow that is not there. `hash_of` gives the hashes of others.
    pub(super) fn insert(
        &mut self,
        hash: u64,
        flow: FlowIndex,
        hash_of: impl Fn(&FlowIndex) -> u64,
    ) {
        if self.len >= self.tables.len() * FLOWS_PER_TABLE {
            self.split(&hash_of);
        }
        let table = self.table_of(hash);
        self.tables[table].insert_unique(hash, flow, hash_of);
        self.len += 1;
    }

    /// Removes a flow.
    pub(super) fn remove(&mut self, hash: u64, flow: FlowIndex) {
        let table = self.table_of(hash);
        if let Ok(entry) = self.tables[table].find_entry(hash, |found| *found == flow) {
            entry.remove();
            self.len -= 1;
        }
    }

    /// Splits the next table in turn.
    #[cold]
    fn split(&mut self, hash_of: impl Fn(&FlowIndex) -> u64) {
        let count = self.tables.len();
        // Of so many, those before this one are split.
        let round = 1 << count.ilog2();
        let whole = core::mem::take(&mut self.tables[count - round]);
        // Half of them, or a few more, if the hashes are any good.
        let mut halves = [(); 2].map(|()| HashTable::with_capacity(whole.len() / 2));
        for flow in whole {
            let hash = hash_of(&flow);
            let half = usize::from(number_of(hash) & round != 0);
            halves[half].insert_unique(hash, flow, &hash_of);
        }
        let [first, second] = halves;
        self.tables[count - round] = first;
        self.tables.push(second);
        self.mask = self.tables.len().next_power_of_two() - 1;
    }

    /// The table of a hash.
    #[inline]
    fn table_of(&self, hash: u64) -> usize {
        let number = number_of(hash) & self.mask;
        if number < self.tables.len() {
            number
        } else {
            number & (self.mask >> 1)
        }
    }
}

/// The bits that number a table: neither the highest, which tell flows of a
/// table apart, nor the lowest, which say where in it they are.
#[inline]
const fn number_of(hash: u64) -> usize {
    (hash >> 24) as usize & 0xffff_ffff
}

/// A table is split when it has twice as many at the most: then that takes a few
/// hundred microseconds.
const FLOWS_PER_TABLE: usize = 1700;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slab::SlabIndex;

    /// Bits in all places.
    fn hash_of(flow: &FlowIndex) -> u64 {
        let mixed = u64::from(flow.number() + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93)
    }

    fn find(index: &KeyIndex, number: u32) -> Option<u32> {
        let flow = FlowIndex::from_number(number);
        let found = index.find(hash_of(&flow), |other| *other == flow);
        found.map(FlowIndex::number)
    }

    #[test]
    fn what_was_put_in_is_found_however_many_there_are() {
        let mut index = KeyIndex::new();
        for number in 0..40_000 {
            assert_eq!(find(&index, number), None);
            let flow = FlowIndex::from_number(number);
            index.insert(hash_of(&flow), flow, hash_of);
            assert_eq!(find(&index, number / 2), Some(number / 2));
        }
        assert_eq!(index.len(), 40_000);
        assert!((0..40_000).all(|number| find(&index, number) == Some(number)));
        for number in (0..40_000).step_by(2) {
            let flow = FlowIndex::from_number(number);
            index.remove(hash_of(&flow), flow);
        }
        assert_eq!(index.len(), 20_000);
        assert!((0..40_000).all(|number| find(&index, number).is_some() == (number % 2 == 1)));
    }

    #[test]
    fn no_table_is_larger_than_a_packet_can_wait_for() {
        let mut index = KeyIndex::new();
        for number in 0..100_000 {
            let flow = FlowIndex::from_number(number);
            index.insert(hash_of(&flow), flow, hash_of);
            if number % 5000 == 0 {
                let longest = index.tables.iter().map(HashTable::len).max();
                assert!(longest < Some(2 * FLOWS_PER_TABLE + 300), "{longest:?}");
            }
        }
    }
}
