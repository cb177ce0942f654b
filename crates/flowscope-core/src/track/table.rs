//! The flow table: every live flow, found by key, by number, or by deadline.

use alloc::boxed::Box;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;

use hashbrown::DefaultHashBuilder;

use super::expiry::{ExpiryTimers, TimedFlows, TimerHandle};
use super::index::KeyIndex;
use super::prefetch::prefetch;
use super::{ColdState, Flow, FlowId, FlowIndex, FlowState, IdleTimeouts, ReadyQueue, Work};
use crate::Timestamp;
use crate::slab::{Column, Slab, SlabIndex};

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

/// A flow by the order of first packets.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct ByAge {
    age: u32,
    index: FlowIndex,
}

impl ByAge {
    pub(crate) const fn index(self) -> FlowIndex {
        self.index
    }
}

/// The slots, and who finds them by key.
struct Slots<K, S> {
    slab: Slab<Slot<K, S>, FlowIndex>,
    /// What few packets touch, at the indices of the slots.
    cold: Column<ColdState, FlowIndex>,
    by_key: KeyIndex,
    hasher: DefaultHashBuilder,
    timeouts: IdleTimeouts,
    timeout_fn: Option<IdleTimeoutFn<K>>,
}

impl<K: Eq + Hash, S> Table<K, S> {
    pub(crate) fn new(timeouts: IdleTimeouts) -> Self {
        Self {
            slots: Slots {
                slab: Slab::new(),
                cold: Column::new(),
                by_key: KeyIndex::new(),
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
    pub(crate) fn find(&self, hash: u64, key: &K) -> Option<FlowIndex> {
        let is_it = |index: &FlowIndex| self.slots.get(*index).is_some_and(|slot| slot.key == *key);
        self.slots.by_key.find(hash, is_it)
    }

    /// The place where the flow with this hash most likely is, found without
    /// a look at the flow itself.
    #[inline]
    pub(crate) fn candidate(&self, hash: u64) -> Option<FlowIndex> {
        self.slots.candidate(hash)
    }

    /// Fetches a flow into the cache, if there is one at this place, and of what
    /// its consumer keeps the lines of which `state_word` reads a word.
    #[inline]
    pub(crate) fn prefetch(&self, index: FlowIndex, state_word: impl FnOnce(&S) -> u64) {
        if let Some(slot) = self.slots.get(index) {
            let words = [
                slot.timer.prefetch_word(),
                slot.flow.prefetch_word(),
                state_word(&slot.state),
            ];
            prefetch(words.into_iter());
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: FlowIndex) -> (&mut Slot<K, S>, &mut ColdState) {
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

    pub(crate) fn id(&self, index: FlowIndex) -> FlowId {
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
    ) -> FlowIndex {
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
    pub(crate) fn unlink(&mut self, index: FlowIndex) {
        self.expiry.disarm(&mut self.slots, index);
        self.slots.unlink(index);
    }

    /// Has no flow be found any more.
    ///
    /// At the end of the input memory is at its fullest: what finds flows goes
    /// first, and their [order](Self::oldest) is kept in one word a flow.
    pub(crate) fn unlink_all(&mut self) {
        self.slots.by_key = KeyIndex::new();
        self.expiry = ExpiryTimers::new();
    }

    /// Takes a flow out that was unlinked.
    #[inline]
    pub(crate) fn take(&mut self, index: FlowIndex) -> (K, S) {
        self.slots.cold.get_mut(index).clear();
        let Slot { key, state, .. } = self.slots.slab.remove(index).expect(LIVE);
        (key, state)
    }

    /// The oldest flows in their order: all flows unless their numbers are more
    /// than 32 bits apart.
    pub(crate) fn oldest(&self) -> ReadyQueue<ByAge> {
        let slots = || self.slots.slab.iter();
        let mut oldest = ReadyQueue::default();
        // Numbers that fit as they are need no second look at all flows.
        let first = if u32::try_from(self.last_number).is_ok() {
            0
        } else {
            let numbers = slots().map(|(_, slot)| slot.flow.number());
            numbers.min().unwrap_or(0)
        };
        for (index, slot) in slots() {
            if let Ok(age) = u32::try_from(slot.flow.number() - first) {
                oldest.push_unsorted(ByAge { age, index });
            }
        }
        oldest.sort();
        oldest
    }

    /// Gives back the memory of flows that are all taken out.
    pub(crate) fn release(&mut self) {
        self.slots.slab = Slab::new();
        self.slots.cold = Column::new();
    }

    /// Sets the timer of a flow whose TCP state has changed again, if it may
    /// expire sooner in the new one.
    pub(crate) fn rearm(&mut self, index: FlowIndex, from: FlowState, to: FlowState) {
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

    /// The flow to expire next, if its deadline is not after `now`. It is not
    /// known yet where the work is done before it is found.
    pub(crate) fn due(&mut self, now: Timestamp, work: &mut Work) -> Option<FlowIndex> {
        self.expiry.due(&mut self.slots, now, work)
    }

    /// The flow whose deadline comes first, or one of the first where to find that
    /// one would take too long.
    pub(crate) fn nearest(&mut self) -> Option<FlowIndex> {
        self.expiry.nearest(&mut self.slots)
    }

    /// Prepares for [`nearest`](Self::nearest), which is soon asked for.
    pub(crate) fn look_ahead(&mut self) {
        self.expiry.look_ahead(&mut self.slots);
    }

    /// Before this moment no flow expires.
    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        self.expiry.next()
    }

    /// When a flow expires if nothing more is seen of it.
    pub(crate) fn deadline(&self, index: FlowIndex) -> Timestamp {
        self.slots.deadline(index)
    }
}

impl<K, S> Slots<K, S> {
    #[inline]
    fn get(&self, index: FlowIndex) -> Option<&Slot<K, S>> {
        self.slab.get(index)
    }

    #[inline]
    fn get_mut(&mut self, index: FlowIndex) -> &mut Slot<K, S> {
        self.slab.get_mut(index).expect(LIVE)
    }

    #[inline]
    fn candidate(&self, hash: u64) -> Option<FlowIndex> {
        self.by_key.find(hash, |_| true)
    }
}

impl<K: Hash, S> Slots<K, S> {
    fn insert(&mut self, hash: u64, slot: Slot<K, S>, cold: ColdState) -> FlowIndex {
        let index = self.slab.insert(slot);
        self.cold.put(index, cold);
        let (slab, hasher) = (&self.slab, &self.hasher);
        let hash_of = |index| hasher.hash_one(&slab.get(index).expect(LIVE).key);
        self.by_key.insert(hash, index, &hash_of);
        index
    }

    fn unlink(&mut self, index: FlowIndex) {
        let slot = self.slab.get(index).expect(LIVE);
        let hash = self.hasher.hash_one(&slot.key);
        self.by_key.remove(hash, index);
    }
}

impl<K: Hash, S> TimedFlows for Slots<K, S> {
    fn timer(&mut self, index: FlowIndex) -> &mut TimerHandle {
        &mut self.get_mut(index).timer
    }

    fn timer_by_id(&mut self, id: FlowId) -> Option<&mut TimerHandle> {
        let slot = self.slab.get_mut(id.index())?;
        (slot.flow.number() == id.number()).then_some(&mut slot.timer)
    }

    fn id(&self, index: FlowIndex) -> FlowId {
        let number = self.get(index).map_or(0, |slot| slot.flow.number());
        FlowId::new(number, index)
    }

    fn deadline(&self, index: FlowIndex) -> Timestamp {
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
    fn deadline_word(&self, index: FlowIndex) -> u64 {
        self.get(index).map_or(0, |slot| slot.timer.prefetch_word())
    }

    #[inline]
    fn end_words(&self, index: FlowIndex) -> u64 {
        self.get(index).map_or(0, |slot| {
            slot.flow.prefetch_word() ^ self.cold.get(index).prefetch_word()
        })
    }

    #[inline]
    fn key_word(&self, index: FlowIndex) -> u64 {
        self.get(index)
            .and_then(|slot| self.candidate(self.hasher.hash_one(&slot.key)))
            .map_or(0, |index| index.number().into())
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

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::Orientation;
    use crate::track::Observed;
    use crate::wire::Transport;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::new(seconds, 0)
    }

    fn table() -> Table<u32, &'static str> {
        Table::new(IdleTimeouts::default())
    }

    /// Adds a flow of UDP that is seen once.
    fn insert(table: &mut Table<u32, &'static str>, key: u32, seconds: u64) -> FlowId {
        let packet = Observed {
            at: at(seconds),
            orientation: Orientation::Forward,
            transport: Transport::Udp,
            wire_len: 60,
            ip_len: 46,
            payload_len: 18,
            is_cut: false,
        };
        let flow = Flow::new(table.next_number(), &packet, at(seconds));
        let hash = table.hash(&key);
        let index = table.insert(hash, key, flow, |_, _, _, _| "state");
        table.id(index)
    }

    fn find(table: &Table<u32, &'static str>, key: u32) -> Option<FlowIndex> {
        table.find(table.hash(&key), &key)
    }

    #[test]
    fn a_flow_is_found_by_key_and_by_identifier_until_it_is_taken() {
        let mut table = table();
        let ids: Vec<FlowId> = (0..100).map(|key| insert(&mut table, key, 1)).collect();
        assert_eq!(table.len(), 100);
        assert_eq!(find(&table, 7), Some(ids[7].index()));
        assert_eq!(table.by_id(ids[7]).map(|(slot, _)| slot.key), Some(7));

        table.unlink(ids[7].index());
        assert_eq!(find(&table, 7), None);
        assert_eq!(table.take(ids[7].index()), (7, "state"));
        assert!(table.by_id(ids[7]).is_none());
        assert_eq!(find(&table, 8), Some(ids[8].index()));
        assert_eq!(table.len(), 99);
    }

    #[test]
    fn an_identifier_does_not_find_a_later_flow_at_the_same_index() {
        let mut table = table();
        let first = insert(&mut table, 1, 1);
        table.unlink(first.index());
        table.take(first.index());
        let second = insert(&mut table, 2, 1);
        assert_eq!(second.index(), first.index());
        assert!(table.by_id(first).is_none());
        assert!(table.by_id(second).is_some());
    }

    #[test]
    fn the_oldest_flow_is_the_one_that_began_first() {
        let mut table = table();
        let ids: Vec<FlowId> = (0..4).map(|key| insert(&mut table, key, 1)).collect();
        table.unlink(ids[0].index());
        table.take(ids[0].index());
        // It is where the first was, and the youngest.
        let last = insert(&mut table, 9, 1);
        let expected = [ids[1], ids[2], ids[3], last].map(FlowId::index);
        let mut oldest = table.oldest();
        let order: Vec<FlowIndex> =
            core::iter::from_fn(|| oldest.pop().map(ByAge::index)).collect();
        assert_eq!(order, expected);
    }

    #[test]
    fn a_flow_is_due_when_its_idle_timeout_has_passed() {
        let mut table = table();
        let (early, late) = (insert(&mut table, 1, 1), insert(&mut table, 2, 5));
        // UDP waits for a minute.
        assert_eq!(table.deadline(early.index()), at(61));
        assert_eq!(table.due(at(60), &mut Work::all()), None);
        assert_eq!(table.due(at(61), &mut Work::all()), Some(early.index()));
        assert_eq!(table.due(at(64), &mut Work::all()), None);
        assert_eq!(table.nearest(), Some(late.index()));
    }
}
