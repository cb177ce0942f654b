//! Putting streams in order for what is odd about them.

use flowscope_core::engine::{FlowRef, PayloadReader, ReadResult};
use flowscope_core::session::{Datagram, Input, StreamEnd};
use flowscope_core::wire::Transport;
use flowscope_core::{Sink, Timestamp};

use super::payload::{Findings, FlowReader};
use crate::observation::Observation;

/// Reads nothing: that streams are put in order is enough.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnomalyReader;

impl<K> FlowReader<K> for AnomalyReader
where
    Self: PayloadReader<K, Event = Observation<K>>,
{
    fn take_findings(&mut self) -> Findings {
        Findings::default()
    }
}

impl<K> PayloadReader<K> for AnomalyReader {
    type Stream = ();
    type Event = Observation<K>;

    fn open(&mut self, _: FlowRef<'_, K>, transport: &Transport) -> Option<()> {
        transport.is_tcp().then_some(())
    }

    #[inline]
    fn feed(
        &mut self,
        (): &mut (),
        _: FlowRef<'_, K>,
        _: Input<'_>,
        _: &mut impl Sink<Observation<K>>,
    ) -> ReadResult {
        ReadResult::More
    }

    fn datagram(
        &mut self,
        (): &mut (),
        _: FlowRef<'_, K>,
        _: Datagram<'_>,
        _: &mut impl Sink<Observation<K>>,
    ) -> ReadResult {
        ReadResult::Done
    }

    fn close(
        &mut self,
        (): &mut (),
        _: FlowRef<'_, K>,
        _: StreamEnd,
        _: &mut impl Sink<Observation<K>>,
    ) -> ReadResult {
        ReadResult::More
    }

    fn next_tick(&self, (): &()) -> Option<Timestamp> {
        None
    }

    fn tick(
        &mut self,
        (): &mut (),
        _: FlowRef<'_, K>,
        _: &mut impl Sink<Observation<K>>,
    ) -> ReadResult {
        ReadResult::More
    }

    fn end(&mut self, (): (), _: FlowRef<'_, K>, _: &mut impl Sink<Observation<K>>) {}
}
