//! Packets that may be of a new connection on the ports of a flow.

use super::Consumer;
use super::flows::Flows;
use super::syn_queue::{HeldPacket, SynQueue, Unanswered};
use crate::Sink;
use crate::extract::{Extracted, FlowExtractor};
use crate::track::{EndReason, FlowId, FlowIndex, SegmentOwner};
use crate::wire::Transport;

impl<E: FlowExtractor, C: Consumer<E::Key>> Flows<E, C> {
    /// Delivers a packet whose key is that of a flow, but which may be of a new
    /// connection on the same ports.
    #[cold]
    #[inline(never)]
    pub(super) fn deliver_to_owner(
        &mut self,
        extractor: &E,
        index: FlowIndex,
        extracted: &Extracted<'_, E::Key>,
        out: &mut impl Sink<C::Event>,
    ) {
        if let Some(index) = self.find_owner(extractor, index, extracted, out) {
            self.count(index, extracted, self.clock, self.frame(), out);
        }
    }

    /// Finds the flow of such a packet. There is none as long as it is not known
    /// which connection the packet is of: then it is held.
    #[cold]
    #[inline(never)]
    fn find_owner(
        &mut self,
        extractor: &E,
        index: FlowIndex,
        extracted: &Extracted<'_, E::Key>,
        out: &mut impl Sink<C::Event>,
    ) -> Option<FlowIndex> {
        let observed = self.observe(extracted);
        let (slot, cold) = self.table.get_mut(index);
        let id = FlowId::new(slot.flow.number(), index);
        let mut owner = slot.flow.owner_of(&observed, cold);
        if let SegmentOwner::New(connection) | SegmentOwner::BothOpened(connection) = &mut owner
            && let Transport::Tcp(header) = &observed.transport
            && self
                .syn_queue
                .holds(id, (connection.opener, header.ack + u32::MAX))
        {
            // It may acknowledge data of one SYN, but all of the other.
            connection.isn = header.ack + u32::MAX;
        }
        if let SegmentOwner::MayBeNew(connection) = owner
            && connection.answer.is_some()
            && self
                .syn_queue
                .holds(id, (connection.opener, connection.isn))
        {
            owner = SegmentOwner::New(connection);
        }
        match owner {
            SegmentOwner::Flow => return Some(index),
            // A frame that is too large to be kept is most likely no SYN of a usual host.
            // It counts on the flow, as it would if nobody answered it.
            SegmentOwner::MayBeNew(_) | SegmentOwner::MayAnswerNew(_)
                if !SynQueue::accepts(&extracted.packet) =>
            {
                return Some(index);
            }
            SegmentOwner::MayBeNew(connection) | SegmentOwner::MayAnswerNew(connection) => {
                slot.flow.await_proof(connection, cold);
                let unanswered = if slot.flow.state.is_over() {
                    Unanswered::NewFlow
                } else {
                    Unanswered::Refused
                };
                let (packet, number) = (&extracted.packet, self.frame());
                self.syn_queue
                    .hold(id, connection, unanswered, packet, number, self.clock);
                self.stats.packets_held += 1;
                self.update_check_at();
                return None;
            }
            SegmentOwner::BothOpened(connection) => {
                slot.flow.merge_new_connection(connection, cold);
                let syn = (connection.opener, connection.isn);
                let (own, others) = self.syn_queue.take_all(id, &[syn]);
                for held in own.into_iter().chain(others) {
                    self.count_held(extractor, index, &held, out);
                }
                self.update_check_at();
                return Some(index);
            }
            SegmentOwner::New(connection) => {
                let opener = connection.opener;
                let syn = (opener, connection.isn);
                // Both sides may have sent a SYN.
                let answer = connection.answer.map(|isn| (opener.peer(), isn));
                let (own, others) = self.syn_queue.take_all(id, &[syn, answer.unwrap_or(syn)]);
                for held in others {
                    self.count_held(extractor, index, &held, out);
                }
                // The old flow ends first. Its last event is then before the first event of the
                // flow that has its key from now on.
                self.end(index, EndReason::Replaced, self.clock, out);
                for held in own {
                    self.release(extractor, &held, out);
                }
                self.update_check_at();
            }
        }
        let hash = self.table.hash(&extracted.key);
        let found = self.find_live(hash, &extracted.key, out);
        Some(found.unwrap_or_else(|| self.start(hash, extracted, observed.at, out)))
    }

    /// Tracks a packet that was held, as if it came now.
    pub(super) fn release(
        &mut self,
        extractor: &E,
        held: &HeldPacket,
        out: &mut impl Sink<C::Event>,
    ) {
        // The same extractor has read this packet before, so it does not fail; one that
        // answers otherwise the second time loses the packet and nothing else.
        let Ok(extracted) = extractor.extract(held.view()) else {
            return;
        };
        let observed = self.observe(&extracted);
        let hash = self.table.hash(&extracted.key);
        let index = match self.find_live(hash, &extracted.key, out) {
            Some(index) => index,
            None => self.start(hash, &extracted, observed.at, out),
        };
        self.count_held(extractor, index, held, out);
    }

    /// Counts a packet that was held on a flow.
    pub(super) fn count_held(
        &mut self,
        extractor: &E,
        index: FlowIndex,
        held: &HeldPacket,
        out: &mut impl Sink<C::Event>,
    ) {
        self.stats.packets_held -= 1;
        if let Ok(extracted) = extractor.extract(held.view()) {
            // The flow was active when the packet came, not now.
            let (slot, _) = self.table.get_mut(index);
            let clock = slot
                .flow
                .last_active()
                .max(held.view().timestamp.min(self.clock));
            self.count(index, &extracted, clock, held.number, out);
        }
    }

    /// Gives up a SYN that nobody answered.
    pub(super) fn give_up_syn(
        &mut self,
        extractor: &E,
        held: &HeldPacket,
        out: &mut impl Sink<C::Event>,
    ) {
        if self.table.by_id(held.flow).is_none() {
            return self.release(extractor, held, out);
        }
        let index = held.flow.index();
        match held.unanswered {
            Unanswered::NewFlow => {
                self.end(index, EndReason::Replaced, self.clock, out);
                self.release(extractor, held, out);
            }
            Unanswered::Refused => {
                let (slot, _) = self.table.get_mut(index);
                slot.flow.stop_awaiting_proof();
                self.count_held(extractor, index, held, out);
            }
        }
    }
}
