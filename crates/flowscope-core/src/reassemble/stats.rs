//! Statistics of a stream.

/// Statistics of one side's stream, so far or at its end.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub struct StreamStats {
    /// Bytes delivered.
    pub delivered: u64,
    /// Holes given up.
    pub holes: u32,
    /// Bytes missing in the stream: in holes given up, and cut.
    pub missing: u64,
    /// Bytes of `missing` that were captured too short: they were on the wire
    /// and not in the frame.
    pub cut: u64,
    /// Bytes sent again, or too late: of what had been delivered, given up, or was
    /// held. Keep-alives do not count.
    pub retransmitted: u64,
    /// Bytes held, or delivered not long ago, of which a second copy differed.
    pub conflicts: u64,
    /// Bytes that are no part of the stream: before its beginning, behind its
    /// FIN, with an RST, in stray segments, or after it was dropped.
    pub dropped: u64,
    /// Segments that came from far outside the window.
    pub strays: u32,
    /// Bytes held now.
    pub held: u64,
    /// The most bytes held at once, not counting those that were held to find
    /// the beginning of a stream.
    pub held_peak: u64,
}
