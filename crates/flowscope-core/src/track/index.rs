//! Finds flows by the hashes of their keys.
//!
//! One hash table for all would move all of them each time it grows, and one
//! packet would wait for a million flows. So there are many tables, of a few
//! thousand flows at the most. One that is full is split in two by one more bit
//! of the hashes (extendible hashing), while the others stay as they are. A flow
//! is found with one probe as before; which table is its own is computed from its
//! hash.

use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashTable;

use super::FlowIndex;
use crate::slab::SlabIndex;

/// The places of flows, by hash.
#[derive(Debug)]
pub(super) struct KeyIndex {
    /// As many as a power of two. The table of a hash is numbered by its lowest
    /// bits (of those that count here). One without memory is not there yet: what
    /// would be in it is in the one without the highest bit of its number.
    tables: Vec<HashTable<FlowIndex>>,
    len: usize,
}

impl KeyIndex {
    pub(super) fn new() -> Self {
        Self {
            tables: vec![HashTable::new()],
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
        let mut table = &self.tables[number_of(hash) & (self.tables.len() - 1)];
        if table.is_empty() {
            table = self.table_instead(hash);
        }
        table.find(hash, is_it).copied()
    }

    /// The table of a hash, where the one that is numbered by most bits is empty:
    /// it may not be there yet.
    #[cold]
    #[inline(never)]
    fn table_instead(&self, hash: u64) -> &HashTable<FlowIndex> {
        &self.tables[self.table_of(hash)]
    }

    /// Adds a flow that is not there.
    pub(super) fn insert(
        &mut self,
        hash: u64,
        flow: FlowIndex,
        hash_of: &impl Fn(FlowIndex) -> u64,
    ) {
        let mut number = self.table_of(hash);
        while self.tables[number].len() == self.tables[number].capacity() {
            self.make_room(number, hash_of);
            number = self.table_of(hash);
        }
        self.tables[number].insert_unique(hash, flow, |flow| hash_of(*flow));
        self.len += 1;
    }

    /// Removes a flow.
    pub(super) fn remove(&mut self, hash: u64, flow: FlowIndex) {
        let number = self.table_of(hash);
        if let Ok(entry) = self.tables[number].find_entry(hash, |found| *found == flow) {
            entry.remove();
            self.len -= 1;
        }
    }

    /// Makes a table larger that is full, or splits it.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self, number: usize, hash_of: &impl Fn(FlowIndex) -> u64) {
        let whole = core::mem::take(&mut self.tables[number]);
        // So that it is not soon done again where many of the places were of flows
        // that are gone.
        let room = whole.len() + whole.len() / 4 + 1;
        if room < FLOWS_PER_TABLE || self.is_uneven() {
            let mut larger = HashTable::with_capacity(size_for(room));
            for_each_hash(whole, hash_of, |hash, flow| {
                larger.insert_unique(hash, flow, |flow| hash_of(*flow));
            });
            self.tables[number] = larger;
            return;
        }
        let bit = self.bit_to_split_by(number);
        let mut halves = [(); 2].map(|()| HashTable::with_capacity(FLOWS_PER_TABLE));
        for_each_hash(whole, hash_of, |hash, flow| {
            let half = usize::from(number_of(hash) & bit != 0);
            halves[half].insert_unique(hash, flow, |flow| hash_of(*flow));
        });
        let [first, second] = halves;
        self.tables[number] = first;
        self.tables[number + bit] = second;
    }

    /// Whether there are many more tables than the flows need: keys that have one
    /// hash are not to be parted.
    fn is_uneven(&self) -> bool {
        self.tables.len() > 8 * (1 + self.len / FLOWS_PER_TABLE)
    }

    /// The lowest bit by which a table was not split yet.
    fn bit_to_split_by(&mut self, number: usize) -> usize {
        let mut bit = (number + 1).next_power_of_two();
        loop {
            if number + bit >= self.tables.len() {
                let count = 2 * self.tables.len();
                self.tables.resize_with(count, HashTable::new);
            }
            if self.tables[number + bit].capacity() == 0 {
                return bit;
            }
            bit *= 2;
        }
    }

    /// The table of a hash.
    fn table_of(&self, hash: u64) -> usize {
        let mut number = number_of(hash) & (self.tables.len() - 1);
        while number > 0 && self.tables[number].capacity() == 0 {
            number ^= 1 << number.ilog2();
        }
        number
    }
}

