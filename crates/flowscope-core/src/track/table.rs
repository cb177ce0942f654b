//! The flow table: every live flow, found by key, by number, or by deadline.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::hint::black_box;
use core::time::Duration;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::idle::{Filed, Flows, Idle};
use super::slab::Slab;
use super::{Flow, FlowId, FlowState, IdleTimeouts};
use crate::Timestamp;

/// A timeout for some flows, by key and state; `None` leaves the usual one.
pub(crate) type IdleTimeoutFn<K> = Box<dyn Fn(&K, FlowState) -> Option<Duration> + Send + Sync>;

/// Live flows.
///
/// Keys are stored once, in the slots; the hash table holds indices. A packet
/// of a known flow costs one probe and touches that flow's slot only.
pub(crate) struct Table<K, S> {
    slots: Slots<K, S>,
    by_key: HashTable<u32>,
    hasher: DefaultHashBuilder,
    idle: Idle,
    last_number: u64,
}

/// A live flow with its key and whatever its tracker keeps beside it.
#[derive(Debug)]
pub(crate) struct Slot<K, S> {
    pub(crate) key: K,
    pub(crate) flow: Flow,
    filed: Filed,
    pub(crate) state: S,
}

struct Slots<K, S> {
    slab: Slab<Slot<K, S>>,
    timeouts: IdleTimeouts,
    timeout_fn: Option<IdleTimeoutFn<K>>,
}

impl<K: Eq + Hash, S> Table<K, S> {
    pub(crate) fn new(timeouts: IdleTimeouts) -> Self {
        Self {
            slots: Slots {
                slab: Slab::new(),
                timeouts,
                timeout_fn: None,
            },
            by_key: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            idle: Idle::new(),
            last_number: 0,
        }
    }

    pub(crate) fn set_timeout_fn(&mut self, timeout_fn: IdleTimeoutFn<K>) {
        self.slots.timeout_fn = Some(timeout_fn);
    }

    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// The number of the flow that is inserted next.
    pub(crate) fn next_number(&self) -> u64 {
        self.last_number + 1
    }

    #[inline]
    pub(crate) fn hash(&self, key: &K) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The place of the flow with `key`.
    #[inline]
    pub(crate) fn find(&self, hash: u64, key: &K) -> Option<u32> {
        let is_it = |index: &u32| self.slots.get(*index).is_some_and(|slot| slot.key == *key);
        self.by_key.find(hash, is_it).copied()
    }

    /// The place where the flow with this hash most likely is, found without
    /// a look at the flow itself.
    #[inline]
    pub(crate) fn candidate(&self, hash: u64) -> Option<u32> {
        self.by_key.find(hash, |_| true).copied()
    }

    /// Brings a flow into the cache, should there be one at this place.
    #[inline]
    pub(crate) fn warm(&self, index: u32) {
        if let Some(slot) = self.slots.get(index) {
            black_box((slot.filed.warmth(), slot.flow.warmth()));
        }
    }

    #[inline]
    pub(crate) fn slot_mut(&mut self, index: u32) -> &mut Slot<K, S> {
        self.slots.get_mut(index)
    }

    /// The flow with this identifier, if it is live.
    pub(crate) fn by_id(&self, id: FlowId) -> Option<&Slot<K, S>> {
        self.slots
            .slab
            .get(id.index())
            .filter(|slot| slot.flow.number == id.number())
    }

    /// The flow with this identifier, if it is live.
    pub(crate) fn by_id_mut(&mut self, id: FlowId) -> Option<&mut Slot<K, S>> {
        self.slots
            .slab
            .get_mut(id.index())
            .filter(|slot| slot.flow.number == id.number())
    }

