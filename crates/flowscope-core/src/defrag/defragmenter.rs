//! Which datagrams are held, found by identity, by sender and by age.

use alloc::vec::Vec;
use core::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::budget::{Budget, INDEX_ROOM, LEAST_PER_SOURCE};
use super::datagram::{Datagram, DatagramIndex, Identity, SourceIndex, Verdict};
use super::list::{Links, List};
use super::{FragmentConfig, Loss};
use crate::Timestamp;
use crate::slab::{Slab, SlabIndex};
use crate::wire::{Addr, IpFragment, IpVersion};

/// Holds fragments until their datagrams are whole.
///
/// Each datagram has an owner of type `O` once its first fragment came. Until
/// then the arrivals of its fragments are kept, each of type `A`.
///
/// Work for a fragment is proportional to its own length, and does not grow
/// with what is held. The caller calls [`evict`] after each [`push`]
/// until it returns `None`, which keeps memory below the cap.
///
/// [`push`]: Self::push
/// [`evict`]: Self::evict
#[derive(Debug)]
pub(crate) struct Defragmenter<O, A> {
    config: FragmentConfig,
    budget: Budget,
    datagrams: Slab<Datagram<O, A>, DatagramIndex>,
    sources: Slab<Source, SourceIndex>,
    by_identity: HashTable<DatagramIndex>,
    by_sender: HashTable<SourceIndex>,
    hasher: DefaultHashBuilder,
    /// Of each version, since each has a timeout of its own.
    in_order: [List<DatagramIndex>; 2],
    /// Bytes charged for what is held.
    charge: usize,
    last_number: u64,
    /// The source of the latest fragment.
    latest: SourceIndex,
    /// What was given up while a fragment was added.
    superseded: Option<RemovedDatagram<O, A>>,
    /// A buffer to put packets together in.
    spare_buffer: Vec<u8>,
}

/// Who sends datagrams.
type Sender = (IpVersion, Addr);

/// What is held of one sender.
#[derive(Debug)]
struct Source {
    sender: Sender,
    charge: usize,
    /// Fragments that came from it, for as long as any is held.
    fragments_seen: u32,
    datagrams: List<DatagramIndex>,
}

/// The result of adding a fragment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PushResult {
    /// Its datagram, until the next fragment comes.
    pub(crate) datagram: DatagramIndex,
    pub(crate) verdict: Verdict,
    /// Whether its arrival is kept: it is if the datagram has no owner, unless
    /// it was given up.
    pub(crate) is_kept: bool,
    /// Whether the datagram is whole now.
    pub(crate) is_whole: bool,
}

/// A datagram that was removed, whole or not.
#[derive(Debug)]
pub(crate) struct RemovedDatagram<O, A> {
    pub(crate) version: IpVersion,
    /// Why it is no more, unless it is whole.
    pub(crate) loss: Option<Loss>,
    /// The packet, as far as it came from its beginning on: none without that.
    pub(crate) packet: Option<Packet>,
    pub(crate) owner: Option<O>,
    /// Of its fragments, if it has no owner.
    pub(crate) arrivals: Vec<A>,
    /// Whether fragments overlapped since this was asked last.
    pub(crate) has_overlap: bool,
}

/// A packet put together, behind a link layer that says where it came from.
#[derive(Debug)]
pub(crate) struct Packet {
    /// Up to where the capture lacks bytes.
    pub(crate) bytes: Vec<u8>,
    /// How long all of it is.
    pub(crate) wire_len: u32,
}

impl<O, A: Copy> Defragmenter<O, A> {
    pub(crate) fn new(config: FragmentConfig) -> Self {
        Self {
            config,
            budget: Budget::new(&config, |room| {
                Slab::<Datagram<O, A>, DatagramIndex>::reserved_memory(room)
                    + Slab::<Source, SourceIndex>::reserved_memory(room)
            }),
            datagrams: Slab::new(),
            sources: Slab::new(),
            by_identity: HashTable::new(),
            by_sender: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            in_order: [List::EMPTY; 2],
            charge: 0,
            last_number: 0,
            latest: SourceIndex::NONE,
            superseded: None,
            spare_buffer: Vec::new(),
        }
    }

