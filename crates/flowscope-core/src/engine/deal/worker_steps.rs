//! Doing one step.

use super::FlowBatch;
use super::place::StepSink;
use super::step::{DealtPacket, Odd, PacketStep, Step, StepKind};
use super::worker::FlowWorker;
use super::worker_flows::WorkerFlow;
use crate::engine::flow_ref::Connection;
use crate::engine::flows::add_streams;
use crate::engine::pending::{PendingEntry, PendingSlot};
use crate::engine::shards::{CallFlows, Until};
use crate::engine::{Consumer, FlowEnd, FlowRef, Fragment};
use crate::track::{Anomalies, Effect, EndReason, FlowId, FlowState, FlowStats};
use crate::{FlowEvent, FlowSide, Timestamp};

/// How a flow ended.
#[derive(Clone, Copy)]
struct End {
    reason: EndReason,
    cause: EndReason,
    stats: FlowStats,
}

impl<K: Clone, C: Consumer<K>> FlowWorker<K, C> {
    #[inline]
    pub(super) fn step(
        &mut self,
        step: &Step,
        batch: &FlowBatch<K>,
        out: &mut impl StepSink<K, C>,
    ) {
        // While what was due is done, the clock is at its moment.
        let clock = step.moment.min(self.mark.mark.now);
        match &step.kind {
            StepKind::Packet(packet) => {
                self.catch_up(step.flow, clock, Until::With(clock), out);
                self.packet(step, packet, clock, batch, out);
            }
            StepKind::Open { state, key, packet } => {
                if let Some(key) = batch.attached.keys.get(*key as usize) {
                    self.open(step, (*state, key, packet), batch, out);
                    self.note_pending(step.flow, clock);
                }
            }
            StepKind::Fragment {
                side,
                wire_len,
                payload_len,
                first,
            } => {
                self.catch_up(step.flow, clock, Until::With(clock), out);
                self.push_packet(step, *side, (*wire_len, *payload_len), out);
                self.fragment(step, *side, (*wire_len, first.as_ref()), batch, out);
            }
            StepKind::Close {
                reason,
                cause,
                state,
                passed,
                stats,
            } => {
                let until = match cause {
                    EndReason::IdleTimeout => Until::Before(step.at),
                    _ => Until::With(step.at),
                };
                self.catch_up(step.flow, step.at, until, out);
                if let Some(flow) = self.flows.get_mut(step.flow) {
                    flow.state = *state;
                    if *passed > 0 {
                        self.consumer.passed(&mut flow.flow, *passed);
                    }
                }
                if let Some(stats) = batch.attached.stats.get(*stats as usize) {
                    let (reason, cause, stats) = (*reason, *cause, *stats);
                    let end = End {
                        reason,
                        cause,
                        stats,
                    };
                    self.close(step, end, clock, out);
                }
            }
            StepKind::Report(odd) => self.report_odd(step, *odd, out),
        }
    }

    #[inline]
    fn packet(
        &mut self,
        step: &Step,
        dealt: &PacketStep,
        clock: Timestamp,
        batch: &FlowBatch<K>,
        out: &mut impl StepSink<K, C>,
    ) {
        let packet = &dealt.packet;
        if dealt.is_counted {
            let lengths = packet.headers.lengths(packet.payload);
            self.push_packet(step, dealt.side, lengths, out);
        }
        let Some(flow) = self.flows.get_mut(step.flow) else {
            return;
        };
        flow.state = dealt.state;
        let note = packet.note(&batch.attached);
        let view = FlowRef {
            id: flow.id,
            key: &flow.key,
            at: step.at,
            packet: step.packet,
            connection: Connection::Noted(
                dealt.state,
                note.and_then(|note| note.connection.as_ref()),
            ),
            effect: dealt.effect,
        };
        let extracted = packet.view(flow.key.clone(), step.at, note, batch.block(packet));
        let reaction = self
            .consumer
            .packet(&mut flow.flow, view, dealt.side, &extracted, out);
        if !flow.is_passed_by && self.consumer.passes(&flow.flow) {
            flow.is_passed_by = true;
            self.passing.push(step.flow);
        }
        let odd = dealt
            .odd
            .and_then(|odd| batch.odd.get(odd.get() as usize - 1));
        let mut found = odd.map_or(Anomalies::NONE, |odd| odd.found);
        found |= reaction.found;
        if !found.is_empty() {
            self.report(step.flow, step.at, found, out);
        }
        if reaction.has_new_pending {
            self.note_pending(step.flow, clock);
        }
        if let Some(changed) = odd.and_then(|odd| odd.changed) {
            out.push(changed.event(step.flow, step.at).into());
        }
        if C::Pending::IS_USED && self.shards.is_under_pressure(step.flow) {
            let (shards, mut host) = self.host();
            shards.relieve(step.flow, clock, &mut host, out);
        }
    }

