//! What becomes of the flows: counted, delivered, expired, ended.

use core::marker::PhantomData;

use super::fragments::Fragments;
use super::{Consumer, End, FlowRef};
use crate::extract::{Extracted, FlowExtractor, Grain};
use crate::track::{
    AnomalyKind, Config, EndReason, Flow, FlowEvent, FlowId, FlowState, Observed, Rest, Slot,
    Table, TrackerStats, Verdict,
};
use crate::wire::Transport;
use crate::{FlowSide, PacketView, Sink, Timestamp};

/// The flows of an engine: all of it but its extractor.
pub(super) struct Flows<E: FlowExtractor, C: Consumer<E::Key>> {
    pub(super) consumer: C,
    pub(super) table: Table<E::Key, C::Flow>,
    pub(super) config: Config,
    pub(super) clock: Timestamp,
    pub(super) timestamps: Timestamps,
    pub(super) stats: TrackerStats,
    pub(super) fragments: Fragments,
    extractor: PhantomData<fn() -> E>,
}

/// What is done about a packet older than the one before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Timestamps {
    AsCaptured,
    Monotonic,
}

impl<E: FlowExtractor, C: Consumer<E::Key>> Flows<E, C> {
    pub(super) fn new(consumer: C, config: Config) -> Self {
        Self {
            consumer,
            table: Table::new(config.idle),
            fragments: Fragments::new(config.fragments),
            config,
            clock: Timestamp::EPOCH,
            timestamps: Timestamps::AsCaptured,
            stats: TrackerStats::default(),
            extractor: PhantomData,
        }
    }

    /// Moves the clock on to a packet's time.
    #[inline]
    pub(super) fn admit(
        &mut self,
        extractor: &E,
        packet: &PacketView<'_>,
        out: &mut impl Sink<C::Event>,
    ) {
        self.clock = self.clock.max(packet.timestamp);
        self.stats.packets += 1;
        self.stats.bytes += u64::from(packet.wire_len);
        if self.clock >= self.table.check_at() {
            self.expire_due(extractor, out);
        }
    }

    /// Called from one place, into which it is compiled: a call costs one
    /// packet in thirty.
    #[inline(always)]
    pub(super) fn deliver(
        &mut self,
        extracted: &Extracted<'_, E::Key>,
        out: &mut impl Sink<C::Event>,
    ) {
        let packet = &extracted.packet;
        let at = match self.timestamps {
            Timestamps::AsCaptured => packet.timestamp,
            Timestamps::Monotonic => self.clock,
        };
        let observed = Observed {
            at,
            orientation: extracted.orientation,
            transport: match extracted.grain {
                Grain::Connection => &extracted.transport,
                Grain::Ends => &Transport::None,
            },
            wire_len: packet.wire_len,
            ip_len: extracted.ip_len,
            payload_len: extracted.payload.wire_len(),
            is_cut: packet.missing() > 0,
        };
        let hash = self.table.hash(&extracted.key);
        let mut index = match self.table.find(hash, &extracted.key) {
            Some(index) => index,
            None => self.start(hash, &extracted.key, &observed, out),
        };
        let (clock, reuse_after) = (self.clock, self.config.reuse_after);
        let (mut slot, mut rest) = self.table.get_mut(index);
        if slot.flow.is_replaced_by(&observed, clock, reuse_after) {
            self.end(index, EndReason::IdleTimeout, clock, out);
            index = self.start(hash, &extracted.key, &observed, out);
            (slot, rest) = self.table.get_mut(index);
        }

        let flow = &mut slot.flow;
        let id = FlowId::new(flow.number(), index);
        let before = flow.state;
        let (next, verdict) = flow.count(&observed, clock, rest);
        let side = flow.side_of(observed.orientation);
        out.push(
            FlowEvent::Packet {
                flow: id,
                side,
                at,
                wire_len: observed.wire_len,
                payload_len: observed.payload_len,
            }
            .into(),
        );
        let flow = FlowRef {
            id,
            key: &slot.key,
            flow,
            rest,
        };
        self.consumer
            .packet(&mut slot.state, flow, side, extracted, out);
        self.conclude(id, side, at, verdict, out);
        if let Some(after) = next {
            self.changed(id, before, after, at, out);
        }
    }

    /// Reports what is odd about a segment, if anything is.
    #[inline(always)]
    pub(super) fn conclude(
        &mut self,
        flow: FlowId,
        side: FlowSide,
        at: Timestamp,
        verdict: Verdict,
        out: &mut impl Sink<C::Event>,
    ) {
        let kind = match verdict {
            Verdict::Expected | Verdict::Retransmission | Verdict::OutOfOrder => return,
            Verdict::RstOutOfWindow => AnomalyKind::RstOutOfWindow,
            Verdict::SynInConnection => AnomalyKind::SynInConnection,
        };
        self.tell_anomaly(flow, side, at, kind, out);
    }

