//! What each side of each TCP connection sent.

use flowscope::engine::{FlowRef, PayloadReader, ReadResult};
use flowscope::reassemble::Chunk;
use flowscope::session::{Datagram, Input, StreamEnd};
use flowscope::track::FlowEvent;
use flowscope::wire::Transport;
use flowscope::{BySide, FlowSide, Sink, Timestamp};
use sha2::{Digest, Sha256};

use crate::extraction::{Extraction, Unwritten};
use crate::record::{HasEnds, StreamRecord};

/// Adds up streams, and writes them to files where that was asked for.
#[derive(Debug, Default)]
pub(crate) struct StreamReader {
    extraction: Option<Extraction>,
}

impl StreamReader {
    pub(crate) fn new(extraction: Option<Extraction>) -> Self {
        Self { extraction }
    }

    /// What became of the files in the end, if there are any.
    pub(crate) fn take_extraction(&mut self) -> Option<Extraction> {
        self.extraction.take()
    }

    /// What became of the files so far, if there are any.
    pub(crate) fn extraction(&self) -> Option<&Extraction> {
        self.extraction.as_ref()
    }
}

/// What is kept of a connection.
#[derive(Debug, Default)]
pub(crate) struct Sums(BySide<Option<Box<Sum>>>);

/// What is kept of one side that sent something.
#[derive(Debug, Default)]
struct Sum {
    hash: Sha256,
    unwritten: Unwritten,
}

/// What comes of it: records. What else becomes of flows is of no interest.
pub(crate) struct Streamed(pub(crate) Option<StreamRecord>);

impl<K> From<FlowEvent<K>> for Streamed {
    fn from(_: FlowEvent<K>) -> Self {
        Self(None)
    }
}

impl<K: HasEnds> PayloadReader<K> for StreamReader {
    type Stream = Sums;
    type Event = Streamed;

    fn open(&mut self, _: FlowRef<'_, K>, transport: &Transport) -> Option<Sums> {
        match transport {
            Transport::Tcp(_) => Some(Sums::default()),
            _ => None,
        }
    }

    fn feed(
        &mut self,
        Sums(sums): &mut Sums,
        flow: FlowRef<'_, K>,
        input: Input<'_>,
        _: &mut impl Sink<Streamed>,
    ) -> ReadResult {
        let sum = sums[input.side].get_or_insert_default();
        if let Chunk::Data(bytes) = input.chunk {
            sum.hash.update(bytes);
            if let Some(extraction) = &mut self.extraction {
                let name = || file_name(flow, input.side);
                extraction.add(&mut sum.unwritten, bytes, name);
            }
        }
        ReadResult::More
    }

    fn datagram(
        &mut self,
        _: &mut Sums,
        _: FlowRef<'_, K>,
        _: Datagram<'_>,
        _: &mut impl Sink<Streamed>,
    ) -> ReadResult {
        ReadResult::Done
    }

    fn close(
        &mut self,
        Sums(sums): &mut Sums,
        flow: FlowRef<'_, K>,
        end: StreamEnd,
        out: &mut impl Sink<Streamed>,
    ) -> ReadResult {
        let Some(mut sum) = sums[end.side].take() else {
            return ReadResult::More;
        };
        if let Some(extraction) = &mut self.extraction {
            extraction.finish(&mut sum.unwritten, || file_name(flow, end.side));
        }
        out.push(Streamed(Some(StreamRecord {
            at: end.at,
            id: flow.id,
            ends: flow.key.ends(),
            side: end.side,
            sha256: sum.hash.finalize().into(),
            stats: end.stats,
        })));
        ReadResult::More
    }

    fn next_tick(&self, _: &Sums) -> Option<Timestamp> {
        None
    }

    fn tick(&mut self, _: &mut Sums, _: FlowRef<'_, K>, _: &mut impl Sink<Streamed>) -> ReadResult {
        ReadResult::More
    }

    fn end(&mut self, _: Sums, _: FlowRef<'_, K>, _: &mut impl Sink<Streamed>) {}
}

/// `000001-10.0.0.1.40000-10.0.0.2.80`: the flow, who sent it, who received it.
/// Colons are dots, as not every file system takes them.
fn file_name<K: HasEnds>(flow: FlowRef<'_, K>, side: FlowSide) -> String {
    let ends = flow.key.ends();
    let (src, dst) = (ends.source(), ends.destination());
    let (sender, receiver) = match side {
        FlowSide::Initiator => (src, dst),
        FlowSide::Responder => (dst, src),
    };
    let name = format!("{:06}-{sender}-{receiver}", flow.id.number());
    name.replace(['[', ']'], "").replace(':', ".")
}
