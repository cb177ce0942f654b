//! The engines of the core that records are made with.
//!
//! Nothing outside of this folder names an engine, a consumer or a reader.
//! There is one engine for each way to tell flows apart and for each depth to
//! which they are read, each compiled for itself: a packet costs what it has to.

mod anomalies;
mod dealing;
mod extractor;
mod messages;
mod notes;
mod observer;
mod payload;
mod streams;

pub(crate) use dealing::{AnyBatch, AnyDealer, AnyWorker};
pub use flowscope_core::engine::deal::Place;
pub use streams::{StreamId, StreamWriter};

use flowscope_core::engine::{Engine, PayloadConsumer};
use flowscope_core::extract::{AutoDetectEncap, FiveTuple, FlowExtractor, Scoped};
use flowscope_core::track::{FlowId, TrackerStats};
use flowscope_core::{PacketView, Sink, Timestamp};
use flowscope_detect::Protocol;

use self::anomalies::AnomalyReader;
use self::extractor::ChosenExtractor;
use self::messages::{MessageReader, Wanted};
use self::notes::NoteTaker;
use self::observer::Observer;
use self::payload::{PayloadObserver, StreamsUntil};
use self::streams::StreamReader;
use crate::collector::{Collector, FlowIdentity};
use crate::config::{Depth, Encapsulation, FlowKey, Goal, KeyScope, RecordConfig};
use crate::observation::Observation;
use crate::record::{KeyEndpoints, Record};

/// An engine for any [`RecordConfig`].
#[derive(Debug)]
pub(crate) enum AnyEngine {
    /// Five-tuples of the innermost packets.
    Innermost(ByGoal<AutoDetectEncap<FiveTuple>>),
    /// Five-tuples of the outermost packets.
    Outermost(ByGoal<FiveTuple>),
    /// Anything else.
    Chosen(ByGoal<Scoped<ChosenExtractor>>),
}

/// An engine for flows as `E` tells them apart.
#[derive(Debug)]
pub(crate) enum ByGoal<E: FlowExtractor<Key: KeyEndpoints>> {
    Flows(Engine<E, NoteTaker>),
    Events(Engine<E, PayloadObserver<AnomalyReader>>),
    Messages(Engine<E, PayloadObserver<MessageReader>>),
    Streams(Engine<E, PayloadConsumer<StreamReader>>),
}

/// Does the same with whichever engine it is.
macro_rules! with_engine {
    ($any:expr, $engine:ident => $body:expr) => {
        match $any {
            AnyEngine::Innermost(by_goal) => with_engine!(@goal by_goal, $engine => $body),
            AnyEngine::Outermost(by_goal) => with_engine!(@goal by_goal, $engine => $body),
            AnyEngine::Chosen(by_goal) => with_engine!(@goal by_goal, $engine => $body),
        }
    };
    (@goal $by_goal:expr, $engine:ident => $body:expr) => {
        match $by_goal {
            ByGoal::Flows($engine) => $body,
            ByGoal::Events($engine) => $body,
            ByGoal::Messages($engine) => $body,
            ByGoal::Streams($engine) => $body,
        }
    };
}

/// What tells flows apart, for any [`RecordConfig`].
pub(crate) enum AnyExtractor {
    Innermost(AutoDetectEncap<FiveTuple>),
    Outermost(FiveTuple),
    Chosen(Scoped<ChosenExtractor>),
}

/// What is done with their packets.
pub(crate) enum AnyConsumer {
    Flows(NoteTaker),
    Events(PayloadObserver<AnomalyReader>),
    Messages(PayloadObserver<MessageReader>),
    Streams(PayloadConsumer<StreamReader>),
}

impl AnyExtractor {
    fn new(config: &RecordConfig) -> Self {
        let RecordConfig {
            key,
            scope,
            encapsulation,
            ..
        } = *config;
        let five_tuple = FiveTuple::bidirectional();
        match (key, encapsulation, scope) {
            (FlowKey::FiveTuple, Encapsulation::Innermost, KeyScope::Nothing) => {
                Self::Innermost(AutoDetectEncap::new(five_tuple))
            }
            (FlowKey::FiveTuple, Encapsulation::Outermost, KeyScope::Nothing) => {
                Self::Outermost(five_tuple)
            }
            _ => {
                let chosen = Scoped::new(ChosenExtractor { key, encapsulation });
                Self::Chosen(match scope {
                    KeyScope::Nothing => chosen,
                    KeyScope::Vlan => chosen.with_vlan(),
                    KeyScope::Tunnel => chosen.with_tunnel(),
                    KeyScope::VlanAndTunnel => chosen.with_vlan().with_tunnel(),
                })
            }
        }
    }
}