    /// Takes a fragment that arrives at `now`, no earlier than the one before
    /// it, behind a `link` layer that says what is around it.
    ///
    /// It may itself be of a packet that was put together, and then have
    /// several arrivals. An owner that does not live any more is forgotten.
    pub(crate) fn push(
        &mut self,
        fragment: &IpFragment<'_>,
        link: &[u8],
        arrivals: &[A],
        now: Timestamp,
        lives: impl FnOnce(&O) -> bool,
    ) -> PushResult {
        let identity = Identity::of(fragment);
        let mut index = self.find(&identity);
        if let Some(over) = index
            && let Some(loss) = self.is_over(over, now)
        {
            self.superseded = self.give_up(over, loss);
            index = None;
        }
        let index = index.unwrap_or_else(|| self.open(identity, now));
        let datagram = self.datagrams.get_mut(index).expect("it was just found");
        self.latest = datagram.source;
        if let Some(source) = self.sources.get_mut(datagram.source) {
            source.fragments_seen = source.fragments_seen.wrapping_add(1);
            datagram.fragments_seen = source.fragments_seen;
        }
        let verdict = datagram.add(fragment, link, &self.config);
        datagram.owner = datagram.owner.take().filter(lives);
        let is_kept = datagram.owner.is_none() && verdict != Verdict::GivenUp;
        if is_kept {
            datagram.arrivals.extend_from_slice(arrivals);
        }
        let is_whole = datagram.is_whole();
        self.update_charge(index);
        PushResult {
            datagram: index,
            verdict,
            is_kept,
            is_whole,
        }
    }

    /// Who owns a datagram, if that is known.
    pub(crate) fn owner(&mut self, index: DatagramIndex) -> Option<&mut O> {
        self.datagrams.get_mut(index)?.owner.as_mut()
    }

    /// Gives a datagram to its owner, who gets the arrivals of its fragments.
    pub(crate) fn assign(&mut self, index: DatagramIndex, owner: O) -> Vec<A> {
        let Some(datagram) = self.datagrams.get_mut(index) else {
            return Vec::new();
        };
        datagram.owner = Some(owner);
        let arrivals = core::mem::take(&mut datagram.arrivals);
        self.update_charge(index);
        arrivals
    }

    /// Whether fragments of a datagram overlapped since this was asked last.
    pub(crate) fn clear_overlap(&mut self, index: DatagramIndex) -> bool {
        let datagram = self.datagrams.get_mut(index);
        datagram.is_some_and(|datagram| core::mem::take(&mut datagram.has_overlap))
    }

    /// The first arrival that is kept for a datagram.
    pub(crate) fn first_arrival(&self, index: DatagramIndex) -> Option<A> {
        self.datagrams.get(index)?.arrivals.first().copied()
    }

    /// Removes a datagram that is whole.
    pub(crate) fn take_whole(&mut self, index: DatagramIndex) -> Option<RemovedDatagram<O, A>> {
        self.remove(index)
    }

    /// Takes back a packet's buffer to use it again.
    pub(crate) fn recycle(&mut self, packet: Packet) {
        if packet.bytes.capacity() > self.spare_buffer.capacity() {
            self.spare_buffer = packet.bytes;
        }
    }

    /// Bytes of memory that datagrams hold now.
    pub(crate) fn memory(&self) -> usize {
        self.charge
    }

    /// Removes a datagram if memory is over a cap, the oldest first.
    pub(crate) fn evict(&mut self) -> Option<RemovedDatagram<O, A>> {
        if let Some(superseded) = self.superseded.take() {
            return Some(superseded);
        }
        let cap = self.config.max_memory_per_source.max(LEAST_PER_SOURCE);
        let of_source = self
            .sources
            .get(self.latest)
            .filter(|source| source.charge > cap)
            .and_then(|source| source.datagrams.first());
        let index = match of_source {
            Some(index) => index,
            None if self.charge > self.budget.memory => self.oldest()?,
            None => return None,
        };
        self.give_up(index, Loss::Memory)
    }

    /// Removes a datagram whose timeout has passed at `now`.
    pub(crate) fn expire(&mut self, now: Timestamp) -> Option<RemovedDatagram<O, A>> {
        let (deadline, index) = self.earliest_deadline()?;
        if deadline > now {
            return None;
        }
        self.give_up(index, Loss::Timeout)
    }

