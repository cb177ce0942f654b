//! TCP sequence numbers: 32 bits that wrap.

use core::ops::Add;

/// A TCP sequence number (RFC 9293, section 3.4).
///
/// Numbers wrap, so there is no total order: two numbers are compared by the
/// shorter way round between them.
///
/// ```
/// use flowscope_core::SeqNumber;
///
/// assert_eq!(SeqNumber(u32::MAX - 1) + 4, SeqNumber(2));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct SeqNumber(pub u32);

impl SeqNumber {
    /// How far this number lies behind `earlier`, negative if it lies ahead.
    #[inline]
    #[must_use]
    pub(crate) const fn distance_from(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// Whether this number comes before `other`.
    #[inline]
    #[must_use]
    pub(crate) const fn is_before(self, other: Self) -> bool {
        self.distance_from(other) < 0
    }

    /// The later of the two.
    #[inline]
    #[must_use]
    pub(crate) const fn later(self, other: Self) -> Self {
        if self.is_before(other) { other } else { self }
    }
}

impl Add<u32> for SeqNumber {
    type Output = Self;

    #[inline]
    fn add(self, len: u32) -> Self {
        Self(self.0.wrapping_add(len))
    }
}
