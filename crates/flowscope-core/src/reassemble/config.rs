//! Limits and policies of a reassembler.

use core::time::Duration;

use super::OverlapPolicy;
use super::held::{ALLOCATION_UNIT, BLOCK, HEAD};

/// How the streams of a connection are put in order.
///
/// ```
/// use flowscope_core::reassemble::{OverlapPolicy, StreamConfig};
///
/// let config = StreamConfig {
///     max_held: 4 << 20,
///     overlap: OverlapPolicy::Linux,
///     ..StreamConfig::default()
/// };
/// assert_eq!(config.max_ranges, 1024);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct StreamConfig {
    /// Bytes that one side may hold behind a hole: 1 MiB by default. With
    /// bookkeeping it is [`max_memory`](Self::max_memory).
    pub max_held: usize,
    /// Ranges that the held bytes of one side may be scattered over: 1,024 by
    /// default. Long ones count several times, once for every few thousand
    /// bytes; where `overlap` compares segments, each segment counts.
    pub max_ranges: usize,
    /// What happens when one of the two limits is reached.
    pub overflow: OverflowPolicy,
    /// Whose bytes count where two segments overlap.
    pub overlap: OverlapPolicy,
    /// How long a hole may stay open, in packet time: 10 s by default.
    pub hole_timeout: Duration,
    /// How long a hole may stay open once the receiver has acknowledged what
    /// belongs there: 100 ms by default. Where the two directions are captured
    /// on different interfaces, an ACK may come before its data.
    pub ack_grace: Duration,
    /// How many bytes ahead of everything seen and acknowledged a segment may
    /// begin: 1 MiB by default. One further ahead is held as a stray.
    pub reach: u32,
}

impl StreamConfig {
    /// The most memory that one side can take, whatever it is sent: bytes held
    /// and their bookkeeping, one stray segment, and what is allocated twice while
    /// memory grows.
    #[must_use]
    pub const fn max_memory(&self) -> usize {
        // A vector of pieces doubles when it grows, and for a moment both the old
        // and the new one are allocated.
        let range = 3 * HEAD + ALLOCATION_UNIT;
        let once = BLOCK + (64 << 10) + 4 * HEAD + (1 << 10);
        self.max_held
            .saturating_add(self.max_ranges.saturating_mul(range))
            .saturating_add(once)
    }
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            max_held: 1 << 20,
            max_ranges: 1024,
            overflow: OverflowPolicy::default(),
            overlap: OverlapPolicy::default(),
            hole_timeout: Duration::from_secs(10),
            ack_grace: Duration::from_millis(100),
            reach: 1 << 20,
        }
    }
}

/// What happens when a stream would have to hold more than its limits.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OverflowPolicy {
    /// The first hole is given up, and what is held behind it handed on, until
    /// the rest fits.
    #[default]
    SlidingWindow,
    /// The stream is dropped. Its flow stays tracked.
    DropFlow,
}
