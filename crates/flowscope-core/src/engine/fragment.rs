//! A fragment as consumers see it.

use crate::Timestamp;
use crate::extract::Extracted;

/// A fragment as a [`Consumer`](super::Consumer) sees it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Fragment<'a, K> {
    /// Its time.
    pub at: Timestamp,
    /// Which of the frames that the engine was given it came in, counted from 1.
    /// It may have come long before, and waited to be counted.
    pub number: u64,
    /// Its length on the wire.
    pub wire_len: u32,
    /// What told its flow: the first fragment, or the datagram as far as it
    /// came; `None` if that was told with a fragment before.
    pub first: Option<&'a Extracted<'a, K>>,
}