    pub(crate) fn id(&self, index: u32) -> FlowId {
        self.slots.id(index)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (FlowId, &Slot<K, S>)> {
        self.slots
            .slab
            .iter()
            .map(|(index, slot)| (FlowId::new(slot.flow.number, index), slot))
    }

    /// Adds a flow whose key is not in the table.
    pub(crate) fn insert(
        &mut self,
        hash: u64,
        key: K,
        flow: Flow,
        open: impl FnOnce(FlowId, &K, &Flow) -> S,
    ) -> u32 {
        self.last_number = flow.number;
        let id = FlowId::new(flow.number, self.slots.slab.next_index());
        let state = open(id, &key, &flow);
        let index = self.slots.slab.insert(Slot {
            key,
            flow,
            filed: Filed::nowhere(),
            state,
        });
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.by_key
            .insert_unique(hash, index, |index| match slots.get(*index) {
                Some(slot) => hasher.hash_one(&slot.key),
                None => unreachable!("the table holds indices of live flows"),
            });
        self.idle.arm(&mut self.slots, index);
        index
    }

    /// Takes a flow out.
    pub(crate) fn remove(&mut self, index: u32) -> Slot<K, S> {
        self.idle.disarm(&mut self.slots, index);
        let slot = self
            .slots
            .slab
            .remove(index)
            .expect("only places of live flows are removed");
        let hash = self.hash(&slot.key);
        if let Ok(entry) = self.by_key.find_entry(hash, |found| *found == index) {
            entry.remove();
        }
        slot
    }

    /// Takes all flows out, in the order of their first packets.
    ///
    /// At the end of the input memory is at its fullest: the index goes first,
    /// and the order is kept in one word a flow.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (FlowId, Slot<K, S>)> + use<K, S> {
        self.by_key = HashTable::new();
        self.idle = Idle::new();
        let mut slab = core::mem::take(&mut self.slots.slab);
        let mut order = Vec::new();
        core::iter::from_fn(move || {
            if order.is_empty() {
                order = oldest(&slab);
            }
            let index = order.pop()?;
            let slot = slab.remove(index)?;
            Some((FlowId::new(slot.flow.number, index), slot))
        })
    }

    /// Files a flow anew whose deadline may have moved ahead.
    pub(crate) fn rearm(&mut self, index: u32) {
        self.idle.rearm(&mut self.slots, index);
    }

    /// Before this moment [`due`](Self::due) finds nothing.
    #[inline]
    pub(crate) fn check_at(&self) -> Timestamp {
        self.idle.check_at()
    }

    /// The flow to expire next, if its deadline is not after `now`.
    pub(crate) fn due(&mut self, now: Timestamp) -> Option<u32> {
        self.idle.due(&mut self.slots, now)
    }

    /// The flow whose deadline comes first.
    pub(crate) fn nearest(&mut self) -> Option<u32> {
        self.idle.nearest(&mut self.slots)
    }

    /// Before this moment no flow expires.
    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        self.idle.next()
    }

    /// When a flow expires if nothing more is seen of it.
    pub(crate) fn deadline(&self, index: u32) -> Timestamp {
        self.slots.deadline(index)
    }
}

/// The places of the oldest flows, the very oldest last: of all flows unless
/// their numbers are more than 32 bits apart.
fn oldest<K, S>(slab: &Slab<Slot<K, S>>) -> Vec<u32> {
    let numbers = || slab.iter().map(|(index, slot)| (slot.flow.number, index));
    let Some((first, _)) = numbers().min() else {
        return Vec::new();
    };
    let mut packed: Vec<u64> = Vec::with_capacity(numbers().count());
    packed.extend(numbers().filter_map(|(number, index)| {
        let age = u32::try_from(number - first).ok()?;
        Some(u64::from(age) << 32 | u64::from(index))
    }));
    packed.sort_unstable_by_key(|packed| Reverse(*packed));
    // The low half is the place.
    packed.into_iter().map(|packed| packed as u32).collect()
}

impl<K, S> Slots<K, S> {
    #[inline]
    fn get(&self, index: u32) -> Option<&Slot<K, S>> {
        self.slab.get(index)
    }

    #[inline]
    fn get_mut(&mut self, index: u32) -> &mut Slot<K, S> {
        self.slab
            .get_mut(index)
            .expect("indices are kept of live flows only")
    }
}

impl<K, S> Flows for Slots<K, S> {
    fn filed(&mut self, index: u32) -> &mut Filed {
        &mut self.get_mut(index).filed
    }

    fn filed_by_id(&mut self, id: FlowId) -> Option<&mut Filed> {
        let slot = self.slab.get_mut(id.index())?;
        (slot.flow.number == id.number()).then_some(&mut slot.filed)
    }

    fn id(&self, index: u32) -> FlowId {
        let number = self.get(index).map_or(0, |slot| slot.flow.number);
        FlowId::new(number, index)
    }

    fn deadline(&self, index: u32) -> Timestamp {
        let Some(slot) = self.get(index) else {
            return Timestamp::MAX;
        };
        let own = self
            .timeout_fn
            .as_ref()
            .and_then(|timeout| timeout(&slot.key, slot.flow.state));
        let timeout = own.unwrap_or_else(|| slot.flow.timeout(&self.timeouts));
        slot.flow.deadline(timeout)
    }
}

impl<K, S> fmt::Debug for Table<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("flows", &self.by_key.len())
            .finish_non_exhaustive()
    }
}
