//! Items in exact order.

use alloc::collections::BinaryHeap;
use alloc::collections::binary_heap::PeekMut;
use alloc::vec::Vec;
use core::cmp::Reverse;

/// Items in order, most of which are added many at a time.
///
/// To sort many at once takes a fraction of what a heap takes for them. But
/// nothing may wait until a million are sorted, or moved to where there is more
/// room. So they lie in *runs* of a few thousand, each sorted by itself, and the
/// least of the first items of all runs comes next.
#[derive(Debug)]
pub(crate) struct ReadyQueue<T> {
    /// Each in descending order.
    runs: Vec<Vec<T>>,
    /// Which of them are empty, and are used again.
    free: Vec<u32>,
    /// Memory for a run.
    spare: Vec<T>,
    /// The least item of each other run.
    heads: BinaryHeap<Reverse<(T, u32)>>,
    /// The few that were added one by one.
    heap: BinaryHeap<Reverse<T>>,
    /// Those that are no part of the order yet.
    unsorted: Vec<T>,
    len: usize,
    /// The run that is looked through next.
    next_to_look_through: usize,
}

impl<T: Ord> Default for ReadyQueue<T> {
    fn default() -> Self {
        Self {
            runs: Vec::new(),
            free: Vec::new(),
            spare: Vec::new(),
            heads: BinaryHeap::new(),
            heap: BinaryHeap::new(),
            unsorted: Vec::new(),
            len: 0,
            next_to_look_through: 0,
        }
    }
}

impl<T: Ord + Copy> ReadyQueue<T> {
    /// Adds an item.
    pub(crate) fn push(&mut self, item: T) {
        if self.heap.len() == RUN {
            let items = core::mem::take(&mut self.heap).into_sorted_vec();
            self.add_run(items.into_iter().map(|Reverse(item)| item).collect());
        }
        self.heap.push(Reverse(item));
        self.len += 1;
    }

    /// Adds one of many items. They come up after [`sort`](Self::sort) was called.
    #[inline]
    pub(crate) fn push_unsorted(&mut self, item: T) {
        if self.unsorted.len() == RUN {
            self.sort();
        }
        self.unsorted.push(item);
        self.len += 1;
    }

    /// Puts the items in order that were added unsorted.
    pub(crate) fn sort(&mut self) {
        if self.unsorted.is_empty() {
            return;
        }
        self.unsorted.sort_unstable_by(|a, b| b.cmp(a));
        let run = core::mem::replace(&mut self.unsorted, core::mem::take(&mut self.spare));
        self.add_run(run);
    }

