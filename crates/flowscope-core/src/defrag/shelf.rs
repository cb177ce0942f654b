//! Numbered places, and lists of what is there.

use alloc::vec::Vec;

/// So many places as are reserved, each with an item or empty.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Shelf<T> {
    pub(super) const fn new() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Makes room for `count` items at once, so that it need not grow.
    pub(super) fn reserve(&mut self, count: usize) {
        self.places.reserve_exact(count);
        self.free.reserve_exact(count);
    }

    /// Bytes of memory for each place.
    pub(super) const PLACE: usize = size_of::<Option<T>>() + size_of::<u32>();

    pub(super) fn insert(&mut self, item: T) -> u32 {
        let place = self.free.pop();
        match place.and_then(|place| self.places.get_mut(place as usize)) {
            Some(empty) => *empty = Some(item),
            None => self.places.push(Some(item)),
        }
        // There is no memory for more places than can be numbered.
        place.unwrap_or(self.places.len() as u32 - 1)
    }

    pub(super) fn remove(&mut self, place: u32) -> Option<T> {
        let item = self.places.get_mut(place as usize)?.take()?;
        self.free.push(place);
        Some(item)
    }

    pub(super) fn get(&self, place: u32) -> Option<&T> {
        self.places.get(place as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        self.places.get_mut(place as usize)?.as_mut()
    }
}

/// A list of items on a shelf, oldest first. The links lie inside the items.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    first: u32,
    last: u32,
}

/// An item's neighbours in a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    before: u32,
    behind: u32,
}

impl List {
    pub(super) const EMPTY: Self = Self {
        first: NONE,
        last: NONE,
    };

    /// The place of the oldest.
    pub(super) fn first(&self) -> Option<u32> {
        (self.first != NONE).then_some(self.first)
    }

    /// Adds an item that is in no list of this kind at the end.
    pub(super) fn push<T>(&mut self, shelf: &mut Shelf<T>, place: u32, links: Of<T>) {
        let last = core::mem::replace(&mut self.last, place);
        if let Some(item) = shelf.get_mut(place) {
            links(item).before = last;
        }
        match shelf.get_mut(last) {
            Some(item) => links(item).behind = place,
            None => self.first = place,
        }
    }

    /// Takes an item out, wherever it is.
    pub(super) fn remove<T>(&mut self, shelf: &mut Shelf<T>, place: u32, links: Of<T>) {
        let Some(item) = shelf.get_mut(place) else {
            return;
        };
        let Links { before, behind } = core::mem::replace(links(item), Links::NONE);
        match shelf.get_mut(before) {
            Some(item) => links(item).behind = behind,
            None => self.first = behind,
        }
        match shelf.get_mut(behind) {
            Some(item) => links(item).before = before,
            None => self.last = before,
        }
    }
}

impl Links {
    pub(super) const NONE: Self = Self {
        before: NONE,
        behind: NONE,
    };
}

/// Which of an item's links are meant.
type Of<T> = fn(&mut T) -> &mut Links;

const NONE: u32 = u32::MAX;
