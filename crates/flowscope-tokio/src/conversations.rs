//! Each flow as a stream of what its two sides say.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flowscope::extract::FlowExtractor;
use flowscope::track::FlowId;
use flowscope::{SessionEvent, Timestamp};
use futures_util::Stream;

use crate::conversation::{ConversationParser, ConversationPart};
use crate::{CaptureCounts, CaptureError, FrameSource, MessageStream};

/// The flows of a source, each a [`Conversation`], as they begin.
///
/// It is as with a listener and its connections: each conversation is read by
/// a task of its own, or is dropped, and what it says comes while this stream is
/// polled. Parts that are not read wait, up to 16 MiB over all conversations;
/// then this stream waits for their readers, and with it the source.
pub struct Conversations<S: FrameSource, E: FlowExtractor> {
    events: MessageStream<S, E, ConversationParser>,
    shared: Shared,
}

/// What both sides of a flow say, in the order in which it came: a stream that
/// ends with the flow.
pub struct Conversation<K> {
    flow: FlowId,
    key: K,
    at: Timestamp,
    shared: Shared,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    queues: HashMap<FlowId, Queue>,
    /// Bytes of all parts that wait.
    held: usize,
    /// What waits for room.
    writer: Option<Waker>,
    is_over: bool,
}

#[derive(Default)]
struct Queue {
    parts: VecDeque<ConversationPart>,
    reader: Option<Waker>,
    is_over: bool,
}

impl<S: FrameSource, E: FlowExtractor> Conversations<S, E> {
    pub(crate) fn new(events: MessageStream<S, E, ConversationParser>) -> Self {
        Self {
            events,
            shared: Shared::default(),
        }
    }

    /// What the source took and lost so far.
    #[must_use]
    pub fn counts(&self) -> CaptureCounts {
        self.events.counts()
    }

    /// Takes no more frames. The conversations that are open end.
    pub fn stop(&mut self) {
        self.events.stop();
    }
}

impl<S: FrameSource, E: FlowExtractor> Stream for Conversations<S, E>
where
    E::Key: Clone,
{
    type Item = Result<Conversation<E::Key>, CaptureError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if !this.shared.has_room(context) {
                return Poll::Pending;
            }
            let event = match ready!(Pin::new(&mut this.events).poll_next(context)) {
                Some(Ok(event)) => event,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    this.shared.state().end();
                    return Poll::Ready(None);
                }
            };
            match event {
                SessionEvent::Started { flow, key, at, .. } => {
                    this.shared.state().queues.insert(flow, Queue::default());
                    let shared = this.shared.clone();
                    return Poll::Ready(Some(Ok(Conversation {
                        flow,
                        key,
                        at,
                        shared,
                    })));
                }
                SessionEvent::Application { flow, message, .. } => {
                    this.shared.state().push(flow, message);
                }
                SessionEvent::Closed { flow, .. } => this.shared.state().close(flow),
                _ => {}
            }
        }
    }
}

impl<K> Conversation<K> {
    /// The identifier of the flow.
    #[must_use]
    pub const fn flow(&self) -> FlowId {
        self.flow
    }

    /// Who talks to whom.
    #[must_use]
    pub const fn key(&self) -> &K {
        &self.key
    }

    /// When it began.
    #[must_use]
    pub const fn started(&self) -> Timestamp {
        self.at
    }
}

impl<K: Unpin> Stream for Conversation<K> {
    type Item = ConversationPart;

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<ConversationPart>> {
        self.shared.state().pop(self.flow, context)
    }
}

impl<K> Drop for Conversation<K> {
    fn drop(&mut self) {
        self.shared.state().remove(self.flow);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // What is in it stands for itself at every moment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another part may wait; if not, the task is woken when it may.
    fn has_room(&self, context: &Context<'_>) -> bool {
        let mut state = self.state();
        let has_room = state.held < MAX_HELD;
        state.writer = (!has_room).then(|| context.waker().clone());
        has_room
    }
}

impl State {
    /// Adds a part, unless nobody reads the conversation any more.
    fn push(&mut self, flow: FlowId, part: ConversationPart) {
        let Some(queue) = self.queues.get_mut(&flow) else {
            return;
        };
        self.held += size(&part);
        queue.parts.push_back(part);
        queue.wake();
    }

    fn pop(&mut self, flow: FlowId, context: &Context<'_>) -> Poll<Option<ConversationPart>> {
        let Some(queue) = self.queues.get_mut(&flow) else {
            return Poll::Ready(None);
        };
        let Some(part) = queue.parts.pop_front() else {
            if queue.is_over || self.is_over {
                return Poll::Ready(None);
            }
            queue.reader = Some(context.waker().clone());
            return Poll::Pending;
        };
        self.give_room(size(&part));
        Poll::Ready(Some(part))
    }

    fn close(&mut self, flow: FlowId) {
        if let Some(queue) = self.queues.get_mut(&flow) {
            queue.is_over = true;
            queue.wake();
        }
    }

    /// No more comes for anybody.
    fn end(&mut self) {
        self.is_over = true;
        for queue in self.queues.values_mut() {
            queue.wake();
        }
    }

    fn remove(&mut self, flow: FlowId) {
        let parts = self.queues.remove(&flow).map(|queue| queue.parts);
        self.give_room(parts.iter().flatten().map(size).sum());
    }

    fn give_room(&mut self, len: usize) {
        self.held -= len;
        if self.held < MAX_HELD
            && let Some(writer) = self.writer.take()
        {
            writer.wake();
        }
    }
}

impl Queue {
    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// What a part that waits counts.
fn size(part: &ConversationPart) -> usize {
    let bytes = match part {
        ConversationPart::Data { bytes, .. } => bytes.len(),
        ConversationPart::Missing { .. } | ConversationPart::Closed { .. } => 0,
    };
    size_of::<ConversationPart>() + bytes
}

/// Nothing in it is pinned.
impl<S: FrameSource, E: FlowExtractor> Unpin for Conversations<S, E> {}

impl<S: FrameSource, E: FlowExtractor> fmt::Debug for Conversations<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversations").finish_non_exhaustive()
    }
}

impl<K: fmt::Debug> fmt::Debug for Conversation<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation")
            .field("flow", &self.flow)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// How many bytes wait for their readers at the most.
const MAX_HELD: usize = 16 << 20;
