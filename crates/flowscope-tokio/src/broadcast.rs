//! One stream of events for several who listen.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::broadcast::{self, Receiver, Sender, WeakSender, error::RecvError};

use crate::{CaptureError, Counters, Driver, EventStream, FrameSource};

impl<S, D> EventStream<S, D>
where
    S: FrameSource + Send + 'static,
    D: Driver + Send + 'static,
    D::Event: Send + Sync + 'static,
{
    /// The same events for several who listen.
    ///
    /// A task of its own takes them from here as they come, from the first
    /// subscription on. The latest `capacity` are kept for those who are slow; who
    /// is slower than that is told how many were missed. Nobody waits for anybody.
    ///
    /// ```
    /// use flowscope::extract::FiveTuple;
    /// use flowscope_tokio::{AsyncCapture, Speed};
    /// use futures::StreamExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pcap/recorded/http-1-0.pcap");
    /// let events = AsyncCapture::replay(path, Speed::Unpaced)?
    ///     .flow_stream(FiveTuple::bidirectional())
    ///     .broadcast(1000);
    /// let (first, second) = (events.subscribe(), events.subscribe());
    /// let (first, second) = tokio::join!(first.count(), second.count());
    /// assert!(first > 0 && first == second);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the capacity is zero.
    #[must_use]
    pub fn broadcast(self, capacity: usize) -> Broadcast<D::Event> {
        let (sender, _) = broadcast::channel(capacity);
        let handle = Arc::new(());
        let counters = self.counters();
        let pump = pump(self, sender.clone(), Arc::downgrade(&handle), capacity);
        Broadcast {
            state: Mutex::new(State::Waiting(sender, Box::pin(pump))),
            counters,
            _handle: handle,
        }
    }
}

/// Hands events on, until there are no more or nobody is left to want them.
async fn pump<S: FrameSource, D: Driver>(
    mut events: EventStream<S, D>,
    sender: Sender<Item<D::Event>>,
    handle: std::sync::Weak<()>,
    capacity: usize,
) {
    let mut sent = 0;
    while let Some(event) = events.next().await {
        let is_heard = sender.send(event.map(Arc::new).map_err(Arc::new)).is_ok();
        if !is_heard && handle.strong_count() == 0 {
            break;
        }
        sent += 1;
        // Those who listen have their turn before it is too late for them.
        if sent % capacity.div_ceil(2) == 0 {
            tokio::task::yield_now().await;
        }
    }
}

type Item<T> = Result<Arc<T>, Arc<CaptureError>>;

/// Events that several may listen to.
pub struct Broadcast<T> {
    state: Mutex<State<T>>,
    counters: Counters,
    /// As long as it lives, somebody may come and listen.
    _handle: Arc<()>,
}

enum State<T> {
    Waiting(Sender<Item<T>>, Pin<Box<dyn Future<Output = ()> + Send>>),
    Running(WeakSender<Item<T>>),
}

impl<T: Send + Sync + 'static> Broadcast<T> {
    /// Listens from now on. The first to do so starts the capture.
    ///
    /// # Panics
    ///
    /// If the first is outside of a Tokio runtime.
    pub fn subscribe(&self) -> Subscription<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = match &*state {
            State::Waiting(sender, _) => Some(sender.subscribe()),
            State::Running(sender) => sender.upgrade().map(|sender| sender.subscribe()),
        };
        if let State::Waiting(sender, _) = &*state {
            let running = State::Running(sender.downgrade());
            if let State::Waiting(_, pump) = core::mem::replace(&mut *state, running) {
                tokio::spawn(pump);
            }
        }
        Subscription::new(receiver)
    }

    /// What the source took and lost.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters.clone()
    }
}

impl<T> fmt::Debug for Broadcast<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast")
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

/// The events of a [`Broadcast`], from the moment of the subscription on.
pub struct Subscription<T>(Pin<Box<dyn Stream<Item = Result<Arc<T>, BroadcastError>> + Send>>);

impl<T: Send + Sync + 'static> Subscription<T> {
    fn new(receiver: Option<Receiver<Item<T>>>) -> Self {
        Self(Box::pin(stream::unfold(receiver, |receiver| async move {
            let mut receiver = receiver?;
            let item = match receiver.recv().await {
                Ok(event) => event.map_err(BroadcastError::Capture),
                Err(RecvError::Lagged(missed)) => Err(BroadcastError::Missed(missed)),
                Err(RecvError::Closed) => return None,
            };
            Some((item, Some(receiver)))
        })))
    }
}

impl<T> Stream for Subscription<T> {
    type Item = Result<Arc<T>, BroadcastError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

/// Why a subscriber gets something else than an event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum BroadcastError {
    /// It was too slow: so many events are lost to it. The next ones follow.
    Missed(u64),
    /// The source failed. All are told, and no more follows.
    Capture(Arc<CaptureError>),
}

impl fmt::Display for BroadcastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missed(events) => write!(f, "{events} events were missed"),
            Self::Capture(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for BroadcastError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Missed(_) => None,
            Self::Capture(error) => Some(&**error),
        }
    }
}
