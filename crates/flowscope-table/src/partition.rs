//! Captures that are one, read in parts.
//!
//! Where flows go on from one file to the next, files cannot be read apart: both
//! would report a part of a flow. [`Partitions`] finds out which flow each packet
//! is of, in a pass that only tracks. Then a part owns flows and not files: it
//! reads on behind its end for those that are its own, and passes over the packets
//! of others. So every flow is read whole, by one part, and all parts together
//! have the rows of one pass, whatever the captures were cut into.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use flowscope_core::track::EndReason;
use flowscope_core::{PacketView, Timestamp};
use flowscope_pcap::PcapError;
use flowscope_record::{Endpoints, Goal, PacketRecord, Record, RecordConfig, RecordTracker};

use crate::input::Input;
use crate::reader::{TableConfig, TableReader};
use crate::table::Table;

/// Parts in which captures can be read, each by itself and in any order.
///
/// Flows between the same ends are of the same part: that of the first of them.
/// For as one of them goes on, it may say where another begins.
///
/// It takes two bytes for each packet and eight for each flow. If the table of
/// flows was full, and so which flows end depends on all others, there is only
/// one part.
///
/// ```
/// use flowscope_table::{Partitions, Table, TableConfig};
///
/// # let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pcap/recorded");
/// let captures = ["http-1-0.pcap", "http-parallel.pcap"].map(|it| format!("{recorded}/{it}").into());
/// let partitions = Partitions::of(captures.to_vec(), &[1, 1], &TableConfig::default());
/// assert_eq!(partitions.len(), 2);
/// let mut rows = 0;
/// for part in 0..partitions.len() {
///     for batch in partitions.reader(part, &[Table::Http], TableConfig::default()) {
///         let (_, batch) = batch?;
///         rows += batch.num_rows();
///     }
/// }
/// assert!(rows > 4);
/// # Ok::<(), flowscope_table::TableError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Partitions {
    captures: Vec<PathBuf>,
    parts: Vec<Part>,
    /// The part of each packet.
    owners: Arc<[u16]>,
    /// The time that everything was over.
    end: Timestamp,
}

#[derive(Clone, Debug)]
struct Part {
    border: Border,
    /// How many captures begin in it.
    len: usize,
    /// Where it need not read on from.
    last_capture: usize,
    /// The numbers of its flows among all, in order.
    flows: Arc<[u64]>,
}

/// What comes before a capture.
#[derive(Clone, Copy, Debug)]
struct Border {
    capture: usize,
    packets: u64,
    clock: Timestamp,
}

impl Partitions {
    /// Tracks all captures, and makes parts of so many of them as `sizes` says,
    /// in their order. What is left over is of the last part. Captures that are
    /// damaged are read as far as they go.
    #[must_use]
    pub fn of(captures: Vec<PathBuf>, sizes: &[usize], config: &TableConfig) -> Self {
        let mut index = Index::new(&config.records);
        let mut sizes = sizes.iter().copied().filter(|size| *size > 0);
        let mut left = sizes.next().unwrap_or(usize::MAX);
        index.begin_part(0);
        let mut ends = Vec::new();
        for (at, capture) in captures.iter().enumerate() {
            if left == 0
                && index.borders.len() < MOST_PARTS
                && let Some(size) = sizes.next()
            {
                left = size;
                index.begin_part(at);
            }
            left = left.saturating_sub(1);
            // Who reads the part is told what is wrong.
            let _ = index.read(Input::file(capture));
            ends.push(index.packets);
        }
        index.finish();
        index.into_partitions(captures, &ends)
    }

