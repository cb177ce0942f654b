//! What becomes of fragments: held, counted, delivered as the datagrams they
//! make.
//!
//! A fragment counts on the flow that the first of its datagram names, with its
//! own bytes and time. Those that come before the first are held until then;
//! so are all where the first one does not say enough, because the headers of
//! a tunnel go on behind its end. The datagram goes to the consumer when it is
//! whole, and its payload counts with the last fragment.
//!
//! A datagram that was put together may itself be a fragment, or carry one.

use alloc::vec::Vec;

use super::Consumer;
use super::flows::{ConsumerPacket, Flows, call_consumer};
use super::fragment_push::{FragmentPush, PushedFragment};
use super::fragment_store::{Arrival, FragmentStore, Owner};
use super::shards::Until;
use crate::defrag::{Defragmenter, Loss, PushResult, RemovedDatagram, Verdict};
use crate::extract::{Extracted, FlowExtractor};
use crate::track::{AnomalyKind, Work};
use crate::wire::{Cause, IpVersion, Layer, REASSEMBLED, Skip, Transport};
use crate::{PacketView, Sink, Timestamp};

/// A packet that is a fragment, or has one in it.
#[derive(Debug)]
struct PartialPacket<'a> {
    view: PacketView<'a>,
    /// Why it has no flow. A first fragment has one.
    skip: Option<Skip>,
    /// What is to be counted of it: it may have come in several fragments.
    arrivals: Vec<Arrival>,
    /// How many datagrams it was put together out of, in each other.
    level: usize,
}

impl<E: FlowExtractor, C: Consumer<E::Key>> Flows<E, C> {
    /// Tracks a packet that has no flow, for the reason given, or of which only
    /// a part is there.
    #[cold]
    #[inline(never)]
    pub(super) fn track_partial(
        &mut self,
        extractor: &E,
        packet: PacketView<'_>,
        skip: Option<Skip>,
        out: &mut impl Sink<C::Event>,
    ) {
        // The flow outside of a tunnel is known although the packet inside is not whole.
        self.deliver_outer(extractor, packet, None, out);
        match skip {
            Some(skip) if !may_be_partial(skip) => self.stats.count_skip(skip),
            skip if self.fragments.held.is_none() => {
                self.count_unassembled(extractor, packet, skip, out);
            }
            skip => {
                let arrival = Arrival {
                    at: self.time_of(&packet),
                    number: self.frame(),
                    wire_len: packet.wire_len,
                    ip_len: 0,
                    is_cut: packet.missing() > 0,
                };
                let partial = PartialPacket {
                    view: packet,
                    skip,
                    arrivals: Vec::from([arrival]),
                    level: 0,
                };
                self.hold_partial(extractor, partial, out);
                self.update_check_at();
            }
        }
    }

    /// Gives up what has waited until now, as far as the work suffices.
    pub(super) fn give_up_due(
        &mut self,
        extractor: &E,
        work: &mut Work,
        out: &mut impl Sink<C::Event>,
    ) {
        let now = self.clock;
        while !work.is_done()
            && let Some(incomplete) = self.held().and_then(|held| held.expire(now))
        {
            work.spend(Work::OF_AN_END);
            self.give_up(extractor, incomplete, out);
        }
        self.update_check_at();
    }

    /// Gives up everything.
    pub(super) fn give_up_all(&mut self, extractor: &E, out: &mut impl Sink<C::Event>) {
        while let Some(incomplete) = self.held().and_then(Defragmenter::drain) {
            self.give_up(extractor, incomplete, out);
        }
        self.update_check_at();
    }

    fn held(&mut self) -> Option<&mut Defragmenter<Owner, Arrival>> {
        self.fragments.held.as_mut()
    }

    fn time_of(&self, packet: &PacketView<'_>) -> Timestamp {
        self.time(packet.timestamp)
    }

    /// Counts a first fragment as the packet that it is, and no other.
    fn count_unassembled(
        &mut self,
        extractor: &E,
        packet: PacketView<'_>,
        skip: Option<Skip>,
        out: &mut impl Sink<C::Event>,
    ) {
        if let Some(skip) = skip {
            return self.stats.count_skip(skip);
        }
        let first = match extractor.extract(packet) {
            Ok(first) => first,
            Err(skip) => return self.stats.count_skip(skip),
        };
        self.deliver(extractor, &first, out);
        let hash = self.table.hash(&first.key);
        if let Some(index) = self.table.find(hash, &first.key) {
            let (slot, cold) = self.table.get_mut(index);
            cold.count_fragment(slot.flow.side_of(first.orientation));
        }
    }

