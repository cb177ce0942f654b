//! Lists whose links are in what they list, so that anything in them is taken
//! out in one step.

use super::index::Slot;

/// A list of slots, by their numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct List {
    pub(super) first: Option<u32>,
    last: Option<u32>,
}

/// What is before and after a slot in one of its lists.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Links {
    before: Option<u32>,
    pub(super) after: Option<u32>,
}

/// The links of one of the lists.
type LinksOf = fn(&mut Slot) -> &mut Links;

impl List {
    /// Adds a slot, which is in no such list, to the end.
    pub(super) fn push(&mut self, slots: &mut [Slot], slot: u32, of: LinksOf) {
        let (before, after) = (self.last, None);
        if let Some(links) = links(slots, Some(slot), of) {
            *links = Links { before, after };
        }
        match links(slots, before, of) {
            Some(links) => links.after = Some(slot),
            None => self.first = Some(slot),
        }
        self.last = Some(slot);
    }

    /// Takes out a slot.
    pub(super) fn remove(&mut self, slots: &mut [Slot], slot: u32, of: LinksOf) {
        let Some(Links { before, after }) = links(slots, Some(slot), of).copied() else {
            return;
        };
        match links(slots, before, of) {
            Some(links) => links.after = after,
            None => self.first = after,
        }
        match links(slots, after, of) {
            Some(links) => links.before = before,
            None => self.last = before,
        }
    }
}

fn links(slots: &mut [Slot], slot: Option<u32>, of: LinksOf) -> Option<&mut Links> {
    slots.get_mut(slot? as usize).map(of)
}
