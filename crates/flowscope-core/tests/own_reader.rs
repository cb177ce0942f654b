//! A reader of one's own, which passes datagrams by.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use flowscope_core::engine::{Engine, FlowRef, PayloadConsumer, PayloadReader, ReadResult};
use flowscope_core::extract::{FiveTuple, FiveTupleKey};
use flowscope_core::session::{Datagram, Input, StreamEnd};
use flowscope_core::wire::Transport;
use flowscope_core::{FlowEvent, LinkType, PacketView, Sink, Timestamp};
use flowscope_fixtures::{Datagrams, Side, address};

/// Counts the datagrams that it is given, and wants those alone that begin with `!`.
#[derive(Debug)]
struct Loud;

impl PayloadReader<FiveTupleKey> for Loud {
    type Stream = Vec<u8>;
    type Event = Seen;

    fn open(&mut self, _: FlowRef<'_, FiveTupleKey>, _: &Transport) -> Option<Vec<u8>> {
        Some(Vec::new())
    }

    fn feed(
        &mut self,
        _: &mut Vec<u8>,
        _: FlowRef<'_, FiveTupleKey>,
        _: Input<'_>,
        _: &mut impl Sink<Seen>,
    ) -> ReadResult {
        ReadResult::Done
    }

    fn passes(&self, _: &Vec<u8>, payload: &[u8]) -> bool {
        payload.first() != Some(&b'!')
    }

    fn datagram(
        &mut self,
        stream: &mut Vec<u8>,
        _: FlowRef<'_, FiveTupleKey>,
        datagram: Datagram<'_>,
        _: &mut impl Sink<Seen>,
    ) -> ReadResult {
        stream.extend(datagram.payload);
        ReadResult::More
    }

    fn close(
        &mut self,
        _: &mut Vec<u8>,
        _: FlowRef<'_, FiveTupleKey>,
        _: StreamEnd,
        _: &mut impl Sink<Seen>,
    ) -> ReadResult {
        ReadResult::Done
    }

    fn next_tick(&self, _: &Vec<u8>) -> Option<Timestamp> {
        None
    }

    fn tick(
        &mut self,
        _: &mut Vec<u8>,
        _: FlowRef<'_, FiveTupleKey>,
        _: &mut impl Sink<Seen>,
    ) -> ReadResult {
        ReadResult::More
    }

    fn end(&mut self, stream: Vec<u8>, _: FlowRef<'_, FiveTupleKey>, out: &mut impl Sink<Seen>) {
        out.push(Seen::Given(stream));
    }
}

#[derive(Debug)]
enum Seen {
    Given(Vec<u8>),
    Flow(Box<FlowEvent<FiveTupleKey>>),
}

impl From<FlowEvent<FiveTupleKey>> for Seen {
    fn from(event: FlowEvent<FiveTupleKey>) -> Self {
        Self::Flow(Box::new(event))
    }
}

#[test]
fn datagrams_that_a_reader_passes_are_counted_and_not_given() {
    let ends = [address("192.0.2.1:50000"), address("192.0.2.2:443")];
    let frames = Datagrams::new(ends[0], ends[1])
        .send(Side::Client, b"!a")
        .send(Side::Server, b"quiet")
        .send(Side::Client, b"")
        .send(Side::Server, b"!b")
        .send(Side::Client, b"quiet")
        .frames();
    let consumer = PayloadConsumer::new(Loud);
    let mut engine = Engine::with_consumer(
        FiveTuple::bidirectional(),
        consumer,
        flowscope_core::EngineConfig::default(),
    );
    let mut seen = Vec::new();
    for frame in &frames {
        let packet = PacketView::new(&frame.bytes, Timestamp::from_nanos(frame.nanos))
            .with_link(LinkType(frame.link));
        engine.track(packet, &mut seen);
    }
    engine.finish(&mut seen);
    let given = seen.iter().find_map(|seen| match seen {
        Seen::Given(bytes) => Some(&bytes[..]),
        Seen::Flow(_) => None,
    });
    assert_eq!(given, Some(&b"!a!b"[..]));
    let packets = seen.iter().find_map(|seen| match seen {
        Seen::Flow(event) => match &**event {
            FlowEvent::Ended { stats, .. } => Some(stats.packets.total()),
            _ => None,
        },
        Seen::Given(_) => None,
    });
    assert_eq!(packets, Some(5));
}
