//! How much of the heap something holds, counted by the allocator.

/// Bytes that calls took and did not give back.
#[derive(Default)]
pub(crate) struct Held {
    bytes: i64,
}

impl Held {
    /// Counts what `act` takes and gives back.
    pub(crate) fn during<T>(&mut self, act: impl FnOnce() -> T) -> T {
        let mut result = None;
        let info = allocation_counter::measure(|| result = Some(act()));
        self.bytes += info.bytes_current;
        result.expect("it was called")
    }

    /// What they hold.
    pub(crate) fn bytes(&self) -> i64 {
        self.bytes
    }

    /// Checks that no more is held than is said.
    ///
    /// A little is not counted: the state that a protocol has once it is known.
    pub(crate) fn check(&self, said: usize) {
        const UNCOUNTED: i64 = 16 << 10;
        let said = i64::try_from(said).unwrap_or(i64::MAX);
        let held = self.bytes;
        assert!(
            held <= said.saturating_mul(2).saturating_add(UNCOUNTED),
            "{held} bytes are held, and {said} are said to be"
        );
    }
}
