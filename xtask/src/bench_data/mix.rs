//! `mix`: the Ethernet captures of `fixtures/pcap`, replicated.
//!
//! Many replicas run at the same time, each with addresses of its own, and
//! their packets come in the order of their times. When one ends, the next
//! capture takes its place.

use core::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::path::Path;

use flowscope_core::{PacketView, Timestamp};

use super::options::Options;
use super::pcap_file::{PcapFile, Record, Written, describe, ethernet};
use super::random::SplitMix64;
use super::readdress::Overlay;
use crate::project;

pub(super) fn write(path: &Path, options: &Options) -> Result<Written, String> {
    let captures = captures();
    if captures.is_empty() {
        return Err(format!("{FIXTURES} holds no Ethernet capture to replicate"));
    }
    write_packets(path, options, &captures).map_err(|error| describe(path, error))
}

fn write_packets(path: &Path, options: &Options, captures: &[Capture]) -> io::Result<Written> {
    let mut file = PcapFile::create(path)?;
    let mut frame = Vec::new();
    let mut replicas = Replicas::new(captures, options.seed);
    let mut running: BinaryHeap<Reverse<Replica>> = (0..AT_ONCE)
        .map(|_| Reverse(replicas.start(START)))
        .collect();

    while file.written().bytes < options.size
        && let Some(mut next) = running.peek_mut()
    {
        let Reverse(replica) = &mut *next;
        let capture = &captures[replica.capture];
        let record = &capture[replica.position];
        let now = replica.next_at;

        frame.clear();
        frame.extend_from_slice(&record.frame);
        replica.overlay.apply(&mut frame);
        let packet = PacketView::new(&frame, Timestamp::from_nanos(now));
        file.write_packet(packet.with_wire_len(record.wire_len))?;

        replica.position += 1;
        match capture.get(replica.position) {
            // A packet that was captured late comes now.
            Some(record) => replica.next_at = now.max(replica.started + record.after),
            None => *replica = replicas.start(now + PAUSE),
        }
    }
    file.finish()
}

/// At least one packet.
type Capture = Vec<Record>;

/// A capture being played. Ordered by when its next packet is due; the number
/// settles ties, so that the order is always the same.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Replica {
    next_at: u64,
    number: u32,
    started: u64,
    capture: usize,
    position: usize,
    overlay: Overlay,
}

/// Where replicas come from: every capture in turn, from a random first one.
struct Replicas {
    captures: usize,
    number: u32,
    first: usize,
}

impl Replicas {
    const fn new(captures: &[Capture], seed: u64) -> Self {
        let first = SplitMix64::new(seed).below(captures.len());
        Self {
            captures: captures.len(),
            number: 0,
            first,
        }
    }

    const fn start(&mut self, at: u64) -> Replica {
        self.number += 1;
        Replica {
            next_at: at,
            number: self.number,
            started: at,
            capture: (self.first + self.number as usize) % self.captures,
            position: 0,
            overlay: Overlay::of_replica(self.number),
        }
    }
}

/// Every capture that can be replicated, in the order of their paths.
fn captures() -> Vec<Capture> {
    project::files(&project::root().join(FIXTURES))
        .iter()
        .map(|path| ethernet(path))
        .filter(|capture| !capture.is_empty())
        .collect()
}

const FIXTURES: &str = "fixtures/pcap";
/// Replicas under way at any time.
const AT_ONCE: usize = 256;
/// 2025-01-01, in nanoseconds.
const START: u64 = 1_735_689_600_000_000_000;
/// Between the last packet of a replica and the first of the one that follows.
const PAUSE: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_take_captures_in_turn_and_differ() {
        let record = Record {
            after: 0,
            wire_len: 0,
            frame: Vec::new(),
        };
        let captures = vec![vec![record]; 3];
        let mut replicas = Replicas::new(&captures, 1);
        let started: Vec<Replica> = (0..4).map(|_| replicas.start(0)).collect();
        assert_eq!(started[0].capture, started[3].capture);
        assert_ne!(started[0].overlay, started[3].overlay);
        assert!(started[0] < started[1]);
    }
}
