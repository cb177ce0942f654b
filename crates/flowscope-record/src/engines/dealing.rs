//! The engines' work, dealt out to several threads.

use flowscope_core::engine::PayloadConsumer;
use flowscope_core::engine::deal::{
    FlowBatch, FlowDealer, FlowWorker, Place, StepSink, WorkerFlows,
};
use flowscope_core::extract::{AutoDetectEncap, FiveTuple, FiveTupleKey, Scoped, ScopedKey};
use flowscope_core::track::{FlowId, TrackerStats};
use flowscope_core::{PacketView, Sink, Timestamp};

use super::anomalies::AnomalyReader;
use super::extractor::{ChosenExtractor, ChosenKey};
use super::messages::MessageReader;
use super::notes::NoteTaker;
use super::observer::Observer;
use super::payload::PayloadObserver;
use super::streams::StreamReader;
use super::{AnyConsumer, AnyExtractor};
use crate::collector::{Collector, FlowIdentity};
use crate::config::RecordConfig;
use crate::dealing::PlacedRecords;
use crate::observation::Observation;
use crate::record::{KeyEndpoints, Record};

/// A dealer for any [`RecordConfig`].
#[derive(Debug)]
pub(crate) enum AnyDealer {
    Innermost(FlowDealer<AutoDetectEncap<FiveTuple>>),
    Outermost(FlowDealer<FiveTuple>),
    Chosen(FlowDealer<Scoped<ChosenExtractor>>),
}

/// A batch of any dealer.
#[derive(Debug)]
pub(crate) enum AnyBatch {
    FiveTuple(FlowBatch<FiveTupleKey>),
    Chosen(FlowBatch<ScopedKey<ChosenKey>>),
}

/// A worker for any dealer.
#[derive(Debug)]
pub(crate) enum AnyWorker {
    FiveTuple(ByConsumer<FiveTupleKey>),
    Chosen(ByConsumer<ScopedKey<ChosenKey>>),
}

/// A worker for flows with keys `K`.
#[derive(Debug)]
pub(crate) enum ByConsumer<K: KeyEndpoints> {
    Flows(FlowWorker<K, NoteTaker>),
    Events(FlowWorker<K, PayloadObserver<AnomalyReader>>),
    Messages(FlowWorker<K, PayloadObserver<MessageReader>>),
    Streams(FlowWorker<K, PayloadConsumer<StreamReader>>),
}

/// Does the same with whichever dealer it is.
macro_rules! with_dealer {
    ($any:expr, $dealer:ident => $body:expr) => {
        match $any {
            AnyDealer::Innermost($dealer) => $body,
            AnyDealer::Outermost($dealer) => $body,
            AnyDealer::Chosen($dealer) => $body,
        }
    };
}

impl AnyDealer {
    pub(crate) fn new(config: &RecordConfig, workers: usize) -> Self {
        let engine = config.engine;
        match AnyExtractor::new(config) {
            AnyExtractor::Innermost(it) => Self::Innermost(FlowDealer::new(it, engine, workers)),
            AnyExtractor::Outermost(it) => Self::Outermost(FlowDealer::new(it, engine, workers)),
            AnyExtractor::Chosen(it) => Self::Chosen(FlowDealer::new(it, engine, workers)),
        }
    }

    pub(crate) fn workers(&self) -> usize {
        with_dealer!(self, dealer => dealer.workers())
    }

    pub(crate) fn track_batch<'a>(
        &mut self,
        block: &[u8],
        packets: impl Iterator<Item = PacketView<'a>>,
    ) {
        with_dealer!(self, dealer => dealer.track_batch(block, packets));
    }

    pub(crate) fn spare_block(&mut self) -> Option<Vec<u8>> {
        with_dealer!(self, dealer => dealer.spare_block())
    }

    pub(crate) fn expire(&mut self, now: Timestamp) {
        with_dealer!(self, dealer => dealer.expire(now));
    }

    pub(crate) fn finish(&mut self) -> bool {
        with_dealer!(self, dealer => dealer.finish())
    }

    pub(crate) fn stats(&self) -> &TrackerStats {
        with_dealer!(self, dealer => dealer.stats())
    }

    pub(crate) fn packets(&self) -> u64 {
        with_dealer!(self, dealer => dealer.packets())
    }

    pub(crate) fn pending(&self) -> (usize, usize) {
        with_dealer!(self, dealer => dealer.pending())
    }

    pub(crate) fn take(
        &mut self,
        blocks: Vec<Vec<u8>>,
        mut spare: impl FnMut() -> Option<AnyBatch>,
    ) -> Vec<AnyBatch> {
        let mut five_tuple = || match spare()? {
            AnyBatch::FiveTuple(batch) => Some(batch),
            AnyBatch::Chosen(_) => None,
        };
        match self {
            Self::Innermost(dealer) => {
                let taken = dealer.take(blocks, &mut five_tuple).into_iter();
                taken.map(AnyBatch::FiveTuple).collect()
            }
            Self::Outermost(dealer) => {
                let taken = dealer.take(blocks, &mut five_tuple).into_iter();
                taken.map(AnyBatch::FiveTuple).collect()
            }
            Self::Chosen(dealer) => {
                let chosen = || match spare()? {
                    AnyBatch::Chosen(batch) => Some(batch),
                    AnyBatch::FiveTuple(_) => None,
                };
                let taken = dealer.take(blocks, chosen).into_iter();
                taken.map(AnyBatch::Chosen).collect()
            }
        }
    }
}

