//! What is added up over a capture for its summary.

use std::collections::BTreeMap;

use flowscope::track::TrackerStats;
use flowscope::wire::Protocol;
use flowscope::{PacketView, Timestamp};

use crate::hosts::Hosts;
use crate::record::Summary;
use crate::tracking::EndedFlow;

/// Sums over the flows that ended.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    protocols: BTreeMap<Option<u8>, Share>,
    hosts: Hosts,
    oddities: Oddities,
}

/// A protocol's part of a capture.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Share {
    pub(crate) flows: u64,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

/// What shows that the network or the capture had a bad day.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Oddities {
    pub(crate) retransmitted: u64,
    pub(crate) out_of_order: u64,
    pub(crate) cut_packets: u64,
}

/// The time a capture covers: its earliest and its latest packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

impl Tally {
    /// Adds a flow.
    pub(crate) fn count(&mut self, flow: &EndedFlow) {
        let (ends, stats) = (&flow.ends, &flow.stats);
        let protocol = ends.protocol.map(|Protocol(number)| number);
        let share = self.protocols.entry(protocol).or_default();
        share.flows += 1;
        share.packets += stats.packets.total();
        share.bytes += stats.bytes.total();

        let (there, back) = (stats.bytes.initiator, stats.bytes.responder);
        self.hosts.count(ends.src, there, back);
        self.hosts.count(ends.dst, back, there);

        self.oddities.retransmitted += u64::from(stats.retransmissions.total());
        self.oddities.out_of_order += u64::from(stats.out_of_order.total());
        self.oddities.cut_packets += u64::from(stats.cut_packets.total());
    }

    /// The sums, once every flow has ended.
    pub(crate) fn summary(&self, totals: TrackerStats, span: Option<Span>) -> Summary {
        let shares = self.protocols.iter();
        let mut protocols: Vec<_> = shares
            .map(|(protocol, share)| (protocol.map(Protocol), *share))
            .collect();
        protocols.sort_by_key(|(_, share)| core::cmp::Reverse(share.bytes));
        let (hosts, others) = self.hosts.top(TOP);
        Summary {
            totals,
            span,
            protocols,
            hosts,
            others,
            oddities: self.oddities,
        }
    }
}

impl Span {
    /// The span with one more packet in it.
    #[inline]
    pub(crate) fn including(span: Option<Self>, packet: &PacketView<'_>) -> Self {
        let at = packet.timestamp;
        let Self { start, end } = span.unwrap_or(Self { start: at, end: at });
        Self {
            start: start.min(at),
            end: end.max(at),
        }
    }

    /// Its length in nanoseconds.
    pub(crate) fn nanos(self) -> u64 {
        self.end.as_nanos() - self.start.as_nanos()
    }
}

/// Hosts that a summary names.
const TOP: usize = 10;
