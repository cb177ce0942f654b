//! The engines of the core that records are made with.
//!
//! Nothing outside of this folder names an engine, a consumer or a reader.
//! There is one engine for each way to tell flows apart and for each depth to
//! which they are read, each compiled for itself: a packet costs what it has to.

mod anomalies;
mod extractor;
mod messages;
mod notes;
mod observer;
mod payload;
mod streams;

pub use streams::{StreamId, StreamWriter};

use flowscope_core::engine::{Consumer, Engine, PayloadConsumer};
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
use crate::config::{Encapsulation, FlowKey, Goal, KeyScope, RecordConfig};
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

impl AnyEngine {
    pub(crate) fn new(config: RecordConfig) -> Self {
        let RecordConfig {
            key,
            scope,
            encapsulation,
            ..
        } = config;
        match (key, encapsulation, scope) {
            (FlowKey::FiveTuple, Encapsulation::Innermost, KeyScope::Nothing) => {
                let extractor = AutoDetectEncap::new(FiveTuple::bidirectional());
                Self::Innermost(ByGoal::new(extractor, config))
            }
            (FlowKey::FiveTuple, Encapsulation::Outermost, KeyScope::Nothing) => {
                Self::Outermost(ByGoal::new(FiveTuple::bidirectional(), config))
            }
            _ => {
                let chosen = Scoped::new(ChosenExtractor { key, encapsulation });
                let scoped = match scope {
                    KeyScope::Nothing => chosen,
                    KeyScope::Vlan => chosen.with_vlan(),
                    KeyScope::Tunnel => chosen.with_tunnel(),
                    KeyScope::VlanAndTunnel => chosen.with_vlan().with_tunnel(),
                };
                Self::Chosen(ByGoal::new(scoped, config))
            }
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
    fn new(extractor: E, config: RecordConfig) -> Self {
        let messages = |extractor, wanted: Wanted, config| {
            Self::Messages(engine(extractor, wanted.observer(), config))
        };
        match config.goal {
            Goal::All => messages(extractor, Wanted::Everything, config),
            Goal::Http => messages(extractor, Wanted::Only(Protocol::Http), config),
            Goal::Tls => messages(extractor, Wanted::Only(Protocol::Tls), config),
            Goal::Dns => messages(extractor, Wanted::Only(Protocol::Dns), config),
            Goal::Summary => messages(extractor, Wanted::Names, config),
            Goal::Flows => Self::Flows(engine(extractor, NoteTaker::with_probes(), config)),
            Goal::Events => {
                let notes = NoteTaker::with_probes();
                let observer = PayloadObserver::new(notes, AnomalyReader, StreamsUntil::End);
                Self::Events(engine(extractor, observer, config))
            }
            Goal::Streams => {
                let payload = PayloadConsumer::new(StreamReader::default());
                Self::Streams(engine(extractor, payload, config))
            }
        }
    }

    fn set_stream_writer(&mut self, writer: Box<dyn StreamWriter>) {
        if let Self::Streams(engine) = self {
            engine.consumer_mut().reader_mut().set_writer(writer);
        }
    }
}

fn engine<E: FlowExtractor, C: Consumer<E::Key>>(
    extractor: E,
    consumer: C,
    config: RecordConfig,
) -> Engine<E, C> {
    Engine::with_consumer(extractor, consumer, config.engine)
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
