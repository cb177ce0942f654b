//! What passes, as far as a screen may show it.

use core::convert::Infallible;
use core::time::Duration;
use std::collections::{BTreeMap, HashMap, VecDeque};

use flowscope::detect::{ByPorts, Detector, Message};
use flowscope::extract::{AutoDetectEncap, FiveTuple, FiveTupleKey};
use flowscope::track::FlowId;
use flowscope::{FlowEvent, FlowMessageDriver, SessionEvent, Timestamp};
use flowscope_tokio::{Driver, FrameBatch};

use super::choice::Choice;
use super::names::{Names, name_in};
use super::view::{Row, View};

/// Follows flows, and keeps what was seen of them since it was last looked at.
pub(super) struct Watcher {
    engine: FlowMessageDriver<AutoDetectEncap<FiveTuple>, ByPorts>,
    seen: Seen,
    /// The rates of flows that were shown.
    rates: HashMap<FlowId, VecDeque<u64>>,
    packet_rates: VecDeque<u64>,
    bit_rates: VecDeque<u64>,
}

#[derive(Default)]
struct Seen {
    /// Of flows that had packets since the last look.
    recent: HashMap<FlowId, Amount>,
    /// Of all, ended flows included.
    total: Amount,
    /// What is known of live flows that said something.
    known: HashMap<FlowId, Known>,
    /// Bytes by protocol.
    protocols: BTreeMap<&'static str, u64>,
    names: Names,
    clock: Timestamp,
}

#[derive(Clone, Copy, Default)]
struct Amount {
    packets: u64,
    bytes: u64,
}

/// What a flow said of itself.
#[derive(Default)]
struct Known {
    app: &'static str,
    name: Option<String>,
}

impl Watcher {
    pub(super) fn new() -> Self {
        Self {
            engine: Detector::default().driver(AutoDetectEncap::new(FiveTuple::bidirectional())),
            seen: Seen::default(),
            rates: HashMap::new(),
            packet_rates: VecDeque::new(),
            bit_rates: VecDeque::new(),
        }
    }

    /// What there is to see, `passed` after the last look.
    pub(super) fn look(&mut self, choice: &Choice, passed: Duration) -> View {
        let seconds = passed.as_secs_f64().max(0.001);
        let per_second = |number: u64| (number as f64 / seconds).round() as u64;
        let total = core::mem::take(&mut self.seen.total);
        remember(&mut self.packet_rates, per_second(total.packets));
        remember(&mut self.bit_rates, per_second(8 * total.bytes));

        let recent = core::mem::take(&mut self.seen.recent);
        for (flow, amount) in &recent {
            let key = self.engine.flow_key(*flow);
            let protocol = self.seen.protocol(*flow, key);
            *self.seen.protocols.entry(protocol).or_default() += amount.bytes;
        }
        let rows = self.rows(choice, |flow| {
            let bytes = recent.get(&flow).map_or(0, |amount| amount.bytes);
            per_second(8 * bytes)
        });

        let stats = self.engine.stats();
        let mut protocols: Vec<_> = self.seen.protocols.clone().into_iter().collect();
        protocols.sort_by_key(|(_, bytes)| core::cmp::Reverse(*bytes));
        View {
            at: (stats.packets > 0).then_some(self.seen.clock),
            packets: stats.packets,
            bytes: stats.bytes,
            flows: stats.active,
            skipped: stats.packets_skipped(),
            packet_rates: self.packet_rates.iter().copied().collect(),
            bit_rates: self.bit_rates.iter().copied().collect(),
            rows,
            names: self.seen.names.top(NAMES),
            protocols,
        }
    }

    /// The flows that come first, and the one that is shown alone.
    fn rows(&mut self, choice: &Choice, rate: impl Fn(FlowId) -> u64) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        let mut drilled = None;
        for (flow, key, stats) in self.engine.snapshot_flow_stats() {
            let known = self.seen.known.get(&flow);
            let row = Row {
                flow,
                key: *key,
                app: known.map_or("", |known| known.app),
                name: known.and_then(|known| known.name.clone()),
                stats,
                rate: rate(flow),
                rates: Vec::new(),
            };
            if choice.drilled == Some(flow) {
                drilled = Some(row);
            } else if choice.wants(&row) {
                rows.push(row);
            }
            // However many flows there are, few are held.
            if rows.len() >= 8 * ROWS {
                choice.sort(&mut rows);
                rows.truncate(ROWS);
            }
        }
        rows.extend(drilled);
        choice.sort(&mut rows);
        let is_shown = |(at, row): (usize, &Row)| at < ROWS || choice.drilled == Some(row.flow);
        let last = rows.iter().enumerate().rposition(is_shown);
        if let Some(last) = last.filter(|last| *last >= ROWS) {
            rows.swap(last, ROWS - 1);
        }
        rows.truncate(ROWS);
        let mut before = core::mem::take(&mut self.rates);
        for row in &mut rows {
            let mut rates = before.remove(&row.flow).unwrap_or_default();
            remember(&mut rates, row.rate);
            row.rates = rates.iter().copied().collect();
            self.rates.insert(row.flow, rates);
        }
        rows
    }
}

