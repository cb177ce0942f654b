//! The statistics of a tracker as they are serialized: counters that are zero are
//! left out.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{AnomalyKind, EndReason, stats};
use crate::defrag::Loss;
use crate::wire::Skip;

/// [`stats::TrackerStats`].
#[derive(Deserialize, Serialize)]
pub(super) struct TrackerStats {
    packets: u64,
    bytes: u64,
    flows: u64,
    active: u64,
    peak: u64,
    packets_held: u64,
    packets_outer: u64,
    reassembled: u64,
    fragments_refused: u64,
    ended: Vec<(EndReason, u64)>,
    anomalies: Vec<(AnomalyKind, u64)>,
    datagrams_lost: Vec<(Loss, u64)>,
    skipped: Vec<(Skip, u64)>,
}

impl From<stats::TrackerStats> for TrackerStats {
    fn from(stats: stats::TrackerStats) -> Self {
        Self {
            packets: stats.packets,
            bytes: stats.bytes,
            flows: stats.flows,
            active: stats.active,
            peak: stats.peak,
            packets_held: stats.packets_held,
            packets_outer: stats.packets_outer,
            reassembled: stats.reassembled,
            fragments_refused: stats.fragments_refused,
            ended: occurred(EndReason::ALL, |reason| stats.ended(reason)),
            anomalies: occurred(AnomalyKind::ALL, |kind| stats.anomalies_of(kind)),
            datagrams_lost: occurred(Loss::ALL, |why| stats.datagrams_lost(why)),
            skipped: stats.skipped().collect(),
        }
    }
}

fn occurred<T: Copy>(all: &[T], count: impl Fn(T) -> u64) -> Vec<(T, u64)> {
    let counted = all.iter().map(|value| (*value, count(*value)));
    counted.filter(|(_, count)| *count > 0).collect()
}

impl From<TrackerStats> for stats::TrackerStats {
    fn from(serialized: TrackerStats) -> Self {
        let mut stats = Self {
            packets: serialized.packets,
            bytes: serialized.bytes,
            flows: serialized.flows,
            active: serialized.active,
            peak: serialized.peak,
            packets_held: serialized.packets_held,
            packets_outer: serialized.packets_outer,
            reassembled: serialized.reassembled,
            fragments_refused: serialized.fragments_refused,
            ..Self::default()
        };
        for (reason, count) in serialized.ended {
            stats.ended[reason as usize] = count;
        }
        for (kind, count) in serialized.anomalies {
            stats.anomalies[kind as usize] = count;
        }
        for (why, count) in serialized.datagrams_lost {
            stats.lost[why as usize] = count;
        }
        for (skip, count) in serialized.skipped {
            stats.skipped[skip.layer as usize][skip.cause as usize] = count;
        }
        stats
    }
}
