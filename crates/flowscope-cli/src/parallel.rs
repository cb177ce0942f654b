//! Reading captures with several threads.
//!
//! One reads and tracks, as many as were asked for make records, and the calling
//! one writes them. The records are those of one thread, in the same order.

use core::cell::Cell;
use core::mem;
use core::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};

use flowscope::engine::deal::Place;
use flowscope_parallel::{Chunk, Feed, Panicked, Pipeline, Stopped, Worker};
use flowscope_record::{
    Goal, PlacedRecords, Record, RecordBatch, RecordConfig, RecordDealer, RecordWorker, json,
};

use crate::captures;
use crate::error::Failure;
use crate::input::Input;
use crate::progress::Progress;
use crate::writer::Writer;

/// Whether records of this kind are made faster by several threads: it does not
/// help where packets are only counted, and a summary is made of everything.
pub(crate) fn gains(goal: Goal) -> bool {
    !matches!(goal, Goal::Flows | Goal::Summary)
}

/// What went wrong with an input, after so many packets.
type Failures = Arc<Mutex<Vec<(u64, Failure)>>>;

/// Reads the inputs, and writes what is in them until the writer has enough;
/// comes back with what went wrong until then.
pub(crate) fn read(
    config: &RecordConfig,
    inputs: Vec<Input>,
    jobs: u16,
    progress: Progress,
    writer: &mut Writer,
) -> Vec<Failure> {
    let Some(dealer) = RecordDealer::new(config, jobs.into()) else {
        return Vec::new();
    };
    let workers = (0..dealer.workers()).map(|_| RecordWorker::new(config, jobs.into()));
    let failures = Failures::default();
    let deal = deal(dealer, inputs, jobs, progress.clone(), failures.clone());
    // The packet with which there was enough.
    let mut done_at = None;
    let mut check = |writer: &Writer, place: Place| {
        if writer.is_done() {
            done_at = Some(place.packet());
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    let ran = if writer.is_json() {
        let workers = workers.map(TextWorker).collect();
        Pipeline::new(workers).run(deal, |place, text, range| {
            writer.write_line(&text[range]);
            check(writer, place)
        })
    } else {
        let workers = workers.map(ListWorker).collect();
        Pipeline::new(workers).run(deal, |place, records: &mut Vec<_>, range| {
            for record in records[range].iter_mut().filter_map(mem::take) {
                writer.write(&record);
            }
            check(writer, place)
        })
    };
    // The thread that reads may still wait for its input.
    progress.finish();
    if let Err(Panicked(what)) = ran {
        writer.flush();
        resume_unwind(what);
    }
    let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
    // Where there is enough, nobody reads on.
    let happened = |packets: u64| done_at.is_none_or(|done| packets < done);
    let failures = mem::take(&mut *failures).into_iter();
    failures
        .filter(|(packets, _)| happened(*packets))
        .map(|(_, failure)| failure)
        .collect()
}

/// Reads the inputs and deals out their packets.
fn deal(
    mut dealer: RecordDealer,
    inputs: Vec<Input>,
    jobs: u16,
    progress: Progress,
    failures: Failures,
) -> impl FnOnce(&mut Feed<RecordBatch>) -> Result<(), Stopped> + Send + 'static {
    move |feed| {
        let packets = Cell::new(0);
        let mut sent = Ok(());
        captures::read_each(
            inputs,
            // Two threads have enough to do without one that reads ahead.
            jobs - 1,
            progress,
            |source| {
                let batch = source.next_batch()?;
                let len = batch.len();
                dealer.track_batch(batch);
                packets.set(dealer.packets());
                let (waiting, bytes) = dealer.pending();
                // A short batch means that more has to be waited for.
                if waiting >= PACKETS || bytes >= BYTES || len < SHORT {
                    let batches = dealer.take(|| feed.spare());
                    sent = feed.send(batches);
                }
                Ok(match sent {
                    Ok(()) => ControlFlow::Continue(len),
                    Err(Stopped) => ControlFlow::Break(()),
                })
            },
            |failure| {
                let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                failures.push((packets.get(), failure));
            },
        );
        sent?;
        while dealer.finish() {
            let batches = dealer.take(|| feed.spare());
            feed.send(batches)?;
        }
        let batches = dealer.take(|| feed.spare());
        feed.send(batches)
    }
}

/// Writes records as text.
struct TextWorker(RecordWorker);

/// Keeps records, where they are written in an order of their own.
struct ListWorker(RecordWorker);

impl Worker for TextWorker {
    type Batch = RecordBatch;
    type Body = Vec<u8>;

    fn run(&mut self, batch: &RecordBatch, chunk: &mut Chunk<Vec<u8>>) {
        chunk.body.clear();
        self.0.run(batch, &mut Text(chunk));
    }
}

impl Worker for ListWorker {
    type Batch = RecordBatch;
    type Body = Vec<Option<Record>>;

    fn run(&mut self, batch: &RecordBatch, chunk: &mut Chunk<Self::Body>) {
        chunk.body.clear();
        self.0.run(batch, &mut List(chunk));
    }
}

struct Text<'a>(&'a mut Chunk<Vec<u8>>);

impl PlacedRecords for Text<'_> {
    fn reach(&mut self, place: Place) {
        self.0.reach(place);
    }

    fn push(&mut self, place: Place, record: Record) {
        json::append(&mut self.0.body, &record);
        self.0.add(place, self.0.body.len());
    }
}

struct List<'a>(&'a mut Chunk<Vec<Option<Record>>>);

impl PlacedRecords for List<'_> {
    fn reach(&mut self, place: Place) {
        self.0.reach(place);
    }

    fn push(&mut self, place: Place, record: Record) {
        self.0.body.push(Some(record));
        self.0.add(place, self.0.body.len());
    }
}

/// So many packets go to the workers at once,
const PACKETS: usize = 512;

/// or so many bytes of them.
const BYTES: usize = 512 << 10;

/// Fewer packets are given at once only where no more are at hand.
const SHORT: usize = 32;
