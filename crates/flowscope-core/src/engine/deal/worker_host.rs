//! Calling a worker's consumer for flows outside of their packets.

use super::place::{Place, StepSink};
use super::worker::OpenMark;
use super::worker_flows::WorkerFlows;
use crate::Timestamp;
use crate::engine::flow_ref::Connection;
use crate::engine::flows::report_all;
use crate::engine::pending::{Pending, PendingEntry};
use crate::engine::shards::{Call, CallFlows, PendingFlows};
use crate::engine::{Consumer, EngineConfig, FlowRef};
use crate::observe::Observer;
use crate::track::{Anomalies, Effect, FlowId, TrackerStats};

/// What calling the consumer for a flow outside of its packets takes.
pub(super) struct Host<'w, K, C: Consumer<K>> {
    pub(super) consumer: &'w mut C,
    pub(super) flows: &'w mut WorkerFlows<K, C>,
    pub(super) stats: &'w mut TrackerStats,
    pub(super) observer: &'w mut Observer,
    pub(super) config: &'w EngineConfig,
    pub(super) mark: OpenMark,
}

impl<K, C: Consumer<K>> PendingFlows for Host<'_, K, C> {
    fn entry(&self, flow: FlowId) -> Option<PendingEntry> {
        self.flows.entry(flow)
    }

    fn set_entry(&mut self, flow: FlowId, entry: PendingEntry) {
        self.flows.set_entry(flow, entry);
    }
}

impl<K, C: Consumer<K>, S: StepSink<K, C>> CallFlows<S> for Host<'_, K, C> {
    fn reach(&mut self, flow: FlowId, at: Timestamp, out: &mut S) {
        out.place(Place::of_timer(self.mark.number, at, flow.number()));
    }

    fn call(
        &mut self,
        flow: FlowId,
        at: Timestamp,
        call: Call,
        out: &mut S,
    ) -> (Anomalies, Pending) {
        let Some(found) = self.flows.get_mut(flow) else {
            return (Anomalies::NONE, Pending::NOTHING);
        };
        let view = FlowRef {
            id: found.id,
            key: &found.key,
            at,
            packet: self.mark.mark.frame,
            connection: Connection::Noted(found.state, None),
            effect: Effect::Plain,
        };
        call.make(self.consumer, &mut found.flow, view, out)
    }

    fn report(&mut self, flow: FlowId, at: Timestamp, found: Anomalies, out: &mut S) {
        let counts = (&mut *self.stats, &mut *self.observer);
        report_all(counts, self.config.anomalies, (flow, at), found, out);
        out.stepped(self.flows);
    }
}
