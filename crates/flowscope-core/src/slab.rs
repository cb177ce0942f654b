//! Items at indices that stay theirs, in memory that is used again.
//!
//! [`Slab`] holds the items, [`Column`] holds more about the same items apart
//! from them. Each slab has an index type of its own, declared by
//! [`slab_index`], so that the indices of two slabs cannot be mixed up.

use alloc::vec::Vec;
use core::marker::PhantomData;

/// Finds an item in the [`Slab`] that gave it out.
pub(crate) trait SlabIndex: Copy + Eq {
    /// The index of no item.
    const NONE: Self;

    fn from_number(number: u32) -> Self;

    fn number(self) -> u32;
}

/// Declares the index type of a slab.
macro_rules! slab_index {
    ($(#[$meta:meta])* $vis:vis struct $name:ident;) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
        $vis struct $name(u32);

        impl $crate::slab::SlabIndex for $name {
            const NONE: Self = Self(u32::MAX);

            #[inline(always)]
            fn from_number(number: u32) -> Self {
                Self(number)
            }

            #[inline(always)]
            fn number(self) -> u32 {
                self.0
            }
        }
    };
}

pub(crate) use slab_index;

/// Holds items at indices of type `I`. An index is given out again only when
/// its item was removed.
///
/// Grows by whole chunks, so a million items are never copied to make room for
/// one more, and the memory in use is that of the items.
#[derive(Debug)]
pub(crate) struct Slab<T, I> {
    chunks: Vec<Vec<Entry<T, I>>>,
    /// Entries in all chunks, vacant ones included.
    len: usize,
    first_vacant: I,
}

#[derive(Debug)]
enum Entry<T, I> {
    Occupied(T),
    /// The vacant entry that is filled after this one, or none.
    Vacant(I),
}

impl<T, I: SlabIndex> Slab<T, I> {
    pub(crate) const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
            first_vacant: I::NONE,
        }
    }

    /// Allocates memory for `count` items in a slab that has held none yet, so
    /// that inserting them allocates nothing.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.chunks.reserve_exact(count.div_ceil(CHUNK));
        for start in (0..count).step_by(CHUNK) {
            self.chunks
                .push(Vec::with_capacity(CHUNK.min(count - start)));
        }
    }

    /// Bytes that [`reserve`](Self::reserve) allocates for `count` items.
    pub(crate) const fn reserved_memory(count: usize) -> usize {
        count * size_of::<Entry<T, I>>() + count.div_ceil(CHUNK) * size_of::<Vec<Entry<T, I>>>()
    }

    /// The index that the next item gets.
    pub(crate) fn next_index(&self) -> I {
        if self.first_vacant != I::NONE {
            return self.first_vacant;
        }
        I::from_number(u32::try_from(self.len).expect("the number of items is capped below 2³²"))
    }

    /// Inserts `item` at [`next_index`](Self::next_index).
    pub(crate) fn insert(&mut self, item: T) -> I {
        let index = self.next_index();
        if self.first_vacant != I::NONE {
            let entry = core::mem::replace(self.entry_mut(index), Entry::Occupied(item));
            let Entry::Vacant(next) = entry else {
                unreachable!("the list of vacant entries holds no others");
            };
            self.first_vacant = next;
        } else {
            let (chunk, _) = split(index);
            push(&mut self.chunks, chunk, Entry::Occupied(item));
            self.len += 1;
        }
        index
    }

    /// Removes the item at `index`, if there is one.
    pub(crate) fn remove(&mut self, index: I) -> Option<T> {
        let vacant = Entry::Vacant(self.first_vacant);
        match core::mem::replace(self.entry_mut(index), vacant) {
            Entry::Occupied(item) => {
                self.first_vacant = index;
                Some(item)
            }
            vacant => {
                *self.entry_mut(index) = vacant;
                None
            }
        }
    }

    #[inline]
    pub(crate) fn get(&self, index: I) -> Option<&T> {
        let (chunk, at) = split(index);
        match self.chunks.get(chunk)?.get(at)? {
            Entry::Occupied(item) => Some(item),
            Entry::Vacant(_) => None,
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: I) -> Option<&mut T> {
        let (chunk, at) = split(index);
        match self.chunks.get_mut(chunk)?.get_mut(at)? {
            Entry::Occupied(item) => Some(item),
            Entry::Vacant(_) => None,
        }
    }

    /// The items, in the order of their indices.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (I, &T)> + Clone {
        self.chunks
            .iter()
            .flatten()
            .zip(0..)
            .filter_map(|(entry, number)| match entry {
                Entry::Occupied(item) => Some((I::from_number(number), item)),
                Entry::Vacant(_) => None,
            })
    }

    fn entry_mut(&mut self, index: I) -> &mut Entry<T, I> {
        let (chunk, at) = split(index);
        &mut self.chunks[chunk][at]
    }
}

