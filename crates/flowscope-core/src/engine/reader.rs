//! Whom payload is given to.

use super::FlowRef;
use crate::session::{Datagram, Input, Interest, StreamEnd};
use crate::track::FlowEvent;
use crate::wire::Transport;
use crate::{Sink, Timestamp};

/// Whom the payload of flows is given to.
///
/// [`Parsers`](super::Parsers) gives it to parsers, [`StreamCallbacks`](super::StreamCallbacks)
/// to callbacks.
pub trait PayloadReader<K> {
    /// What it keeps for each flow.
    type Stream;
    /// What it reports.
    type Event: From<FlowEvent<K>>;

    /// A flow begins with a packet of `transport`, which is
    /// [`Transport::None`] where several connections make one flow.
    fn open(&mut self, flow: FlowRef<'_, K>, transport: &Transport) -> Option<Self::Stream>;

    /// One side of a TCP connection sent what comes next.
    fn feed(
        &mut self,
        stream: &mut Self::Stream,
        flow: FlowRef<'_, K>,
        input: Input<'_>,
        out: &mut impl Sink<Self::Event>,
    ) -> ReadResult;

    /// Whether a datagram with this payload is of no interest, and so is not given:
    /// asked before each. It is for readers that have read what there was, and
    /// wait for what may begin anew; to pass a datagram changes nothing that they
    /// keep.
    fn passes(&self, stream: &Self::Stream, payload: &[u8]) -> bool {
        let _ = (stream, payload);
        false
    }

    /// A datagram of any other flow.
    fn datagram(
        &mut self,
        stream: &mut Self::Stream,
        flow: FlowRef<'_, K>,
        datagram: Datagram<'_>,
        out: &mut impl Sink<Self::Event>,
    ) -> ReadResult;

    /// One side of a TCP connection will send no more.
    fn close(
        &mut self,
        stream: &mut Self::Stream,
        flow: FlowRef<'_, K>,
        end: StreamEnd,
        out: &mut impl Sink<Self::Event>,
    ) -> ReadResult;

    /// When [`tick`](Self::tick) should be called.
    fn next_tick(&self, stream: &Self::Stream) -> Option<Timestamp>;

    /// That moment has passed: it is `flow.at`.
    fn tick(
        &mut self,
        stream: &mut Self::Stream,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) -> ReadResult;

    /// Bytes of memory that it holds for the flow and could give up.
    fn memory(&self, stream: &Self::Stream) -> usize {
        let _ = stream;
        0
    }

    /// No more of a flow of datagrams is read, as there is too little memory for
    /// what it holds. The two sides of a TCP connection are closed instead.
    fn give_up_datagrams(
        &mut self,
        stream: &mut Self::Stream,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) {
        let _ = (stream, flow, out);
    }

    /// There is no more interest in the flow: what is kept for it may go.
    fn leave(&mut self, stream: &mut Option<Self::Stream>) {
        *stream = None;
    }

    /// The flow is over; comes last for a stream that was not let go.
    fn end(&mut self, stream: Self::Stream, flow: FlowRef<'_, K>, out: &mut impl Sink<Self::Event>);

    /// How the end of a flow is reported, whose parser may have failed before.
    fn ended(&self, event: FlowEvent<K>, state: ReadState) -> Self::Event {
        let _ = state;
        event.into()
    }
}

/// What a reader made of what it was given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum ReadResult {
    /// It wants to see more.
    More,
    /// It has seen enough.
    Done,
    /// It cannot go on.
    Failed,
}

impl From<Interest> for ReadResult {
    fn from(interest: Interest) -> Self {
        match interest {
            Interest::More => Self::More,
            Interest::Done => Self::Done,
        }
    }
}

/// How far a flow's payload is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ReadState {
    /// It is read.
    Open,
    /// There is no interest in it, or no more.
    Left,
    /// Its reader could not go on.
    Failed,
}