    fn hold_partial(
        &mut self,
        extractor: &E,
        mut partial: PartialPacket<'_>,
        out: &mut impl Sink<C::Event>,
    ) {
        let Some(found) = self.push_outermost(extractor, &mut partial) else {
            // It has no fragment in it, or its extractor does not report them.
            return match partial.skip {
                Some(skip) => self.stats.count_skips(skip, partial.arrivals.len() as u64),
                None => {
                    if let Ok(whole) = extractor.extract(partial.view) {
                        self.deliver_whole(None, &whole, &partial.arrivals, out);
                    }
                }
            };
        };
        let PushedFragment { pushed, .. } = found;
        if pushed.verdict == Verdict::Refused {
            self.stats.fragments_refused += 1;
        }
        if pushed.is_kept {
            self.stats.packets_held += partial.arrivals.len() as u64;
        }
        if pushed.is_whole {
            let whole = self
                .held()
                .and_then(|held| held.take_whole(pushed.datagram));
            self.make_room(extractor, out);
            if let Some(whole) = whole {
                self.deliver_assembled(extractor, partial, whole, out);
            }
            return;
        }
        let mut owner = self
            .held()
            .and_then(|held| held.owner(pushed.datagram).copied());
        match owner {
            Some(owner) => self.count_all(owner, &partial.arrivals, None, 0, out),
            None if found.names_flow && partial.skip.is_none() => {
                owner = self.assign_owner(extractor, &partial, pushed, out);
            }
            None => {}
        }
        if owner.is_none() && !pushed.is_kept {
            let skip = Skip::new(layer(found.version), Cause::Fragment);
            let skip = partial.skip.unwrap_or(skip);
            self.stats.count_skips(skip, partial.arrivals.len() as u64);
        }
        if let Some(owner) = owner
            && self
                .held()
                .is_some_and(|held| held.clear_overlap(pushed.datagram))
        {
            let at = self.time_of(&partial.view);
            self.report_to_owner(owner, at, AnomalyKind::OverlappingFragments, out);
        }
        self.make_room(extractor, out);
    }

    /// Finds the outermost fragment in a partial packet, and adds it to its datagram.
    fn push_outermost(
        &mut self,
        extractor: &E,
        partial: &mut PartialPacket<'_>,
    ) -> Option<PushedFragment> {
        let FragmentStore { held, link } = &mut self.fragments;
        let table = &self.table;
        link.clear();
        let mut push = FragmentPush {
            held: held.as_mut()?,
            link,
            arrivals: &mut partial.arrivals,
            now: self.clock,
            is_live: |owner: &Owner| table.by_id(owner.flow).is_some(),
            found: None,
        };
        // Why the walk ended is known.
        // The error is the one that led here, or says that only a part is there.
        let _ = extractor.trace(partial.view, &mut push);
        push.found
    }

    /// Gives a datagram to the flow that its first fragment names, and counts
    /// there what has come of it.
    ///
    /// Not if it ends in the middle of a TCP header: a flow that begins with
    /// half a SYN would begin in another state.
    fn assign_owner(
        &mut self,
        extractor: &E,
        partial: &PartialPacket<'_>,
        pushed: PushResult,
        out: &mut impl Sink<C::Event>,
    ) -> Option<Owner> {
        let first = &extractor.extract(partial.view).ok()?;
        // RFC 1858, section 3: a first fragment may be made so small on purpose that the
        // flags of TCP are in the second one.
        if first.transport == Transport::TcpCut {
            return None;
        }
        let earliest = self.held()?.first_arrival(pushed.datagram);
        let at = earliest.or(partial.arrivals.first().copied());
        let owner = self.owner_of(first, at.as_ref(), out);
        let kept = self.held()?.assign(pushed.datagram, owner);
        self.stats.packets_held -= kept.len() as u64;
        self.count_all(owner, &kept, Some(first), 0, out);
        if !pushed.is_kept {
            self.count_all(owner, &partial.arrivals, Some(first), 0, out);
        }
        Some(owner)
    }

    /// Delivers a datagram whose last fragment came.
    fn deliver_assembled(
        &mut self,
        extractor: &E,
        partial: PartialPacket<'_>,
        whole: RemovedDatagram<Owner, Arrival>,
        out: &mut impl Sink<C::Event>,
    ) {
        self.stats.packets_held -= whole.arrivals.len() as u64;
        self.stats.reassembled += 1;
        let (arrivals, owner) = match whole.owner {
            // It may have ended to make room for another.
            Some(owner) => (partial.arrivals, Some(owner).filter(|it| self.is_live(it))),
            None => (whole.arrivals, None),
        };
        let Some(packet) = whole.packet else {
            return;
        };
        let view = PacketView::new(&packet.bytes, partial.view.timestamp)
            .with_link(REASSEMBLED)
            .with_wire_len(packet.wire_len);
        let was_whole = extractor.extract(view).map(|it| {
            let is_whole = !it.is_fragment;
            if is_whole {
                let owner = self.deliver_whole(owner, &it, &arrivals, out);
                if whole.has_overlap {
                    let at = self.time_of(&view);
                    self.report_to_owner(owner, at, AnomalyKind::OverlappingFragments, out);
                }
                // What the walk finds outside is a tunnel that came in
                // fragments. It counts there as the datagram it was. The owner
                // may have to make room for that flow.
                self.deliver_outer(extractor, view, Some(&it), out);
            }
            is_whole
        });
        if !matches!(was_whole, Ok(true)) {
            let partial = PartialPacket {
                view,
                skip: was_whole.err(),
                arrivals: match owner {
                    Some(owner) => {
                        self.count_all(owner, &arrivals, None, 0, out);
                        Vec::new()
                    }
                    None => arrivals,
                },
                level: partial.level + 1,
            };
            self.hold_nested(extractor, partial, out);
        }
        if let Some(held) = self.held() {
            held.recycle(packet);
        }
    }

