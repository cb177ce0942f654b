//! Numbers as people like to read them. Only tables have these; records have
//! exact numbers.
//!
//! Amounts, speeds and spans have three digits, so that columns stay narrow and
//! what is small is not rounded away; indicatif's have two digits behind the
//! point whatever is before it, and spans in one unit.

use flowscope::Timestamp;
use flowscope::wire::IpProtocol;

/// A whole number with its thousands apart: `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// An amount of data: `1.23 MB`.
pub(crate) fn bytes(number: u64) -> String {
    scaled(number as f64, &["B", "kB", "MB", "GB", "TB", "PB", "EB"])
}

/// A speed: `1.23 Mbit/s`.
pub(crate) fn bit_rate(bits_per_second: f64) -> String {
    const UNITS: [&str; 6] = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", "Pbit/s"];
    scaled(bits_per_second, &UNITS)
}

/// A span of time, given in nanoseconds: `850 µs`, `1.23 s`, `2 min 5 s`.
pub(crate) fn duration(nanos: u64) -> String {
    let seconds = (nanos + SECOND / 2) / SECOND;
    match nanos {
        0 => "0 s".to_owned(),
        1..SECOND => scaled(nanos as f64, &["ns", "µs", "ms", "s"]),
        _ if nanos < 60 * SECOND - SECOND / 20 => {
            format!("{} s", significant(nanos as f64 / SECOND as f64))
        }
        _ if seconds < 3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ if seconds < 86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A part of a whole: `12.3 %`.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => String::new(),
        _ => format!("{:.1} %", part as f64 * 100.0 / whole as f64),
    }
}

/// A moment in UTC, to the millisecond: `2024-05-01 12:00:00.123`.
pub(crate) fn date_time(moment: Timestamp) -> String {
    let at = jiff::Timestamp::from_nanosecond(moment.as_nanos().into());
    let at = at.unwrap_or(jiff::Timestamp::MAX);
    let civil = jiff::tz::Offset::UTC.to_datetime(at);
    civil.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string()
}

/// The usual name of an IP protocol, or its number.
pub(crate) fn protocol(protocol: IpProtocol) -> String {
    let name = match protocol.0 {
        0 => "hopopt",
        2 => "igmp",
        4 => "ipip",
        8 => "egp",
        9 => "igp",
        27 => "rdp",
        33 => "dccp",
        41 => "ipv6",
        46 => "rsvp",
        47 => "gre",
        50 => "esp",
        51 => "ah",
        59 => "ipv6-nonxt",
        88 => "eigrp",
        89 => "ospf",
        94 => "ipip",
        97 => "etherip",
        103 => "pim",
        108 => "ipcomp",
        112 => "vrrp",
        115 => "l2tp",
        124 => "isis",
        133 => "fc",
        135 => "mobility",
        136 => "udplite",
        137 => "mpls",
        139 => "hip",
        140 => "shim6",
        143 => "ethernet",
        _ => return protocol.to_string(),
    };
    name.to_owned()
}

/// The number in the first of the units in which it has three digits at most.
fn scaled(number: f64, units: &[&str]) -> String {
    let [units @ .., last] = units else {
        return String::new();
    };
    let mut number = number;
    for unit in units {
        // What would round to 1000 is 1 of the next unit.
        if number < 999.5 {
            return format!("{} {unit}", significant(number));
        }
        number /= 1000.0;
    }
    format!("{} {last}", significant(number))
}

/// Three significant digits, and none after the point of a whole number.
fn significant(number: f64) -> String {
    let text = match number {
        ..9.995 => format!("{number:.2}"),
        ..99.95 => format!("{number:.1}"),
        _ => return format!("{number:.0}"),
    };
    match text.trim_end_matches('0').strip_suffix('.') {
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

const SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn amounts_have_three_digits() {
        for (number, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1 kB"),
            (1234, "1.23 kB"),
            (12_345, "12.3 kB"),
            (999_499, "999 kB"),
            (999_999, "1 MB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(bytes(number), text);
        }
        assert_eq!(bit_rate(2_500_000.0), "2.50 Mbit/s");
    }

    #[test]
    fn spans_are_in_the_unit_that_fits() {
        for (nanos, text) in [
            (0, "0 s"),
            (17, "17 ns"),
            (850_000, "850 µs"),
            (999_999_999, "1 s"),
            (1_234_000_000, "1.23 s"),
            (59_990_000_000, "1 min 0 s"),
            (125_000_000_000, "2 min 5 s"),
            (7_384_000_000_000, "2 h 3 min"),
            (180_000_000_000_000, "2 d 2 h"),
        ] {
            assert_eq!(duration(nanos), text);
        }
    }

    #[test]
    fn moments_are_dates() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00.000"),
            (951_782_400, "2000-02-29 00:00:00.000"),
            (1_709_251_199, "2024-02-29 23:59:59.000"),
            (4_107_542_400, "2100-03-01 00:00:00.000"),
        ] {
            assert_eq!(date_time(Timestamp::new(seconds, 0)), text);
        }
    }
}
