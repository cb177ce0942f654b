//! Which frames are those of the selected flows.

use core::hash::{BuildHasherDefault, Hasher};
use std::collections::{BTreeMap, HashMap};

use flowscope_record::{EventKind, FlowRecord, PacketRecord, Record};

use super::Selection;
use super::frames::{FrameSet, Runs};

/// Finds the frames of the selected flows.
pub(super) struct Finder<'a> {
    selection: &'a Selection,
    live: HashMap<u64, Live, BuildHasherDefault<NumberHasher>>,
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
    /// Whether it may be wanted, by its ends; not known before its first packet.
    may_match: Option<bool>,
    has_anomaly: bool,
}

impl<'a> Finder<'a> {
    pub(super) fn new(selection: &'a Selection, most: usize) -> Self {
        Self {
            selection,
            live: HashMap::default(),
            found: FrameSet::default(),
            comments: BTreeMap::new(),
            most,
            held: 0,
            is_full: false,
        }
    }

    /// Whether there are more frames than may be remembered.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Whether a frame is to be copied.
    pub(super) fn has_found(&self, frame: u64) -> bool {
        self.found.contains(frame)
    }

    /// The last frame that may have to be copied.
    pub(super) fn last_frame(&self) -> u64 {
        self.found.last()
    }

    /// What is said about the flow that begins with a frame.
    pub(super) fn comment(&self, frame: u64) -> Option<&str> {
        self.comments.get(&frame).map(String::as_str)
    }

    pub(super) fn take(&mut self, record: &Record) {
        match record {
            Record::Packet(packet) => self.take_packet(packet),
            Record::Flow(flow) => self.take_flow(flow),
            Record::Event(event) => {
                if let EventKind::Anomaly { anomaly, .. } = event.kind
                    && self.selection.is_anomaly(anomaly.as_str())
                {
                    let live = self.live.entry(event.flow.number()).or_default();
                    live.has_anomaly = true;
                }
            }
            _ => {}
        }
    }

    fn take_packet(&mut self, packet: &PacketRecord) {
        let number = packet.flow.number();
        let live = match self.live.get_mut(&number) {
            Some(live) => live,
            None => self.live.entry(number).or_default(),
        };
        let may_match = || self.selection.may_match(packet.flow, &packet.endpoints);
        if *live.may_match.get_or_insert_with(may_match) {
            self.held += live.frames.push(packet.frame);
            self.is_full |= self.held > self.most;
        }
    }

    fn take_flow(&mut self, flow: &FlowRecord) {
        let live = self.live.remove(&flow.flow.number()).unwrap_or_default();
        self.held = self.held.saturating_sub(live.frames.memory());
        let is_wanted = self.selection.may_match(flow.flow, &flow.endpoints)
            && self.selection.matches(flow)
            && (live.has_anomaly || !self.selection.wants_anomaly());
        if is_wanted {
            self.found.insert_all(&live.frames);
            if self.comments.len() < MOST_COMMENTS {
                self.comments.insert(flow.first_frame, comment(flow));
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

/// Hashes the numbers of flows. They are counted, so that nobody can choose those
/// that collide.
#[derive(Default)]
struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        // Its high and its low bits are both used.
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64((*byte).into());
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(MULTIPLIER);
    }
}

/// 2 to the power of 64, divided by the golden ratio: multiplied by it, numbers that
/// follow each other lie far apart.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
/// How many flows have a comment.
const MOST_COMMENTS: usize = 100_000;
