//! Numbers that look random and are the same on every machine.

use core::ops::RangeInclusive;

/// Steele, Lea and Flood's splitmix64.
#[derive(Debug)]
pub(super) struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    pub(super) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, by multiplication instead of division. The bias
    /// is far below what a capture of any size could show.
    pub(super) const fn below(&mut self, limit: usize) -> usize {
        ((self.next() as u128 * limit as u128) >> 64) as usize
    }

    pub(super) const fn within(&mut self, range: &RangeInclusive<usize>) -> usize {
        *range.start() + self.below(*range.end() - *range.start() + 1)
    }
}

/// Payload bytes, cut from one block made once.
#[derive(Debug)]
pub(super) struct Filler {
    block: Vec<u8>,
}

impl Filler {
    pub(super) fn new(random: &mut SplitMix64) -> Self {
        let words = (Self::OFFSETS + Self::LONGEST) / 8;
        Self {
            block: (0..words)
                .flat_map(|_| random.next().to_le_bytes())
                .collect(),
        }
    }

    /// Some `len` bytes.
    pub(super) fn bytes(&self, random: &mut SplitMix64, len: usize) -> &[u8] {
        let start = random.below(Self::OFFSETS);
        &self.block[start..start + len]
    }

    const OFFSETS: usize = 16 * 1024;
    const LONGEST: usize = 2 * 1024;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs for seed 1234567, as other implementations give them.
    #[test]
    fn agrees_with_the_reference() {
        let mut random = SplitMix64::new(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn within_reaches_both_ends() {
        let mut random = SplitMix64::new(1);
        let drawn: Vec<usize> = (0..200).map(|_| random.within(&(3..=5))).collect();
        assert!((3..=5).all(|value| drawn.contains(&value)));
        assert!(drawn.iter().all(|value| (3..=5).contains(value)));
    }
}
