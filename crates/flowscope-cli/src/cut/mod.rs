//! `cut`: the packets of some flows as a capture of their own.
//!
//! Captures are read twice. First their flows are found, and which frames are
//! theirs; then these frames are copied. What is held meanwhile is a bit for
//! each frame, and the frames of flows that live and may yet be wanted.

mod expression;
mod finder;
mod frames;
mod glob;
mod interfaces;
mod names;
mod selection;

use expression::Expression;
use glob::Glob;
pub(crate) use selection::Selection;

use core::ops::ControlFlow;
use std::env;
use std::io::{self, BufWriter, Write};

use flowscope::PacketView;
use flowscope::pcap::{ByteOrder, PcapngWriter, SectionConfig};
use flowscope_record::text::printable;
use flowscope_record::{EventKind, Goal, Record, RecordTracker};

use crate::args::{Options, When};
use crate::captures::{self, Source};
use crate::error::Failure;
use crate::input::Input;
use crate::output::Target;
use crate::progress::{Progress, Screen};
use finder::Finder;
use interfaces::Interfaces;
use names::Names;

/// Writes the packets of the selected flows.
pub(crate) fn run(
    selection: &Selection,
    options: &Options,
    inputs: Vec<Input>,
) -> Result<Vec<Failure>, Failure> {
    let target = Target::named(options.output.clone());
    if target == Target::StandardOutput && target.is_terminal() {
        return Err(Failure::Usage(
            "a capture is nothing to look at: name a file with --output",
        ));
    }
    if target.is_among(&inputs) {
        return Err(Failure::Usage("the output is one of the captures"));
    }
    if inputs.iter().any(|input| input.path().is_none()) {
        return Err(Failure::Usage(
            "captures are read twice: name files, not standard input",
        ));
    }
    let mut finder = Finder::new(selection, options.memory());
    let all = options.record_config(Goal::All);
    let mut config = selection.reading(all.clone());
    config.frames = true;
    let mut tracker = RecordTracker::new(config);
    let progress = Progress::new(options.progress(), &inputs, Screen::Free);
    let mut failures = captures::read(inputs.clone(), options.jobs(), progress, |source| {
        let batch = source.next_batch()?;
        let len = batch.len();
        tracker.track_batch(batch, &mut |record| finder.take(&record));
        Ok(match finder.is_full() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(len),
        })
    });
    tracker.finish(&mut |record| finder.take(&record));
    if finder.is_full() {
        return Err(Failure::Usage(
            "the flows have too many packets to remember all: allow more with --memory, or select \
             them by --host, --port, --flow or --community-id",
        ));
    }
    let copied = Copier::begin(&target, &finder, selection, RecordTracker::new(all)).and_then(
        |mut copier| {
            copier.copy_all(inputs);
            copier.finish()
        },
    );
    match copied {
        Ok(()) => Ok(failures),
        Err(error) => {
            failures.clear();
            Failure::of_output(target, error).map(|()| failures)
        }
    }
}

/// Copies the frames that were found.
struct Copier<'a> {
    writer: PcapngWriter<BufWriter<Box<dyn Write>>>,
    finder: &'a Finder<'a>,
    selection: &'a Selection,
    tracker: RecordTracker,
    /// The frame that was read last.
    frame: u64,
    interfaces: Interfaces,
    names: Names,
    /// Why nothing more can be written.
    error: Option<io::Error>,
}

impl<'a> Copier<'a> {
    fn begin(
        target: &Target,
        finder: &'a Finder<'a>,
        selection: &'a Selection,
        tracker: RecordTracker,
    ) -> io::Result<Self> {
        let words: Vec<_> = env::args_os().skip(1).collect();
        let words = words.iter().map(|word| printable(&word.to_string_lossy()));
        let command = words.fold("flowscope".to_owned(), |line, word| line + " " + &word);
        let section = SectionConfig {
            application: Some(format!("flowscope {}", env!("CARGO_PKG_VERSION"))),
            comments: vec![command],
            ..SectionConfig::default()
        };
        Ok(Self {
            writer: PcapngWriter::new(BufWriter::new(target.open()?), section)?,
            finder,
            selection,
            tracker,
            frame: 0,
            interfaces: Interfaces::default(),
            names: Names::default(),
            error: None,
        })
    }

