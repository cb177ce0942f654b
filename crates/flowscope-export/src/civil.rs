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
    digits::padded(out, at.year().unsigned_abs().into(), 4);
    for (before, part) in [
        (b'-', at.month()),
        (b'-', at.day()),
        (b'T', at.hour()),
        (b':', at.minute()),
        (b':', at.second()),
    ] {
        out.push(before);
        digits::padded(out, part.unsigned_abs().into(), 2);
    }
    out.push(b'.');
    digits::padded(
        out,
        u64::from(at.subsec_nanosecond().unsigned_abs()) / 1000,
        6,
    );
    out.extend_from_slice(b"+0000");
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
