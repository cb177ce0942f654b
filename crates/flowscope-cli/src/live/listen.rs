//! `flowscope live`: the records of an interface.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use core::time::Duration;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use flowscope_record::{Goal, RecordTracker};
use flowscope_tokio::EventStream;
use futures_util::StreamExt as _;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::arguments::Live;
use super::opening::{failure, open};
use super::recorder::Recorder;
use super::rotation::{Rotation, When};
use super::saving::Saving;
use super::signals::Signals;
use super::status::{Status, last_line};
use crate::args::Options;
use crate::error::Failure;
use crate::extraction::Extraction;
use crate::output::Target;
use crate::writer::Writer;

/// Reports what passes an interface, until somebody ends it.
pub(crate) fn listen(options: &Options, arguments: Live) -> Result<Vec<Failure>, Failure> {
    let goal = Goal::from(arguments.what);
    if arguments.extract.is_some() && goal != Goal::Streams {
        return Err(Failure::Usage(
            "--extract writes streams: flowscope live streams",
        ));
    }
    let target = Target::named(options.output.clone());
    let name = &arguments.interface;
    let capture = open(name, &arguments.capture)?;
    let files = match arguments.saving.write.clone() {
        None => None,
        Some(path) => {
            let link = capture.source().link();
            let begun = Rotation::begin(path, when(&arguments), name, link);
            Some(begun.map_err(unsaved)?)
        }
    };
    let writer = Writer::open(&target, options, goal);
    let writer = match writer {
        Ok(writer) => writer,
        Err(error) => return Failure::of_output(target, error).map(|()| Vec::new()),
    };
    // Set where streams cannot be written.
    let is_done = Arc::new(AtomicBool::new(false));
    let extraction =
        (arguments.extract.clone()).map(|folder| Extraction::into_folder(folder, is_done.clone()));
    let mut tracker = RecordTracker::new(options.record_config(goal));
    if let Some(extraction) = &extraction {
        tracker = tracker.with_stream_writer(extraction.clone());
    }
    let capture = capture.map_source(|source| Saving::new(source, files));
    let session = Session {
        records: capture.with_driver(Recorder(tracker)),
        writer,
        is_done,
        status: Status::new(arguments.status, options.quiet),
        failures: Vec::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| Failure::Capture(error.to_string()))?;
    let signals = Signals::new().map_err(|error| Failure::Capture(error.to_string()))?;
    let is_quiet = options.quiet;
    let (writer, mut failures) =
        runtime.block_on(session.run(signals, arguments.duration, is_quiet));
    let error = extraction.and_then(|extraction| extraction.take_error());
    failures.extend(error.map(unsaved));
    match writer.finish() {
        Ok(()) => Ok(failures),
        Err(error) => Failure::of_output(target, error).map(|()| failures),
    }
}

fn when(arguments: &Live) -> When {
    let saving = &arguments.saving;
    When {
        size: saving.rotate_size.map(|size| size as u64),
        span: saving.rotate_time,
        keep: saving
            .keep
            .map(|keep| usize::try_from(keep).unwrap_or(usize::MAX)),
    }
}

fn unsaved((path, error): (PathBuf, io::Error)) -> Failure {
    Failure::Extract { path, error }
}

/// A capture under way.
struct Session<S> {
    records: EventStream<Saving<S>, Recorder>,
    writer: Writer,
    /// Whether nothing more is of use.
    is_done: Arc<AtomicBool>,
    status: Status,
    failures: Vec<Failure>,
}

impl<S: flowscope_tokio::FrameSource> Session<S> {
    /// Writes records as they come, and flushes them when no more do.
    async fn run(
        mut self,
        mut signals: Signals,
        duration: Option<Duration>,
        is_quiet: bool,
    ) -> (Writer, Vec<Failure>) {
        let start = Instant::now();
        let end = sleep(duration.unwrap_or(Duration::MAX));
        tokio::pin!(end);
        let mut tick = interval(BETWEEN_LINES);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut shown = start;
        // When the oldest record came that is not flushed.
        let mut written: Option<Instant> = None;
        let mut is_stopped = false;
        loop {
            let flush = sleep_until(written.unwrap_or(start) + QUIET);
            tokio::select! {
                record = self.records.next() => match record {
                    None => break,
                    Some(Err(error)) => self.failures.push(failure(error)),
                    Some(Ok(record)) => {
                        self.status.hide();
                        self.writer.write(&record);
                        while let Some(record) = self.records.pop() {
                            self.writer.write(&record);
                        }
                        written.get_or_insert_with(Instant::now);
                    }
                },
                () = flush, if written.is_some() => {
                    self.writer.flush();
                    written = None;
                }
                _ = tick.tick() => {
                    let flows = self.records.driver().0.stats().active;
                    self.status.show(self.records.counts(), flows, shown.elapsed());
                    shown = Instant::now();
                }
                () = signals.asked(), if !is_stopped => {
                    is_stopped = true;
                    self.records.stop();
                }
                () = &mut end, if duration.is_some() && !is_stopped => {
                    is_stopped = true;
                    self.records.stop();
                }
            }
            if (self.writer.is_done() || self.is_done.load(Relaxed)) && !is_stopped {
                is_stopped = true;
                self.records.stop();
            }
        }
        self.status.hide();
        let failed = self.records.source_mut().take_failure();
        self.failures.extend(failed.map(unsaved));
        self.writer.flush();
        if !is_quiet {
            let line = last_line(&self.records.counts());
            // There is nowhere left to complain about standard error.
            let _ = writeln!(io::stderr(), "flowscope: {line}");
        }
        (self.writer, self.failures)
    }
}

/// How long a record may wait for others before it is written.
const QUIET: Duration = Duration::from_millis(200);
const BETWEEN_LINES: Duration = Duration::from_secs(1);
