//! Linked lists of the items of a slab, oldest first.

use crate::slab::{Slab, SlabIndex};

/// A list of items. The links lie inside the items.
#[derive(Clone, Copy, Debug)]
pub(super) struct List<I> {
    first: I,
    last: I,
}

/// An item's neighbours in a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links<I> {
    before: I,
    behind: I,
}

impl<I: SlabIndex> List<I> {
    pub(super) const EMPTY: Self = Self {
        first: I::NONE,
        last: I::NONE,
    };

    /// The index of the oldest item.
    pub(super) fn first(&self) -> Option<I> {
        (self.first != I::NONE).then_some(self.first)
    }

    /// Adds an item that is in no list of this kind at the end.
    pub(super) fn push<T>(&mut self, slab: &mut Slab<T, I>, index: I, links: LinksOf<T, I>) {
        let last = core::mem::replace(&mut self.last, index);
        if let Some(item) = slab.get_mut(index) {
            links(item).before = last;
        }
        match slab.get_mut(last) {
            Some(item) => links(item).behind = index,
            None => self.first = index,
        }
    }

    /// Takes an item out, wherever it is.
    pub(super) fn remove<T>(&mut self, slab: &mut Slab<T, I>, index: I, links: LinksOf<T, I>) {
        let Some(item) = slab.get_mut(index) else {
            return;
        };
        let Links { before, behind } = core::mem::replace(links(item), Links::NONE);
        match slab.get_mut(before) {
            Some(item) => links(item).behind = behind,
            None => self.first = behind,
        }
        match slab.get_mut(behind) {
            Some(item) => links(item).before = before,
            None => self.last = before,
        }
    }
}

impl<I: SlabIndex> Links<I> {
    pub(super) const NONE: Self = Self {
        before: I::NONE,
        behind: I::NONE,
    };
}

/// Which of an item's links are meant.
type LinksOf<T, I> = fn(&mut T) -> &mut Links<I>;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::slab::slab_index;

    slab_index! {
        struct Index;
    }

    fn items(list: &List<Index>, slab: &Slab<(u32, Links<Index>), Index>) -> Vec<u32> {
        let mut items = Vec::new();
        let mut next = list.first;
        while let Some((item, links)) = slab.get(next) {
            items.push(*item);
            next = links.behind;
        }
        items
    }

    #[test]
    fn items_stay_in_order_whichever_is_removed() {
        let links: LinksOf<(u32, Links<Index>), Index> = |(_, links)| links;
        for (removed, left) in [(0, [1, 2]), (1, [0, 2]), (2, [0, 1])] {
            let (mut slab, mut list) = (Slab::new(), List::EMPTY);
            let indices: Vec<Index> = (0..3)
                .map(|item| {
                    let index = slab.insert((item, Links::NONE));
                    list.push(&mut slab, index, links);
                    index
                })
                .collect();
            list.remove(&mut slab, indices[removed], links);
            assert_eq!(items(&list, &slab), left);
            list.push(&mut slab, indices[removed], links);
            assert_eq!(items(&list, &slab).last(), Some(&(removed as u32)));
        }
    }
}
