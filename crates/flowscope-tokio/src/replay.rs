//! A capture file, as if it were captured now.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::path::Path;
use std::thread;

use flowscope::Timestamp;
use flowscope::pcap::PcapFlowSource;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::clock::scaled;
use crate::queue::{BatchReceiver, BatchSender, queue};
use crate::{AsyncCapture, CaptureError, Counters, FrameBatch, FrameSource, Pace};

/// How fast a capture is replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Speed {
    /// As it was captured.
    #[default]
    Recorded,
    /// So many times as fast; a number that is not above zero is as
    /// [`Unpaced`](Self::Unpaced).
    Times(f64),
    /// As fast as it goes. Time passes with the frames.
    Unpaced,
}

impl Speed {
    /// Seconds of the capture for each second, if there is a pace.
    fn factor(self) -> Option<f64> {
        match self {
            Self::Recorded => Some(1.0),
            Self::Times(factor) => Some(factor).filter(|factor| *factor > 0.0),
            Self::Unpaced => None,
        }
    }
}

/// The frames of a capture file, read ahead on a thread of its own and given out
/// at their time.
pub struct ReplaySource {
    queue: BatchReceiver,
    speed: Option<f64>,
    /// What was read, with how many frames of it were given out.
    pending: Option<(FrameBatch, usize)>,
    /// The first frame's time, and when it was given out.
    start: Option<(Timestamp, Instant)>,
    timer: Option<Pin<Box<Sleep>>>,
    /// The latest time that was given out.
    latest: Timestamp,
    batch: FrameBatch,
    is_stopped: bool,
    counters: Counters,
}

impl AsyncCapture<ReplaySource> {
    /// The frames of a capture file: pcap or pcapng, plain, gzip or zstd.
    ///
    /// ```
    /// use flowscope::detect::Message;
    /// use flowscope::extract::FiveTuple;
    /// use flowscope::SessionEvent;
    /// use flowscope_tokio::{AsyncCapture, Speed};
    /// use futures::StreamExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pcap/recorded/http-1-0.pcap");
    /// let mut events = AsyncCapture::replay(path, Speed::Unpaced)?
    ///     .flow_stream(FiveTuple::bidirectional())
    ///     .detect();
    /// let mut messages = 0;
    /// while let Some(event) = events.next().await {
    ///     if let SessionEvent::Application { message: Message::Http(_), .. } = event? {
    ///         messages += 1;
    ///     }
    /// }
    /// assert_eq!(messages, 4);
    /// assert_eq!(events.counts().dropped(), 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or is no capture.
    pub fn replay(path: impl AsRef<Path>, speed: Speed) -> Result<Self, CaptureError> {
        let source = PcapFlowSource::open(path)?;
        let (sender, queue) = queue(AHEAD);
        // It ends with the file, or when nobody wants what it reads.
        thread::Builder::new()
            .name("flowscope-replay".into())
            .spawn(move || read(source, &sender))
            .map_err(CaptureError::Stream)?;
        Ok(Self::new(ReplaySource {
            queue,
            speed: speed.factor(),
            pending: None,
            start: None,
            timer: None,
            latest: Timestamp::EPOCH,
            batch: FrameBatch::default(),
            is_stopped: false,
            counters: Counters::default(),
        }))
    }
}

fn read(mut source: PcapFlowSource, out: &BatchSender) {
    loop {
        let mut batch = out.empty();
        let read = source.next_batch().map(|packets| batch.extend(packets));
        let is_last = read.is_err() || batch.is_empty();
        let item = match read {
            Ok(()) if is_last => return,
            Ok(()) => Ok(batch),
            Err(error) => Err(error.into()),
        };
        if !out.send(item) || is_last {
            return;
        }
    }
}

impl ReplaySource {
    /// Makes sure that there is a frame to give out; `None` at the end.
    fn poll_pending(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<(), CaptureError>>> {
        if self.pending.is_some() {
            return Poll::Ready(Some(Ok(())));
        }
        let item = ready!(self.queue.poll(context));
        Poll::Ready(item.map(|item| item.map(|batch| self.pending = Some((batch, 0)))))
    }

    /// The next frame's time, and when it is to be given out.
    fn due(&mut self, speed: f64) -> Option<(Timestamp, Instant)> {
        let (batch, taken) = self.pending.as_ref()?;
        let at = batch.get(*taken)?.timestamp;
        let (first, since) = *self.start.get_or_insert_with(|| (at, Instant::now()));
        Some((at, since + scaled(at - first, 1.0 / speed).min(LONGEST)))
    }

    /// Moves what is due to the batch.
    fn take_due(&mut self, now: Timestamp) {
        let Some((pending, taken)) = &mut self.pending else {
            return;
        };
        let due = pending.iter().skip(*taken);
        for packet in due.take_while(|packet| packet.timestamp <= now) {
            self.batch.push(packet);
            self.latest = self.latest.max(packet.timestamp);
            *taken += 1;
        }
        if *taken == pending.len()
            && let Some((pending, _)) = self.pending.take()
        {
            self.queue.recycle(pending);
        }
    }

    fn count(&self, batch: &FrameBatch) {
        let bytes = batch.iter().map(|packet| u64::from(packet.wire_len)).sum();
        self.counters.add_received(batch.len() as u64);
        self.counters.add_delivered(batch.len() as u64, bytes);
    }
}

impl FrameSource for ReplaySource {
    fn poll_batch(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<FrameBatch, CaptureError>>> {
        if self.is_stopped {
            return Poll::Ready(None);
        }
        match ready!(self.poll_pending(context)) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            Some(Ok(())) => {}
        }
        let Some(speed) = self.speed else {
            let (batch, _) = self.pending.take().unwrap_or_default();
            self.count(&batch);
            return Poll::Ready(Some(Ok(batch)));
        };
        if let Some((at, due)) = self.due(speed) {
            if due > Instant::now() {
                let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
                if timer.deadline() != due {
                    timer.as_mut().reset(due);
                }
                ready!(timer.as_mut().poll(context));
            }
            self.timer = None;
            let passed = self
                .start
                .map(|(first, since)| first + scaled(Instant::now() - since, speed));
            self.take_due(passed.map_or(at, |now| now.max(at)));
        }
        let batch = core::mem::take(&mut self.batch);
        self.count(&batch);
        Poll::Ready(Some(Ok(batch)))
    }

    fn recycle(&mut self, batch: FrameBatch) {
        match self.speed {
            None => self.queue.recycle(batch),
            Some(_) => {
                self.batch = batch;
                self.batch.clear();
            }
        }
    }

    fn pace(&self) -> Pace {
        match self.speed {
            None => Pace::Frames,
            Some(speed) => Pace::Clock {
                speed,
                lag: Duration::ZERO,
            },
        }
    }

    /// While the next frame is not read yet, nobody knows what comes after the
    /// last.
    fn horizon(&self) -> Option<Timestamp> {
        let next = self.pending.as_ref();
        let next = next.and_then(|(batch, taken)| batch.get(*taken));
        Some(next.map_or(self.latest, |packet| packet.timestamp))
    }

    fn stop(&mut self) {
        self.is_stopped = true;
    }

    fn counters(&self) -> Counters {
        self.counters.clone()
    }
}

impl fmt::Debug for ReplaySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplaySource")
            .field("speed", &self.speed)
            .field("latest", &self.latest)
            .finish_non_exhaustive()
    }
}

/// Batches that are read ahead.
const AHEAD: usize = 16;
/// A frame is never waited for longer than this, whatever its time: thirty years.
const LONGEST: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