    /// When [`expire`](Self::expire) has something next.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.earliest_deadline().map(|(deadline, _)| deadline)
    }

    /// Removes the oldest datagram, at the end of the input.
    pub(crate) fn drain(&mut self) -> Option<RemovedDatagram<O, A>> {
        let index = self.oldest()?;
        self.give_up(index, Loss::EndOfInput)
    }

    fn find(&self, identity: &Identity<&[u8]>) -> Option<DatagramIndex> {
        let hash = self.hasher.hash_one(identity);
        let is_it = |index: &DatagramIndex| {
            let datagram = self.datagrams.get(*index);
            datagram.is_some_and(|datagram| datagram.identity.borrow() == *identity)
        };
        self.by_identity.find(hash, is_it).copied()
    }

    /// Why a datagram gets no more fragments, if so. That its time is up may not
    /// have been attended to yet.
    fn is_over(&self, index: DatagramIndex, now: Timestamp) -> Option<Loss> {
        if self.datagrams.get(index)?.deadline <= now {
            return Some(Loss::Timeout);
        }
        self.is_superseded(index).then_some(Loss::Superseded)
    }

    /// Whether so much has come from the sender since that its identification
    /// may well be used a second time (RFC 4963).
    fn is_superseded(&self, index: DatagramIndex) -> bool {
        let fragments_seen = |datagram: &Datagram<O, A>| {
            let source = self.sources.get(datagram.source)?;
            Some(source.fragments_seen.wrapping_sub(datagram.fragments_seen))
        };
        self.datagrams.get(index).and_then(fragments_seen) > Some(MAX_DISTANCE)
    }

    /// Begins a datagram.
    #[cold]
    fn open(&mut self, identity: Identity<&[u8]>, now: Timestamp) -> DatagramIndex {
        self.reserve();
        let source = self.source((identity.version, identity.addrs[0]));
        self.last_number += 1;
        let deadline = now + self.config.timeout(identity.version);
        let datagram = Datagram::new(identity, source, self.last_number, deadline);
        let index = self.datagrams.insert(datagram);
        let (datagrams, hasher) = (&self.datagrams, &self.hasher);
        self.by_identity
            .insert_unique(hasher.hash_one(identity), index, |index| {
                let datagram = datagrams.get(*index);
                let datagram = datagram.expect("the table holds indices of datagrams");
                hasher.hash_one(datagram.identity.borrow())
            });
        self.in_order[of_version(identity.version)].push(&mut self.datagrams, index, in_order);
        if let Some(source) = self.sources.get_mut(source) {
            source.datagrams.push(&mut self.datagrams, index, by_source);
        }
        index
    }

    /// The index of a sender, which is added if it is new.
    fn source(&mut self, sender: Sender) -> SourceIndex {
        let (sources, hasher) = (&self.sources, &self.hasher);
        let is_it = |index: &SourceIndex| sources.get(*index).is_some_and(|it| it.sender == sender);
        let hash = hasher.hash_one(sender);
        if let Some(index) = self.by_sender.find(hash, is_it) {
            return *index;
        }
        let index = self.sources.insert(Source {
            sender,
            charge: 0,
            fragments_seen: 0,
            datagrams: List::EMPTY,
        });
        let (sources, hasher) = (&self.sources, &self.hasher);
        self.by_sender.insert_unique(hash, index, |index| {
            let sender = sources.get(*index).map(|source| source.sender);
            hasher.hash_one(sender.expect("the table holds indices of senders"))
        });
        index
    }

    fn give_up(&mut self, index: DatagramIndex, loss: Loss) -> Option<RemovedDatagram<O, A>> {
        let incomplete = self.remove(index)?;
        let loss = incomplete.loss.or(Some(loss));
        Some(RemovedDatagram { loss, ..incomplete })
    }

    fn remove(&mut self, index: DatagramIndex) -> Option<RemovedDatagram<O, A>> {
        let datagram = self.datagrams.get(index)?;
        let (version, at) = (datagram.identity.version, datagram.source);
        self.in_order[of_version(version)].remove(&mut self.datagrams, index, in_order);
        if let Some(source) = self.sources.get_mut(at) {
            let list = &mut source.datagrams;
            list.remove(&mut self.datagrams, index, by_source);
        }
        let datagram = self.datagrams.remove(index)?;
        let hash = self.hasher.hash_one(datagram.identity.borrow());
        forget(&mut self.by_identity, hash, index);
        self.charge -= datagram.charge;
        let source = self.sources.get_mut(at)?;
        source.charge -= datagram.charge;
        if source.datagrams.first().is_none() {
            let hash = self.hasher.hash_one(source.sender);
            forget(&mut self.by_sender, hash, at);
            self.sources.remove(at);
        }
        Some(self.incomplete(datagram))
    }

    fn incomplete(&mut self, datagram: Datagram<O, A>) -> RemovedDatagram<O, A> {
        let is_of_use = datagram.owner.is_none() || datagram.is_whole();
        let packet = is_of_use.then(|| {
            let mut bytes = core::mem::take(&mut self.spare_buffer);
            bytes.clear();
            let wire_len = datagram.write(&mut bytes)?;
            Some(Packet { bytes, wire_len })
        });
        RemovedDatagram {
            version: datagram.identity.version,
            loss: datagram.loss(),
            packet: packet.flatten(),
            owner: datagram.owner,
            arrivals: datagram.arrivals,
            has_overlap: datagram.has_overlap,
        }
    }

    /// Charges a datagram for the memory it now has.
    fn update_charge(&mut self, index: DatagramIndex) {
        let Some(datagram) = self.datagrams.get_mut(index) else {
            return;
        };
        let new = datagram.memory().max(self.budget.least);
        let old = core::mem::replace(&mut datagram.charge, new);
        self.charge = self.charge - old + new;
        if let Some(source) = self.sources.get_mut(datagram.source) {
            source.charge = source.charge - old + new;
        }
    }

    /// Allocates all the memory that bookkeeping may ever need with the first
    /// fragment, so that none of it has to grow later.
    fn reserve(&mut self) {
        if self.by_identity.capacity() == 0 {
            // A datagram is added before another one is evicted.
            let places = self.budget.datagrams + 1;
            self.datagrams.reserve(places);
            self.sources.reserve(places);
            self.by_identity = HashTable::with_capacity(INDEX_ROOM * places);
            self.by_sender = HashTable::with_capacity(INDEX_ROOM * places);
        }
    }

    fn oldest(&self) -> Option<DatagramIndex> {
        self.oldest_of_each_version()
            .min_by_key(|(datagram, _)| datagram.number)
            .map(|(_, index)| index)
    }

    fn earliest_deadline(&self) -> Option<(Timestamp, DatagramIndex)> {
        self.oldest_of_each_version()
            .map(|(datagram, index)| (datagram.deadline, datagram.number, index))
            .min()
            .map(|(deadline, _, index)| (deadline, index))
    }

    /// The oldest of each version.
    fn oldest_of_each_version(&self) -> impl Iterator<Item = (&Datagram<O, A>, DatagramIndex)> {
        let places = self.in_order.iter().filter_map(List::first);
        places.filter_map(|index| Some((self.datagrams.get(index)?, index)))
    }
}

fn forget<I: Eq>(indices: &mut HashTable<I>, hash: u64, index: I) {
    if let Ok(entry) = indices.find_entry(hash, |found| *found == index) {
        entry.remove();
    }
}

fn in_order<O, A>(datagram: &mut Datagram<O, A>) -> &mut Links<DatagramIndex> {
    &mut datagram.in_order
}

fn by_source<O, A>(datagram: &mut Datagram<O, A>) -> &mut Links<DatagramIndex> {
    &mut datagram.by_source
}

const fn of_version(version: IpVersion) -> usize {
    match version {
        IpVersion::V4 => 0,
        IpVersion::V6 => 1,
    }
}

/// The number of later fragments of a sender after which a datagram is given up.
/// Identifications have 16 bits, and a fragmented datagram has at least two
/// fragments, so the sender may have used the same one again.
const MAX_DISTANCE: u32 = 32_768;

#[cfg(test)]
mod tests;
