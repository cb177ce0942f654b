//! What happened when, in a number of slots that does not grow.

use flowscope_core::Timestamp;

/// Amounts of several kinds over time.
#[derive(Debug)]
pub(super) struct Series<const N: usize> {
    /// Where the first slot begins; `None` before anything happened.
    start: Option<u64>,
    /// How many nanoseconds a slot is long.
    pub(super) step: u64,
    pub(super) slots: Vec<[u64; N]>,
}

impl<const N: usize> Default for Series<N> {
    fn default() -> Self {
        Self {
            start: None,
            step: FINEST,
            slots: Vec::new(),
        }
    }
}

impl<const N: usize> Series<N> {
    pub(super) fn add(&mut self, at: Timestamp, kind: usize, amount: u64) {
        let at = at.as_nanos();
        let start = *self.start.get_or_insert(at);
        // What is older than the first is counted with it.
        let since = at.saturating_sub(start);
        while since / self.step >= SLOTS as u64 {
            self.halve();
        }
        let slot = (since / self.step) as usize;
        if self.slots.len() <= slot {
            self.slots.resize(slot + 1, [0; N]);
        }
        if let Some(place) = self.slots.get_mut(slot).and_then(|it| it.get_mut(kind)) {
            *place = place.saturating_add(amount);
        }
    }

    pub(super) fn start(&self) -> Timestamp {
        Timestamp::from_nanos(self.start.unwrap_or_default())
    }

    /// Makes one slot of every two.
    fn halve(&mut self) {
        self.step = self.step.saturating_mul(2);
        let halves = self.slots.chunks(2).map(|pair| {
            let mut sum = [0_u64; N];
            for slot in pair {
                for (sum, value) in sum.iter_mut().zip(slot) {
                    *sum = sum.saturating_add(*value);
                }
            }
            sum
        });
        self.slots = halves.collect();
    }
}

/// The most slots, and the shortest.
const SLOTS: usize = 480;
const FINEST: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_grow_wider_and_lose_nothing() {
        let mut series = Series::<2>::default();
        for second in 0..100_000 {
            series.add(Timestamp::new(1_000_000 + second, 0), 0, 1);
            series.add(Timestamp::new(1_000_000 + second, 0), 1, 10);
        }
        // Back in time.
        series.add(Timestamp::new(5, 0), 0, 7);
        assert!(series.slots.len() <= SLOTS);
        let sum = |kind: usize| series.slots.iter().map(|slot| slot[kind]).sum::<u64>();
        assert_eq!((sum(0), sum(1)), (100_007, 1_000_000));
    }
}
