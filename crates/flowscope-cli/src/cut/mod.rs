//! `cut`: the packets of some flows as a capture of their own.
//!
//! Captures are read twice. First their flows are found, and which frames are
//! theirs; then these frames are copied. What is held meanwhile is a bit for
//! each frame, and the frames of flows that live and may yet be wanted.

mod expression;
mod frames;
mod names;
mod selection;

use expression::Expression;
pub(crate) use selection::Selection;

use core::ops::ControlFlow;
use std::collections::{BTreeMap, HashMap};
use std::env;
use std::io::{self, BufWriter, Write};

use flowscope::pcap::{
    ByteOrder, Interface, InterfaceConfig, InterfaceId, PcapngWriter, Resolution, SectionConfig,
};
use flowscope::{LinkType, PacketView};
use flowscope_record::text::printable;
use flowscope_record::{Depth, EventKind, FlowRecord, Goal, Record, RecordTracker};

use crate::args::Options;
use crate::captures::{self, Source};
use crate::error::Failure;
use crate::input::Input;
use crate::output::Target;
use crate::progress::{Progress, Screen};
use frames::{FrameSet, Runs};
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
    let (goal, depth) = selection.reading();
    let mut config = options.record_config(goal);
    config.frames = true;
    config.depth = depth;
    let mut tracker = RecordTracker::new(config.clone());
    let progress = Progress::new(options.progress(), &inputs, Screen::Free);
    let mut failures = captures::read(inputs.clone(), options.jobs(), progress, |source| {
        let batch = source.next_batch()?;
        let len = batch.len();
        tracker.track_batch(batch, &mut |record| finder.take(&record));
        Ok(match finder.is_full {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(len),
        })
    });
    tracker.finish(&mut |record| finder.take(&record));
    if finder.is_full {
        return Err(Failure::Usage(
            "the flows have too many packets to remember all: allow more with --memory, or select \
             them by --host, --port, --flow or --community-id",
        ));
    }
    config.frames = false;
    config.goal = Goal::All;
    config.depth = Depth::ByGoal;
    let copied = Copier::begin(&target, &finder, selection, RecordTracker::new(config)).and_then(
        |mut copier| {
            // What cannot be read was reported before.
            let _ = captures::read(
                inputs,
                1,
                Progress::new(crate::args::When::Never, &[], Screen::Free),
                |source| {
                    Ok(match copier.copy(source)? {
                        true => ControlFlow::Continue(1),
                        false => ControlFlow::Continue(0),
                    })
                },
            );
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

/// Finds the frames of the selected flows.
struct Finder<'a> {
    selection: &'a Selection,
    live: HashMap<u64, Live>,
    found: FrameSet,
    /// What is said at the first frame of each flow.
    comments: BTreeMap<u64, String>,
    /// How many bytes may be held for flows that live, and are.
    most: usize,
    held: usize,
    is_full: bool,
}

/// What is known of a flow before it ends.
#[derive(Default)]
struct Live {
    frames: Runs,
    has_name: bool,
    has_anomaly: bool,
}

impl<'a> Finder<'a> {
    fn new(selection: &'a Selection, most: usize) -> Self {
        Self {
            selection,
            live: HashMap::new(),
            found: FrameSet::default(),
            comments: BTreeMap::new(),
            most,
            held: 0,
            is_full: false,
        }
    }

    fn take(&mut self, record: &Record) {
        match record {
            Record::Packet(packet) => {
                if !self.selection.may_match(packet.flow, &packet.endpoints) {
                    return;
                }
                let live = self.live.entry(packet.flow.number()).or_default();
                self.held += live.frames.push(packet.frame);
                self.is_full |= self.held > self.most;
            }
            Record::Flow(flow) => {
                let live = self.live.remove(&flow.flow.number()).unwrap_or_default();
                self.held = self.held.saturating_sub(live.frames.memory());
                let has = |wanted: bool, found: bool| !wanted || found;
                let is_wanted = self.selection.may_match(flow.flow, &flow.endpoints)
                    && self.selection.matches(flow)
                    && has(self.selection.wants_name(), live.has_name)
                    && has(self.selection.wants_anomaly(), live.has_anomaly);
                if is_wanted {
                    self.found.insert_all(&live.frames);
                    if self.comments.len() < MOST_COMMENTS {
                        self.comments.insert(flow.first_frame, comment(flow));
                    }
                }
            }
            Record::Event(event) => {
                if let EventKind::Anomaly { anomaly, .. } = event.kind
                    && self.selection.is_anomaly(anomaly.as_str())
                {
                    let live = self.live.entry(event.flow.number()).or_default();
                    live.has_anomaly = true;
                }
            }
            _ => {
                if let Some((flow, _)) = record.flow()
                    && self.selection.wants_name()
                    && names::asked(record).any(|name| self.selection.is_name(&name))
                {
                    self.live.entry(flow.number()).or_default().has_name = true;
                }
            }
        }
    }
}

/// What is said at the first packet of a flow.
fn comment(flow: &FlowRecord) -> String {
    let stats = &flow.stats;
    let endpoints = &flow.endpoints;
    let mut text = format!("flow {}: ", flow.flow);
    if let Some(protocol) = endpoints.protocol {
        text.push_str(crate::units::protocol(protocol).as_ref());
        text.push(' ');
    }
    text.push_str(&format!(
        "{} to {}, {} and {} packets, {} and {} bytes",
        endpoints.source(),
        endpoints.destination(),
        stats.packets.initiator,
        stats.packets.responder,
        stats.bytes.initiator,
        stats.bytes.responder,
    ));
    if let Some(app) = flow.app {
        text.push_str(&format!(", {}", app.as_str()));
    }
    let (state, reason) = (stats.state.as_str(), flow.reason.as_str());
    text.push_str(&format!(", {state}, ended by {reason}"));
    if let Some(id) = flow.community_id() {
        text.push_str(&format!(", community id {id}"));
    }
    text
}

/// Copies the frames that were found.
struct Copier<'a> {
    writer: PcapngWriter<BufWriter<Box<dyn Write>>>,
    finder: &'a Finder<'a>,
    selection: &'a Selection,
    tracker: RecordTracker,
    /// The frame that was read last.
    frame: u64,
    interfaces: HashMap<InterfaceKey, InterfaceId>,
    names: Names,
    /// Why nothing more can be written.
    error: Option<io::Error>,
}

