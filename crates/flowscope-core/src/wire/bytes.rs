//! Splits bytes, or returns the error for a header that was cut.

use super::{Cause, Layer, Skip};

/// The first `N` bytes and the rest, or a skip that says `layer` was cut. The
/// caller, who knows what the capture lacks, corrects that with
/// [`Headers::with_cause`](super::Headers::with_cause).
#[inline]
pub(super) fn split<const N: usize>(bytes: &[u8], layer: Layer) -> Result<(&[u8; N], &[u8]), Skip> {
    bytes
        .split_first_chunk()
        .ok_or(Skip::new(layer, Cause::Truncated))
}

/// Everything after the first `len` bytes, or a skip that says `layer` was cut.
#[inline]
pub(super) fn after(bytes: &[u8], len: usize, layer: Layer) -> Result<&[u8], Skip> {
    bytes.get(len..).ok_or(Skip::new(layer, Cause::Truncated))
}
