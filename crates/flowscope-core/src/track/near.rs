//! What comes up soon, in exact order.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

/// Items in order, most of which come in one load.
///
/// Sorting a load costs a fraction of what a heap takes to order it; the heap
/// is for the few that come one by one.
#[derive(Debug)]
pub(super) struct Near<T> {
    /// In descending order.
    load: Vec<T>,
    singles: BinaryHeap<Reverse<T>>,
}

impl<T: Ord> Default for Near<T> {
    fn default() -> Self {
        Self {
            load: Vec::new(),
            singles: BinaryHeap::new(),
        }
    }
}

impl<T: Ord> Near<T> {
    /// Adds an item.
    pub(super) fn push(&mut self, item: T) {
        self.singles.push(Reverse(item));
    }

    /// Adds an item of a load, after all of which comes [`sort`](Self::sort).
    #[inline]
    pub(super) fn push_unsorted(&mut self, item: T) {
        self.load.push(item);
    }

    /// Puts a load in order.
    pub(super) fn sort(&mut self) {
        self.load.sort_unstable_by(|a, b| b.cmp(a));
    }

    pub(super) fn len(&self) -> usize {
        self.load.len() + self.singles.len()
    }

    /// The least item.
    #[inline]
    pub(super) fn peek(&self) -> Option<&T> {
        match (self.load.last(), self.singles.peek()) {
            (Some(a), Some(Reverse(b))) => Some(a.min(b)),
            (Some(a), None) => Some(a),
            (None, single) => single.map(|Reverse(b)| b),
        }
    }

    /// Takes the least item out.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<T> {
        let single_is_less = match (self.load.last(), self.singles.peek()) {
            (Some(a), Some(Reverse(b))) => b < a,
            (Some(_), None) => false,
            (None, _) => true,
        };
        if single_is_less {
            self.singles.pop().map(|Reverse(item)| item)
        } else {
            self.load.pop()
        }
    }

    /// Keeps what `keep` says.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.load.retain(&mut keep);
        self.singles.retain(|Reverse(item)| keep(item));
    }

    pub(super) fn clear(&mut self) {
        self.load.clear();
        self.singles.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn a_load_and_singles_come_out_in_one_order() {
        let mut near = Near::default();
        for item in [9, 2, 7] {
            near.push_unsorted(item);
        }
        near.sort();
        for item in [8, 1, 7] {
            near.push(item);
        }
        assert_eq!(near.len(), 6);
        assert_eq!(near.peek(), Some(&1));
        near.retain(|item| *item != 8);
        let order: Vec<_> = core::iter::from_fn(|| near.pop()).collect();
        assert_eq!(order, [1, 2, 7, 7, 9]);
    }
}
