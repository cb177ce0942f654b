//! The flow table: every live flow, found by key, by number, or by deadline.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::expiry::{ExpiryTimers, TimedFlows, TimerHandle};
use super::prefetch::prefetch;
use super::slab::{Chunks, Slab};
use super::{ColdState, Flow, FlowId, FlowState, IdleTimeouts};
use crate::Timestamp;

/// A timeout for some flows, by key and state; `None` leaves the usual one.
pub(crate) type IdleTimeoutFn<K> = Box<dyn Fn(&K, FlowState) -> Option<Duration> + Send + Sync>;

/// Live flows.
///
/// Keys are stored once, in the slots; the hash table holds indices. A packet
/// of a known flow costs one probe and touches that flow's slot only.
pub(crate) struct Table<K, S> {
    slots: Slots<K, S>,
    expiry: ExpiryTimers,
    last_number: u64,
}

/// A live flow with its key and whatever its consumer keeps, aligned to the
/// cache lines it is laid out in.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Slot<K, S> {
    pub(crate) key: K,
    timer: TimerHandle,
    pub(crate) flow: Flow,
    pub(crate) state: S,
}

/// The slots, and who finds them by key.
struct Slots<K, S> {
    slab: Slab<Slot<K, S>>,
    /// What few packets touch, at the indices of the slots.
    cold: Chunks<ColdState>,
    by_key: HashTable<u32>,
    hasher: DefaultHashBuilder,
    timeouts: IdleTimeouts,
    timeout_fn: Option<IdleTimeoutFn<K>>,
}

impl<K: Eq + Hash, S> Table<K, S> {
    pub(crate) fn new(timeouts: IdleTimeouts) -> Self {
        Self {
            slots: Slots {
                slab: Slab::new(),
                cold: Chunks::default(),
                by_key: HashTable::new(),
                hasher: DefaultHashBuilder::default(),
                timeouts,
                timeout_fn: None,
            },
            expiry: ExpiryTimers::new(),
            last_number: 0,
        }
    }

    pub(crate) fn set_timeout_fn(&mut self, timeout_fn: IdleTimeoutFn<K>) {
        self.slots.timeout_fn = Some(timeout_fn);
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.by_key.len()
    }

    /// The number of the flow that is inserted next.
    pub(crate) fn next_number(&self) -> u64 {
        self.last_number + 1
    }

    #[inline]
    pub(crate) fn hash(&self, key: &K) -> u64 {
        self.slots.hasher.hash_one(key)
    }

    /// The place of the flow with `key`.
    #[inline]
    pub(crate) fn find(&self, hash: u64, key: &K) -> Option<u32> {
        let is_it = |index: &u32| self.slots.get(*index).is_some_and(|slot| slot.key == *key);
        self.slots.by_key.find(hash, is_it).copied()
    }

    /// The place where the flow with this hash most likely is, found without
    /// a look at the flow itself.
    #[inline]
    pub(crate) fn candidate(&self, hash: u64) -> Option<u32> {
        self.slots.candidate(hash)
    }

    /// Fetches a flow into the cache, if there is one at this place.
    #[inline]
    pub(crate) fn prefetch(&self, index: u32) {
        if let Some(slot) = self.slots.get(index) {
            let words = [slot.timer.prefetch_word(), slot.flow.prefetch_word()];
            prefetch(words.into_iter());
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: u32) -> (&mut Slot<K, S>, &mut ColdState) {
        let Slots { slab, cold, .. } = &mut self.slots;
        (slab.get_mut(index).expect(LIVE), cold.get_mut(index))
    }

    /// The flow with this identifier, if it is live.
    pub(crate) fn by_id(&self, id: FlowId) -> Option<(&Slot<K, S>, &ColdState)> {
        let slot = self.slots.get(id.index())?;
        (slot.flow.number() == id.number()).then(|| (slot, self.slots.cold.get(id.index())))
    }

    /// The flow with this identifier, if it is live.
    pub(crate) fn by_id_mut(&mut self, id: FlowId) -> Option<&mut Slot<K, S>> {
        let slot = self.slots.slab.get_mut(id.index())?;
        (slot.flow.number() == id.number()).then_some(slot)
    }

    pub(crate) fn id(&self, index: u32) -> FlowId {
        self.slots.id(index)
    }

    /// The live flows, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (FlowId, &Slot<K, S>, &ColdState)> {
        let slots = self.slots.slab.iter();
        slots.map(|(index, slot)| (self.id(index), slot, self.slots.cold.get(index)))
    }

    /// Adds a flow whose key is not in the table.
    pub(crate) fn insert(
        &mut self,
        hash: u64,
        key: K,
        (flow, cold): (Flow, ColdState),
        open: impl FnOnce(FlowId, &K, &Flow, &ColdState) -> S,
    ) -> u32 {
        self.last_number = flow.number();
        let id = FlowId::new(flow.number(), self.slots.slab.next_index());
        let state = open(id, &key, &flow, &cold);
        let slot = Slot {
            key,
            timer: TimerHandle::unset(),
            flow,
            state,
        };
        let index = self.slots.insert(hash, slot, cold);
        self.expiry.arm(&mut self.slots, index);
        index
    }

    /// Has a flow be found no more, which is then to be [taken](Self::take).
    ///
    /// In two steps, so that what is done when a flow ends is done where it
    /// lies: moving it takes longer than that.
    pub(crate) fn unlink(&mut self, index: u32) {
        self.expiry.disarm(&mut self.slots, index);
        self.slots.unlink(index);
    }