/// Gives the flows of a table with their hashes.
///
/// A batch is hashed before any flow of it is moved: hashes do not wait for each
/// other, so the processor fetches several keys at a time.
fn for_each_hash(
    table: HashTable<FlowIndex>,
    hash_of: &impl Fn(FlowIndex) -> u64,
    mut give: impl FnMut(u64, FlowIndex),
) {
    let mut batch = [(0, FlowIndex::from_number(0)); BATCH];
    let mut flows = table.into_iter();
    loop {
        let mut len = 0;
        for (place, flow) in batch.iter_mut().zip(&mut flows) {
            *place = (hash_of(flow), flow);
            len += 1;
        }
        for (hash, flow) in &batch[..len] {
            give(*hash, *flow);
        }
        if len < BATCH {
            return;
        }
    }
}

/// The bits that number a table: neither the highest, which tell flows of a
/// table apart, nor the lowest, which say where in it they are.
#[inline]
const fn number_of(hash: u64) -> usize {
    (hash >> 24) as usize
}

/// For how many flows a table is made that has to have room for so many. To move
/// flows takes longer than to have room for them.
fn size_for(room: usize) -> usize {
    let sizes = [FLOWS_PER_TABLE / 64, FLOWS_PER_TABLE / 8, FLOWS_PER_TABLE];
    sizes.into_iter().find(|size| *size >= room).unwrap_or(room)
}

/// As many as fit into 4096 places: to split a table takes a tenth of a
/// millisecond or two.
const FLOWS_PER_TABLE: usize = 3584;
/// Keys that are hashed together.
const BATCH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits in all places.
    fn hash_of(flow: FlowIndex) -> u64 {
        let mixed = u64::from(flow.number() + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93)
    }

    fn insert(index: &mut KeyIndex, number: u32) {
        let flow = FlowIndex::from_number(number);
        index.insert(hash_of(flow), flow, &hash_of);
    }

    fn remove(index: &mut KeyIndex, number: u32) {
        let flow = FlowIndex::from_number(number);
        index.remove(hash_of(flow), flow);
    }

    fn find(index: &KeyIndex, number: u32) -> Option<u32> {
        let flow = FlowIndex::from_number(number);
        let found = index.find(hash_of(flow), |other| *other == flow);
        found.map(FlowIndex::number)
    }

    #[test]
    fn what_was_put_in_is_found_however_many_there_are() {
        let mut index = KeyIndex::new();
        for number in 0..40_000 {
            assert_eq!(find(&index, number), None);
            insert(&mut index, number);
            assert_eq!(find(&index, number / 2), Some(number / 2));
        }
        assert_eq!(index.len(), 40_000);
        assert!((0..40_000).all(|number| find(&index, number) == Some(number)));
        for number in (0..40_000).step_by(2) {
            remove(&mut index, number);
        }
        assert_eq!(index.len(), 20_000);
        assert!((0..40_000).all(|number| find(&index, number).is_some() == (number % 2 == 1)));
    }

    #[test]
    fn no_table_is_larger_than_a_packet_can_wait_for() {
        let mut index = KeyIndex::new();
        for number in 0..100_000 {
            insert(&mut index, number);
            if number % 5000 == 0 {
                let longest = index.tables.iter().map(HashTable::len).max();
                assert!(longest <= Some(FLOWS_PER_TABLE), "{longest:?}");
            }
        }
    }

    #[test]
    fn flows_that_come_and_go_need_no_more_room() {
        let mut index = KeyIndex::new();
        for number in 0..50_000 {
            insert(&mut index, number);
            if number >= 1000 {
                remove(&mut index, number - 1000);
            }
        }
        assert_eq!(index.len(), 1000);
        assert_eq!(index.tables.len(), 1);
        assert!(index.tables[0].capacity() < 4000);
    }

    #[test]
    fn keys_with_one_hash_are_found_all_the_same() {
        let mut index = KeyIndex::new();
        for number in 0..5_000 {
            index.insert(7, FlowIndex::from_number(number), &|_| 7);
        }
        assert!(index.tables.len() <= 32, "{}", index.tables.len());
        let found = index.find(7, |flow| flow.number() == 4_999);
        assert_eq!(found.map(FlowIndex::number), Some(4_999));
    }
}
