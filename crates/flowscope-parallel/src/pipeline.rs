//! The threads and the queues between them.

use core::any::Any;
use core::fmt;
use core::ops::{ControlFlow, Range};
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use flowscope_core::engine::deal::Place;

use crate::chunk::Chunk;
use crate::merge::merge;

/// Does what is dealt to it, on a thread of its own.
pub trait Worker: Send + 'static {
    /// What it is given at a time.
    type Batch: Send + 'static;
    /// What it makes of that.
    type Body: Default + Send + 'static;

    /// Does what is in a batch, and adds what comes of it to a chunk without
    /// parts, whose body may be one that was used before.
    ///
    /// The batch goes back to who deals.
    fn run(&mut self, batch: &mut Self::Batch, chunk: &mut Chunk<Self::Body>);
}

/// Workers, each of which gets a batch at a time, and whoever deals those out.
#[derive(Debug)]
pub struct Pipeline<W> {
    workers: Vec<W>,
}

/// Where the batches go.
#[derive(Debug)]
pub struct Feed<B> {
    queues: Vec<SyncSender<B>>,
    spares: Receiver<B>,
}

/// Nobody wants any more of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stopped;

/// A thread panicked. What it panicked with is in it, to
/// [resume](std::panic::resume_unwind).
pub struct Panicked(pub Box<dyn Any + Send>);

/// What comes of a batch.
struct Done<B> {
    chunk: Chunk<B>,
    panicked: Option<Panicked>,
}

/// What is left of a worker for the caller: the chunks it makes, and where they
/// go back to.
struct Line<B> {
    done: Receiver<Done<B>>,
    spares: Sender<Chunk<B>>,
}

impl<W: Worker> Pipeline<W> {
    /// With these workers, each on a thread.
    #[must_use]
    pub fn new(workers: Vec<W>) -> Self {
        Self { workers }
    }

    /// Deals out batches on a thread, and calls `take` here with what the workers
    /// make of them, part for part in the order of their places.
    ///
    /// `deal` sends one batch for each worker at a time. It goes on until it
    /// returns, or until `take` breaks: then its thread is not waited for, and ends
    /// when it next sends something.
    ///
    /// # Errors
    ///
    /// A thread panicked. Everything before was taken.
    pub fn run(
        self,
        deal: impl FnOnce(&mut Feed<W::Batch>) -> Result<(), Stopped> + Send + 'static,
        mut take: impl FnMut(Place, &mut W::Body, Range<usize>) -> ControlFlow<()>,
    ) -> Result<(), Panicked> {
        let (emptied, spares) = channel();
        let mut queues = Vec::new();
        let mut lines = Vec::new();
        for worker in self.workers {
            let (queue, batches) = sync_channel(QUEUED);
            queues.push(queue);
            lines.push(spawn(worker, batches, emptied.clone()));
        }
        drop(emptied);
        let mut feed = Feed { queues, spares };
        let dealing = thread::spawn(move || deal(&mut feed));
        let mut chunks = Vec::with_capacity(lines.len());
        loop {
            let mut panicked = None::<(Place, Panicked)>;
            for line in &lines {
                // A worker ends when no more batches come.
                let Ok(done) = line.done.recv() else { break };
                if let Some(what) = done.panicked {
                    let place = done.chunk.reached();
                    if panicked.as_ref().is_none_or(|(first, _)| place < *first) {
                        panicked = Some((place, what));
                    }
                }
                chunks.push(done.chunk);
            }
            let until = panicked.as_ref().map(|(place, _)| *place);
            if chunks.len() == lines.len() && merge(&mut chunks, until, &mut take).is_break() {
                return Ok(());
            }
            if let Some((_, panicked)) = panicked {
                return Err(panicked);
            }
            if chunks.len() < lines.len() {
                return dealing.join().map(|_| ()).map_err(Panicked);
            }
            for (line, mut chunk) in lines.iter().zip(chunks.drain(..)) {
                chunk.clear();
                // The worker may have ended.
                let _ = line.spares.send(chunk);
            }
        }
    }
}

/// Has a worker work on a thread of its own.
fn spawn<W: Worker>(
    mut worker: W,
    batches: Receiver<W::Batch>,
    emptied: Sender<W::Batch>,
) -> Line<W::Body> {
    let (finished, done) = sync_channel(QUEUED);
    let (spares, used) = channel::<Chunk<W::Body>>();
    thread::spawn(move || {
        for mut batch in batches {
            let mut chunk = used.try_recv().unwrap_or_default();
            // What it has made before it panicked is of use; it is not called again.
            let result = catch_unwind(AssertUnwindSafe(|| worker.run(&mut batch, &mut chunk)));
            let panicked = result.err().map(Panicked);
            let is_last = panicked.is_some();
            // Whoever deals may have ended.
            let _ = emptied.send(batch);
            if finished.send(Done { chunk, panicked }).is_err() || is_last {
                return;
            }
        }
    });
    Line { done, spares }
}

impl<B> Feed<B> {
    /// Sends each worker its batch, and waits if they have enough to do.
    ///
    /// # Errors
    ///
    /// Nobody wants any more.
    pub fn send(&mut self, batches: impl IntoIterator<Item = B>) -> Result<(), Stopped> {
        for (queue, batch) in self.queues.iter().zip(batches) {
            queue.send(batch).map_err(|_| Stopped)?;
        }
        Ok(())
    }

    /// A batch that a worker is done with.
    pub fn spare(&mut self) -> Option<B> {
        self.spares.try_recv().ok()
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody wants any more")
    }
}

impl core::error::Error for Stopped {}

impl fmt::Debug for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panicked").finish()
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a thread panicked")
    }
}

impl core::error::Error for Panicked {}

/// Batches that wait for a worker, and chunks that wait to be taken.
const QUEUED: usize = 2;
