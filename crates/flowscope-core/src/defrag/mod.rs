//! Fragments to datagrams, bounded.
//!
//! Fragments name no ports but the first, and hold only a part of what they
//! carry. Here they wait for each other. [`FragmentConfig`] says how many may
//! and how long; the engine does the rest.

mod assembly;
mod config;
mod datagram;
mod shelf;
#[cfg(test)]
mod tests;

pub use config::{FragmentConfig, FragmentPolicy, FragmentTimeouts, Loss, Overlap};

use alloc::vec::Vec;
use core::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::Timestamp;
use crate::wire::{Addr, IpFragment, IpVersion};
use datagram::{Datagram, Identity};
use shelf::{Links, List, Shelf};

/// Holds fragments until their datagrams are whole.
///
/// Each datagram has an owner, once somebody knows one: of type `O`. Until
/// then the arrivals of its fragments are kept, each an `A`.
///
/// Work for a fragment is proportional to its own length, and does not grow
/// with what is held. Whoever uses this calls [`crowded_out`] after each
/// [`push`] until it has nothing more, which keeps memory below the cap.
///
/// [`push`]: Self::push
/// [`crowded_out`]: Self::crowded_out
#[derive(Debug)]
pub(crate) struct Defragmenter<O, A> {
    config: FragmentConfig,
    budget: Budget,
    datagrams: Shelf<Datagram<O, A>>,
    sources: Shelf<Source>,
    by_identity: HashTable<u32>,
    by_sender: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Of each version, since each has a timeout of its own.
    in_order: [List; 2],
    /// Bytes charged for what is held.
    charge: usize,
    last_number: u64,
    /// The source of the latest fragment.
    latest: u32,
    /// What was given up while a fragment was added.
    stale: Option<Incomplete<O, A>>,
    /// A buffer to put packets together in.
    spare: Vec<u8>,
}

/// Who sends datagrams.
type Sender = (IpVersion, Addr);

/// What is held of one sender.
#[derive(Debug)]
struct Source {
    sender: Sender,
    charge: usize,
    /// Fragments that came from it, for as long as any is held.
    heard: u32,
    datagrams: List,
}

/// What came of a fragment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pushed {
    /// Its datagram, until the next fragment comes.
    pub(crate) place: Place,
    pub(crate) verdict: Verdict,
    /// Whether its arrival is kept: it is if the datagram has no owner, unless
    /// it was given up.
    pub(crate) is_kept: bool,
    /// Whether the datagram is whole now.
    pub(crate) is_whole: bool,
}

/// A datagram's place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place(u32);

/// What became of a fragment's bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// They are new.
    Held,
    /// The same came before.
    Repeated,
    /// They overlap what came before: in IPv4 one of the two has won, in IPv6
    /// the datagram is given up.
    Overlapping,
    /// They cannot be where they claim to be.
    Refused,
    /// The datagram was given up before, or because of so many fragments.
    GivenUp,
}

