//! The events of a source, as a stream.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::collections::VecDeque;

use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::clock::Clock;
use crate::{CaptureCounts, CaptureError, Counters, Driver, FrameSource};

/// What a driver reports of the frames of a source, in order.
///
/// Frames are taken from the source only as fast as events are taken from here.
/// While none comes, the driver is called when something of it is due, so that
/// flows end on a quiet line. At the end of the source the flows still open end.
/// If it fails they do too, and then the error comes as the last item.
pub struct EventStream<S, D: Driver> {
    source: S,
    driver: D,
    events: VecDeque<D::Event>,
    clock: Clock,
    timer: Option<Pin<Box<Sleep>>>,
    /// When what was due was done last.
    expired: Option<Instant>,
    state: State,
}

#[derive(Debug)]
enum State {
    Open,
    /// All frames were taken; the error comes behind the last event.
    Finished(Option<CaptureError>),
}

impl<S: FrameSource, D: Driver> EventStream<S, D> {
    /// What `driver` reports of the frames of `source`.
    pub fn new(source: S, driver: D) -> Self {
        Self {
            clock: Clock::new(source.pace()),
            source,
            driver,
            events: VecDeque::new(),
            timer: None,
            expired: None,
            state: State::Open,
        }
    }

    /// The driver, for its statistics.
    #[must_use]
    pub const fn driver(&self) -> &D {
        &self.driver
    }

    /// The driver.
    #[must_use]
    pub const fn driver_mut(&mut self) -> &mut D {
        &mut self.driver
    }

    /// The source.
    #[must_use]
    pub const fn source(&self) -> &S {
        &self.source
    }

    /// The source.
    #[must_use]
    pub const fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// The next event, if it is there already: several come of one batch of
    /// frames.
    pub fn pop(&mut self) -> Option<D::Event> {
        self.events.pop_front()
    }

    /// What the source took and lost so far.
    #[must_use]
    pub fn counts(&self) -> CaptureCounts {
        self.counters().read()
    }

    /// The same, to be read from elsewhere.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.source.counters()
    }

    /// Takes no more frames. What was taken is still reported, then the flows
    /// that are open, and then the stream ends.
    pub fn stop(&mut self) {
        self.source.stop();
    }

    pub(crate) fn into_parts(self) -> (S, D) {
        (self.source, self.driver)
    }

    /// Takes frames or does what is due; pending if there is nothing to do.
    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.source.poll_batch(context) {
            Poll::Ready(Some(Ok(batch))) => {
                let latest = batch.iter().map(|packet| packet.timestamp).max();
                self.driver.take(&batch, &mut self.events);
                self.source.recycle(batch);
                if let Some(latest) = latest {
                    self.clock.saw(latest, Instant::now());
                }
            }
            Poll::Ready(Some(Err(error))) => self.finish(Some(error)),
            Poll::Ready(None) => self.finish(None),
            Poll::Pending => ready!(self.poll_expiry(context)),
        }
        Poll::Ready(())
    }

    /// Does what is due, when it is.
    fn poll_expiry(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let due = self.driver.next_expiry();
        // A frame that is known comes first.
        let horizon = self.source.horizon();
        let due = due.filter(|due| horizon.is_none_or(|frame| *due < frame));
        let Some((due, mut at)) = due.and_then(|due| Some((due, self.clock.instant_of(due)?)))
        else {
            self.timer = None;
            return Poll::Pending;
        };
        if let Some(expired) = self.expired {
            at = at.max(expired + REST);
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        ready!(timer.as_mut().poll(context));
        self.timer = None;
        let now = Instant::now();
        self.expired = Some(now);
        let now = self.clock.now(now).map_or(due, |now| now.max(due));
        let now = horizon.map_or(now, |frame| now.min(frame));
        self.driver.expire(now, &mut self.events);
        Poll::Ready(())
    }

    fn finish(&mut self, error: Option<CaptureError>) {
        self.driver.finish(&mut self.events);
        self.timer = None;
        self.state = State::Finished(error);
    }
}

impl<S: FrameSource, D: Driver> Stream for EventStream<S, D> {
    type Item = Result<D::Event, CaptureError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        for _ in 0..STEPS {
            if let Some(event) = this.events.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            if let State::Finished(error) = &mut this.state {
                return Poll::Ready(error.take().map(Err));
            }
            ready!(this.poll_step(context));
        }
        // Frames without events go on coming: others have their turn.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Nothing in it is pinned.
impl<S, D: Driver> Unpin for EventStream<S, D> {}

impl<S: fmt::Debug, D: Driver + fmt::Debug> fmt::Debug for EventStream<S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("source", &self.source)
            .field("driver", &self.driver)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Batches in a row, before others have their turn.
const STEPS: usize = 16;
/// Between two calls for what is due, so that no driver can keep the stream busy.
const REST: Duration = Duration::from_millis(1);
