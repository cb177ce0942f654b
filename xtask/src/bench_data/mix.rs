//! `mix`, `sessions` and `quic`: Ethernet captures of `fixtures/pcap`, replicated.
//! `mix` takes them all, `sessions` those of HTTP, TLS and DNS, `quic` those of
//! QUIC.
//!
//! Many replicas run at the same time, each with addresses of its own, and
//! their packets come in the order of their times. When one ends, the next
//! capture takes its place.

use core::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

use flowscope_core::{PacketView, Timestamp};

use super::options::Options;
use super::pcap_file::{PcapFile, Record, Written, describe, ethernet};
use super::random::SplitMix64;
use super::readdress::Overlay;
use crate::project;

/// Which captures to replicate.
#[derive(Clone, Copy, Debug)]
pub(super) enum Selection {
    All,
    /// Recorded conversations of HTTP, TLS and DNS.
    Sessions,
    /// Recorded conversations of QUIC.
    Quic,
}

/// Writes replicas until the file has so many bytes.
pub(super) fn write(
    path: &Path,
    selection: Selection,
    size: u64,
    options: &Options,
) -> Result<Written, String> {
    let captures = selection.captures();
    if captures.is_empty() {
        return Err(format!("{FIXTURES} holds no Ethernet capture to replicate"));
    }
    write_packets(path, size, options.seed, &captures).map_err(|error| describe(path, error))
}

fn write_packets(path: &Path, size: u64, seed: u64, captures: &[Capture]) -> io::Result<Written> {
    let mut file = PcapFile::create(path)?;
    let mut frame = Vec::new();
    let mut replicas = Replicas::new(captures, seed);
    let mut running: BinaryHeap<Reverse<Replica>> = (0..AT_ONCE)
        .map(|_| Reverse(replicas.start(START)))
        .collect();

    while file.written().bytes < size
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

impl Selection {
    /// Every capture that can be replicated, in the order of their paths.
    fn captures(self) -> Vec<Capture> {
        project::files(&project::root().join(FIXTURES))
            .iter()
            .filter(|path| self.takes(path))
            .map(|path| ethernet(path))
            .filter(|capture| !capture.is_empty())
            .collect()
    }

    fn takes(self, path: &Path) -> bool {
        match self {
            Self::All => true,
            Self::Sessions => is_recorded(path, &SESSIONS),
            Self::Quic => is_recorded(path, &["quic-"]),
        }
    }
}

/// Whether a capture is a recorded one whose name begins with one of these.
fn is_recorded(path: &Path, starts: &[&str]) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    path.parent()
        .is_some_and(|folder| folder.ends_with(RECORDED))
        && starts.iter().any(|start| name.starts_with(start))
}

const FIXTURES: &str = "fixtures/pcap";
const RECORDED: &str = "recorded";
/// How the names of recorded conversations of HTTP, TLS and DNS begin.
const SESSIONS: [&str; 4] = ["chromium-", "dns-", "http", "tls"];
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

    #[test]
    fn sessions_are_recorded_ones_of_three_protocols() {
        let takes = |path: &str| Selection::Sessions.takes(Path::new(path));
        for name in ["http-post", "https-curl", "tls10-openssl", "dns-tcp"] {
            assert!(takes(&format!("recorded/{name}.pcap")), "{name}");
        }
        assert!(!takes("recorded/tcp-loss.pcap"));
        assert!(!takes("recorded/dtls12-openssl.pcap"));
        assert!(!takes("pcap/http-made-up.pcap"));
        assert!(!takes("recorded/quic-v1.pcap"));
        let takes = |path: &str| Selection::Quic.takes(Path::new(path));
        assert!(takes("recorded/quic-v1.pcap"));
        assert!(!takes("pcap/udp-quic.pcap"));
    }
}