    /// Holds a packet that was put together and is itself only a part.
    fn hold_nested(
        &mut self,
        extractor: &E,
        partial: PartialPacket<'_>,
        out: &mut impl Sink<C::Event>,
    ) {
        let packets = partial.arrivals.len() as u64;
        match partial.skip {
            Some(skip) if !may_be_partial(skip) => self.stats.count_skips(skip, packets),
            _ if partial.level >= MAX_LEVELS => {
                self.stats.count_loss(Loss::TooDeep);
                self.stats
                    .count_skips(Skip::new(Layer::Link, Cause::TooDeep), packets);
            }
            _ => self.hold_partial(extractor, partial, out),
        }
    }

    /// Hands a datagram to its flow, and counts those of its fragments there
    /// that were not yet.
    fn deliver_whole(
        &mut self,
        owner: Option<Owner>,
        whole: &Extracted<'_, E::Key>,
        arrivals: &[Arrival],
        out: &mut impl Sink<C::Event>,
    ) -> Owner {
        if let Some(owner) = owner.filter(|owner| !self.is_of(*owner, &whole.key)) {
            // Its first fragment said otherwise, and was overwritten since.
            self.count_all(owner, arrivals, None, 0, out);
            self.stats.reassembled -= 1;
            self.stats.count_loss(Loss::Overlap);
            let at = self.time_of(&whole.packet);
            self.report_to_owner(owner, at, AnomalyKind::IncompleteDatagram, out);
            return owner;
        }
        let first = owner.is_none().then_some(whole);
        let owner = owner.unwrap_or_else(|| self.owner_of(whole, arrivals.first(), out));
        let payload_len = whole.payload.wire_len();
        self.count_all(owner, arrivals, first, payload_len, out);

        let at = self.time_of(&whole.packet);
        let number = self.frame();
        let index = owner.flow.index();
        let now = self.clock;
        self.catch_up_timers(owner.flow, now, Until::With(now), out);
        let (slot, cold) = self.table.get_mut(index);
        let side = slot.flow.side_of(owner.orientation);
        let transport = &whole.tracked_transport();
        let verdict = slot.flow.count_whole(side, transport, payload_len, cold);
        let delivered = ConsumerPacket {
            extracted: whole,
            at,
            number,
            side,
        };
        let entry = (index, slot, &*cold);
        let result = call_consumer(&mut self.consumer, entry, delivered, verdict, out);
        self.report_result(result, out);
        owner
    }

    /// Gives up datagrams for which there is no memory.
    fn make_room(&mut self, extractor: &E, out: &mut impl Sink<C::Event>) {
        while let Some(incomplete) = self.held().and_then(Defragmenter::evict) {
            self.give_up(extractor, incomplete, out);
        }
    }

    /// Counts what came of a datagram that never gets whole.
    fn give_up(
        &mut self,
        extractor: &E,
        incomplete: RemovedDatagram<Owner, Arrival>,
        out: &mut impl Sink<C::Event>,
    ) {
        let packets = incomplete.arrivals.len() as u64;
        self.stats.packets_held -= packets;
        self.stats
            .count_loss(incomplete.loss.unwrap_or(Loss::Timeout));
        let mut skip = Skip::new(layer(incomplete.version), Cause::Fragment);
        let mut owner = incomplete.owner.filter(|owner| self.is_live(owner));
        if let Some(packet) = incomplete.packet {
            let view = PacketView::new(&packet.bytes, self.clock)
                .with_link(REASSEMBLED)
                .with_wire_len(packet.wire_len);
            if owner.is_none() && packets > 0 {
                match extractor.extract(view) {
                    Ok(first) => {
                        let found = self.owner_of(&first, incomplete.arrivals.first(), out);
                        self.count_all(found, &incomplete.arrivals, Some(&first), 0, out);
                        owner = Some(found);
                    }
                    Err(why) => skip = why,
                }
            }
            if let Some(held) = self.held() {
                held.recycle(packet);
            }
        }
        match owner {
            None => self.stats.count_skips(skip, packets),
            Some(owner) => {
                let at = self.clock;
                if incomplete.has_overlap {
                    self.report_to_owner(owner, at, AnomalyKind::OverlappingFragments, out);
                }
                self.report_to_owner(owner, at, AnomalyKind::IncompleteDatagram, out);
            }
        }
    }
}

/// Whether a packet may have no flow because it is not all there.
fn may_be_partial(skip: Skip) -> bool {
    matches!(skip.cause, Cause::Fragment | Cause::Truncated)
}

const fn layer(version: IpVersion) -> Layer {
    match version {
        IpVersion::V4 => Layer::Ipv4,
        IpVersion::V6 => Layer::Ipv6,
    }
}

/// Datagrams put together out of each other at the most.
const MAX_LEVELS: usize = 8;
