//! Numbers of frames, in little room.

/// Frames of a flow, as runs.
#[derive(Debug, Default)]
pub(super) struct Runs(Vec<(u64, u32)>);

impl Runs {
    /// Adds a frame; gives the bytes that this took.
    pub(super) fn push(&mut self, frame: u64) -> usize {
        if let Some((first, len)) = self.0.last_mut() {
            let next = *first + u64::from(*len);
            if frame + 1 == next {
                return 0;
            }
            if frame == next && *len < u32::MAX {
                *len += 1;
                return 0;
            }
        }
        self.0.push((frame, 1));
        RUN
    }

    pub(super) fn memory(&self) -> usize {
        self.0.len() * RUN
    }
}

/// A set of frames: a bit for each.
#[derive(Debug, Default)]
pub(super) struct FrameSet(Vec<u64>);

impl FrameSet {
    pub(super) fn insert_all(&mut self, runs: &Runs) {
        for (first, len) in &runs.0 {
            for frame in *first..*first + u64::from(*len) {
                let word = usize::try_from(frame / 64).unwrap_or(usize::MAX);
                if self.0.len() <= word {
                    self.0.resize(word + 1, 0);
                }
                if let Some(word) = self.0.get_mut(word) {
                    *word |= 1 << (frame % 64);
                }
            }
        }
    }

    /// The last of them, or one behind it that is told by the same word; zero if
    /// there are none.
    pub(super) fn last(&self) -> u64 {
        (self.0.len() as u64).saturating_mul(64).saturating_sub(1)
    }

    pub(super) fn contains(&self, frame: u64) -> bool {
        let word = usize::try_from(frame / 64).unwrap_or(usize::MAX);
        self.0
            .get(word)
            .is_some_and(|word| word >> (frame % 64) & 1 == 1)
    }
}

const RUN: usize = size_of::<(u64, u32)>();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_run() {
        let mut runs = Runs::default();
        let taken: usize = [5, 6, 7, 7, 100, 3]
            .map(|frame| runs.push(frame))
            .iter()
            .sum();
        assert_eq!(taken, runs.memory());
        assert_eq!(runs.0, [(5, 3), (100, 1), (3, 1)]);
        let mut set = FrameSet::default();
        set.insert_all(&runs);
        let found: Vec<u64> = (0..200).filter(|frame| set.contains(*frame)).collect();
        assert_eq!(found, [3, 5, 6, 7, 100]);
        assert!((100..128).contains(&set.last()));
        assert_eq!(FrameSet::default().last(), 0);
    }
}
