//! What a reassembler may hold, for how long, and whom it believes.

use core::time::Duration;

use super::OverlapPolicy;
use super::held::{BLOCK, GRAIN, HEAD};

/// How the streams of a connection are put together.
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
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StreamConfig {
    /// Bytes that one side may hold behind a hole: 1 MiB by default. With
    /// bookkeeping it is [`max_memory`](Self::max_memory).
    pub max_held: usize,
    /// Ranges that the held bytes of one side may be scattered over: 1,024 by
    /// default. Long ones count several times, once for every few thousand
    /// bytes; where `overlap` compares segments, each segment counts.
    pub max_ranges: usize,
    /// What is done when one of the two is reached.
    pub overflow: OverflowPolicy,
    /// Whose bytes count where two segments overlap.
    pub overlap: OverlapPolicy,
    /// How long a hole may stay open, in packet time: 10 s by default.
    pub hole_timeout: Duration,
    /// How long a hole may stay open once the receiver has acknowledged what
    /// belongs there: 100 ms by default. Captures that see the two directions
    /// on different ways show an ACK before its data.
    pub ack_grace: Duration,
    /// How far ahead of everything known a segment may begin without being
    /// suspected to be a stray: 1 MiB by default.
    pub reach: u32,
}

impl StreamConfig {
    /// The most memory that one side can take, whatever it is sent: bytes held
    /// and their bookkeeping, one segment that is suspected to be a stray, and
    /// what is there twice while memory grows.
    #[must_use]
    pub const fn max_memory(&self) -> usize {
        // Room for pieces doubles, and is there twice for a moment.
        let range = 3 * HEAD + GRAIN;
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

/// What is done when a stream has to hold more than it may.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OverflowPolicy {
    /// The first hole is given up, and what is held behind it handed on, until
    /// the rest fits.
    #[default]
    SlidingWindow,
    /// The stream is put together no more. Its flow stays tracked.
    DropFlow,
}
