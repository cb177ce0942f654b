//! Segments to an ordered stream.
//!
//! What one side of a TCP connection sends becomes a row of [`Chunk`]s: bytes
//! in order, and gaps where bytes went missing.

/// The next piece of a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Chunk<'a> {
    /// The next bytes, at least one. They are borrowed: from the frame where
    /// segments come in order.
    Data(&'a [u8]),
    /// So many bytes, at least one, were sent and are missing from the
    /// capture. The stream goes on behind them.
    Gap(u64),
}