/// What a datagram comes to in the end.
#[derive(Debug)]
pub(crate) struct Incomplete<O, A> {
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
            budget: Budget::of::<O, A>(&config),
            datagrams: Shelf::new(),
            sources: Shelf::new(),
            by_identity: HashTable::new(),
            by_sender: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            in_order: [List::EMPTY; 2],
            charge: 0,
            last_number: 0,
            latest: u32::MAX,
            stale: None,
            spare: Vec::new(),
        }
    }

    /// Takes a fragment that arrives at `now`, no earlier than the one before
    /// it, behind a `link` layer that tells what is around it.
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
    ) -> Pushed {
        let identity = Identity::of(fragment);
        let mut place = self.find(&identity);
        if let Some(stale) = place.filter(|place| self.is_stale(*place)) {
            self.stale = self.give_up(stale, Loss::Superseded);
            place = None;
        }
        let place = place.unwrap_or_else(|| self.open(identity, now));
        let datagram = self.datagrams.get_mut(place).expect("it was just found");
        self.latest = datagram.source;
        if let Some(source) = self.sources.get_mut(datagram.source) {
            source.heard = source.heard.wrapping_add(1);
            datagram.heard = source.heard;
        }
        let verdict = datagram.add(fragment, link, &self.config);
        datagram.owner = datagram.owner.take().filter(lives);
        let is_kept = datagram.owner.is_none() && verdict != Verdict::GivenUp;
        if is_kept {
            datagram.arrivals.extend_from_slice(arrivals);
        }
        let is_whole = datagram.is_whole();
        self.reckon(place);
        Pushed {
            place: Place(place),
            verdict,
            is_kept,
            is_whole,
        }
    }

    /// Who owns a datagram, if that is known.
    pub(crate) fn owner(&mut self, Place(place): Place) -> Option<&mut O> {
        self.datagrams.get_mut(place)?.owner.as_mut()
    }

    /// Gives a datagram to its owner, who gets the arrivals of its fragments.
    pub(crate) fn give(&mut self, Place(place): Place, owner: O) -> Vec<A> {
        let Some(datagram) = self.datagrams.get_mut(place) else {
            return Vec::new();
        };
        datagram.owner = Some(owner);
        let arrivals = core::mem::take(&mut datagram.arrivals);
        self.reckon(place);
        arrivals
    }

    /// Whether fragments of a datagram overlapped since this was asked last.
    pub(crate) fn take_overlap(&mut self, Place(place): Place) -> bool {
        let datagram = self.datagrams.get_mut(place);
        datagram.is_some_and(|datagram| core::mem::take(&mut datagram.has_overlap))
    }

    /// The first arrival that is kept for a datagram.
    pub(crate) fn first_arrival(&self, Place(place): Place) -> Option<A> {
        self.datagrams.get(place)?.arrivals.first().copied()
    }

    /// Takes out a datagram, once it is whole.
    pub(crate) fn take(&mut self, Place(place): Place) -> Option<Incomplete<O, A>> {
        self.remove(place)
    }

    /// Takes back a packet's buffer to use it again.
    pub(crate) fn recycle(&mut self, packet: Packet) {
        if packet.bytes.capacity() > self.spare.capacity() {
            self.spare = packet.bytes;
        }
    }

    /// Bytes of memory that datagrams hold now.
    pub(crate) fn memory(&self) -> usize {
        self.charge
    }

    /// Takes out a datagram for which there is no memory, the oldest first.
    pub(crate) fn crowded_out(&mut self) -> Option<Incomplete<O, A>> {
        if let Some(stale) = self.stale.take() {
            return Some(stale);
        }
        let cap = self.config.max_memory_per_source.max(LEAST_PER_SOURCE);
        let of_source = self
            .sources
            .get(self.latest)
            .filter(|source| source.charge > cap)
            .and_then(|source| source.datagrams.first());
        let place = match of_source {
            Some(place) => place,
            None if self.charge > self.budget.memory => self.oldest()?,
            None => return None,
        };
        self.give_up(place, Loss::Memory)
    }

    /// Takes out a datagram that has waited for too long at `now`.
    pub(crate) fn due(&mut self, now: Timestamp) -> Option<Incomplete<O, A>> {
        let (deadline, place) = self.nearest()?;
        if deadline > now {
            return None;
        }
        self.give_up(place, Loss::Timeout)
    }

    /// When [`due`](Self::due) has something next.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.nearest().map(|(deadline, _)| deadline)
    }

    /// Takes out the oldest datagram, for want of more input.
    pub(crate) fn drain(&mut self) -> Option<Incomplete<O, A>> {
        let place = self.oldest()?;
        self.give_up(place, Loss::EndOfInput)
    }

    fn find(&self, identity: &Identity<&[u8]>) -> Option<u32> {
        let hash = self.hasher.hash_one(identity);
        let is_it = |place: &u32| {
            let datagram = self.datagrams.get(*place);
            datagram.is_some_and(|datagram| datagram.identity.borrow() == *identity)
        };
        self.by_identity.find(hash, is_it).copied()
    }

    /// Whether so much has come from the sender since that its identification
    /// may well be used a second time (RFC 4963).
    fn is_stale(&self, place: u32) -> bool {
        let heard = |datagram: &Datagram<O, A>| {
            let source = self.sources.get(datagram.source)?;
            Some(source.heard.wrapping_sub(datagram.heard))
        };
        self.datagrams.get(place).and_then(heard) > Some(MAX_DISTANCE)
    }

    /// Begins a datagram that has no place yet.
    #[cold]
    fn open(&mut self, identity: Identity<&[u8]>, now: Timestamp) -> u32 {
        self.reserve();
        let source = self.source((identity.version, identity.addrs[0]));
        self.last_number += 1;
        let deadline = now + self.config.timeouts.of(identity.version);
        let datagram = Datagram::new(identity, source, self.last_number, deadline);
        let place = self.datagrams.insert(datagram);
        let (datagrams, hasher) = (&self.datagrams, &self.hasher);
        self.by_identity
            .insert_unique(hasher.hash_one(identity), place, |place| {
                let datagram = datagrams.get(*place);
                let datagram = datagram.expect("the index holds places of datagrams");
                hasher.hash_one(datagram.identity.borrow())
            });
        self.in_order[of_version(identity.version)].push(&mut self.datagrams, place, in_order);
        if let Some(source) = self.sources.get_mut(source) {
            source.datagrams.push(&mut self.datagrams, place, by_source);
        }
        place
    }

    /// The place of a sender.
    fn source(&mut self, sender: Sender) -> u32 {
        let (sources, hasher) = (&self.sources, &self.hasher);
        let is_it = |place: &u32| sources.get(*place).is_some_and(|it| it.sender == sender);
        let hash = hasher.hash_one(sender);
        if let Some(place) = self.by_sender.find(hash, is_it) {
            return *place;
        }
        let place = self.sources.insert(Source {
            sender,
            charge: 0,
            heard: 0,
            datagrams: List::EMPTY,
        });
        let (sources, hasher) = (&self.sources, &self.hasher);
        self.by_sender.insert_unique(hash, place, |place| {
            let sender = sources.get(*place).map(|source| source.sender);
            hasher.hash_one(sender.expect("the index holds places of senders"))
        });
        place
    }

    fn give_up(&mut self, place: u32, loss: Loss) -> Option<Incomplete<O, A>> {
        let incomplete = self.remove(place)?;
        let loss = incomplete.loss.or(Some(loss));
        Some(Incomplete { loss, ..incomplete })
    }

    fn remove(&mut self, place: u32) -> Option<Incomplete<O, A>> {
        let datagram = self.datagrams.get(place)?;
        let (version, at) = (datagram.identity.version, datagram.source);
        self.in_order[of_version(version)].remove(&mut self.datagrams, place, in_order);
        if let Some(source) = self.sources.get_mut(at) {
            let list = &mut source.datagrams;
            list.remove(&mut self.datagrams, place, by_source);
        }
        let datagram = self.datagrams.remove(place)?;
        let hash = self.hasher.hash_one(datagram.identity.borrow());
        forget(&mut self.by_identity, hash, place);
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

    fn incomplete(&mut self, datagram: Datagram<O, A>) -> Incomplete<O, A> {
        let is_of_use = datagram.owner.is_none() || datagram.is_whole();
        let packet = is_of_use.then(|| {
            let mut bytes = core::mem::take(&mut self.spare);
            bytes.clear();
            let wire_len = datagram.write(&mut bytes)?;
            Some(Packet { bytes, wire_len })
        });
        Incomplete {
            version: datagram.identity.version,
            loss: datagram.loss(),
            packet: packet.flatten(),
            owner: datagram.owner,
            arrivals: datagram.arrivals,
            has_overlap: datagram.has_overlap,
        }
    }

    /// Charges a datagram for the memory it now has.
    fn reckon(&mut self, place: u32) {
        let Some(datagram) = self.datagrams.get_mut(place) else {
            return;
        };
        let new = datagram.memory().max(self.budget.least);
        let old = core::mem::replace(&mut datagram.charge, new);
        self.charge = self.charge - old + new;
        if let Some(source) = self.sources.get_mut(datagram.source) {
            source.charge = source.charge - old + new;
        }
    }

    /// Takes all the memory that bookkeeping may ever need, once there are
    /// fragments at all, so that none of it has to grow.
    fn reserve(&mut self) {
        if self.by_identity.capacity() == 0 {
            // One that comes, before another goes.
            let places = self.budget.datagrams + 1;
            self.datagrams.reserve(places);
            self.sources.reserve(places);
            self.by_identity = HashTable::with_capacity(INDEX_ROOM * places);
            self.by_sender = HashTable::with_capacity(INDEX_ROOM * places);
        }
    }

    fn oldest(&self) -> Option<u32> {
        self.firsts()
            .min_by_key(|(datagram, _)| datagram.number)
            .map(|(_, place)| place)
    }

    fn nearest(&self) -> Option<(Timestamp, u32)> {
        self.firsts()
            .map(|(datagram, place)| (datagram.deadline, datagram.number, place))
            .min()
            .map(|(deadline, _, place)| (deadline, place))
    }

    /// The oldest of each version.
    fn firsts(&self) -> impl Iterator<Item = (&Datagram<O, A>, u32)> {
        let places = self.in_order.iter().filter_map(List::first);
        places.filter_map(|place| Some((self.datagrams.get(place)?, place)))
    }
}