/// More about the items of a [`Slab`], at the same indices.
///
/// What is needed less often lies here, so that the slab's own items are small.
#[derive(Debug)]
pub(crate) struct Column<T, I> {
    chunks: Vec<Vec<T>>,
    index: PhantomData<fn(I)>,
}

impl<T, I: SlabIndex> Column<T, I> {
    pub(crate) const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            index: PhantomData,
        }
    }

    /// Puts `item` at `index`, which is in use or the next after those.
    pub(crate) fn put(&mut self, index: I, item: T) {
        let (chunk, at) = split(index);
        let chunks = self.chunks.get_mut(chunk);
        match chunks.and_then(|chunk| chunk.get_mut(at)) {
            Some(old) => *old = item,
            None => push(&mut self.chunks, chunk, item),
        }
    }

    #[inline]
    pub(crate) fn get(&self, index: I) -> &T {
        let (chunk, at) = split(index);
        &self.chunks[chunk][at]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: I) -> &mut T {
        let (chunk, at) = split(index);
        &mut self.chunks[chunk][at]
    }
}

/// Puts `item` behind the last one, in the chunk with this number.
fn push<T>(chunks: &mut Vec<Vec<T>>, chunk: usize, item: T) {
    match chunks.get_mut(chunk) {
        Some(chunk) => {
            if chunk.len() == chunk.capacity() {
                chunk.reserve_exact((GROWTH - 1) * chunk.len());
            }
            chunk.push(item);
        }
        None => {
            let room = if chunk == 0 { FIRST } else { CHUNK };
            let mut chunk = Vec::with_capacity(room);
            chunk.push(item);
            chunks.push(chunk);
        }
    }
}

/// The chunk of an index, and the place in it.
#[inline(always)]
fn split(index: impl SlabIndex) -> (usize, usize) {
    let number = index.number() as usize;
    (number / CHUNK, number % CHUNK)
}

/// Items in a chunk.
const CHUNK: usize = 4096;
/// Room in the first chunk, for slabs that stay small, and how many times as much
/// it gets where that is not enough: to move items takes longer than to have room
/// for them, which takes memory only when it is used.
const FIRST: usize = 8;
const GROWTH: usize = 8;
const _: () = assert!(FIRST * GROWTH.pow(3) == CHUNK);

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    slab_index! {
        struct Index;
    }

    fn numbers(indices: impl IntoIterator<Item = Index>) -> Vec<u32> {
        indices.into_iter().map(Index::number).collect()
    }

    #[test]
    fn an_index_is_given_out_again_after_its_item_was_removed() {
        let mut slab = Slab::new();
        let indices = numbers((0..10_000u32).map(|item| slab.insert(item)));
        assert_eq!(indices, (0..10_000).collect::<Vec<_>>());

        let [five_thousand, seven] = [5_000, 7].map(Index::from_number);
        assert_eq!(slab.remove(five_thousand), Some(5_000));
        assert_eq!(slab.remove(five_thousand), None);
        assert_eq!(slab.get(five_thousand), None);
        assert_eq!(slab.remove(seven), Some(7));
        assert_eq!(slab.next_index(), seven);
        let again = numbers((0..3).map(|item| slab.insert(item)));
        assert_eq!(again, [7, 5_000, 10_000]);
        assert_eq!(slab.iter().count(), 10_001);
    }

    #[test]
    fn no_item_is_at_the_index_of_none() {
        let mut slab: Slab<u8, Index> = Slab::new();
        slab.insert(1);
        assert_eq!(slab.get(Index::NONE), None);
        assert_eq!(slab.get_mut(Index::NONE), None);
    }

    #[test]
    fn inserting_what_was_reserved_allocates_nothing() {
        for count in [1, 4096, 4097, 10_000] {
            let mut slab: Slab<u64, Index> = Slab::new();
            slab.reserve(count);
            let room = |slab: &Slab<u64, Index>| -> usize {
                let chunks = slab.chunks.iter().map(Vec::capacity);
                chunks.sum::<usize>() * size_of::<Entry<u64, Index>>()
                    + slab.chunks.capacity() * size_of::<Vec<Entry<u64, Index>>>()
            };
            let before = room(&slab);
            assert_eq!(before, Slab::<u64, Index>::reserved_memory(count));
            for item in 0..count as u64 {
                let index = slab.insert(item);
                assert_eq!(slab.get(index), Some(&item));
            }
            assert_eq!(room(&slab), before, "{count}");
        }
    }

    #[test]
    fn a_column_has_an_item_for_each_index() {
        let (mut slab, mut column) = (Slab::<_, Index>::new(), Column::new());
        for item in 0..5_000u32 {
            let index = slab.insert(item);
            column.put(index, 2 * item);
        }
        assert!(
            slab.iter()
                .all(|(index, item)| *column.get(index) == 2 * item)
        );
        let index = Index::from_number(4_999);
        column.put(index, 0);
        *column.get_mut(index) += 1;
        assert_eq!(*column.get(index), 1);
    }
}
