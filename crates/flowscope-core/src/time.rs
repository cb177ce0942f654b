//! Packet time.
//!
//! Time in this crate is the packets' own: a [`Timestamp`] comes with each
//! packet and nothing here ever asks a clock.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;
#[cfg(feature = "std")]
use std::time::{SystemTime, SystemTimeError, UNIX_EPOCH};

/// A moment: nanoseconds since 1970-01-01 00:00:00 UTC.
///
/// Arithmetic saturates, so no captured value can overflow it. The range ends
/// in the year 2554.
///
/// ```
/// use core::time::Duration;
/// use flowscope_core::Timestamp;
///
/// let start = Timestamp::new(1_700_000_000, 250_000_000);
/// let later = start + Duration::from_millis(750);
///
/// assert_eq!(later.to_string(), "1700000001.000000000");
/// assert_eq!(later - start, Duration::from_millis(750));
/// assert_eq!(start - later, Duration::ZERO);
/// ```
///
/// With the feature `std` it can be had from a `SystemTime`, and made one.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp {
    nanos: u64,
}

impl Timestamp {
    /// The first moment, 1970-01-01 00:00:00 UTC.
    pub const EPOCH: Self = Self { nanos: 0 };

    /// The last moment that can be written.
    pub const MAX: Self = Self { nanos: u64::MAX };

    /// The moment `nanos` nanoseconds after `seconds` seconds since the epoch.
    #[must_use]
    pub const fn new(seconds: u64, nanos: u32) -> Self {
        let whole = seconds.saturating_mul(NANOS_PER_SECOND);
        Self {
            nanos: whole.saturating_add(nanos as u64),
        }
    }

    /// The moment `nanos` nanoseconds after the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self { nanos }
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.nanos
    }

    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.nanos / NANOS_PER_SECOND
    }

    /// Nanoseconds after the last whole second, below 1,000,000,000.
    #[must_use]
    pub const fn subsec_nanos(self) -> u32 {
        // The remainder is below 10⁹ and so fits.
        (self.nanos % NANOS_PER_SECOND) as u32
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Self {
            nanos: self.nanos.saturating_add(nanos),
        }
    }
}

impl Sub for Timestamp {
    type Output = Duration;

    /// The span from `earlier` to `self`, zero if `earlier` is the later one.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos.saturating_sub(earlier.nanos))
    }
}

/// Seconds with nine digits after the point, exact.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.as_secs(), self.subsec_nanos())
    }
}

/// A time before 1970 is an error; one after the year 2554 becomes
/// [`Timestamp::MAX`].
///
/// ```
/// use std::time::SystemTime;
/// use flowscope_core::Timestamp;
///
/// let captured = Timestamp::try_from(SystemTime::now())?;
/// assert!(SystemTime::from(captured) <= SystemTime::now());
/// # Ok::<(), std::time::SystemTimeError>(())
/// ```
#[cfg(feature = "std")]
impl TryFrom<SystemTime> for Timestamp {
    type Error = SystemTimeError;

    fn try_from(time: SystemTime) -> Result<Self, SystemTimeError> {
        Ok(Self::EPOCH + time.duration_since(UNIX_EPOCH)?)
    }
}

#[cfg(feature = "std")]
impl From<Timestamp> for SystemTime {
    fn from(timestamp: Timestamp) -> Self {
        UNIX_EPOCH + Duration::from_nanos(timestamp.nanos)
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp::new(u64::MAX, 0), Timestamp::MAX);
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::EPOCH - Timestamp::MAX, Duration::ZERO);
    }

    #[test]
    fn splits_into_seconds_and_nanoseconds() {
        let t = Timestamp::from_nanos(1_000_000_007);
        assert_eq!((t.as_secs(), t.subsec_nanos()), (1, 7));
        assert_eq!(t.to_string(), "1.000000007");
    }

    #[cfg(feature = "std")]
    #[test]
    fn system_times_survive_and_those_before_the_epoch_are_refused() {
        for t in [Timestamp::EPOCH, Timestamp::new(1_700_000_000, 500)] {
            assert_eq!(Timestamp::try_from(SystemTime::from(t)).ok(), Some(t));
        }
        let before = UNIX_EPOCH - Duration::from_secs(3);
        let error = Timestamp::try_from(before).expect_err("it is before the epoch");
        assert_eq!(error.duration(), Duration::from_secs(3));
        let far = UNIX_EPOCH + Duration::from_secs(20_000_000_000);
        assert_eq!(Timestamp::try_from(far).ok(), Some(Timestamp::MAX));
    }
}
