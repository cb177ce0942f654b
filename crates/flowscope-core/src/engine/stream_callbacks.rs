//! Callbacks as readers of payload.

use super::FlowRef;
use super::reader::{PayloadReader, ReadResult};
use crate::session::{Datagram, Input, StreamEnd, StreamFactory};
use crate::track::FlowEvent;
use crate::wire::Transport;
use crate::{Sink, Timestamp};

/// Calls a [`StreamFactory`] with what flows carry, and reports what becomes of
/// the flows.
#[derive(Debug)]
pub struct StreamCallbacks<F> {
    factory: F,
}

impl<F> StreamCallbacks<F> {
    /// Calls `factory`.
    pub(crate) const fn new(factory: F) -> Self {
        Self { factory }
    }

    /// What is called.
    pub(crate) const fn factory(&self) -> &F {
        &self.factory
    }

    /// What is called.
    pub(crate) const fn factory_mut(&mut self) -> &mut F {
        &mut self.factory
    }
}

impl<K, F: StreamFactory<K>> PayloadReader<K> for StreamCallbacks<F> {
    type Stream = F::Stream;
    type Event = FlowEvent<K>;

    fn open(&mut self, flow: FlowRef<'_, K>, transport: &Transport) -> Option<F::Stream> {
        self.factory.open(flow.key, transport)
    }

    #[inline]
    fn feed(
        &mut self,
        stream: &mut F::Stream,
        flow: FlowRef<'_, K>,
        input: Input<'_>,
        _: &mut impl Sink<FlowEvent<K>>,
    ) -> ReadResult {
        self.factory.feed(stream, flow.key, input).into()
    }

    fn datagram(
        &mut self,
        stream: &mut F::Stream,
        flow: FlowRef<'_, K>,
        datagram: Datagram<'_>,
        _: &mut impl Sink<FlowEvent<K>>,
    ) -> ReadResult {
        self.factory.datagram(stream, flow.key, datagram).into()
    }

    fn close(
        &mut self,
        stream: &mut F::Stream,
        flow: FlowRef<'_, K>,
        end: StreamEnd,
        _: &mut impl Sink<FlowEvent<K>>,
    ) -> ReadResult {
        self.factory.close(stream, flow.key, end);
        ReadResult::More
    }

    #[inline]
    fn next_tick(&self, _: &F::Stream) -> Option<Timestamp> {
        None
    }

    fn tick(
        &mut self,
        _: &mut F::Stream,
        _: FlowRef<'_, K>,
        _: &mut impl Sink<FlowEvent<K>>,
    ) -> ReadResult {
        ReadResult::More
    }

    /// It stays until the flow ends.
    fn leave(&mut self, _: &mut Option<F::Stream>) {}

    fn end(&mut self, stream: F::Stream, flow: FlowRef<'_, K>, _: &mut impl Sink<FlowEvent<K>>) {
        self.factory.end(stream, flow.key, flow.at);
    }
}
