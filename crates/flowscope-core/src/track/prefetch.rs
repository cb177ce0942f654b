//! Fetching memory ahead of its use.

use core::hint::black_box;

/// Reads these words, one of each cache line that is needed soon.
///
/// Nothing depends on what is read, so the processor waits for all of them
/// together. One after the other, as they are used, each would be waited for
/// alone. `black_box` keeps the compiler from dropping reads of no effect.
#[inline]
pub(crate) fn prefetch(words: impl Iterator<Item = u64>) {
    black_box(words.fold(0, |all, word| all ^ word));
}
