//! How much is done at a time.

/// What may still be done before the next packet, in steps of a fraction of a
/// microsecond.
///
/// Much may become due at one moment, and whatever comes next would have to wait
/// for all of it. So it is done in portions, with one packet after the other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Work(usize);

impl Work {
    /// Everything there is to do.
    pub(crate) const fn all() -> Self {
        Self(usize::MAX)
    }

    /// What is done for one packet that has nothing to do with it: for a fraction
    /// of a millisecond.
    pub(crate) const PORTION: usize = 4096;

    /// What to end a flow takes, or to call it, beside to find it.
    pub(crate) const OF_AN_END: usize = 31;

    /// So many steps.
    pub(crate) const fn steps(steps: usize) -> Self {
        Self(steps)
    }

    pub(crate) const fn is_done(self) -> bool {
        self.0 == 0
    }

    /// Some steps were taken.
    pub(crate) const fn spend(&mut self, steps: usize) {
        if self.0 != usize::MAX {
            self.0 = self.0.saturating_sub(steps);
        }
    }
}