    /// Whether nothing is left to be copied, or nothing more can be.
    fn is_done(&self) -> bool {
        self.error.is_some() || self.frame >= self.finder.last_frame()
    }

    /// Copies what is wanted of all captures. What cannot be read was reported before.
    fn copy_all(&mut self, inputs: Vec<Input>) {
        if self.is_done() {
            return;
        }
        let progress = Progress::new(When::Never, &[], Screen::Free);
        let _ = captures::read(inputs, 1, progress, |source| {
            if self.is_done() {
                return Ok(ControlFlow::Break(()));
            }
            let has_read = self.copy(source)?;
            Ok(ControlFlow::Continue(usize::from(has_read)))
        });
    }

    /// Copies the next frame if it is wanted; whether there was one.
    fn copy(&mut self, source: &mut Source) -> Result<bool, flowscope::pcap::PcapError> {
        source.keep_secrets();
        let Some(packet) = source.next_packet()? else {
            return Ok(false);
        };
        self.frame += 1;
        let is_wanted =
            self.finder.has_found(self.frame) && self.selection.is_between(packet.timestamp);
        if !is_wanted {
            return Ok(true);
        }
        // The frame is copied, so that the source can be asked about it.
        let (frame, link) = (packet.frame.to_vec(), packet.link);
        let (at, wire_len) = (packet.timestamp, packet.wire_len);
        let packet = PacketView::new(&frame, at)
            .with_link(link)
            .with_wire_len(wire_len);
        if let Err(error) = self.write(source, packet) {
            self.error = Some(error);
        }
        Ok(true)
    }

    fn write(&mut self, source: &mut Source, packet: PacketView<'_>) -> io::Result<()> {
        let order = source.section().map(|section| section.order);
        for body in source.take_secrets() {
            self.writer
                .write_block(SECRETS, &in_little_endian(&body, order))?;
        }
        let mut comments = Vec::new();
        let names = &mut self.names;
        self.tracker.track(packet, &mut |record: Record| {
            names.learn(&record);
            if let Record::Event(event) = &record
                && let EventKind::Anomaly { anomaly, side } = event.kind
            {
                comments.push(format!("anomaly: {} by the {side}", anomaly.as_str()));
            }
        });
        let (interface, options) = source.packet_details();
        let id = (self.interfaces).id(interface, packet.link, &mut self.writer)?;
        let kept = options.comments().map(|comment| comment.into_owned());
        // What others wrote may have anything in it.
        let kept: Vec<String> = kept.map(|comment| printable(&comment)).collect();
        let number = format!("frame {}", self.frame);
        let comments: Vec<&str> = (kept.iter().map(String::as_str))
            .chain(self.finder.comment(self.frame))
            .chain(comments.iter().map(String::as_str))
            .chain([number.as_str()])
            .collect();
        self.writer.write(id, packet, &comments)
    }

    fn finish(mut self) -> io::Result<()> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let names = &mut self.names;
        self.tracker
            .finish(&mut |record: Record| names.learn(&record));
        if let Some(body) = self.names.block() {
            self.writer.write_block(NAME_RESOLUTION, &body)?;
        }
        self.writer.finish()?.flush()
    }
}

/// A block of secrets, whose type and length are in the order of its section.
fn in_little_endian(body: &[u8], order: Option<ByteOrder>) -> Vec<u8> {
    let mut body = body.to_vec();
    if order == Some(ByteOrder::Big) {
        for word in body.chunks_exact_mut(4).take(2) {
            word.reverse();
        }
    }
    body
}

/// pcapng's Decryption Secrets Block and Name Resolution Block.
const SECRETS: u32 = 10;
const NAME_RESOLUTION: u32 = 4;
