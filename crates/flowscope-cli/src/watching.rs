//! Putting streams in order for what is odd about them.

use flowscope::detect::Protocol;
use flowscope::engine::{FlowRef, PayloadReader, ReadResult};
use flowscope::session::{Datagram, Input, StreamEnd};
use flowscope::wire::Transport;
use flowscope::{Sink, Timestamp};

use crate::observing::Read;
use crate::tracking::Tracked;

/// Lets everything pass by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watcher;

impl<K> Read<K> for Watcher
where
    Self: PayloadReader<K, Event = Tracked<K>>,
{
    fn take_app(&mut self) -> Option<Protocol> {
        None
    }
}

impl<K> PayloadReader<K> for Watcher {
    type Stream = ();
    type Event = Tracked<K>;

    fn open(&mut self, _: FlowRef<'_, K>, transport: &Transport) -> Option<()> {
        transport.is_tcp().then_some(())
    }

    #[inline]
    fn feed(
        &mut self,
        (): &mut (),
        _: FlowRef<'_, K>,
        _: Input<'_>,
        _: &mut impl Sink<Tracked<K>>,
    ) -> ReadResult {
        ReadResult::More
    }

    fn datagram(
        &mut self,
        (): &mut (),
        _: FlowRef<'_, K>,
        _: Datagram<'_>,
        _: &mut impl Sink<Tracked<K>>,
    ) -> ReadResult {
        ReadResult::Done
    }

    fn close(
        &mut self,
        (): &mut (),
        _: FlowRef<'_, K>,
        _: StreamEnd,
        _: &mut impl Sink<Tracked<K>>,
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
        _: &mut impl Sink<Tracked<K>>,
    ) -> ReadResult {
        ReadResult::More
    }

    fn end(&mut self, (): (), _: FlowRef<'_, K>, _: &mut impl Sink<Tracked<K>>) {}
}
