//! Following flows and putting in order what they carry.

use flowscope::detect::Protocol;
use flowscope::engine::{
    Consumer, EngineConfig, FlowRef, Fragment, PayloadConsumer, PayloadReader, PayloadState,
    Pending, PendingEntry, Reaction,
};
use flowscope::extract::Extracted;
use flowscope::reassemble::StreamStats;
use flowscope::track::{Anomalies, EndReason, FlowEvent};
use flowscope::{BySide, FlowSide, Sink};

use crate::record::HasEnds;
use crate::tracking::{EndedFlow, Follow, Notes, Recorder, Tracked};

/// Notes what records need of each flow, and gives what it carries to a reader.
#[derive(Debug)]
pub(crate) struct Observer<R> {
    recorder: Recorder,
    payload: PayloadConsumer<R>,
    until: Until,
}

/// How long the streams of a connection are put in order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Until {
    /// To their end, so that all holes are known, and everything odd.
    End,
    /// As long as the reader likes. What is odd about streams is of no
    /// interest then: it would depend on that.
    Understood,
}

/// What is kept of a flow.
#[derive(Debug)]
pub(crate) struct Observed<S> {
    notes: Notes,
    payload: PayloadState<S>,
}

/// A reader that may know what a flow spoke.
pub(crate) trait Read<K>: PayloadReader<K, Event = Tracked<K>> {
    /// What the flow spoke that ended last: it is asked for at once.
    fn take_app(&mut self) -> Option<Protocol>;
}

impl<R> Observer<R> {
    pub(crate) fn new(recorder: Recorder, reader: R, until: Until) -> Self {
        Self {
            recorder,
            payload: PayloadConsumer::new(reader),
            until,
        }
    }

    /// What of the odd is reported.
    #[inline]
    fn reported(&self, found: Anomalies) -> Anomalies {
        match self.until {
            Until::End => found,
            Until::Understood => Anomalies::NONE,
        }
    }
}

impl<K: HasEnds, R: Read<K>> Follow<K> for Observer<R> {
    fn notes(state: &Observed<R::Stream>) -> &Notes {
        &state.notes
    }
}

impl<K: HasEnds, R: Read<K>> Consumer<K> for Observer<R> {
    type Flow = Observed<R::Stream>;
    type Event = Tracked<K>;
    type Pending = PendingEntry;

    fn configure(&mut self, config: &EngineConfig) {
        Consumer::<K>::configure(&mut self.payload, config);
    }

    fn open(&mut self, flow: FlowRef<'_, K>, packet: &Extracted<'_, K>) -> Self::Flow {
        Observed {
            notes: self.recorder.open(flow, packet),
            payload: self.payload.open(flow, packet),
        }
    }

    #[inline]
    fn packet(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        packet: &Extracted<'_, K>,
        out: &mut impl Sink<Tracked<K>>,
    ) -> Reaction {
        let _ = (self.recorder).packet(&mut state.notes, flow, side, packet, out);
        let mut reaction = (self.payload).packet(&mut state.payload, flow, side, packet, out);
        reaction.found = self.reported(reaction.found);
        reaction
    }

    fn fragment(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        fragment: &Fragment<'_, K>,
    ) {
        (self.recorder).fragment(&mut state.notes, flow, side, fragment);
    }

    fn close(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        reason: EndReason,
        out: &mut impl Sink<Tracked<K>>,
    ) -> Anomalies {
        let found = (self.payload).close(&mut state.payload, flow, reason, out);
        if let Some(app) = self.payload.reader_mut().take_app() {
            state.notes.app = Some(app);
        }
        self.reported(found)
    }

    fn ended(&mut self, state: Self::Flow, event: FlowEvent<K>) -> Tracked<K> {
        match event {
            FlowEvent::Ended {
                flow,
                key,
                at,
                reason,
                stats,
                ..
            } => Tracked::Ended(EndedFlow {
                id: flow,
                ends: key.ends(),
                notes: state.notes,
                stats,
                at,
                reason,
            }),
            other => Tracked::Event(other),
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
        out: &mut impl Sink<Tracked<K>>,
    ) -> Anomalies {
        let found = self.payload.on_timer(&mut state.payload, flow, out);
        self.reported(found)
    }

    fn shed(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Tracked<K>>,
    ) -> Anomalies {
        let found = self.payload.shed(&mut state.payload, flow, out);
        self.reported(found)
    }

    fn streams(&self, state: &Self::Flow) -> Option<BySide<StreamStats>> {
        match self.until {
            Until::End => Consumer::<K>::streams(&self.payload, &state.payload),
            Until::Understood => None,
        }
    }
}
