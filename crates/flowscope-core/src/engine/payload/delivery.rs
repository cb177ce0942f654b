//! The way from a flow's payload to its reader.

use super::recent_data::{RecentData, RecentOfStream};
use crate::engine::FlowRef;
use crate::engine::reader::{PayloadReader, ReadResult, ReadState};
use crate::reassemble::Chunk;
use crate::session::Input;
use crate::{FlowSide, Sink};

/// How far a flow's payload is read.
#[derive(Debug)]
pub(super) struct Progress<S> {
    /// What the reader keeps for the flow, until it lets it go.
    pub(super) stream: Option<S>,
    pub(super) session: ReadState,
}

impl<S> Progress<S> {
    /// One direction's way to the reader.
    #[inline]
    pub(super) fn to<'a, K, R: PayloadReader<K, Stream = S>, O>(
        &'a mut self,
        reader: &'a mut R,
        flow: FlowRef<'a, K>,
        side: FlowSide,
        out: &'a mut O,
    ) -> Delivery<'a, K, R, O> {
        Delivery {
            reader,
            progress: self,
            flow,
            side,
            out,
        }
    }
}

/// One direction's way to the reader.
pub(super) struct Delivery<'a, K, R: PayloadReader<K>, O> {
    reader: &'a mut R,
    progress: &'a mut Progress<R::Stream>,
    pub(super) flow: FlowRef<'a, K>,
    pub(super) side: FlowSide,
    out: &'a mut O,
}

impl<K, R: PayloadReader<K>, O: Sink<R::Event>> Delivery<'_, K, R, O> {
    /// Lets the reader act, if it is still interested.
    #[inline]
    pub(super) fn give(
        &mut self,
        act: impl FnOnce(&mut R, &mut R::Stream, FlowRef<'_, K>, &mut O) -> ReadResult,
    ) {
        let Progress { stream, session } = &mut *self.progress;
        if *session != ReadState::Open {
            return;
        }
        let Some(held) = stream else { return };
        *session = match act(self.reader, held, self.flow, self.out) {
            ReadResult::More => return,
            ReadResult::Done => ReadState::Left,
            ReadResult::Failed => ReadState::Failed,
        };
        self.reader.leave(stream);
    }
}

impl<'c, K, R: PayloadReader<K>, O: Sink<R::Event>> Sink<Chunk<'c>> for Delivery<'_, K, R, O> {
    #[inline]
    fn push(&mut self, chunk: Chunk<'c>) {
        let input = Input::new(self.side, self.flow.at, chunk);
        self.give(|reader, stream, flow, out| reader.feed(stream, flow, input, out));
    }
}

/// The way to the reader of what comes out of a stream, which is kept for a
/// while.
pub(super) struct StreamDelivery<'a, 's, K, R: PayloadReader<K>, O> {
    pub(super) delivery: Delivery<'a, K, R, O>,
    pub(super) recent_data: &'s mut RecentData,
    pub(super) recent: &'s mut RecentOfStream,
    /// Who spoke last.
    pub(super) speaker: &'s mut FlowSide,
}

impl<'c, K, R: PayloadReader<K>, O: Sink<R::Event>> Sink<Chunk<'c>>
    for StreamDelivery<'_, '_, K, R, O>
{
    #[inline]
    fn push(&mut self, chunk: Chunk<'c>) {
        match chunk {
            Chunk::Data(bytes) => {
                if *self.speaker != self.delivery.side {
                    *self.speaker = self.delivery.side;
                    self.recent.renew();
                }
                self.recent_data.keep(self.recent, bytes);
            }
            Chunk::Gap(len) => self.recent.skip(len),
        }
        self.delivery.push(chunk);
    }
}
