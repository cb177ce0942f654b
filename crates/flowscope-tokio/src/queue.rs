//! Batches on their way from a thread that waits for frames to a task.

use core::task::{Context, Poll};
use std::sync::mpsc as blocking;

use tokio::sync::mpsc;

use crate::{CaptureError, FrameBatch};

type Item = Result<FrameBatch, CaptureError>;

/// The end of the thread.
#[derive(Debug)]
pub(crate) struct BatchSender {
    full: mpsc::Sender<Item>,
    empty: blocking::Receiver<FrameBatch>,
}

/// The end of the task.
#[derive(Debug)]
pub(crate) struct BatchReceiver {
    full: mpsc::Receiver<Item>,
    empty: blocking::Sender<FrameBatch>,
}

/// A queue of so many batches.
pub(crate) fn queue(capacity: usize) -> (BatchSender, BatchReceiver) {
    let (full, filled) = mpsc::channel(capacity.max(1));
    let (spare, empty) = blocking::channel();
    let sender = BatchSender { full, empty };
    let receiver = BatchReceiver {
        full: filled,
        empty: spare,
    };
    (sender, receiver)
}

impl BatchSender {
    /// A batch without frames, which may have been used before.
    pub(crate) fn empty(&self) -> FrameBatch {
        self.empty.try_recv().unwrap_or_default()
    }

    /// Sends a batch or the last error, and waits for room; `false` if nobody
    /// wants it any more.
    #[must_use]
    pub(crate) fn send(&self, item: Item) -> bool {
        self.full.blocking_send(item).is_ok()
    }
}

impl BatchReceiver {
    /// The next batch, or the last error; `None` if the thread is over.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Item>> {
        self.full.poll_recv(context)
    }

    /// Gives a batch back, to be filled again.
    pub(crate) fn recycle(&self, mut batch: FrameBatch) {
        // What large frames have made large does not stay so.
        if batch.capacity() <= KEPT {
            batch.clear();
            // The thread may be over.
            let _ = self.empty.send(batch);
        }
    }
}

/// Bytes that an empty batch may keep.
const KEPT: usize = 1 << 20;