/// What tells interfaces apart.
type InterfaceKey = (LinkType, Resolution, i64, Option<String>, Option<String>);

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
            interfaces: HashMap::new(),
            names: Names::default(),
            error: None,
        })
    }

    /// Copies the next frame if it is wanted; whether there was one.
    fn copy(&mut self, source: &mut Source) -> Result<bool, flowscope::pcap::PcapError> {
        if self.error.is_some() {
            return Ok(false);
        }
        source.keep_secrets();
        let Some(packet) = source.next_packet()? else {
            return Ok(false);
        };
        self.frame += 1;
        let is_wanted =
            self.finder.found.contains(self.frame) && self.selection.is_between(packet.timestamp);
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
        let interface = interface
            .map(InterfaceOf::from)
            .unwrap_or_else(|| InterfaceOf::unknown(packet.link));
        let id = match self.interfaces.get(&interface.key) {
            Some(id) => *id,
            None => {
                let id = self.writer.add_interface(interface.config)?;
                self.interfaces.insert(interface.key, id);
                id
            }
        };
        let kept = options.comments().map(|comment| comment.into_owned());
        let first = self.finder.comments.get(&self.frame).cloned();
        let number = format!("frame {}", self.frame);
        let comments: Vec<String> = kept
            .chain(first)
            .chain(comments)
            .chain([number])
            .map(|comment| printable(&comment))
            .collect();
        let comments: Vec<&str> = comments.iter().map(String::as_str).collect();
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

struct InterfaceOf {
    key: InterfaceKey,
    config: InterfaceConfig,
}

impl InterfaceOf {
    fn unknown(link: LinkType) -> Self {
        Self::of(InterfaceConfig {
            link,
            snap_len: 0,
            ..InterfaceConfig::default()
        })
    }

    fn of(config: InterfaceConfig) -> Self {
        Self {
            key: (
                config.link,
                config.resolution,
                config.offset_seconds,
                config.name.clone(),
                config.description.clone(),
            ),
            config,
        }
    }
}

impl From<&Interface> for InterfaceOf {
    fn from(interface: &Interface) -> Self {
        Self::of(InterfaceConfig {
            link: interface.link,
            // Frames may be longer than an interface says, and are not cut.
            snap_len: 0,
            resolution: interface.resolution,
            offset_seconds: interface.offset_seconds,
            name: interface.name().map(|name| name.into_owned()),
            description: interface.description().map(|text| text.into_owned()),
            comments: Vec::new(),
        })
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
/// How many flows have a comment.
const MOST_COMMENTS: usize = 100_000;
