//! Adding up what each side of each TCP connection sent.

use core::fmt;

use flowscope_core::engine::{FlowRef, PayloadConsumer, PayloadReader, ReadResult};
use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Datagram, Input, StreamEnd};
use flowscope_core::track::FlowId;
use flowscope_core::wire::{IcmpHeader, Transport};
use flowscope_core::{BySide, FlowSide, Sink, Timestamp};
use sha2::{Digest, Sha256};

use super::observer::Observer;
use crate::observation::Observation;
use crate::record::{Endpoints, KeyEndpoints, Record, StreamRecord};

/// Adds up streams, and hands their bytes to a writer if there is one.
#[derive(Default)]
pub(crate) struct StreamReader {
    writer: Option<Box<dyn StreamWriter>>,
}

/// Takes the bytes of TCP streams as they are put back in order.
///
/// See [`RecordTracker::with_stream_writer`](crate::RecordTracker::with_stream_writer).
pub trait StreamWriter: Send {
    /// What comes next of a stream; holes are left out.
    fn write(&mut self, stream: StreamId, bytes: &[u8]);

    /// A stream is over. Its record comes next.
    fn close(&mut self, stream: StreamId);
}

/// What one side of a connection sends.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct StreamId {
    /// The connection.
    pub flow: FlowId,
    /// Its two ends.
    pub endpoints: Endpoints,
    /// Who sends.
    pub side: FlowSide,
}

impl StreamReader {
    /// Hands the bytes of streams that begin from now on to a writer.
    pub(crate) fn set_writer(&mut self, writer: Box<dyn StreamWriter>) {
        self.writer = Some(writer);
    }
}

impl StreamId {
    fn new<K: KeyEndpoints>(flow: FlowRef<'_, K>, side: FlowSide) -> Self {
        Self {
            flow: flow.id,
            endpoints: flow.key.endpoints(),
            side,
        }
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader").finish_non_exhaustive()
    }
}

/// The hash of each side that sent something.
#[derive(Debug, Default)]
pub(crate) struct Hashes(BySide<Option<Box<Sha256>>>);

impl<K: KeyEndpoints> Observer<K> for PayloadConsumer<StreamReader> {
    /// Streams are of TCP.
    fn icmp(_: &Self::Flow) -> Option<IcmpHeader> {
        None
    }
}

impl<K: KeyEndpoints> PayloadReader<K> for StreamReader {
    type Stream = Hashes;
    type Event = Observation<K>;

    fn open(&mut self, _: FlowRef<'_, K>, transport: &Transport) -> Option<Hashes> {
        match transport {
            Transport::Tcp(_) => Some(Hashes::default()),
            _ => None,
        }
    }

    fn feed(
        &mut self,
        Hashes(hashes): &mut Hashes,
        flow: FlowRef<'_, K>,
        input: Input<'_>,
        _: &mut impl Sink<Observation<K>>,
    ) -> ReadResult {
        let hash = hashes[input.side].get_or_insert_default();
        if let Chunk::Data(bytes) = input.chunk {
            hash.update(bytes);
            if let Some(writer) = &mut self.writer {
                writer.write(StreamId::new(flow, input.side), bytes);
            }
        }
        ReadResult::More
    }

    fn datagram(
        &mut self,
        _: &mut Hashes,
        _: FlowRef<'_, K>,
        _: Datagram<'_>,
        _: &mut impl Sink<Observation<K>>,
    ) -> ReadResult {
        ReadResult::Done
    }

    fn close(
        &mut self,
        Hashes(hashes): &mut Hashes,
        flow: FlowRef<'_, K>,
        end: StreamEnd,
        out: &mut impl Sink<Observation<K>>,
    ) -> ReadResult {
        let Some(hash) = hashes[end.side].take() else {
            return ReadResult::More;
        };
        if let Some(writer) = &mut self.writer {
            writer.close(StreamId::new(flow, end.side));
        }
        out.push(Observation::Record(Record::Stream(StreamRecord {
            at: end.at,
            flow: flow.id,
            endpoints: flow.key.endpoints(),
            side: end.side,
            sha256: hash.finalize().into(),
            stats: end.stats,
        })));
        ReadResult::More
    }

    fn next_tick(&self, _: &Hashes) -> Option<Timestamp> {
        None
    }

    fn tick(
        &mut self,
        _: &mut Hashes,
        _: FlowRef<'_, K>,
        _: &mut impl Sink<Observation<K>>,
    ) -> ReadResult {
        ReadResult::More
    }

    fn end(&mut self, _: Hashes, _: FlowRef<'_, K>, _: &mut impl Sink<Observation<K>>) {}
}
