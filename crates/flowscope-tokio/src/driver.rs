//! What frames are given to.

use std::collections::VecDeque;

use flowscope::Timestamp;
use flowscope::engine::{Consumer, Engine};
use flowscope::extract::FlowExtractor;

use crate::FrameBatch;

/// Makes events of frames: any of the drivers of [`flowscope`], or something of
/// your own that keeps its time as they do.
pub trait Driver {
    /// What it reports.
    type Event;

    /// Takes frames.
    fn take(&mut self, frames: &FrameBatch, out: &mut VecDeque<Self::Event>);

    /// Does what is due at `now`.
    fn expire(&mut self, now: Timestamp, out: &mut VecDeque<Self::Event>);

    /// When [`expire`](Self::expire) may next have something to do.
    fn next_expiry(&self) -> Option<Timestamp>;

    /// Ends what is still open: no more frames come.
    fn finish(&mut self, out: &mut VecDeque<Self::Event>);
}

impl<E: FlowExtractor, C: Consumer<E::Key>> Driver for Engine<E, C> {
    type Event = C::Event;

    fn take(&mut self, frames: &FrameBatch, out: &mut VecDeque<C::Event>) {
        self.track_batch(frames.iter(), out);
    }

    fn expire(&mut self, now: Timestamp, out: &mut VecDeque<C::Event>) {
        self.expire(now, out);
    }

    fn next_expiry(&self) -> Option<Timestamp> {
        self.next_expiry()
    }

    fn finish(&mut self, out: &mut VecDeque<C::Event>) {
        self.finish(out);
    }
}
