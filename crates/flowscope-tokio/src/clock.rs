//! The time of a source while no frame comes.

use core::time::Duration;

use flowscope::Timestamp;
use tokio::time::Instant;

use crate::Pace;

/// Goes on from the latest frame's time, at the source's pace.
///
/// It reads no clock of the day, so it makes no difference whether frames are of
/// today, or whether that clock is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pace: Pace,
    /// A frame's time, and when it came.
    base: Option<(Timestamp, Instant)>,
}

impl Clock {
    pub(crate) const fn new(pace: Pace) -> Self {
        Self { pace, base: None }
    }

    /// A frame of the time `at` came `now`.
    pub(crate) fn saw(&mut self, at: Timestamp, now: Instant) {
        let Pace::Clock { speed, .. } = self.pace else {
            return;
        };
        // Frames come late, and never early: the earliest is nearest the truth.
        match self.base {
            Some((base, since)) if base + scaled(now - since, speed) >= at => {}
            _ => self.base = Some((at, now)),
        }
    }

    /// No frame before this moment is still to come.
    pub(crate) fn now(&self, now: Instant) -> Option<Timestamp> {
        let Pace::Clock { speed, lag } = self.pace else {
            return None;
        };
        let (base, since) = self.base?;
        let passed = (now - since).checked_sub(lag)?;
        Some(base + scaled(passed, speed))
    }

    /// When it will be `moment`.
    pub(crate) fn instant_of(&self, moment: Timestamp) -> Option<Instant> {
        let Pace::Clock { speed, lag } = self.pace else {
            return None;
        };
        let (base, since) = self.base?;
        since.checked_add(scaled(moment - base, 1.0 / speed).checked_add(lag)?)
    }
}

/// `span`, `factor` times as long.
pub(crate) fn scaled(span: Duration, factor: f64) -> Duration {
    if factor == 1.0 {
        return span;
    }
    Duration::try_from_secs_f64(span.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(speed: f64, lag: u64) -> Clock {
        Clock::new(Pace::Clock {
            speed,
            lag: Duration::from_millis(lag),
        })
    }

    #[test]
    fn it_goes_on_from_the_latest_frame() {
        let start = Instant::now();
        let mut clock = clock(2.0, 0);
        assert_eq!(clock.now(start), None);
        clock.saw(Timestamp::new(100, 0), start);
        let later = start + Duration::from_secs(3);
        assert_eq!(clock.now(later), Some(Timestamp::new(106, 0)));
        assert_eq!(clock.instant_of(Timestamp::new(106, 0)), Some(later));
    }

    #[test]
    fn a_late_frame_does_not_set_it_back() {
        let start = Instant::now();
        let mut clock = clock(1.0, 0);
        clock.saw(Timestamp::new(100, 0), start);
        clock.saw(Timestamp::new(99, 0), start + Duration::from_secs(1));
        let now = clock.now(start + Duration::from_secs(2));
        assert_eq!(now, Some(Timestamp::new(102, 0)));
    }

    #[test]
    fn the_lag_is_waited_for() {
        let start = Instant::now();
        let mut clock = clock(1.0, 500);
        clock.saw(Timestamp::new(100, 0), start);
        assert_eq!(clock.now(start), None);
        let second = clock.now(start + Duration::from_millis(1500));
        assert_eq!(second, Some(Timestamp::new(101, 0)));
    }

    #[test]
    fn without_a_pace_there_is_no_time() {
        let mut clock = Clock::new(Pace::Frames);
        clock.saw(Timestamp::new(100, 0), Instant::now());
        assert_eq!(clock.now(Instant::now()), None);
        assert_eq!(clock.instant_of(Timestamp::MAX), None);
    }
}
