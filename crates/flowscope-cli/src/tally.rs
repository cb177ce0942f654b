//! What is added up over a capture for its summary.

use core::ops::AddAssign;
use std::collections::BTreeMap;

use flowscope::track::TrackerStats;
use flowscope::wire::IpProtocol;
use flowscope::{PacketView, Timestamp};

use crate::names::{Asked, Names};
use crate::ranking::{Amount, Ranking};
use crate::record::{Host, Summary};
use crate::tracking::EndedFlow;

/// Sums over the flows that ended, and over what was asked for on them.
#[derive(Debug)]
pub(crate) struct Tally {
    protocols: BTreeMap<Option<u8>, Share>,
    apps: BTreeMap<&'static str, Share>,
    hosts: Ranking<Host, Talk>,
    names: Names,
    oddities: Oddities,
}

/// How much a host took part.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Talk {
    pub(crate) flows: u64,
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

/// A protocol's part of a capture, or an application's.
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
        let protocol = ends.protocol.map(|IpProtocol(number)| number);
        let share = Share {
            flows: 1,
            packets: stats.packets.total(),
            bytes: stats.bytes.total(),
        };
        *self.protocols.entry(protocol).or_default() += share;
        if let Some(app) = flow.notes.app {
            *self.apps.entry(app.as_str()).or_default() += share;
        }

        let there = Talk {
            flows: 1,
            sent: stats.bytes.initiator,
            received: stats.bytes.responder,
        };
        self.hosts.add(&ends.src, there);
        self.hosts.add(&ends.dst, there.seen_by_the_other());

        self.oddities.retransmitted += u64::from(stats.retransmissions.total());
        self.oddities.out_of_order += u64::from(stats.out_of_order.total());
        self.oddities.cut_packets += u64::from(stats.cut_packets.total());
    }

    /// Adds a name that was asked for.
    pub(crate) fn count_name(&mut self, asked: &Asked) {
        self.names.count(asked);
    }

    /// The sums, once every flow has ended.
    pub(crate) fn summary(&self, totals: TrackerStats, span: Option<Span>) -> Summary {
        let shares = self.protocols.iter();
        let mut protocols: Vec<_> = shares
            .map(|(protocol, share)| (protocol.map(IpProtocol), *share))
            .collect();
        protocols.sort_by_key(|(_, share)| core::cmp::Reverse(share.bytes));
        let mut apps: Vec<_> = self
            .apps
            .iter()
            .map(|(app, share)| (*app, *share))
            .collect();
        apps.sort_by_key(|(_, share)| core::cmp::Reverse(share.bytes));
        let (hosts, other_hosts) = self.hosts.top(TOP);
        let (names, other_names) = self.names.top(TOP);
        Summary {
            totals,
            span,
            protocols,
            apps,
            hosts,
            other_hosts,
            names,
            other_names,
            oddities: self.oddities,
        }
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            protocols: BTreeMap::new(),
            apps: BTreeMap::new(),
            hosts: Ranking::of_at_most(MOST_HOSTS),
            names: Names::default(),
            oddities: Oddities::default(),
        }
    }
}

impl Talk {
    fn seen_by_the_other(self) -> Self {
        Self {
            flows: self.flows,
            sent: self.received,
            received: self.sent,
        }
    }
}

impl AddAssign for Share {
    fn add_assign(&mut self, other: Self) {
        self.flows += other.flows;
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

impl AddAssign for Talk {
    fn add_assign(&mut self, other: Self) {
        self.flows += other.flows;
        self.sent += other.sent;
        self.received += other.received;
    }
}

impl Amount for Talk {
    fn weight(self) -> u64 {
        self.sent + self.received
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

/// Hosts and names that a summary shows.
const TOP: usize = 10;

/// Hosts that are told apart.
const MOST_HOSTS: usize = 1 << 17;