    /// Has no flow be found any more.
    ///
    /// At the end of the input memory is at its fullest: what finds flows goes
    /// first, and their [order](Self::oldest) is kept in one word a flow.
    pub(crate) fn unlink_all(&mut self) {
        self.slots.by_key = HashTable::new();
        self.expiry = ExpiryTimers::new();
    }

    /// Takes a flow out that was unlinked.
    #[inline]
    pub(crate) fn take(&mut self, index: u32) -> (K, S) {
        self.slots.cold.get_mut(index).clear();
        let Slot { key, state, .. } = self.slots.slab.remove(index).expect(LIVE);
        (key, state)
    }

    /// The places of the oldest flows, the very oldest last: of all flows unless
    /// their numbers are more than 32 bits apart.
    pub(crate) fn oldest(&self) -> Vec<u32> {
        let slots = self.slots.slab.iter();
        let numbers = || {
            slots
                .clone()
                .map(|(index, slot)| (slot.flow.number(), index))
        };
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

    /// Gives back the memory of flows that are all taken out.
    pub(crate) fn release(&mut self) {
        self.slots.slab = Slab::new();
        self.slots.cold = Chunks::default();
    }

    /// Sets the timer of a flow whose TCP state has changed again, if it may
    /// expire sooner in the new one.
    pub(crate) fn rearm(&mut self, index: u32, from: FlowState, to: FlowState) {
        let Slots {
            timeouts,
            timeout_fn,
            ..
        } = &self.slots;
        if timeout_fn.is_some() || timeouts.of_tcp(to) < timeouts.of_tcp(from) {
            self.expiry.rearm(&mut self.slots, index);
        }
    }

    /// Keeps [`check_at`](Self::check_at) from being later than a moment at
    /// which there is something other to do than to end flows.
    ///
    /// So each packet compares the clock with one number and not with two.
    pub(crate) fn set_other_due(&mut self, at: Timestamp) {
        self.expiry.set_other_due(at);
    }

    /// Before this moment [`due`](Self::due) finds nothing.
    #[inline]
    pub(crate) fn check_at(&self) -> Timestamp {
        self.expiry.check_at()
    }

    /// The flow to expire next, if its deadline is not after `now`.
    pub(crate) fn due(&mut self, now: Timestamp) -> Option<u32> {
        self.expiry.due(&mut self.slots, now)
    }

    /// The flow whose deadline comes first.
    pub(crate) fn nearest(&mut self) -> Option<u32> {
        self.expiry.nearest(&mut self.slots)
    }

    /// Before this moment no flow expires.
    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        self.expiry.next()
    }

    /// When a flow expires if nothing more is seen of it.
    pub(crate) fn deadline(&self, index: u32) -> Timestamp {
        self.slots.deadline(index)
    }
}

impl<K, S> Slots<K, S> {
    #[inline]
    fn get(&self, index: u32) -> Option<&Slot<K, S>> {
        self.slab.get(index)
    }

    #[inline]
    fn get_mut(&mut self, index: u32) -> &mut Slot<K, S> {
        self.slab.get_mut(index).expect(LIVE)
    }

    #[inline]
    fn candidate(&self, hash: u64) -> Option<u32> {
        self.by_key.find(hash, |_| true).copied()
    }
}

impl<K: Hash, S> Slots<K, S> {
    fn insert(&mut self, hash: u64, slot: Slot<K, S>, cold: ColdState) -> u32 {
        let index = self.slab.insert(slot);
        self.cold.put(index, cold);
        let (slab, hasher) = (&self.slab, &self.hasher);
        self.by_key
            .insert_unique(hash, index, |index| match slab.get(*index) {
                Some(slot) => hasher.hash_one(&slot.key),
                None => unreachable!("the table holds indices of live flows"),
            });
        index
    }

    fn unlink(&mut self, index: u32) {
        let slot = self.slab.get(index).expect(LIVE);
        let hash = self.hasher.hash_one(&slot.key);
        if let Ok(entry) = self.by_key.find_entry(hash, |found| *found == index) {
            entry.remove();
        }
    }
}

impl<K: Hash, S> TimedFlows for Slots<K, S> {
    fn timer(&mut self, index: u32) -> &mut TimerHandle {
        &mut self.get_mut(index).timer
    }

    fn timer_by_id(&mut self, id: FlowId) -> Option<&mut TimerHandle> {
        let slot = self.slab.get_mut(id.index())?;
        (slot.flow.number() == id.number()).then_some(&mut slot.timer)
    }

    fn id(&self, index: u32) -> FlowId {
        let number = self.get(index).map_or(0, |slot| slot.flow.number());
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

    #[inline]
    fn deadline_word(&self, index: u32) -> u64 {
        self.get(index).map_or(0, |slot| slot.timer.prefetch_word())
    }

    #[inline]
    fn end_words(&self, index: u32) -> u64 {
        self.get(index).map_or(0, |slot| {
            slot.flow.prefetch_word() ^ self.cold.get(index).prefetch_word()
        })
    }

    #[inline]
    fn key_word(&self, index: u32) -> u64 {
        self.get(index)
            .and_then(|slot| self.candidate(self.hasher.hash_one(&slot.key)))
            .unwrap_or(0)
            .into()
    }
}

impl<K, S> fmt::Debug for Table<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("flows", &self.slots.by_key.len())
            .finish_non_exhaustive()
    }
}

/// Why there is a flow at a place that is kept somewhere.
const LIVE: &str = "places are kept of live flows only";