    fn open(
        &mut self,
        step: &Step,
        (state, key, packet): (FlowState, &K, &DealtPacket),
        batch: &FlowBatch<K>,
        out: &mut impl StepSink<K, C>,
    ) {
        let (flow, at) = (step.flow, step.at);
        let view = FlowRef {
            id: flow,
            key,
            at,
            packet: step.packet,
            connection: Connection::Noted(state, None),
            effect: Effect::Plain,
        };
        let note = packet.note(&batch.attached);
        let packet = packet.view(key.clone(), at, note, batch.block(packet));
        let opened = WorkerFlow {
            id: flow,
            key: key.clone(),
            state,
            is_passed_by: false,
            flow: self.consumer.open(view, &packet, out),
            pending: C::Pending::default(),
        };
        self.flows.insert(opened);
        let started = FlowEvent::Started {
            flow,
            key: key.clone(),
            at,
            state,
        };
        out.push(started.into());
    }

    fn fragment(
        &mut self,
        step: &Step,
        side: FlowSide,
        (wire_len, first): (u32, Option<&DealtPacket>),
        batch: &FlowBatch<K>,
        out: &mut impl StepSink<K, C>,
    ) {
        let Some(flow) = self.flows.get_mut(step.flow) else {
            return;
        };
        let first = first.map(|first| {
            let note = first.note(&batch.attached);
            first.view(flow.key.clone(), step.at, note, batch.block(first))
        });
        let fragment = Fragment {
            at: step.at,
            number: step.packet,
            wire_len,
            first: first.as_ref(),
        };
        let view = FlowRef {
            id: flow.id,
            key: &flow.key,
            at: step.at,
            packet: step.packet,
            connection: Connection::Noted(flow.state, None),
            effect: Effect::Plain,
        };
        self.consumer
            .fragment(&mut flow.flow, view, side, &fragment, out);
    }

    fn close(&mut self, step: &Step, end: End, clock: Timestamp, out: &mut impl StepSink<K, C>) {
        let End {
            reason,
            cause,
            mut stats,
        } = end;
        let (id, at) = (step.flow, step.at);
        let Some(flow) = self.flows.get_mut(id) else {
            return;
        };
        let view = FlowRef {
            id,
            key: &flow.key,
            at,
            packet: step.packet,
            connection: Connection::Noted(flow.state, None),
            effect: Effect::Plain,
        };
        let end = FlowEnd {
            reason,
            stats: &stats,
            cause,
        };
        let found = self.consumer.close(&mut flow.flow, view, end, out);
        add_streams(&mut stats, self.consumer.streams(&flow.flow));
        let before = flow.pending.get();
        if C::Pending::IS_USED && before != PendingEntry::default() {
            self.shards.forget(id, before, clock, &mut self.flows);
        }
        self.report(id, at, found, out);
        if let Some(flow) = self.flows.remove(id) {
            let event = FlowEvent::Ended {
                flow: id,
                key: flow.key,
                at,
                reason,
                stats,
            };
            out.push(self.consumer.ended(flow.flow, event));
        }
    }

    /// Reports what came with a packet that was passed by.
    #[cold]
    fn report_odd(&mut self, step: &Step, odd: Odd, out: &mut impl StepSink<K, C>) {
        self.report(step.flow, step.at, odd.found, out);
        if let Some(changed) = odd.changed {
            if let Some(flow) = self.flows.get_mut(step.flow) {
                flow.state = changed.state();
            }
            out.push(changed.event(step.flow, step.at).into());
        }
    }

    #[inline]
    fn push_packet(
        &self,
        step: &Step,
        side: FlowSide,
        (wire_len, payload_len): (u32, u32),
        out: &mut impl StepSink<K, C>,
    ) {
        let event = FlowEvent::Packet {
            flow: step.flow,
            side,
            at: step.at,
            wire_len,
            payload_len,
        };
        out.push(event.into());
    }

    #[inline]
    fn note_pending(&mut self, flow: FlowId, clock: Timestamp) {
        if !C::Pending::IS_USED {
            return;
        }
        let Some(found) = self.flows.get_mut(flow) else {
            return;
        };
        let pending = self.consumer.pending(&found.flow);
        let before = found.pending.get();
        if !before.is(&pending) {
            self.shards
                .note(flow, before, &pending, clock, &mut self.flows);
        }
    }

    fn report(
        &mut self,
        flow: FlowId,
        at: Timestamp,
        found: Anomalies,
        out: &mut impl StepSink<K, C>,
    ) {
        let (_, mut host) = self.host();
        host.report(flow, at, found, out);
    }
}
