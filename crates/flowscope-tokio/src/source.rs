//! Where frames come from.

use core::task::{Context, Poll};
use core::time::Duration;

use flowscope::Timestamp;

use crate::{CaptureError, Counters, FrameBatch};

/// Gives frames, some at a time.
///
/// The crate has four: a live interface, a capture that is replayed, a channel,
/// and a stream of [`Frame`](crate::Frame)s. Whoever has another way to frames,
/// such as a ring of its own, implements this.
pub trait FrameSource {
    /// The next frames that are at hand; `None` at the end.
    ///
    /// After an error there are no more.
    fn poll_batch(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<FrameBatch, CaptureError>>>;

    /// Takes a batch back, for its memory.
    fn recycle(&mut self, batch: FrameBatch) {
        drop(batch);
    }

    /// How its time passes while no frame comes.
    fn pace(&self) -> Pace;

    /// The time of a frame that is known, but not given out yet: until then
    /// nothing else will come.
    fn horizon(&self) -> Option<Timestamp> {
        None
    }

    /// Takes no more frames. Those that were taken before still come, and then
    /// the end.
    fn stop(&mut self);

    /// What was taken and lost.
    fn counters(&self) -> Counters;
}

/// How the time of a source passes while no frame comes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Pace {
    /// With frames alone: what is due waits for the next one.
    Frames,
    /// As on a clock.
    Clock {
        /// Seconds of its time for each second.
        speed: f64,
        /// How late a frame may come at the most. What is due is done so much
        /// later.
        lag: Duration,
    },
}
