//! What is counted: per flow, and over a tracker's life.

use core::fmt;

use super::{AnomalyKind, EndReason, FlowState, History};
use crate::defrag::Loss;
use crate::wire::{Cause, Layer, Skip};
use crate::{BySide, Timestamp};

/// Statistics of a flow, so far or at its end.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub struct FlowStats {
    /// The earliest packet time.
    pub first_seen: Timestamp,
    /// The latest packet time.
    pub last_seen: Timestamp,
    /// Packets.
    pub packets: BySide<u64>,
    /// Bytes on the wire, from the link layer on.
    pub bytes: BySide<u64>,
    /// Bytes of IP headers and payload on the wire.
    pub ip_bytes: BySide<u64>,
    /// Bytes of transport payload on the wire, retransmissions included.
    pub payload_bytes: BySide<u64>,
    /// TCP segments whose sequence numbers had all been sent before.
    pub retransmissions: BySide<u32>,
    /// TCP segments that came late and filled a hole.
    pub out_of_order: BySide<u32>,
    /// Packets that were captured shorter than they were on the wire.
    pub cut_packets: BySide<u32>,
    /// Packets that were fragments of larger ones, counted above as they came.
    pub fragments: BySide<u32>,
    /// Datagrams that were put together from them. They are no packets, but
    /// the payload is theirs.
    pub reassembled: BySide<u32>,
    /// Bytes missing from the streams, where streams are put together.
    pub missing_bytes: BySide<u64>,
    /// Bytes of payload that are no part of the streams, where they are put
    /// together: behind an end, with a segment that was refused, in strays.
    pub dropped_bytes: BySide<u64>,
    /// The most bytes that were held back at once to put the streams in order.
    pub held_peak: BySide<u64>,
    /// The state the flow is in.
    pub state: FlowState,
    /// Its history in Zeek's letters.
    pub history: History,
}

/// What a tracker has seen.
///
/// Every packet is in exactly one place: `packets` is what was counted on
/// flows, plus what was skipped, plus `packets_held`. Where flows outside
/// tunnels are tracked beside those inside, flows have `packets_outer` more.
#[derive(Clone, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        from = "super::serialized::TrackerStats",
        into = "super::serialized::TrackerStats"
    )
)]
#[non_exhaustive]
pub struct TrackerStats {
    /// Packets given to the tracker, each of a frame that carries several (an
    /// A-MSDU) included.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Flows that started.
    pub flows: u64,
    /// Flows that are live.
    pub active: u64,
    /// The most flows that were live at once.
    pub peak: u64,
    pub(super) anomalies: [u64; AnomalyKind::ALL.len()],
    /// Fragments that wait for the first of their datagram, which names the
    /// flow they count on, and SYNs of which it is not known whose they are.
    /// None after the end of the input.
    pub packets_held: u64,
    /// Packets that were counted a second time, on the flow of the packet
    /// outside the tunnel that they are in; none unless that is asked for.
    pub packets_outer: u64,
    /// Datagrams put together from fragments.
    pub reassembled: u64,
    /// Fragments whose bytes were refused, because they cannot be where they
    /// claim to be. They count as packets all the same.
    pub fragments_refused: u64,
    pub(super) lost: [u64; Loss::ALL.len()],
    pub(super) skipped: [[u64; Cause::ALL.len()]; Layer::ALL.len()],
    pub(super) ended: [u64; EndReason::ALL.len()],
}

impl TrackerStats {
    /// Packets that belong to no flow, by reason; reasons that did not occur
    /// are left out.
    pub fn skipped(&self) -> impl Iterator<Item = (Skip, u64)> {
        Layer::ALL
            .iter()
            .zip(&self.skipped)
            .flat_map(|(layer, row)| {
                Cause::ALL
                    .iter()
                    .zip(row)
                    .map(|(cause, count)| (Skip::new(*layer, *cause), *count))
            })
            .filter(|(_, count)| *count > 0)
    }

    /// Packets that belong to no flow for one reason.
    #[cfg(feature = "metrics")]
    pub(crate) fn skipped_for(&self, skip: Skip) -> u64 {
        self.skipped[skip.layer as usize][skip.cause as usize]
    }

    /// Packets that belong to no flow.
    #[must_use]
    pub fn packets_skipped(&self) -> u64 {
        self.skipped.iter().flatten().sum()
    }

    /// Flows that ended for `reason`.
    #[must_use]
    pub fn ended(&self, reason: EndReason) -> u64 {
        self.ended[reason as usize]
    }

    /// Anomalies, of all kinds.
    #[must_use]
    pub fn anomalies(&self) -> u64 {
        self.anomalies.iter().sum()
    }

    /// Anomalies of one kind.
    #[must_use]
    pub fn anomalies_of(&self, kind: AnomalyKind) -> u64 {
        self.anomalies[kind as usize]
    }

    pub(crate) fn count_anomaly(&mut self, kind: AnomalyKind) {
        self.anomalies[kind as usize] += 1;
    }

    /// Datagrams of which fragments came, but never the whole.
    #[must_use]
    pub fn datagrams_lost(&self, why: Loss) -> u64 {
        self.lost[why as usize]
    }

    pub(crate) fn count_skip(&mut self, skip: Skip) {
        self.count_skips(skip, 1);
    }

    pub(crate) fn count_skips(&mut self, skip: Skip, packets: u64) {
        self.skipped[skip.layer as usize][skip.cause as usize] += packets;
    }

    pub(crate) fn count_loss(&mut self, why: Loss) {
        self.lost[why as usize] += 1;
    }

    pub(crate) fn count_start(&mut self) {
        self.flows += 1;
        self.active += 1;
        self.peak = self.peak.max(self.active);
    }

    pub(crate) fn count_end(&mut self, reason: EndReason) {
        self.active -= 1;
        self.ended[reason as usize] += 1;
    }
}

impl Default for TrackerStats {
    fn default() -> Self {
        Self {
            packets: 0,
            bytes: 0,
            flows: 0,
            active: 0,
            peak: 0,
            anomalies: [0; AnomalyKind::ALL.len()],
            packets_held: 0,
            packets_outer: 0,
            reassembled: 0,
            fragments_refused: 0,
            lost: [0; Loss::ALL.len()],
            skipped: [[0; Cause::ALL.len()]; Layer::ALL.len()],
            ended: [0; EndReason::ALL.len()],
        }
    }
}

impl fmt::Debug for TrackerStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrackerStats")
            .field("packets", &self.packets)
            .field("bytes", &self.bytes)
            .field("flows", &self.flows)
            .field("active", &self.active)
            .field("peak", &self.peak)
            .field("anomalies", &self.anomalies())
            .field("packets_skipped", &self.packets_skipped())
            .field("packets_held", &self.packets_held)
            .field("packets_outer", &self.packets_outer)
            .field("reassembled", &self.reassembled)
            .field("fragments_refused", &self.fragments_refused)
            .finish_non_exhaustive()
    }
}