    /// How many parts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether there are none: there is always one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// A reader of the rows of one part. Flows have to be told apart as they were
    /// for the index.
    ///
    /// # Panics
    ///
    /// If there is no such part.
    #[must_use]
    pub fn reader(&self, part: usize, tables: &[Table], config: TableConfig) -> TableReader {
        let Part {
            border,
            len,
            last_capture,
            flows,
        } = &self.parts[part];
        let captures = &self.captures[border.capture..*last_capture];
        let share = Share {
            part: u16::try_from(part).unwrap_or(u16::MAX),
            owners: self.owners.clone(),
            flows: flows.clone(),
            border: *border,
            end: self.end,
            own: *len,
            name: (self.captures.first()).map_or_else(String::new, |it| it.display().to_string()),
        };
        let inputs = captures.iter().map(Input::file).collect();
        let config = TableConfig {
            each_alone: false,
            ..config
        };
        TableReader::new(inputs, tables)
            .with_config(config)
            .with_share(share)
    }
}

/// What one part sees of the captures from its first on.
#[derive(Clone)]
pub(crate) struct Share {
    part: u16,
    owners: Arc<[u16]>,
    flows: Arc<[u64]>,
    border: Border,
    /// When everything was over.
    pub(crate) end: Timestamp,
    /// How many captures it says the errors of.
    pub(crate) own: usize,
    /// What the captures are called, as one.
    pub(crate) name: String,
}

impl core::fmt::Debug for Share {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Share")
            .field("part", &self.part)
            .field("border", &self.border)
            .finish_non_exhaustive()
    }
}

impl Share {
    /// How many packets there are before it.
    pub(crate) fn packets_before(&self) -> u64 {
        self.border.packets
    }

    /// What it sees of those before it: nothing but that time went on.
    pub(crate) fn before(&self) -> impl Iterator<Item = PacketView<'static>> + use<> {
        let blank = PacketView::new(&[], self.border.clock);
        (0..self.border.packets).map(move |_| blank)
    }

    /// What it sees of a packet, the first of all being 0. Of those of others it
    /// sees that there was one, and when.
    pub(crate) fn view<'a>(&self, number: u64, packet: PacketView<'a>) -> PacketView<'a> {
        let owner = usize::try_from(number)
            .ok()
            .and_then(|at| self.owners.get(at));
        match owner {
            Some(owner) if *owner == self.part => packet,
            _ => PacketView::new(&[], packet.timestamp),
        }
    }

    /// The number among all flows of one that has this number here.
    pub(crate) fn flow(&self, number: u64) -> Option<u64> {
        let at = usize::try_from(number.checked_sub(1)?).ok()?;
        self.flows.get(at).copied()
    }
}

/// What is found out in the pass that only tracks.
struct Index {
    tracker: RecordTracker,
    borders: Vec<Border>,
    packets: u64,
    clock: Timestamp,
    seen: Seen,
}

/// Which flows there are.
#[derive(Default)]
struct Seen {
    /// The flow of each packet; zero where it has none.
    flows: Vec<u64>,
    /// The part of each flow.
    parts: Vec<u16>,
    /// The part of flows between two ends.
    known: HashMap<Endpoints, u16>,
    was_full: bool,
}

impl Index {
    fn new(config: &RecordConfig) -> Self {
        let config = RecordConfig {
            goal: Goal::Flows,
            frames: true,
            connections: false,
            ..config.clone()
        };
        Self {
            tracker: RecordTracker::new(config),
            borders: Vec::new(),
            packets: 0,
            clock: Timestamp::default(),
            seen: Seen::default(),
        }
    }

    fn begin_part(&mut self, capture: usize) {
        self.borders.push(Border {
            capture,
            packets: self.packets,
            clock: self.clock,
        });
    }

    fn read(&mut self, input: Input) -> Result<(), PcapError> {
        let mut source = input.open()?;
        loop {
            let packets = source.next_batch()?;
            if packets.len() == 0 {
                return Ok(());
            }
            let (count, clock) = (&mut self.packets, &mut self.clock);
            let packets = packets.inspect(|packet| {
                *count += 1;
                *clock = (*clock).max(packet.timestamp);
            });
            let (seen, borders) = (&mut self.seen, &self.borders);
            let mut note = |record| seen.note(&record, borders);
            self.tracker.track_batch(packets, &mut note);
        }
    }

