//! Numbers of a flow, no wider than they have to be.

/// One side's counters. The first four are 48 bits wide: enough for a year at
/// 70 Gbit/s.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Counters {
    low: [u32; 4],
    high: [u16; 4],
    pub(super) retransmissions: u32,
}

impl Counters {
    #[inline]
    pub(super) fn add(&mut self, amounts: [u32; 4]) {
        for ((low, high), amount) in self.low.iter_mut().zip(&mut self.high).zip(amounts) {
            let (sum, carry) = low.overflowing_add(amount);
            *low = sum;
            if carry {
                *high = high.saturating_add(1);
            }
        }
    }

    /// A word of the cache line it lies in.
    #[inline]
    pub(super) fn prefetch_word(&self) -> u64 {
        self.low[0].into()
    }

    pub(super) fn value(&self, at: usize) -> u64 {
        u64::from(self.high[at]) << 32 | u64::from(self.low[at])
    }
}

/// A flow's number in 40 bits: a million a second for twelve days.
#[derive(Clone, Copy, Debug)]
pub(super) struct SerialNumber([u8; 5]);

impl SerialNumber {
    pub(super) const fn new(number: u64) -> Self {
        let [a, b, c, d, e, ..] = number.to_le_bytes();
        Self([a, b, c, d, e])
    }

    #[inline]
    pub(super) const fn get(self) -> u64 {
        let [a, b, c, d, e] = self.0;
        u64::from_le_bytes([a, b, c, d, e, 0, 0, 0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_carry_past_32_bits() {
        let mut counters = Counters::default();
        for _ in 0..3 {
            counters.add([1, u32::MAX, 0, 2]);
        }
        assert_eq!(counters.value(0), 3);
        assert_eq!(counters.value(1), 3 * u64::from(u32::MAX));
        assert_eq!(counters.value(2), 0);
        assert_eq!(counters.value(3), 6);
    }
}
