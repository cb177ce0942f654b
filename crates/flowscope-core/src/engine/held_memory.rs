//! The memory that consumers hold.

/// The memory that consumers hold for all flows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeldMemory {
    pub(super) used: usize,
    /// The most there was.
    pub(super) peak: usize,
}

impl HeldMemory {
    /// What a flow holds has changed.
    pub(super) fn change(&mut self, before: u32, after: u32) {
        self.used = self.used - before as usize + after as usize;
        self.peak = self.peak.max(self.used);
    }
}
