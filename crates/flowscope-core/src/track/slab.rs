//! Numbered places that are used again.

use alloc::vec::Vec;

/// Holds items at indices that stay theirs.
///
/// Grows by whole chunks, so a million items are never copied to make room for
/// one more, and the memory in use is that of the items.
#[derive(Debug)]
pub(super) struct Slab<T> {
    chunks: Vec<Vec<Place<T>>>,
    first_free: u32,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug)]
enum Place<T> {
    Taken(T),
    /// The next free place, or [`NONE`].
    Free(u32),
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            first_free: NONE,
        }
    }

    /// Where the next item goes.
    pub(super) fn next_index(&self) -> u32 {
        if self.first_free != NONE {
            return self.first_free;
        }
        let used = self.chunks.last().map_or(0, Vec::len);
        let before = self.chunks.len().saturating_sub(1) * CHUNK;
        u32::try_from(before + used).expect("the number of flows is capped below 2³²")
    }

    /// Puts `item` into a free place, which [`next_index`](Self::next_index)
    /// told before.
    pub(super) fn insert(&mut self, item: T) -> u32 {
        if self.first_free != NONE {
            let index = self.first_free;
            let place = self.place_mut(index);
            let Place::Free(next) = core::mem::replace(place, Place::Taken(item)) else {
                unreachable!("the free list holds free places only");
            };
            self.first_free = next;
            return index;
        }
        let index = self.next_index();
        push(&mut self.chunks, Place::Taken(item));
        index
    }

    /// Empties a place.
    pub(super) fn remove(&mut self, index: u32) -> Option<T> {
        let free = Place::Free(self.first_free);
        match core::mem::replace(self.place_mut(index), free) {
            Place::Taken(item) => {
                self.first_free = index;
                Some(item)
            }
            free => {
                *self.place_mut(index) = free;
                None
            }
        }
    }

    #[inline]
    pub(super) fn get(&self, index: u32) -> Option<&T> {
        let (chunk, at) = split(index);
        match self.chunks.get(chunk)?.get(at)? {
            Place::Taken(item) => Some(item),
            Place::Free(_) => None,
        }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        let (chunk, at) = split(index);
        match self.chunks.get_mut(chunk)?.get_mut(at)? {
            Place::Taken(item) => Some(item),
            Place::Free(_) => None,
        }
    }

    /// What is there, in the order of places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> + Clone {
        self.chunks
            .iter()
            .flatten()
            .zip(0..)
            .filter_map(|(place, index)| match place {
                Place::Taken(item) => Some((index, item)),
                Place::Free(_) => None,
            })
    }

    fn place_mut(&mut self, index: u32) -> &mut Place<T> {
        let (chunk, at) = split(index);
        &mut self.chunks[chunk][at]
    }
}

/// Plain items beside those of a [`Slab`], at the same indices.
#[derive(Debug)]
pub(super) struct Chunks<T> {
    chunks: Vec<Vec<T>>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T> Chunks<T> {
    /// Puts `item` at `index`, which is in use or the next after those.
    pub(super) fn put(&mut self, index: u32, item: T) {
        let (chunk, at) = split(index);
        if let Some(place) = self
            .chunks
            .get_mut(chunk)
            .and_then(|chunk| chunk.get_mut(at))
        {
            *place = item;
        } else {
            push(&mut self.chunks, item);
        }
    }

    #[inline]
    pub(super) fn get(&self, index: u32) -> &T {
        let (chunk, at) = split(index);
        &self.chunks[chunk][at]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, index: u32) -> &mut T {
        let (chunk, at) = split(index);
        &mut self.chunks[chunk][at]
    }
}

/// Puts `item` behind the last one.
fn push<T>(chunks: &mut Vec<Vec<T>>, item: T) {
    match chunks.last_mut() {
        Some(chunk) if chunk.len() < CHUNK => chunk.push(item),
        // The first chunk grows as it is needed, for tables that stay small.
        None => chunks.push(Vec::from([item])),
        Some(_) => {
            let mut chunk = Vec::with_capacity(CHUNK);
            chunk.push(item);
            chunks.push(chunk);
        }
    }
}

#[inline]
const fn split(index: u32) -> (usize, usize) {
    let index = index as usize;
    (index / CHUNK, index % CHUNK)
}

const CHUNK: usize = 4096;
const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn places_are_used_again() {
        let mut slab = Slab::new();
        let indices: Vec<u32> = (0..10_000u32).map(|n| slab.insert(n)).collect();
        assert_eq!(indices, (0..10_000).collect::<Vec<_>>());

        assert_eq!(slab.remove(5_000), Some(5_000));
        assert_eq!(slab.remove(5_000), None);
        assert_eq!(slab.get(5_000), None);
        assert_eq!(slab.remove(7), Some(7));
        assert_eq!(
            [slab.insert(0), slab.insert(1), slab.insert(2)],
            [7, 5_000, 10_000]
        );
        assert_eq!(slab.iter().count(), 10_001);
    }
}
