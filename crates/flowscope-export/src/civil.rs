//! Dates and times of day, in UTC.

use flowscope_core::Timestamp;

use crate::digits;

/// A moment in the calendar, with which jiff knows its way.
fn zoned(at: Timestamp) -> jiff::civil::DateTime {
    let nanos = i128::from(at.as_nanos());
    let at = jiff::Timestamp::from_nanosecond(nanos).unwrap_or(jiff::Timestamp::MAX);
    jiff::tz::Offset::UTC.to_datetime(at)
}

/// As in the headers of Zeek's logs: `2026-11-30-17-30-00`.
pub(crate) fn dashed(at: Timestamp) -> String {
    zoned(at).strftime("%Y-%m-%d-%H-%M-%S").to_string()
}

/// As Suricata writes it: `2026-11-30T17:30:00.123456+0000`.
pub(crate) fn zoned_micros(out: &mut Vec<u8>, at: Timestamp) {
    let at = zoned(at);
    // A moment in nanoseconds is before the year 2554.
    let year = at.year().unsigned_abs();
    let mut text = *b"0000-00-00T00:00:00.000000+0000";
    for (place, number) in [
        (0, year / 100),
        (2, year % 100),
        (5, at.month().unsigned_abs().into()),
        (8, at.day().unsigned_abs().into()),
        (11, at.hour().unsigned_abs().into()),
        (14, at.minute().unsigned_abs().into()),
        (17, at.second().unsigned_abs().into()),
    ] {
        text[place..place + 2].copy_from_slice(&digits::two(number as u8));
    }
    let micros = u64::from(at.subsec_nanosecond().unsigned_abs()) / 1000;
    text[20..26].copy_from_slice(&digits::six(micros));
    out.extend_from_slice(&text);
}

/// As people like to read it: `2026-11-30 17:30:00.123`.
pub(crate) fn spaced(at: Timestamp) -> String {
    zoned(at).strftime("%Y-%m-%d %H:%M:%S.%3f").to_string()
}

/// As Suricata writes the times of certificates: `2026-11-30T17:30:00`.
pub(crate) fn of_seconds(seconds: i64) -> Option<String> {
    let at = jiff::Timestamp::from_second(seconds).ok()?;
    let civil = jiff::tz::Offset::UTC.to_datetime(at);
    Some(civil.strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_of_utc() {
        let at = Timestamp::new(1_300_475_167, 96_535_999);
        assert_eq!(dashed(at), "2011-03-18-19-06-07");
        let mut text = Vec::new();
        zoned_micros(&mut text, at);
        assert_eq!(text, b"2011-03-18T19:06:07.096535+0000");
        assert_eq!(of_seconds(0).as_deref(), Some("1970-01-01T00:00:00"));
    }
}
