//! Reading captures with several threads.
//!
//! One reads and tracks, as many as were asked for make records, and the calling
//! one writes them. The records are those of one thread, in the same order.

use core::cell::Cell;
use core::iter;
use core::mem;
use core::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};

use flowscope::engine::deal::Place;
use flowscope::pcap::PcapError;
use flowscope_parallel::{Chunk, Feed, Panicked, Pipeline, Stopped, Worker};
use flowscope_record::{
    Goal, PlacedRecords, Record, RecordBatch, RecordConfig, RecordDealer, RecordWorker, json,
};

use crate::captures::{self, Source};
use crate::error::Failure;
use crate::input::Input;
use crate::progress::Progress;
use crate::read_ahead::Ahead;
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
    dealer: RecordDealer,
    inputs: Vec<Input>,
    jobs: u16,
    progress: Progress,
    failures: Failures,
) -> impl FnOnce(&mut Feed<RecordBatch>) -> Result<(), Stopped> + Send + 'static {
    move |feed| {
        // What is at hand of a pipe may be all that comes for long.
        let may_wait = inputs.iter().any(|input| input.size().is_none());
        let packets = Cell::new(0);
        let mut dealing = Dealing {
            dealer,
            feed,
            sent: Ok(()),
            may_wait,
        };
        captures::read_each(
            inputs,
            // Two threads have enough to do without one that reads what is not compressed.
            match jobs {
                2 => Ahead::Compressed,
                _ => Ahead::Everything,
            },
            progress,
            |source| {
                let tracked = dealing.track(source);
                packets.set(dealing.dealer.packets());
                Ok(match (dealing.sent, tracked?) {
                    (Ok(()), len) => ControlFlow::Continue(len),
                    (Err(Stopped), _) => ControlFlow::Break(()),
                })
            },
            |failure| {
                let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                failures.push((packets.get(), failure));
            },
        );
        dealing.finish()
    }
}

/// Deals out the packets of captures.
struct Dealing<'f> {
    dealer: RecordDealer,
    feed: &'f mut Feed<RecordBatch>,
    /// Whether anybody wants more.
    sent: Result<(), Stopped>,
    may_wait: bool,
}

impl Dealing<'_> {
    /// Tracks the next packets of a capture, and says how many there were.
    fn track(&mut self, source: &mut Source) -> Result<usize, PcapError> {
        let dealer = &mut self.dealer;
        let tracked = source.next_batch_in_block().map(|(packets, block)| {
            let len = packets.len();
            dealer.track_batch(block, packets);
            len
        });
        // After an error no more comes of this capture.
        if self.is_to_be_sent(*tracked.as_ref().unwrap_or(&0)) {
            self.send(source);
        }
        tracked
    }

    /// Whether the packets go to the workers, so many of which came last.
    ///
    /// Where few come, a block of memory has been read to its end: so of the next one
    /// nothing has to be copied.
    fn is_to_be_sent(&self, len: usize) -> bool {
        let (packets, bytes) = self.dealer.pending();
        let is_at_end = len < SHORT;
        let is_enough = |times| packets >= times * PACKETS || bytes >= times * BYTES;
        len == 0 || is_at_end && (self.may_wait || is_enough(1)) || is_enough(MOST)
    }

    fn send(&mut self, source: &mut Source) {
        let spares = iter::from_fn(|| self.dealer.spare_block());
        let blocks = source.take_blocks(spares);
        let batches = self.dealer.take(blocks, || self.feed.spare());
        if self.sent.is_ok() {
            self.sent = self.feed.send(batches);
        }
    }

    /// Ends every flow.
    fn finish(mut self) -> Result<(), Stopped> {
        self.sent?;
        loop {
            let has_more = self.dealer.finish();
            let batches = self.dealer.take(Vec::new(), || self.feed.spare());
            self.feed.send(batches)?;
            if !has_more {
                return Ok(());
            }
        }
    }
}

/// Writes records as text.
struct TextWorker(RecordWorker);

/// Keeps records, where they are written in an order of their own.
struct ListWorker(RecordWorker);

impl Worker for TextWorker {
    type Batch = RecordBatch;
    type Body = Vec<u8>;

    fn run(&mut self, batch: &mut RecordBatch, chunk: &mut Chunk<Vec<u8>>) {
        chunk.body.clear();
        self.0.run(batch, &mut Text(chunk));
    }
}

impl Worker for ListWorker {
    type Batch = RecordBatch;
    type Body = Vec<Option<Record>>;

    fn run(&mut self, batch: &mut RecordBatch, chunk: &mut Chunk<Self::Body>) {
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
const PACKETS: usize = 256;

/// or so many bytes of them, as soon as a block of memory has been read;
const BYTES: usize = 512 << 10;

/// in any case before there are so many times as much.
const MOST: usize = 4;

/// Fewer packets are given at once only where no more are at hand.
const SHORT: usize = 32;