impl AnyConsumer {
    fn new(config: &RecordConfig) -> Self {
        let notes = || NoteTaker::with_probes().with_details(config);
        let messages = |wanted: Wanted| Self::Messages(wanted.observer(config));
        match config.goal {
            Goal::All => messages(Wanted::Everything),
            Goal::Http => messages(Wanted::Only(Protocol::Http)),
            Goal::Tls => messages(Wanted::Only(Protocol::Tls)),
            Goal::Dns => messages(Wanted::Only(Protocol::Dns)),
            Goal::Summary => messages(Wanted::Names),
            Goal::Flows if config.names.is_some() => messages(Wanted::Asked),
            Goal::Flows => match config.depth {
                Depth::ByGoal => Self::Flows(notes()),
                Depth::Understood => messages(Wanted::Apps),
            },
            Goal::Events => Self::Events(PayloadObserver::new(
                notes(),
                AnomalyReader,
                StreamsUntil::End,
            )),
            Goal::Streams => Self::Streams(PayloadConsumer::new(StreamReader::default())),
        }
    }
}

impl AnyEngine {
    pub(crate) fn new(config: &RecordConfig) -> Self {
        match AnyExtractor::new(config) {
            AnyExtractor::Innermost(it) => Self::Innermost(ByGoal::new(it, config)),
            AnyExtractor::Outermost(it) => Self::Outermost(ByGoal::new(it, config)),
            AnyExtractor::Chosen(it) => Self::Chosen(ByGoal::new(it, config)),
        }
    }

    /// Tracks packets.
    #[inline]
    pub(crate) fn track<'a>(
        &mut self,
        packets: impl Iterator<Item = PacketView<'a>>,
        collector: &mut Collector,
        out: &mut impl Sink<Record>,
    ) {
        with_engine!(self, engine => track(engine, packets, collector, out));
    }

    pub(crate) fn expire(
        &mut self,
        now: Timestamp,
        collector: &mut Collector,
        out: &mut impl Sink<Record>,
    ) {
        with_engine!(self, engine => {
            engine.expire(now, &mut |seen| collector.collect(seen, out));
            collector.flush(out, |flow| identify(engine, flow));
        });
    }

    pub(crate) fn finish(&mut self, collector: &mut Collector, out: &mut impl Sink<Record>) {
        with_engine!(self, engine => {
            engine.finish(&mut |seen| collector.collect(seen, out));
            collector.flush(out, |flow| identify(engine, flow));
            collector.finish(engine.stats(), out);
        });
    }

    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        with_engine!(self, engine => engine.next_expiry())
    }

    pub(crate) fn stats(&self) -> &TrackerStats {
        with_engine!(self, engine => engine.stats())
    }

    /// Hands the bytes of streams to a writer, if streams are what is read for.
    pub(crate) fn set_stream_writer(&mut self, writer: Box<dyn StreamWriter>) {
        match self {
            Self::Innermost(by_goal) => by_goal.set_stream_writer(writer),
            Self::Outermost(by_goal) => by_goal.set_stream_writer(writer),
            Self::Chosen(by_goal) => by_goal.set_stream_writer(writer),
        }
    }
}

impl<E: FlowExtractor<Key: KeyEndpoints>> ByGoal<E> {
    fn new(extractor: E, config: &RecordConfig) -> Self {
        let engine = config.engine;
        match AnyConsumer::new(config) {
            AnyConsumer::Flows(it) => Self::Flows(Engine::with_consumer(extractor, it, engine)),
            AnyConsumer::Events(it) => Self::Events(Engine::with_consumer(extractor, it, engine)),
            AnyConsumer::Messages(it) => {
                Self::Messages(Engine::with_consumer(extractor, it, engine))
            }
            AnyConsumer::Streams(it) => Self::Streams(Engine::with_consumer(extractor, it, engine)),
        }
    }

    fn set_stream_writer(&mut self, writer: Box<dyn StreamWriter>) {
        if let Self::Streams(engine) = self {
            engine.consumer_mut().reader_mut().set_writer(writer);
        }
    }
}

/// Out of line, so that each engine has a loop of its own.
#[inline(never)]
fn track<'a, E, C>(
    engine: &mut Engine<E, C>,
    packets: impl Iterator<Item = PacketView<'a>>,
    collector: &mut Collector,
    out: &mut impl Sink<Record>,
) where
    E: FlowExtractor<Key: KeyEndpoints>,
    C: Observer<E::Key>,
{
    let mut collecting = Collecting { collector, out };
    engine.track_each(packets, &mut collecting, |engine, packet, collecting| {
        let Collecting { collector, out } = collecting;
        collector.count(&packet);
        collector.flush(*out, |flow| identify(engine, flow));
    });
}

/// Gives what is seen to the collector.
struct Collecting<'a, S> {
    collector: &'a mut Collector,
    out: &'a mut S,
}

impl<K, S: Sink<Record>> Sink<Observation<K>> for Collecting<'_, S> {
    #[inline]
    fn push(&mut self, seen: Observation<K>) {
        self.collector.collect(seen, self.out);
    }
}

/// Who a flow is that lives.
fn identify<E, C>(engine: &Engine<E, C>, flow: FlowId) -> Option<FlowIdentity>
where
    E: FlowExtractor<Key: KeyEndpoints>,
    C: Observer<E::Key>,
{
    let endpoints = engine.flow_key(flow)?.endpoints();
    let icmp = C::icmp(engine.flow_state(flow)?);
    Some((endpoints, icmp))
}
