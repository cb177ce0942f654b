//! What occurred most often, what took how long, and which flows were largest,
//! in bounded memory.

use core::cmp::Reverse;
use core::hash::Hash;
use core::time::Duration;
use std::collections::{BinaryHeap, HashMap};

use flowscope_detect::Protocol;
use flowscope_record::FlowRecord;

use super::{FlowRow, seconds};
use crate::civil;

/// How often things occurred. Beyond so many things, new ones are not told
/// apart.
#[derive(Debug)]
pub(super) struct Counts<T>(HashMap<T, u64>, u64);

impl<T> Default for Counts<T> {
    fn default() -> Self {
        Self(HashMap::new(), 0)
    }
}

impl<T: Clone + Eq + Hash + Ord> Counts<T> {
    pub(super) fn add(&mut self, thing: T, amount: u64) {
        self.1 = self.1.saturating_add(amount);
        if self.0.len() < MOST_THINGS || self.0.contains_key(&thing) {
            let count = self.0.entry(thing).or_default();
            *count = count.saturating_add(amount);
        }
    }

    /// The first ones, and what they count.
    pub(super) fn top(&self, most: usize) -> Vec<(T, u64)> {
        let mut all: Vec<_> = self
            .0
            .iter()
            .map(|(it, count)| (it.clone(), *count))
            .collect();
        all.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        all.truncate(most);
        all
    }

    pub(super) fn total(&self) -> u64 {
        self.1
    }
}

/// How long things took, to within a fourth.
#[derive(Debug)]
pub(super) struct Histogram {
    /// Four for each doubling, from a microsecond on.
    pub(super) slots: [u64; SLOTS],
    pub(super) count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            slots: [0; SLOTS],
            count: 0,
        }
    }
}

impl Histogram {
    pub(super) fn add(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(4);
        let power = micros.ilog2();
        let quarter = micros >> (power - 2) & 3;
        let slot = (power as usize - 2) * 4 + quarter as usize;
        if let Some(place) = self.slots.get_mut(slot.min(SLOTS - 1)) {
            *place += 1;
        }
        self.count += 1;
    }

    /// The least number of microseconds that belongs to a slot.
    pub(super) fn begin(slot: usize) -> u64 {
        let (power, quarter) = (slot / 4 + 2, (slot % 4) as u64);
        (4 + quarter) << (power - 2)
    }

    /// Below how many microseconds so many of a hundred are.
    pub(super) fn percentile(&self, hundredths: u64) -> u64 {
        let wanted = (self.count * hundredths).div_ceil(100);
        let mut sum = 0;
        for (slot, count) in self.slots.iter().enumerate() {
            sum += count;
            if sum >= wanted {
                return Self::begin(slot + 1);
            }
        }
        0
    }
}

/// The flows with the most bytes.
#[derive(Debug, Default)]
pub(super) struct Largest(BinaryHeap<Reverse<Entry>>);

/// Ordered by bytes, then by who came first.
type Entry = (u64, Reverse<u64>, String);

impl Largest {
    pub(super) fn add(&mut self, flow: &FlowRecord) {
        let bytes = flow.stats.bytes.total();
        let number = flow.flow.number();
        let is_full = self.0.len() >= MOST_FLOWS;
        let least = self
            .0
            .peek()
            .map(|Reverse((bytes, number, _))| (*bytes, *number));
        if is_full && least.is_some_and(|least| least >= (bytes, Reverse(number))) {
            return;
        }
        if is_full {
            self.0.pop();
        }
        self.0.push(Reverse((bytes, Reverse(number), packed(flow))));
    }

    /// The flows, the largest first.
    pub(super) fn rows(self) -> Vec<FlowRow> {
        let entries = self.0.into_sorted_vec().into_iter();
        entries
            .map(|Reverse((bytes, Reverse(flow), text))| unpacked(bytes, flow, &text))
            .collect()
    }
}

/// What a row shows, in one text. None of it has a tab.
fn packed(flow: &FlowRecord) -> String {
    let protocol = flow
        .endpoints
        .protocol
        .map_or(String::new(), |it| it.to_string());
    [
        civil::spaced(flow.stats.first_seen),
        seconds(flow.duration_nanos()),
        protocol,
        flow.app.map_or("", Protocol::as_str).to_owned(),
        flow.endpoints.source(),
        flow.endpoints.destination(),
        flow.stats.packets.total().to_string(),
        flow.stats.state.as_str().to_owned(),
        flow.reason.as_str().to_owned(),
    ]
    .join("\t")
}

fn unpacked(bytes: u64, flow: u64, text: &str) -> FlowRow {
    let mut parts = text.split('\t').map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    FlowRow {
        flow,
        start: next(),
        duration: next(),
        protocol: next(),
        app: next(),
        source: next(),
        destination: next(),
        packets: next(),
        bytes,
        state: next(),
        reason: next(),
    }
}

const MOST_THINGS: usize = 65_536;
const MOST_FLOWS: usize = 1000;
const SLOTS: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_near() {
        let mut histogram = Histogram::default();
        for micros in 1..=1000 {
            histogram.add(Duration::from_micros(micros * 10));
        }
        for (hundredths, exact) in [(50, 5000), (95, 9500), (99, 9900)] {
            let found = histogram.percentile(hundredths);
            assert!(
                found >= exact && found <= exact * 5 / 4 + 1,
                "{hundredths}: {found}"
            );
        }
        assert_eq!(Histogram::default().percentile(50), Histogram::begin(1));
    }

    #[test]
    fn counts_are_bounded() {
        let mut counts = Counts::default();
        for n in 0..100_000_u64 {
            counts.add(n, 1);
        }
        counts.add(3, 5);
        assert_eq!(counts.0.len(), MOST_THINGS);
        assert_eq!(counts.top(1), [(3, 6)]);
        assert_eq!(counts.total(), 100_005);
    }
}