impl Seen {
    fn see(&mut self, event: SessionEvent<FiveTupleKey, Message>) {
        self.clock = self.clock.max(event.at());
        match event {
            SessionEvent::Tracked(FlowEvent::Packet { flow, wire_len, .. }) => {
                for amount in [self.recent.entry(flow).or_default(), &mut self.total] {
                    amount.packets += 1;
                    amount.bytes += u64::from(wire_len);
                }
            }
            SessionEvent::Application { flow, message, .. } => self.learn(flow, &message),
            SessionEvent::Closed { flow, key, .. } => {
                if let Some(amount) = self.recent.remove(&flow) {
                    let protocol = self.protocol(flow, Some(&key));
                    *self.protocols.entry(protocol).or_default() += amount.bytes;
                }
                self.known.remove(&flow);
            }
            _ => {}
        }
    }

    fn learn(&mut self, flow: FlowId, message: &Message) {
        let name = name_in(message);
        if let Some(name) = &name {
            self.names.count(name);
        }
        if self.known.len() >= KNOWN && !self.known.contains_key(&flow) {
            return;
        }
        let known = self.known.entry(flow).or_default();
        known.app = message.protocol().as_str();
        known.name = name.or(known.name.take());
    }

    /// What bytes of a flow count as.
    fn protocol(&self, flow: FlowId, key: Option<&FiveTupleKey>) -> &'static str {
        use flowscope::wire::IpProtocol;
        if let Some(known) = self.known.get(&flow) {
            return known.app;
        }
        match key.map(|key| key.protocol()) {
            Some(IpProtocol::TCP) => "tcp",
            Some(IpProtocol::UDP) => "udp",
            Some(IpProtocol::ICMP | IpProtocol::ICMP6) => "icmp",
            _ => "other",
        }
    }
}

fn remember(rates: &mut VecDeque<u64>, rate: u64) {
    if rates.len() == REMEMBERED {
        rates.pop_front();
    }
    rates.push_back(rate);
}

impl Driver for Watcher {
    /// Nothing is reported; who wants to know looks.
    type Event = Infallible;

    fn take(&mut self, frames: &FrameBatch, _: &mut VecDeque<Infallible>) {
        let seen = &mut self.seen;
        self.engine
            .track_batch(frames.iter(), &mut |event| seen.see(event));
    }

    fn expire(&mut self, now: Timestamp, _: &mut VecDeque<Infallible>) {
        let seen = &mut self.seen;
        self.engine.expire(now, &mut |event| seen.see(event));
    }

    fn next_expiry(&self) -> Option<Timestamp> {
        self.engine.next_expiry()
    }

    /// What was seen last stays on the screen.
    fn finish(&mut self, _: &mut VecDeque<Infallible>) {}
}

impl core::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Watcher")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

/// Flows that a screen can have.
const ROWS: usize = 500;
const NAMES: usize = 20;
/// Flows of which is remembered what they said.
const KNOWN: usize = 100_000;
/// Seconds of which rates are remembered.
const REMEMBERED: usize = 240;

#[cfg(test)]
mod tests {
    use flowscope::pcap::PcapFlowSource;

    use super::super::choice::Sort;
    use super::*;

    fn watched(name: &str) -> Watcher {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pcap/");
        let mut source = PcapFlowSource::open(format!("{folder}{name}")).unwrap();
        let mut frames = FrameBatch::default();
        while let Some(packet) = source.next_packet().unwrap() {
            frames.push(packet);
        }
        let mut watcher = Watcher::new();
        watcher.take(&frames, &mut VecDeque::new());
        watcher
    }

    #[test]
    fn a_view_has_flows_names_and_protocols() {
        let mut watcher = watched("recorded/http-1-0.pcap");
        let view = watcher.look(&Choice::default(), Duration::from_secs(1));
        assert!(view.packets > 0 && view.flows > 0);
        let row = &view.rows[0];
        assert_eq!(row.app, "http");
        assert_eq!(view.protocols[0].0, "http");
        let bits: u64 = view.rows.iter().map(|row| row.rate).sum();
        assert_eq!(view.bit_rates, [bits]);
        // A second later nothing has happened.
        let later = watcher.look(&Choice::default(), Duration::from_secs(1));
        assert_eq!(later.bit_rates, [bits, 0]);
        assert_eq!(later.protocols, view.protocols);
        assert_eq!(later.rows[0].rates.len(), 2);
    }

    #[test]
    fn rows_are_chosen_and_sorted() {
        let mut watcher = watched("udp-dns.pcap");
        let mut choice = Choice {
            sort: Sort::Bytes,
            ..Choice::default()
        };
        let all = watcher.look(&choice, Duration::from_secs(1)).rows;
        assert!(all.is_sorted_by_key(|row| core::cmp::Reverse(row.stats.bytes.total())));
        choice.filter = all[0].key.to_string();
        let one = watcher.look(&choice, Duration::from_secs(1)).rows;
        assert_eq!(one.len(), 1);
    }
}
