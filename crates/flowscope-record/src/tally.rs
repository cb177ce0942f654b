//! What is added up over a capture for its summary.

use std::collections::BTreeMap;

use flowscope_core::PacketView;
use flowscope_core::track::TrackerStats;
use flowscope_core::wire::IpProtocol;

use crate::host::Host;
use crate::names::{NameRequest, Names};
use crate::ranking::{Amount, Ranking};
use crate::record::{FlowRecord, HostTraffic, SkippedRecord, SummaryRecord, TimeSpan, Traffic};

/// Sums over packets, over the flows that ended, and over what was asked for on
/// them.
#[derive(Debug)]
pub(crate) struct Tally {
    span: Option<TimeSpan>,
    protocols: BTreeMap<Option<u8>, Traffic>,
    apps: BTreeMap<&'static str, Traffic>,
    hosts: Ranking<Host, HostTraffic>,
    names: Names,
    retransmitted: u64,
    out_of_order: u64,
    cut_packets: u64,
}

impl Tally {
    /// Adds the time of a packet.
    #[inline]
    pub(crate) fn count_packet(&mut self, packet: &PacketView<'_>) {
        self.span = Some(TimeSpan::including(self.span, packet));
    }

    /// Adds a flow.
    pub(crate) fn count_flow(&mut self, flow: &FlowRecord) {
        let (endpoints, stats) = (&flow.endpoints, &flow.stats);
        let protocol = endpoints.protocol.map(|IpProtocol(number)| number);
        let traffic = Traffic {
            flows: 1,
            packets: stats.packets.total(),
            bytes: stats.bytes.total(),
        };
        *self.protocols.entry(protocol).or_default() += traffic;
        if let Some(app) = flow.app {
            *self.apps.entry(app.as_str()).or_default() += traffic;
        }

        let of_source = HostTraffic {
            flows: 1,
            sent: stats.bytes.initiator,
            received: stats.bytes.responder,
        };
        let of_destination = HostTraffic {
            flows: 1,
            sent: of_source.received,
            received: of_source.sent,
        };
        self.hosts.add(&endpoints.src, of_source);
        self.hosts.add(&endpoints.dst, of_destination);

        self.retransmitted += u64::from(stats.retransmissions.total());
        self.out_of_order += u64::from(stats.out_of_order.total());
        self.cut_packets += u64::from(stats.cut_packets.total());
    }

    /// Adds a name that was asked for.
    pub(crate) fn count_name(&mut self, request: &NameRequest) {
        self.names.count(request);
    }

    /// The sums, once every flow has ended.
    pub(crate) fn summary(&self, totals: &TrackerStats) -> SummaryRecord {
        let protocols = self.protocols.iter();
        let protocols = protocols.map(|(protocol, traffic)| (protocol.map(IpProtocol), *traffic));
        let apps = self.apps.iter().map(|(app, traffic)| (*app, *traffic));
        let (hosts, other_hosts) = self.hosts.top(TOP);
        let (names, other_names) = self.names.top(TOP);
        SummaryRecord {
            totals: totals.clone(),
            span: self.span,
            retransmitted: self.retransmitted,
            out_of_order: self.out_of_order,
            cut_packets: self.cut_packets,
            protocols: most_bytes_first(protocols),
            apps: most_bytes_first(apps),
            hosts,
            other_hosts,
            names,
            other_names,
        }
    }

    /// The packets that were skipped.
    pub(crate) fn skipped(&self, totals: &TrackerStats) -> SkippedRecord {
        SkippedRecord {
            at: self.span.map(|span| span.end),
            packets: totals.packets,
            reasons: totals.skipped().collect(),
        }
    }
}

/// Where two have as many bytes, their order stays.
fn most_bytes_first<K>(shares: impl Iterator<Item = (K, Traffic)>) -> Vec<(K, Traffic)> {
    let mut shares: Vec<_> = shares.collect();
    shares.sort_by_key(|(_, traffic)| core::cmp::Reverse(traffic.bytes));
    shares
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            span: None,
            protocols: BTreeMap::new(),
            apps: BTreeMap::new(),
            hosts: Ranking::of_at_most(MOST_HOSTS),
            names: Names::default(),
            retransmitted: 0,
            out_of_order: 0,
            cut_packets: 0,
        }
    }
}

impl Amount for HostTraffic {
    fn weight(self) -> u64 {
        self.sent + self.received
    }
}

/// Hosts and names that a summary shows.
const TOP: usize = 10;

/// Hosts that are told apart.
const MOST_HOSTS: usize = 1 << 17;

#[cfg(test)]
mod tests {
    use flowscope_core::Timestamp;

    use super::*;

    fn traffic(bytes: u64) -> Traffic {
        Traffic {
            flows: 1,
            packets: 1,
            bytes,
        }
    }

    #[test]
    fn the_most_bytes_come_first_and_equals_stay_in_order() {
        let shares = [("a", 1), ("b", 3), ("c", 1), ("d", 2)];
        let shares = shares.map(|(name, bytes)| (name, traffic(bytes)));
        let sorted = most_bytes_first(shares.into_iter());
        let names: Vec<_> = sorted.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["b", "d", "a", "c"]);
    }

    #[test]
    fn the_span_is_from_the_earliest_packet_to_the_latest() {
        let mut tally = Tally::default();
        assert_eq!(tally.summary(&TrackerStats::default()).span, None);
        for nanos in [5, 3, 9, 4] {
            let at = Timestamp::from_nanos(nanos);
            tally.count_packet(&PacketView::new(&[], at));
        }
        let span = tally.summary(&TrackerStats::default()).span;
        let span = span.expect("there were packets");
        assert_eq!((span.start.as_nanos(), span.nanos()), (3, 6));
    }
}
