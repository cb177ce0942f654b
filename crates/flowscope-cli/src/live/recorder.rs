//! Records as the events of a stream.

use std::collections::VecDeque;

use flowscope::Timestamp;
use flowscope_record::{Record, RecordTracker};
use flowscope_tokio::{Driver, FrameBatch};

/// Makes the same records of frames as of those in a file.
#[derive(Debug)]
pub(super) struct Recorder(pub(super) RecordTracker);

impl Driver for Recorder {
    type Event = Record;

    fn take(&mut self, frames: &FrameBatch, out: &mut VecDeque<Record>) {
        self.0.track_batch(frames.iter(), out);
    }

    fn expire(&mut self, now: Timestamp, out: &mut VecDeque<Record>) {
        self.0.expire(now, out);
    }

    fn next_expiry(&self) -> Option<Timestamp> {
        self.0.next_expiry()
    }

    fn finish(&mut self, out: &mut VecDeque<Record>) {
        self.0.finish(out);
    }
}
