//! Tracking several packets at a time.

use core::array;

use super::{Consumer, Engine};
use crate::extract::FlowExtractor;
use crate::{PacketView, Sink};

impl<E: FlowExtractor, C: Consumer<E::Key>> Engine<E, C> {
    /// Takes several packets: the same as [`track`](Self::track) for each in
    /// turn, and faster where there are many flows.
    ///
    /// Each packet of a large table waits for memory. Here the flows of the
    /// next packets are looked up together, so that they wait together.
    pub fn track_batch<'a>(
        &mut self,
        packets: impl IntoIterator<Item = PacketView<'a>>,
        out: &mut impl Sink<C::Event>,
    ) {
        self.track_each(packets, out, |_, _, _| {});
    }

    /// The same, and calls `tracked` behind each packet, when all its events are
    /// in the sink and the flows it was about can be asked for.
    pub fn track_each<'a, S: Sink<C::Event>>(
        &mut self,
        packets: impl IntoIterator<Item = PacketView<'a>>,
        out: &mut S,
        mut tracked: impl FnMut(&Self, PacketView<'a>, &mut S),
    ) {
        let mut packets = packets.into_iter().fuse();
        let mut group = Group::default();
        // One loop for tables of any size, so that what takes a packet is
        // compiled once and into it.
        loop {
            if group.is_empty() && self.flows.table.len() >= PREFETCH_FROM {
                group.fill(&mut packets);
                self.prefetch(&group.packets);
            }
            let next = if group.is_empty() {
                packets.next()
            } else {
                group.next()
            };
            let Some(packet) = next else { return };
            self.track_inline(packet, out);
            tracked(self, packet, out);
        }
    }

    /// Fetches the flows of these packets into the cache.
    ///
    /// Extracting a packet again later is cheaper than keeping what was found.
    #[inline(never)]
    fn prefetch(&self, packets: &[Option<PacketView<'_>>; GROUP]) {
        // One level of the table at a time: within a level no access waits for
        // another.
        let hashes = packets.map(|packet| {
            let extracted = self.extractor.extract(packet?).ok()?;
            Some(self.flows.table.hash(&extracted.key))
        });
        let places = hashes.map(|hash| self.flows.table.candidate(hash?));
        for place in places.into_iter().flatten() {
            self.flows.table.prefetch(place);
        }
    }
}

/// Packets that were looked up together, and are yet to be taken.
#[derive(Debug, Default)]
struct Group<'a> {
    packets: [Option<PacketView<'a>>; GROUP],
    taken: usize,
    len: usize,
}

impl<'a> Group<'a> {
    #[inline]
    fn is_empty(&self) -> bool {
        self.taken == self.len
    }

    #[inline(never)]
    fn fill(&mut self, packets: &mut impl Iterator<Item = PacketView<'a>>) {
        self.packets = array::from_fn(|_| packets.next());
        self.taken = 0;
        self.len = self.packets.iter().flatten().count();
    }

    /// The next one; there is none only if the group is empty.
    #[inline]
    fn next(&mut self) -> Option<PacketView<'a>> {
        let next = *self.packets.get(self.taken)?;
        self.taken += 1;
        next
    }
}

/// Packets looked up together: enough to keep memory busy.
const GROUP: usize = 32;

/// In smaller tables, what traffic comes back to is in the cache anyway.
const PREFETCH_FROM: usize = 65_536;