/// How memory is shared out.
#[derive(Clone, Copy, Debug)]
struct Budget {
    /// Datagrams at the most.
    datagrams: usize,
    /// Bytes for what they hold.
    memory: usize,
    /// The least that one is charged for.
    least: usize,
}

impl Budget {
    fn of<O, A>(config: &FragmentConfig) -> Self {
        let whole = config.max_memory.max(LEAST);
        let datagrams = (whole / PER_DATAGRAM).min(MAX_DATAGRAMS);
        let places = datagrams + 1;
        let index = (INDEX_ROOM * places * 8 / 7).next_power_of_two() * (size_of::<u32>() + 1);
        let bookkeeping =
            places * (Shelf::<Datagram<O, A>>::PLACE + Shelf::<Source>::PLACE) + 2 * index;
        let memory = whole - SCRATCH - bookkeeping;
        Self {
            datagrams,
            memory,
            least: memory.div_ceil(datagrams),
        }
    }
}

fn forget(index: &mut HashTable<u32>, hash: u64, place: u32) {
    if let Ok(entry) = index.find_entry(hash, |found| *found == place) {
        entry.remove();
    }
}

fn in_order<O, A>(datagram: &mut Datagram<O, A>) -> &mut Links {
    &mut datagram.in_order
}

fn by_source<O, A>(datagram: &mut Datagram<O, A>) -> &mut Links {
    &mut datagram.by_source
}

const fn of_version(version: IpVersion) -> usize {
    match version {
        IpVersion::V4 => 0,
        IpVersion::V6 => 1,
    }
}

/// The least memory that there is any use in.
const LEAST: usize = 1 << 20;
const LEAST_PER_SOURCE: usize = 256 << 10;

/// What a datagram is reckoned at, bookkeeping included. Fragments are rarely
/// much shorter.
const PER_DATAGRAM: usize = 2048;
const MAX_DATAGRAMS: usize = 1 << 30;

/// An index that is never more than half full is cleaned up in place and does
/// not grow.
const INDEX_ROOM: usize = 2;

/// For packets put together, and for buffers while they grow.
const SCRATCH: usize = 4 * 65_536;

/// Fragments from a sender after which a datagram waits in vain: hosts number
/// datagrams with 16 bits, and a fragmented one has two fragments at least. No
/// network delays a packet by so many.
const MAX_DISTANCE: u32 = 32_768;