    #[cold]
    #[inline(never)]
    pub(super) fn tell_anomaly(
        &mut self,
        flow: FlowId,
        side: FlowSide,
        at: Timestamp,
        kind: AnomalyKind,
        out: &mut impl Sink<C::Event>,
    ) {
        self.stats.anomalies += 1;
        let event = FlowEvent::Anomaly {
            flow,
            side,
            at,
            kind,
        };
        out.push(event.into());
    }

    /// Reports a change of state, which may bring a shorter timeout.
    #[inline(never)]
    pub(super) fn changed(
        &mut self,
        flow: FlowId,
        from: FlowState,
        to: FlowState,
        at: Timestamp,
        out: &mut impl Sink<C::Event>,
    ) {
        let event = match to {
            FlowState::Established => FlowEvent::Established { flow, at },
            to => FlowEvent::StateChange { flow, at, from, to },
        };
        out.push(event.into());
        self.table.rearm(flow.index());
    }

    #[cold]
    pub(super) fn start(
        &mut self,
        hash: u64,
        key: &E::Key,
        observed: &Observed<'_>,
        out: &mut impl Sink<C::Event>,
    ) -> u32 {
        if self.table.len() >= self.config.max_flows.clamp(1, MAX_FLOWS)
            && let Some(nearest) = self.table.nearest()
        {
            self.end(nearest, EndReason::Evicted, self.clock, out);
        }
        let flow = Flow::new(self.table.next_number(), observed, self.clock);
        let key = E::seen_from(key.clone(), flow.0.initiator());
        let open = |id, key: &_, flow: &_, rest: &_| {
            self.consumer.open(FlowRef {
                id,
                key,
                flow,
                rest,
            })
        };
        let index = self.table.insert(hash, key, flow, open);
        let (slot, _) = self.table.get_mut(index);
        let event = FlowEvent::Started {
            flow: FlowId::new(slot.flow.number(), index),
            key: slot.key.clone(),
            at: observed.at,
            state: slot.flow.state,
        };
        self.stats.count_start();
        out.push(event.into());
        index
    }

    /// Ends what is due up to the clock, in order of time.
    #[cold]
    pub(super) fn expire_due(&mut self, extractor: &E, out: &mut impl Sink<C::Event>) {
        let now = self.clock;
        loop {
            // Fragments that are given up count on their flow at that moment.
            let given_up = self.fragments.next_deadline().filter(|at| *at <= now);
            self.clock = given_up.unwrap_or(now);
            while let Some(index) = self.table.due(self.clock) {
                let at = self.table.deadline(index);
                self.end(index, EndReason::IdleTimeout, at, out);
            }
            if given_up.is_none() {
                return;
            }
            self.give_up_due(extractor, out);
        }
    }

    /// Ends every flow, in the order of their first packets.
    pub(super) fn finish(&mut self, extractor: &E, out: &mut impl Sink<C::Event>) {
        self.give_up_all(extractor, out);
        for (id, slot, rest) in self.table.drain() {
            self.close(id, slot, &rest, EndReason::EndOfInput, self.clock, out);
        }
    }

    /// Ends a flow of the table.
    #[cold]
    pub(super) fn end(
        &mut self,
        index: u32,
        reason: EndReason,
        at: Timestamp,
        out: &mut impl Sink<C::Event>,
    ) {
        let id = self.table.id(index);
        let (slot, rest) = self.table.remove(index);
        self.close(id, slot, &rest, reason, at, out);
    }

    /// Reports the end of a flow that is no longer in the table, for the reason
    /// its own state gives or else for `reason`.
    fn close(
        &mut self,
        id: FlowId,
        slot: Slot<E::Key, C::Flow>,
        rest: &Rest,
        reason: EndReason,
        at: Timestamp,
        out: &mut impl Sink<C::Event>,
    ) {
        let Slot {
            key, flow, state, ..
        } = slot;
        let reason = match flow.state {
            FlowState::Closing | FlowState::Closed => EndReason::Fin,
            FlowState::Reset => EndReason::Rst,
            _ => reason,
        };
        let ended = FlowRef {
            id,
            key: &key,
            flow: &flow,
            rest,
        };
        self.consumer.close(state, ended, End { at, reason }, out);
        self.stats.count_end(reason);
        let event = FlowEvent::Ended {
            flow: id,
            key,
            at,
            reason,
            stats: flow.stats(rest),
        };
        out.push(event.into());
    }
}

/// More would not fit the 32 bits that places are numbered in.
const MAX_FLOWS: usize = 1 << 31;
