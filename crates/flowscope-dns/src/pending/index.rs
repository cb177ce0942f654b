//! Many queries, found by what they ask in a time that does not depend on how
//! many there are.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hasher};
use core::iter;

use flowscope_core::FlowSide;
use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::list::{Links, List};
use super::{Asks, Pending, Place, Sought};
use crate::numbers::Opcode;
use crate::packet::Question;

/// Queries in order, found by identifier, opcode, side and question, or without
/// the question.
///
/// Names are hashed without regard to case, and with a seed: who sends queries
/// cannot choose which of them collide.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    slots: Vec<Slot>,
    /// The numbers of slots without a query.
    free: Vec<u32>,
    order: List,
    by_question: HashTable<u32>,
    by_header: HashTable<SameHeader>,
    hasher: DefaultHashBuilder,
    /// How many bytes the queries have.
    bytes: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Slot {
    pending: Option<Pending>,
    /// Of header and question.
    hash: u64,
    order: Links,
    same_header: Links,
}

/// The queries with the same header, in order.
#[derive(Clone, Copy, Debug)]
struct SameHeader {
    header: u32,
    list: List,
}

impl Index {
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn memory(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
            + self.free.capacity() * size_of::<u32>()
            + self.by_question.allocation_size()
            + self.by_header.allocation_size()
    }

    pub(super) fn find(&self, sought: &Sought<'_>) -> Option<Place> {
        let header = header(sought.id, sought.opcode, sought.side);
        let found = match sought.asks {
            Asks::Anything => {
                let is_it = |same: &SameHeader| same.header == header;
                let same = self.by_header.find(self.hasher.hash_one(header), is_it)?;
                same.list.first?
            }
            Asks::Same(_) => {
                let hash = self.hash_of_sought(sought);
                let is_it = |slot: &u32| self.get(*slot).is_some_and(|it| sought.is(it));
                *self.by_question.find(hash, is_it)?
            }
        };
        Some(Place(found as usize))
    }

    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut Pending> {
        self.slots.get_mut(place.0)?.pending.as_mut()
    }

    pub(super) fn oldest(&self) -> Option<Place> {
        self.order.first.map(|slot| Place(slot as usize))
    }

    /// In order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Pending> {
        let slot = |number: Option<u32>| self.slots.get(number? as usize);
        iter::successors(slot(self.order.first), move |it| slot(it.order.after))
            .filter_map(|slot| slot.pending.as_ref())
    }

    /// The hash of a query that is kept.
    pub(super) fn hash_of(&self, pending: &Pending) -> u64 {
        self.hash(pending.header(), pending.query.question().as_ref())
    }

    /// The hash of a query that is sought, found once.
    pub(super) fn hash_of_sought(&self, sought: &Sought<'_>) -> u64 {
        if let Some(hash) = sought.hash.get() {
            return hash;
        }
        let question = match &sought.asks {
            Asks::Same(question) => question.as_ref().map(|(question, _)| question),
            Asks::Anything => None,
        };
        let header = header(sought.id, sought.opcode, sought.side);
        let hash = self.hash(header, question);
        sought.hash.set(Some(hash));
        hash
    }

    pub(super) fn push(&mut self, pending: Pending, hash: u64) {
        let header = pending.header();
        self.bytes += pending.bytes();
        let slot = Slot {
            pending: Some(pending),
            hash,
            order: Links::default(),
            same_header: Links::default(),
        };
        let number = self.put(slot);
        self.order.push(&mut self.slots, number, |it| &mut it.order);
        let slots = &self.slots;
        let hash_of = |slot: &u32| slots.get(*slot as usize).map_or(0, |it| it.hash);
        self.by_question.insert_unique(hash, number, hash_of);
        let hasher = &self.hasher;
        let mut same = self
            .by_header
            .entry(
                hasher.hash_one(header),
                |same| same.header == header,
                |same| hasher.hash_one(same.header),
            )
            .or_insert_with(|| SameHeader {
                header,
                list: List::default(),
            });
        let list = &mut same.get_mut().list;
        list.push(&mut self.slots, number, |it| &mut it.same_header);
    }

    pub(super) fn remove(&mut self, place: Place) -> Option<Pending> {
        let slot = self.slots.get_mut(place.0)?;
        let (hash, pending) = (slot.hash, slot.pending.take()?);
        // There is a slot of that number, and these are counted in 32 bits.
        let number = place.0 as u32;
        self.bytes -= pending.bytes();
        self.order
            .remove(&mut self.slots, number, |it| &mut it.order);
        if let Ok(entry) = self.by_question.find_entry(hash, |slot| *slot == number) {
            entry.remove();
        }
        let (header, hasher) = (pending.header(), &self.hasher);
        let same = self.by_header.entry(
            hasher.hash_one(header),
            |same| same.header == header,
            |same| hasher.hash_one(same.header),
        );
        if let Entry::Occupied(mut same) = same {
            let list = &mut same.get_mut().list;
            list.remove(&mut self.slots, number, |it| &mut it.same_header);
            if list.first.is_none() {
                same.remove();
            }
        }
        self.free.push(number);
        Some(pending)
    }

    pub(super) fn remove_those(
        &mut self,
        lost: impl Fn(&Pending) -> bool,
        take: &mut impl FnMut(Pending),
    ) {
        let mut next = self.order.first;
        while let Some(number) = next {
            let place = Place(number as usize);
            let Some(slot) = self.slots.get(place.0) else {
                return;
            };
            next = slot.order.after;
            if slot.pending.as_ref().is_some_and(&lost)
                && let Some(pending) = self.remove(place)
            {
                take(pending);
            }
        }
    }

    fn get(&self, slot: u32) -> Option<&Pending> {
        self.slots.get(slot as usize)?.pending.as_ref()
    }

    /// Keeps a slot, and says which it is.
    fn put(&mut self, slot: Slot) -> u32 {
        let free = self.free.pop();
        if let Some(number) = free
            && let Some(room) = self.slots.get_mut(number as usize)
        {
            *room = slot;
            return number;
        }
        let number = self.slots.len() as u32;
        self.slots.push(slot);
        number
    }

    fn hash(&self, header: u32, question: Option<&Question<'_>>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u32(header);
        if let Some(question) = question {
            hasher.write_u16(question.rtype.0);
            hasher.write_u16(question.class.0);
            hasher.write(question.name.in_lower_case(&mut [0; 255]));
        }
        hasher.finish()
    }
}

impl Pending {
    fn header(&self) -> u32 {
        header(self.query.id(), self.query.opcode(), self.side)
    }
}

/// What a response has in common with its query besides the question.
fn header(id: u16, opcode: Opcode, side: FlowSide) -> u32 {
    let [high, low] = id.to_be_bytes();
    u32::from_be_bytes([side as u8, opcode.0, high, low])
}
