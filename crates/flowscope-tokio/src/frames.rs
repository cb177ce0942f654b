//! Frames of any stream.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;

use futures_util::Stream;

use crate::channel::{LAG, MAX_FRAMES};
use crate::{AsyncCapture, CaptureError, Counters, Frame, FrameBatch, FrameSource, Pace};

/// The frames of a stream.
#[derive(Debug)]
pub struct StreamSource<T> {
    /// `None` behind its end.
    frames: Option<T>,
    pace: Pace,
    error: Option<CaptureError>,
    batch: FrameBatch,
    counters: Counters,
}

impl<T: Stream<Item = io::Result<Frame>> + Unpin> AsyncCapture<StreamSource<T>> {
    /// The frames of a stream, such as a tun device makes, that are of now: their
    /// times go on as on a clock.
    pub fn from_stream(frames: T) -> Self {
        let pace = Pace::Clock {
            speed: 1.0,
            lag: LAG,
        };
        Self::from_stream_at(frames, pace)
    }

    /// The frames of a stream whose time passes in another way.
    pub fn from_stream_at(frames: T, pace: Pace) -> Self {
        Self::new(StreamSource {
            frames: Some(frames),
            pace,
            error: None,
            batch: FrameBatch::default(),
            counters: Counters::default(),
        })
    }
}

impl<T: Stream<Item = io::Result<Frame>> + Unpin> StreamSource<T> {
    /// Puts what is at hand into the batch; pending if there will be more.
    fn fill(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.batch.len() < MAX_FRAMES {
            let Some(frames) = &mut self.frames else {
                break;
            };
            match Pin::new(frames).poll_next(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.batch.push(frame.view());
                    self.counters.add_received(1);
                    self.counters.add_delivered(1, frame.wire_len.into());
                }
                Poll::Ready(Some(Err(error))) => {
                    self.error = Some(CaptureError::Stream(error));
                    self.frames = None;
                }
                Poll::Ready(None) => self.frames = None,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }
}

impl<T: Stream<Item = io::Result<Frame>> + Unpin> FrameSource for StreamSource<T> {
    fn poll_batch(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<FrameBatch, CaptureError>>> {
        let filled = self.fill(context);
        if !self.batch.is_empty() {
            return Poll::Ready(Some(Ok(core::mem::take(&mut self.batch))));
        }
        filled.map(|()| self.error.take().map(Err))
    }

    fn recycle(&mut self, mut batch: FrameBatch) {
        batch.clear();
        self.batch = batch;
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn stop(&mut self) {
        self.frames = None;
    }

    fn counters(&self) -> Counters {
        self.counters.clone()
    }
}
