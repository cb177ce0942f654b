//! Notes of flows, and their payload for a reader.

use flowscope_core::engine::{
    Consumer, FlowEnd, FlowRef, Fragment, PayloadConsumer, PayloadReader, PayloadState, Pending,
    PendingEntry, Reaction, ReadState,
};
use flowscope_core::extract::Extracted;
use flowscope_core::reassemble::StreamStats;
use flowscope_core::track::Anomalies;
use flowscope_core::wire::IcmpHeader;
use flowscope_core::{BySide, EngineConfig, FlowEvent, FlowSide, Sink};
use flowscope_detect::Protocol;

use super::notes::{FlowNotes, NoteTaker};
use super::observer::Observer;
use crate::observation::Observation;
use crate::record::{KeyEndpoints, Record};

/// Notes what records need of each flow, and gives what it carries to a reader.
#[derive(Debug)]
pub(crate) struct PayloadObserver<R> {
    note_taker: NoteTaker,
    payload: PayloadConsumer<R>,
    until: StreamsUntil,
}

/// How long the streams of a connection are put in order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum StreamsUntil {
    /// To their end, so that all holes are known, and everything odd.
    End,
    /// As long as the reader likes. What is odd about streams is of no
    /// interest then: it would depend on that.
    Understood,
}

/// What is kept of a flow.
#[derive(Debug)]
pub(crate) struct ObservedFlow<S> {
    notes: FlowNotes,
    payload: PayloadState<S>,
}

/// A reader that may recognise the protocol of a flow.
pub(crate) trait FlowReader<K>: PayloadReader<K, Event = Observation<K>> {
    /// What was found out of the flow that ended last: it is fetched at once.
    fn take_findings(&mut self) -> Findings;
}

/// What a reader found out of a flow.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Findings {
    /// Its protocol.
    pub(crate) app: Option<Protocol>,
    /// Whether a name that is wanted was asked for.
    pub(crate) has_name: bool,
}

impl<R> PayloadObserver<R> {
    pub(crate) fn new(note_taker: NoteTaker, reader: R, until: StreamsUntil) -> Self {
        Self {
            note_taker,
            payload: PayloadConsumer::new(reader),
            until,
        }
    }

    /// What is reported of the anomalies that were found.
    #[inline]
    fn reported(&self, found: Anomalies) -> Anomalies {
        match self.until {
            StreamsUntil::End => found,
            StreamsUntil::Understood => Anomalies::default(),
        }
    }
}

impl<K: KeyEndpoints, R: FlowReader<K>> Observer<K> for PayloadObserver<R> {
    fn icmp(state: &ObservedFlow<R::Stream>) -> Option<IcmpHeader> {
        state.notes.icmp
    }
}

impl<K: KeyEndpoints, R: FlowReader<K>> Consumer<K> for PayloadObserver<R> {
    type Flow = ObservedFlow<R::Stream>;
    type Event = Observation<K>;
    type Pending = PendingEntry;

    fn configure(&mut self, config: &EngineConfig) {
        Consumer::<K>::configure(&mut self.payload, config);
    }

    fn open(
        &mut self,
        flow: FlowRef<'_, K>,
        packet: &Extracted<'_, K>,
        out: &mut impl Sink<Observation<K>>,
    ) -> Self::Flow {
        ObservedFlow {
            notes: self.note_taker.open(flow, packet, out),
            payload: self.payload.open(flow, packet, out),
        }
    }

    #[inline]
    fn packet(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        packet: &Extracted<'_, K>,
        out: &mut impl Sink<Observation<K>>,
    ) -> Reaction {
        let _ = (self.note_taker).packet(&mut state.notes, flow, side, packet, out);
        let mut reaction = (self.payload).packet(&mut state.payload, flow, side, packet, out);
        reaction.found = self.reported(reaction.found);
        reaction
    }

    #[inline]
    fn passes(&self, state: &Self::Flow) -> bool {
        state.payload.session() != ReadState::Open && state.notes.pass_packets()
    }

    fn passed(&mut self, state: &mut Self::Flow, frame: u64) {
        state.notes.last_frame = state.notes.last_frame.max(frame);
    }

    fn fragment(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        fragment: &Fragment<'_, K>,
        out: &mut impl Sink<Observation<K>>,
    ) {
        (self.note_taker).fragment(&mut state.notes, flow, side, fragment, out);
    }

    fn close(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        end: FlowEnd<'_>,
        out: &mut impl Sink<Observation<K>>,
    ) -> Anomalies {
        let found = (self.payload).close(&mut state.payload, flow, end, out);
        let Findings { app, has_name } = self.payload.reader_mut().take_findings();
        state.notes.app = app.or(state.notes.app);
        state.notes.has_name = has_name;
        (self.note_taker).end_details(&mut state.notes, flow, out);
        self.reported(found)
    }

    fn ended(&mut self, state: Self::Flow, event: FlowEvent<K>) -> Observation<K> {
        match event {
            FlowEvent::Ended {
                flow,
                key,
                at,
                reason,
                stats,
                ..
            } => {
                let endpoints = key.endpoints();
                let record = state.notes.into_record(flow, endpoints, at, reason, stats);
                Observation::Record(Record::Flow(record))
            }
            other => Observation::Event(other),
        }
    }

    #[inline]
    fn pending(&self, state: &Self::Flow) -> Pending {
        Consumer::<K>::pending(&self.payload, &state.payload)
    }

    fn on_timer(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Observation<K>>,
    ) -> Anomalies {
        let found = self.payload.on_timer(&mut state.payload, flow, out);
        self.reported(found)
    }

    fn shed(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Observation<K>>,
    ) -> Anomalies {
        let found = self.payload.shed(&mut state.payload, flow, out);
        self.reported(found)
    }

    #[inline]
    fn prefetch_word(&self, state: &Self::Flow) -> u64 {
        state.notes.last_frame ^ Consumer::<K>::prefetch_word(&self.payload, &state.payload)
    }

    fn streams(&self, state: &Self::Flow) -> Option<BySide<StreamStats>> {
        match self.until {
            StreamsUntil::End => Consumer::<K>::streams(&self.payload, &state.payload),
            StreamsUntil::Understood => None,
        }
    }
}
