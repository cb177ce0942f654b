//! What a worker makes of a batch.

use core::ops::Range;

use flowscope_core::engine::deal::Place;

/// What a worker makes of a batch: a body, such as a text or a list, and where
/// the parts of it stand.
#[derive(Debug)]
pub struct Chunk<B> {
    /// What it is made of.
    pub body: B,
    entries: Vec<(Place, usize)>,
    /// How far the worker came.
    reached: Place,
}

impl<B> Chunk<B> {
    /// What follows stands at this place; perhaps nothing does.
    #[inline]
    pub fn reach(&mut self, place: Place) {
        self.reached = place;
    }

    /// A part of the body was added that stands at this place, behind all others
    /// so far: now the body ends here.
    #[inline]
    pub fn add(&mut self, place: Place, end: usize) {
        self.entries.push((place, end));
    }

    pub(crate) fn reached(&self) -> Place {
        self.reached
    }

    /// The place of a part, and where in the body it is.
    #[inline]
    pub(crate) fn part(&self, n: usize) -> Option<(Place, Range<usize>)> {
        let (place, end) = *self.entries.get(n)?;
        let start = n.checked_sub(1).map_or(0, |before| self.entries[before].1);
        Some((place, start..end))
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.reached = Place::default();
    }
}

impl<B: Default> Default for Chunk<B> {
    fn default() -> Self {
        Self {
            body: B::default(),
            entries: Vec::new(),
            reached: Place::default(),
        }
    }
}
