//! Frames that another task or thread sends.

use core::task::{Context, Poll};
use core::time::Duration;

use tokio::sync::mpsc::{self, Receiver, Sender, error::TrySendError};

use crate::{AsyncCapture, CaptureError, Counters, Frame, FrameBatch, FrameSource, Pace};

/// Sends frames into a capture. Copies send into the same.
///
/// The capture ends when the last of them is gone.
#[derive(Clone, Debug)]
pub struct FrameSender {
    frames: Sender<Frame>,
    counters: Counters,
}

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SendError {
    /// There is no room in the queue. The frame counts as dropped.
    Full,
    /// The capture is over.
    Closed,
}

impl FrameSender {
    /// Sends a frame, and waits for room.
    ///
    /// # Errors
    ///
    /// The capture is over.
    pub async fn send(&self, frame: Frame) -> Result<(), SendError> {
        let sent = self.frames.send(frame).await;
        sent.map_err(|_| SendError::Closed)?;
        self.counters.add_received(1);
        Ok(())
    }

    /// The same from a thread that is none of the runtime's.
    ///
    /// # Errors
    ///
    /// The capture is over.
    pub fn blocking_send(&self, frame: Frame) -> Result<(), SendError> {
        let sent = self.frames.blocking_send(frame);
        sent.map_err(|_| SendError::Closed)?;
        self.counters.add_received(1);
        Ok(())
    }

    /// Sends a frame if there is room for it.
    ///
    /// # Errors
    ///
    /// The queue is full, which is counted, or the capture is over.
    pub fn try_send(&self, frame: Frame) -> Result<(), SendError> {
        match self.frames.try_send(frame) {
            Ok(()) => {
                self.counters.add_received(1);
                Ok(())
            }
            Err(TrySendError::Full(_)) => {
                self.counters.add_received(1);
                self.counters.add_dropped_in_queue(1);
                Err(SendError::Full)
            }
            Err(TrySendError::Closed(_)) => Err(SendError::Closed),
        }
    }
}

impl core::fmt::Display for SendError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Full => "the queue of frames is full",
            Self::Closed => "the capture is over",
        })
    }
}

impl core::error::Error for SendError {}

/// The frames that [`FrameSender`]s send.
#[derive(Debug)]
pub struct ChannelSource {
    frames: Receiver<Frame>,
    /// Where frames lie between the channel and the batch.
    received: Vec<Frame>,
    batch: FrameBatch,
    counters: Counters,
}

impl AsyncCapture<ChannelSource> {
    /// A queue for `capacity` frames, and the capture that takes them out.
    ///
    /// Their times should go on as on a clock; which day it shows makes no
    /// difference.
    ///
    /// # Panics
    ///
    /// If the capacity is zero.
    #[must_use]
    pub fn channel(capacity: usize) -> (FrameSender, Self) {
        let (sender, frames) = mpsc::channel(capacity);
        let counters = Counters::default();
        let source = ChannelSource {
            frames,
            received: Vec::new(),
            batch: FrameBatch::default(),
            counters: counters.clone(),
        };
        let sender = FrameSender {
            frames: sender,
            counters,
        };
        (sender, Self::new(source))
    }
}

impl FrameSource for ChannelSource {
    fn poll_batch(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<FrameBatch, CaptureError>>> {
        let received = self
            .frames
            .poll_recv_many(context, &mut self.received, MAX_FRAMES);
        received.map(|received| {
            let mut batch = core::mem::take(&mut self.batch);
            batch.extend(self.received.iter().map(Frame::view));
            let bytes = self.received.iter().map(|frame| u64::from(frame.wire_len));
            self.counters.add_delivered(received as u64, bytes.sum());
            self.received.clear();
            (received > 0).then_some(Ok(batch))
        })
    }

    fn recycle(&mut self, mut batch: FrameBatch) {
        batch.clear();
        self.batch = batch;
    }

    fn pace(&self) -> Pace {
        Pace::Clock {
            speed: 1.0,
            lag: LAG,
        }
    }

    fn stop(&mut self) {
        self.frames.close();
    }

    fn counters(&self) -> Counters {
        self.counters.clone()
    }
}

/// Frames that are taken at once at the most.
pub(crate) const MAX_FRAMES: usize = 256;
/// How late a frame may come.
pub(crate) const LAG: Duration = Duration::from_millis(200);
