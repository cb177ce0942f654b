//! Whose bytes count where two segments overlap.

use core::ops::Range;

/// Whose bytes count where two segments that were both still held back say
/// something about the same place.
///
/// Bytes that were handed on cannot be taken back: there the first copy counts
/// under every policy, as it does in a receiver whose application has read it.
///
/// Receivers differ, and who knows how may show a monitor another stream than
/// the receiver (Ptacek and Newsham, "Insertion, Evasion, and Denial of
/// Service", 1998). The policies named after systems follow Novak and Sturges,
/// "Target-Based TCP Stream Reassembly" (2007). They compare the segment that
/// brought a held byte, the *old* one, with the *new* one by where each begins
/// and ends on the wire. A byte that the capture lacks is never preferred to
/// one it has.
///
/// ```
/// use std::sync::Arc;
/// use flowscope_core::reassemble::{
///     BufferedReassembler, Chunk, OverlapPolicy, Reassembler, Segment, StreamConfig,
/// };
/// use flowscope_core::Timestamp;
/// use flowscope_core::wire::TcpFlags;
///
/// let read = |overlap| {
///     let config = StreamConfig { overlap, ..StreamConfig::default() };
///     let mut stream = BufferedReassembler::new(Arc::new(config));
///     let mut text = String::new();
///     let mut keep = |chunk: Chunk<'_>| {
///         if let Chunk::Data(bytes) = chunk {
///             text.push_str(&String::from_utf8_lossy(bytes));
///         }
///     };
///     let segment = |seq, bytes| Segment::data(seq, bytes, Timestamp::EPOCH);
///     stream.push(&segment(0, b"").with_flags(TcpFlags::SYN), &mut keep);
///     stream.push(&segment(4, b"old"), &mut keep);
///     stream.push(&segment(3, b"new!"), &mut keep);
///     stream.push(&segment(1, b"> "), &mut keep);
///     text
/// };
/// assert_eq!(read(OverlapPolicy::First), "> nold");
/// assert_eq!(read(OverlapPolicy::Bsd), "> new!");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OverlapPolicy {
    /// The old copy, always.
    #[default]
    First,
    /// The new copy, always.
    Last,
    /// The new copy if its segment begins before the old one. FreeBSD, AIX,
    /// macOS and others.
    Bsd,
    /// The new copy if its segment begins before the old one, or begins with
    /// it and ends behind it.
    Linux,
    /// As [`Bsd`](Self::Bsd): the two differ in other things than overlaps.
    Windows,
    /// The new copy if its segment ends behind the old one, or ends with it
    /// and does not begin behind it.
    Solaris,
}

impl OverlapPolicy {
    /// Every policy.
    pub const ALL: &'static [Self] = &[
        Self::First,
        Self::Last,
        Self::Bsd,
        Self::Linux,
        Self::Windows,
        Self::Solaris,
    ];

    /// Whether bytes of the segment `new` take the place of bytes that the
    /// segment `old` brought.
    pub(super) fn prefers_new(self, new: &Range<u64>, old: &Range<u64>) -> bool {
        match self {
            Self::First => false,
            Self::Last => true,
            Self::Bsd | Self::Windows => new.start < old.start,
            Self::Linux => new.start < old.start || new.start == old.start && new.end > old.end,
            Self::Solaris => new.end > old.end || new.end == old.end && new.start <= old.start,
        }
    }

    /// Whether it matters which segment brought a byte.
    pub(super) const fn compares_segments(self) -> bool {
        match self {
            Self::First | Self::Last => false,
            Self::Bsd | Self::Linux | Self::Windows | Self::Solaris => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OverlapPolicy::{Bsd, First, Last, Linux, Solaris, Windows};
    use super::*;

    /// Where a new segment may lie on an old one at 10..20, and who is
    /// believed then.
    #[test]
    fn each_policy_prefers_as_its_system_does() {
        let cases = [
            (5..15, [Last, Bsd, Linux, Windows].as_slice()),
            (5..20, &[Last, Bsd, Linux, Windows, Solaris]),
            (5..25, &[Last, Bsd, Linux, Windows, Solaris]),
            (10..15, &[Last]),
            (10..20, &[Last, Solaris]),
            (10..25, &[Last, Linux, Solaris]),
            (15..18, &[Last]),
            (15..20, &[Last]),
            (15..25, &[Last, Solaris]),
        ];
        for (new, preferring) in cases {
            for policy in OverlapPolicy::ALL {
                assert_eq!(
                    policy.prefers_new(&new, &(10..20)),
                    preferring.contains(policy),
                    "{policy:?} on {new:?}"
                );
            }
        }
        assert_eq!(OverlapPolicy::default(), First);
    }
}
