//! Items in exact order.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

/// Items in order, most of which are added many at a time.
///
/// To sort many at once takes a fraction of what a heap takes for them. The
/// heap is for the few that are added one by one.
#[derive(Debug)]
pub(super) struct ReadyQueue<T> {
    /// In descending order.
    sorted: Vec<T>,
    heap: BinaryHeap<Reverse<T>>,
}

impl<T: Ord> Default for ReadyQueue<T> {
    fn default() -> Self {
        Self {
            sorted: Vec::new(),
            heap: BinaryHeap::new(),
        }
    }
}

impl<T: Ord> ReadyQueue<T> {
    /// Adds an item.
    pub(super) fn push(&mut self, item: T) {
        self.heap.push(Reverse(item));
    }

    /// Adds one of many items, after all of which [`sort`](Self::sort) is called.
    #[inline]
    pub(super) fn push_unsorted(&mut self, item: T) {
        self.sorted.push(item);
    }

    /// Puts the items in order that were added unsorted.
    pub(super) fn sort(&mut self) {
        self.sorted.sort_unstable_by(|a, b| b.cmp(a));
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.heap.len()
    }

    /// The least item.
    #[inline]
    pub(super) fn peek(&self) -> Option<&T> {
        match (self.sorted.last(), self.heap.peek()) {
            (Some(a), Some(Reverse(b))) => Some(a.min(b)),
            (Some(a), None) => Some(a),
            (None, other) => other.map(|Reverse(b)| b),
        }
    }

    /// Takes the least item out.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<T> {
        let heap_is_less = match (self.sorted.last(), self.heap.peek()) {
            (Some(a), Some(Reverse(b))) => b < a,
            (Some(_), None) => false,
            (None, _) => true,
        };
        if heap_is_less {
            self.heap.pop().map(|Reverse(item)| item)
        } else {
            self.sorted.pop()
        }
    }

    /// Keeps what `keep` says.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.sorted.retain(&mut keep);
        self.heap.retain(|Reverse(item)| keep(item));
    }

    pub(super) fn clear(&mut self) {
        self.sorted.clear();
        self.heap.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn sorted_and_single_items_come_out_in_one_order() {
        let mut ready = ReadyQueue::default();
        for item in [9, 2, 7] {
            ready.push_unsorted(item);
        }
        ready.sort();
        for item in [8, 1, 7] {
            ready.push(item);
        }
        assert_eq!(ready.len(), 6);
        assert_eq!(ready.peek(), Some(&1));
        ready.retain(|item| *item != 8);
        let order: Vec<_> = core::iter::from_fn(|| ready.pop()).collect();
        assert_eq!(order, [1, 2, 7, 7, 9]);
    }
}
