//! Packets saved on their way.

use core::task::{Context, Poll};
use std::io;
use std::path::PathBuf;

use flowscope::Timestamp;
use flowscope_tokio::{CaptureError, Counters, FrameBatch, FrameSource, Pace};

use super::rotation::Rotation;

/// A source whose packets are also saved.
#[derive(Debug)]
pub(super) struct Saving<S> {
    source: S,
    files: Option<Rotation>,
    failed: Option<(PathBuf, io::Error)>,
}

impl<S: FrameSource> Saving<S> {
    pub(super) fn new(source: S, files: Option<Rotation>) -> Self {
        Self {
            source,
            files,
            failed: None,
        }
    }

    /// Saves packets. If that is not possible no more are taken; those that were
    /// taken are reported.
    fn save(&mut self, batch: &FrameBatch) {
        let Some(files) = &mut self.files else {
            return;
        };
        let saved = batch.iter().try_for_each(|packet| files.write(packet));
        self.check(saved);
    }

    fn check(&mut self, saved: Result<(), (PathBuf, io::Error)>) {
        if let Err(failed) = saved {
            self.failed = Some(failed);
            self.files = None;
            self.source.stop();
        }
    }

    /// Hands to the system what was saved.
    fn flush(&mut self) {
        if let Some(files) = &mut self.files {
            let flushed = files.flush();
            self.check(flushed);
        }
    }

    /// What could not be saved.
    pub(super) fn take_failure(&mut self) -> Option<(PathBuf, io::Error)> {
        self.flush();
        self.failed.take()
    }
}

impl<S: FrameSource> FrameSource for Saving<S> {
    fn poll_batch(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<FrameBatch, CaptureError>>> {
        let polled = self.source.poll_batch(context);
        match &polled {
            Poll::Ready(Some(Ok(batch))) => self.save(batch),
            // It is quiet, or over.
            _ => self.flush(),
        }
        polled
    }

    fn recycle(&mut self, batch: FrameBatch) {
        self.source.recycle(batch);
    }

    fn pace(&self) -> Pace {
        self.source.pace()
    }

    fn horizon(&self) -> Option<Timestamp> {
        self.source.horizon()
    }

    fn stop(&mut self) {
        self.source.stop();
    }

    fn counters(&self) -> Counters {
        self.source.counters()
    }
}