impl AnyWorker {
    pub(crate) fn new(config: &RecordConfig, workers: usize) -> Self {
        match AnyExtractor::new(config) {
            AnyExtractor::Innermost(_) | AnyExtractor::Outermost(_) => {
                Self::FiveTuple(ByConsumer::new(config, workers))
            }
            AnyExtractor::Chosen(_) => Self::Chosen(ByConsumer::new(config, workers)),
        }
    }

    /// Does what is in a batch, which is of a dealer with the same settings.
    pub(crate) fn run(
        &mut self,
        batch: &mut AnyBatch,
        collector: &mut Collector,
        out: &mut impl PlacedRecords,
    ) {
        match (self, batch) {
            (Self::FiveTuple(worker), AnyBatch::FiveTuple(batch)) => {
                worker.run(batch, collector, out);
            }
            (Self::Chosen(worker), AnyBatch::Chosen(batch)) => worker.run(batch, collector, out),
            (Self::FiveTuple(_), AnyBatch::Chosen(_))
            | (Self::Chosen(_), AnyBatch::FiveTuple(_)) => {}
        }
    }
}

impl<K: KeyEndpoints> ByConsumer<K> {
    fn new(config: &RecordConfig, workers: usize) -> Self {
        let engine = config.engine;
        match AnyConsumer::new(config) {
            AnyConsumer::Flows(it) => Self::Flows(FlowWorker::new(it, engine, workers)),
            AnyConsumer::Events(it) => Self::Events(FlowWorker::new(it, engine, workers)),
            AnyConsumer::Messages(it) => Self::Messages(FlowWorker::new(it, engine, workers)),
            AnyConsumer::Streams(it) => Self::Streams(FlowWorker::new(it, engine, workers)),
        }
    }

    fn run(
        &mut self,
        batch: &mut FlowBatch<K>,
        collector: &mut Collector,
        out: &mut impl PlacedRecords,
    ) {
        match self {
            Self::Flows(worker) => run(worker, batch, collector, out),
            Self::Events(worker) => run(worker, batch, collector, out),
            Self::Messages(worker) => run(worker, batch, collector, out),
            Self::Streams(worker) => run(worker, batch, collector, out),
        }
    }
}

#[inline(never)]
fn run<K: KeyEndpoints, C: Observer<K>>(
    worker: &mut FlowWorker<K, C>,
    batch: &mut FlowBatch<K>,
    collector: &mut Collector,
    out: &mut impl PlacedRecords,
) {
    let place = Place::default();
    let out = Placed { place, out };
    worker.run(batch, &mut Collecting { collector, out });
}

/// Gives what a worker sees to the collector.
struct Collecting<'a, S> {
    collector: &'a mut Collector,
    out: Placed<'a, S>,
}

/// Says the place of each record.
struct Placed<'a, S> {
    place: Place,
    out: &'a mut S,
}

impl<S: PlacedRecords> Sink<Record> for Placed<'_, S> {
    #[inline]
    fn push(&mut self, record: Record) {
        self.out.push(self.place, record);
    }
}

impl<K, S: PlacedRecords> Sink<Observation<K>> for Collecting<'_, S> {
    #[inline]
    fn push(&mut self, seen: Observation<K>) {
        self.collector.collect(seen, &mut self.out);
    }
}

impl<K: KeyEndpoints, C: Observer<K>, S: PlacedRecords> StepSink<K, C> for Collecting<'_, S> {
    #[inline]
    fn place(&mut self, place: Place) {
        self.out.place = place;
        self.out.out.reach(place);
    }

    #[inline]
    fn stepped(&mut self, flows: &WorkerFlows<K, C>) {
        self.collector
            .flush(&mut self.out, |flow| identify(flows, flow));
    }
}

/// Who a flow is that lives.
fn identify<K: KeyEndpoints, C: Observer<K>>(
    flows: &WorkerFlows<K, C>,
    flow: FlowId,
) -> Option<FlowIdentity> {
    let (key, state) = flows.flow(flow)?;
    Some((key.endpoints(), C::icmp(state)))
}