    fn add_run(&mut self, run: Vec<T>) {
        let Some(least) = run.last().copied() else {
            return;
        };
        let number = match self.free.pop() {
            Some(number) => {
                self.runs[number as usize] = run;
                number
            }
            None => {
                self.runs.push(run);
                (self.runs.len() - 1) as u32
            }
        };
        self.heads.push(Reverse((least, number)));
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The least item.
    #[inline]
    pub(crate) fn peek(&self) -> Option<&T> {
        match (self.heads.peek(), self.heap.peek()) {
            (Some(Reverse((a, _))), Some(Reverse(b))) => Some(a.min(b)),
            (Some(Reverse((a, _))), None) => Some(a),
            (None, other) => other.map(|Reverse(b)| b),
        }
    }

    /// Takes the least item out.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        let heap_is_less = match (self.heads.peek(), self.heap.peek()) {
            (Some(Reverse((a, _))), Some(Reverse(b))) => b < a,
            (Some(_), None) => false,
            (None, _) => true,
        };
        let popped = if heap_is_less {
            self.heap.pop().map(|Reverse(item)| item)
        } else {
            self.pop_of_runs()
        };
        self.len -= usize::from(popped.is_some());
        popped
    }

    fn pop_of_runs(&mut self) -> Option<T> {
        let mut head = self.heads.peek_mut()?;
        let Reverse((least, number)) = *head;
        let run = &mut self.runs[number as usize];
        run.pop();
        match run.last() {
            Some(next) => *head = Reverse((*next, number)),
            None => {
                PeekMut::pop(head);
                self.retire(number);
            }
        }
        Some(least)
    }

    /// Has an empty run be used again.
    fn retire(&mut self, number: u32) {
        let run = core::mem::take(&mut self.runs[number as usize]);
        if self.spare.capacity() == 0 {
            self.spare = run;
        }
        self.free.push(number);
    }

    /// Keeps what `keep` says of a few thousand items. After so many calls as
    /// there are runs, of all.
    pub(crate) fn drop_stale(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let Some(run) = self.runs.get_mut(self.next_to_look_through) else {
            self.next_to_look_through = 0;
            let before = self.heap.len() + self.unsorted.len();
            self.heap.retain(|Reverse(item)| keep(item));
            self.unsorted.retain(&mut keep);
            self.len -= before - self.heap.len() - self.unsorted.len();
            return;
        };
        let number = self.next_to_look_through as u32;
        self.next_to_look_through += 1;
        let (before, least) = (run.len(), run.last().copied());
        run.retain(keep);
        self.len -= before - run.len();
        if run.len() <= before / 2 {
            run.shrink_to_fit();
        }
        let now_least = run.last().copied();
        if now_least != least {
            self.heads.retain(|Reverse((_, of))| *of != number);
            match now_least {
                Some(item) => self.heads.push(Reverse((item, number))),
                None => self.retire(number),
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        if self.len > 0 {
            *self = Self::default();
        }
    }
}

/// Items of a run: to sort them takes a tenth of a millisecond.
const RUN: usize = 2048;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn drain(ready: &mut ReadyQueue<u32>) -> Vec<u32> {
        core::iter::from_fn(|| ready.pop()).collect()
    }

    #[test]
    fn sorted_and_single_items_come_out_in_one_order() {
        let mut ready = ReadyQueue::default();
        for item in [9, 2, 7] {
            ready.push_unsorted(item);
        }
        assert_eq!(ready.peek(), None, "they are yet to be sorted");
        ready.sort();
        for item in [8, 1, 7] {
            ready.push(item);
        }
        assert_eq!(ready.len(), 6);
        assert_eq!(ready.peek(), Some(&1));
        for _ in 0..2 {
            ready.drop_stale(|item| *item != 8);
        }
        assert_eq!(drain(&mut ready), [1, 2, 7, 7, 9]);
        assert_eq!(ready.len(), 0);
    }

    #[test]
    fn many_runs_are_one_order() {
        let mut ready = ReadyQueue::default();
        let items: Vec<u32> = (0..50_000u32)
            .map(|n| n.wrapping_mul(2_654_435_761))
            .collect();
        for (n, item) in items.iter().enumerate() {
            match n % 3 {
                0 => ready.push(*item),
                _ => ready.push_unsorted(*item),
            }
        }
        ready.sort();
        let mut expected = items;
        expected.sort_unstable();
        assert_eq!(ready.len(), expected.len());
        let first: Vec<u32> = (0..10_000).filter_map(|_| ready.pop()).collect();
        assert_eq!(first, expected[..10_000]);
        // One that is less than what is left comes first, as ever.
        ready.push(0);
        assert_eq!(ready.pop(), Some(0));
        assert_eq!(drain(&mut ready), expected[10_000..]);
    }

    #[test]
    fn what_is_kept_is_left_in_order() {
        let mut ready = ReadyQueue::default();
        for n in 0..20_000u32 {
            ready.push_unsorted(n.wrapping_mul(2_654_435_761) % 65_536);
            ready.push(n % 1000);
        }
        let kept = |item: &u32| item.is_multiple_of(7);
        for _ in 0..40 {
            ready.drop_stale(kept);
        }
        ready.sort();
        let len = ready.len();
        let left = drain(&mut ready);
        assert_eq!(left.len(), len);
        assert!(left.is_sorted());
        assert!(left.iter().all(kept));
        let expected = (0..20_000u32).filter(|n| kept(&(n % 1000))).count()
            + (0..20_000u32)
                .filter(|n| kept(&(n.wrapping_mul(2_654_435_761) % 65_536)))
                .count();
        assert_eq!(left.len(), expected);
    }
}
