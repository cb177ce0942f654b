//! Packets that may be of another connection than the one they met.

use super::Consumer;
use super::contenders::{Contenders, HeldPacket, Unproven};
use super::flows::Flows;
use crate::Sink;
use crate::extract::{Extracted, FlowExtractor};
use crate::track::{EndReason, FlowId, FlowIndex, SegmentOwner};

impl<E: FlowExtractor, C: Consumer<E::Key>> Flows<E, C> {
    /// Delivers a packet that may be of another connection than the one it met.
    #[cold]
    #[inline(never)]
    pub(super) fn deliver_contended(
        &mut self,
        extractor: &E,
        index: FlowIndex,
        extracted: &Extracted<'_, E::Key>,
        out: &mut impl Sink<C::Event>,
    ) {
        if let Some(index) = self.settle_standing(extractor, index, extracted, out) {
            self.count(index, extracted, self.clock, self.frame(), out);
        }
    }

    /// Finds the flow of a packet that may be of another connection than the
    /// one it met; none if that is not known yet.
    #[cold]
    #[inline(never)]
    fn settle_standing(
        &mut self,
        extractor: &E,
        index: FlowIndex,
        extracted: &Extracted<'_, E::Key>,
        out: &mut impl Sink<C::Event>,
    ) -> Option<FlowIndex> {
        let observed = self.observe(extracted);
        let (slot, cold) = self.table.get_mut(index);
        let id = FlowId::new(slot.flow.number(), index);
        let mut standing = slot.flow.owner_of(&observed, cold);
        if let SegmentOwner::MayBeNew(contender) = standing
            && contender.answer.is_some()
            && self.contenders.holds(id, (contender.opener, contender.isn))
        {
            standing = SegmentOwner::New(contender);
        }
        match standing {
            SegmentOwner::Flow => return Some(index),
            SegmentOwner::MayBeNew(_) | SegmentOwner::MayAnswerNew(_)
                if !Contenders::accepts(&extracted.packet) =>
            {
                return Some(index);
            }
            SegmentOwner::MayBeNew(contender) | SegmentOwner::MayAnswerNew(contender) => {
                slot.flow.await_proof(contender, cold);
                let unproven = if slot.flow.state.is_over() {
                    Unproven::Begins
                } else {
                    Unproven::Refused
                };
                let (packet, number) = (&extracted.packet, self.frame());
                self.contenders
                    .hold(id, contender, unproven, packet, number, self.clock);
                self.stats.packets_held += 1;
                self.update_check_at();
                return None;
            }
            SegmentOwner::BothOpened(contender) => {
                slot.flow.merge_new_connection(contender, cold);
                let syn = (contender.opener, contender.isn);
                let (own, others) = self.contenders.take_all(id, &[syn]);
                for held in own.into_iter().chain(others) {
                    self.count_held(extractor, index, &held, out);
                }
                self.update_check_at();
                return Some(index);
            }
            SegmentOwner::New(contender) => {
                let opener = contender.opener;
                let syn = (opener, contender.isn);
                // Both sides may have called.
                let answer = contender.answer.map(|isn| (opener.peer(), isn));
                let (own, others) = self.contenders.take_all(id, &[syn, answer.unwrap_or(syn)]);
                for held in others {
                    self.count_held(extractor, index, &held, out);
                }
                self.end(index, EndReason::Replaced, self.clock, out);
                for held in own {
                    self.release(extractor, &held, out);
                }
                self.update_check_at();
            }
        }
        let hash = self.table.hash(&extracted.key);
        let found = self.find_live(hash, &extracted.key, out);
        Some(found.unwrap_or_else(|| self.start(hash, extracted, observed, out)))
    }

    /// Tracks a packet that was held, as if it came now.
    pub(super) fn release(
        &mut self,
        extractor: &E,
        held: &HeldPacket,
        out: &mut impl Sink<C::Event>,
    ) {
        let Ok(extracted) = extractor.extract(held.view()) else {
            return;
        };
        let observed = self.observe(&extracted);
        let hash = self.table.hash(&extracted.key);
        let index = match self.find_live(hash, &extracted.key, out) {
            Some(index) => index,
            None => self.start(hash, &extracted, observed, out),
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
            // The flow was heard of when the packet came, not now.
            let (slot, _) = self.table.get_mut(index);
            let clock = slot
                .flow
                .last_active()
                .max(held.view().timestamp.min(self.clock));
            self.count(index, &extracted, clock, held.number, out);
        }
    }

    /// Settles a packet that nothing came of.
    pub(super) fn give_up_contender(
        &mut self,
        extractor: &E,
        held: &HeldPacket,
        out: &mut impl Sink<C::Event>,
    ) {
        if self.table.by_id(held.flow).is_none() {
            return self.release(extractor, held, out);
        }
        let index = held.flow.index();
        match held.unproven {
            Unproven::Begins => {
                self.end(index, EndReason::Replaced, self.clock, out);
                self.release(extractor, held, out);
            }
            Unproven::Refused => {
                let (slot, _) = self.table.get_mut(index);
                slot.flow.stop_awaiting_proof();
                self.count_held(extractor, index, held, out);
            }
        }
    }
}