    fn finish(&mut self) {
        let (seen, borders) = (&mut self.seen, &self.borders);
        self.tracker
            .finish(&mut |record| seen.note(&record, borders));
    }

    /// `ends` has how many packets there are up to the end of each capture.
    fn into_partitions(mut self, captures: Vec<PathBuf>, ends: &[u64]) -> Partitions {
        if self.seen.was_full {
            self.borders.truncate(1);
            self.seen.parts.fill(0);
        }
        let borders = &self.borders;
        let mut owners = Vec::new();
        let mut last_packets = vec![0; borders.len()];
        for packet in 0..self.packets {
            let at = usize::try_from(packet).unwrap_or(usize::MAX);
            let owner = match self.seen.flows.get(at) {
                Some(flow @ 1..) => self.seen.part_of(*flow),
                _ => part_at(borders, packet),
            };
            last_packets[usize::from(owner)] = packet + 1;
            owners.push(owner);
        }
        let mut flows = vec![Vec::new(); borders.len()];
        for (number, part) in (1..).zip(&self.seen.parts) {
            // Every flow has a packet, which says the part.
            if let Some(flows) = flows.get_mut(usize::from(*part)) {
                flows.push(number);
            }
        }
        let behind = borders.iter().skip(1).map(|border| border.capture);
        let behind = behind.chain([captures.len()]);
        let parts = borders.iter().zip(behind).zip(flows).zip(last_packets);
        let parts = parts.map(|(((border, behind), flows), last)| {
            let with_last = ends.partition_point(|end| *end < last) + 1;
            Part {
                border: *border,
                len: behind - border.capture,
                // Its own are read to their ends, for what is wrong with them.
                last_capture: with_last.clamp(behind, captures.len()),
                flows: flows.into(),
            }
        });
        Partitions {
            parts: parts.collect(),
            owners: owners.into(),
            end: self.clock,
            captures,
        }
    }
}

/// The part that a packet lies in, the first of all being 0.
fn part_at(borders: &[Border], packet: u64) -> u16 {
    let behind = borders.partition_point(|border| border.packets <= packet);
    u16::try_from(behind.saturating_sub(1)).unwrap_or(u16::MAX)
}

impl Seen {
    fn note(&mut self, record: &Record, borders: &[Border]) {
        match record {
            Record::Packet(packet) => self.note_packet(packet, borders),
            Record::Flow(flow) if flow.reason == EndReason::Evicted => self.was_full = true,
            _ => {}
        }
    }

    fn note_packet(&mut self, packet: &PacketRecord, borders: &[Border]) {
        let number = packet.flow.number();
        let (Ok(at), Ok(flow)) = (usize::try_from(packet.frame), usize::try_from(number)) else {
            return;
        };
        if self.flows.len() < at {
            self.flows.resize(at, 0);
        }
        self.flows[at - 1] = number;
        if self.parts.len() < flow {
            self.parts.resize(flow, UNKNOWN);
        }
        if self.parts[flow - 1] == UNKNOWN {
            let here = part_at(borders, packet.frame - 1);
            let part = self.known.entry(either_way(packet.endpoints));
            self.parts[flow - 1] = *part.or_insert(here);
        }
    }

    fn part_of(&self, flow: u64) -> u16 {
        let at = usize::try_from(flow - 1).unwrap_or(usize::MAX);
        self.parts.get(at).copied().unwrap_or_default()
    }
}

/// The same for both ways between two ends.
fn either_way(ends: Endpoints) -> Endpoints {
    let (src_port, dst_port) = ends.ports.unwrap_or_default();
    if (ends.src, src_port) <= (ends.dst, dst_port) {
        return ends;
    }
    Endpoints {
        src: ends.dst,
        dst: ends.src,
        ports: ends.ports.map(|(src, dst)| (dst, src)),
        ..ends
    }
}

/// No part.
const UNKNOWN: u16 = u16::MAX;

/// Parts there can be.
const MOST_PARTS: usize = 4096;
