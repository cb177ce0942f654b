//! Numbers as decimal digits.
//!
//! A record is mostly numbers. To print them by `Display` takes several times
//! as long: here up to eight digits are found at once, in one machine word.

#[cfg(feature = "json")]
use crate::line::Line;

/// Writes a number.
#[inline]
pub fn push(text: &mut Vec<u8>, number: u64) {
    match number {
        0..TEN_THOUSAND => {
            let (digits, len) = up_to_four(number as u32);
            text.extend_from_slice(&digits);
            text.truncate(text.len() + len - digits.len());
        }
        TEN_THOUSAND..HUNDRED_MILLION => {
            let (digits, len) = up_to_eight(number);
            text.extend_from_slice(&digits);
            text.truncate(text.len() + len - digits.len());
        }
        _ => {
            push(text, number / HUNDRED_MILLION);
            text.extend_from_slice(&all_eight(number % HUNDRED_MILLION));
        }
    }
}

/// Writes a number of nanoseconds as seconds, with nine digits after the point.
#[inline]
pub fn push_seconds(text: &mut Vec<u8>, nanos: u64) {
    push(text, nanos / SECOND);
    text.extend_from_slice(&fraction(nanos));
}

/// Adds a number to a line.
#[cfg(feature = "json")]
#[inline(always)]
pub(crate) fn put(line: &mut Line<'_>, number: u64) {
    match number {
        0..TEN_THOUSAND => {
            let (digits, len) = up_to_four(number as u32);
            line.put(digits, len);
        }
        _ => put_long(line, number),
    }
}

#[cfg(feature = "json")]
#[inline(never)]
fn put_long(line: &mut Line<'_>, number: u64) {
    match number {
        0..HUNDRED_MILLION => {
            let (digits, len) = up_to_eight(number);
            line.put(digits, len);
        }
        _ => {
            let rest = number / HUNDRED_MILLION;
            if rest < TEN_THOUSAND {
                put(line, rest);
            } else {
                put_long(line, rest);
            }
            line.put_all(&all_eight(number % HUNDRED_MILLION));
        }
    }
}

/// Adds a number of nanoseconds to a line, as seconds.
#[cfg(feature = "json")]
#[inline]
pub(crate) fn put_seconds(line: &mut Line<'_>, nanos: u64) {
    put(line, nanos / SECOND);
    line.put_all(&fraction(nanos));
}

/// Adds an address to a line.
#[cfg(feature = "json")]
#[inline]
pub(crate) fn put_ipv4(line: &mut Line<'_>, octets: [u8; 4]) {
    let [first, second, third, last] = octets;
    for octet in [first, second, third] {
        line.put(DOTTED[usize::from(octet)], dotted_len(octet));
    }
    // Without the point.
    line.put(DOTTED[usize::from(last)], dotted_len(last) - 1);
}

/// Writes an octet and a point after it.
#[inline]
pub fn push_dotted(text: &mut Vec<u8>, octet: u8) {
    let dotted = &DOTTED[usize::from(octet)];
    text.extend_from_slice(dotted);
    text.truncate(text.len() + dotted_len(octet) - dotted.len());
}

#[inline(always)]
fn dotted_len(octet: u8) -> usize {
    2 + usize::from(octet >= 10) + usize::from(octet >= 100)
}

/// A point and nine digits: the fraction of a second.
#[inline(always)]
fn fraction(nanos: u64) -> [u8; 10] {
    let fraction = nanos % SECOND;
    let first = b'0' + (fraction / HUNDRED_MILLION) as u8;
    let [a, b, c, d, e, f, g, h] = all_eight(fraction % HUNDRED_MILLION);
    [b'.', first, a, b, c, d, e, f, g, h]
}

/// A number below ten thousand, and how many digits it has.
#[inline(always)]
fn up_to_four(number: u32) -> ([u8; 4], usize) {
    let digits = four(number);
    // Leading zeros are in the low bytes. The last digit stays.
    let zeros = (digits | 1 << 24).trailing_zeros() / 8;
    let shown = (digits | ZEROS as u32) >> (8 * zeros);
    (shown.to_le_bytes(), 4 - zeros as usize)
}

/// A number below a hundred million, and how many digits it has.
#[inline(always)]
fn up_to_eight(number: u64) -> ([u8; 8], usize) {
    let digits = eight(number);
    let zeros = (digits | 1 << 56).trailing_zeros() / 8;
    let shown = (digits | ZEROS) >> (8 * zeros);
    (shown.to_le_bytes(), 8 - zeros as usize)
}

/// The same with its leading zeros.
#[inline(always)]
fn all_eight(number: u64) -> [u8; 8] {
    (eight(number) | ZEROS).to_le_bytes()
}

/// The eight digits of a number below a hundred million, one in each byte, the
/// first in the lowest.
///
/// The number is halved three times, into parts of four, two and one digits.
/// The divisions of all parts are one multiplication by a rounded reciprocal,
/// exact for numbers so small.
#[inline]
const fn eight(number: u64) -> u64 {
    let high = number / 10_000;
    let fours = high | (number - high * 10_000) << 32;
    let high = ((fours * 5243) >> 19) & 0x0000_007f_0000_007f;
    let twos = high | (fours - high * 100) << 16;
    let high = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    high | (twos - high * 10) << 8
}

/// The same for the four digits of a number below ten thousand.
#[inline]
const fn four(number: u32) -> u32 {
    let high = (number * 5243) >> 19;
    let twos = high | (number - high * 100) << 16;
    let high = ((twos * 103) >> 10) & 0x000f_000f;
    high | (twos - high * 10) << 8
}

/// Each octet with a point after it, and what room that leaves.
const DOTTED: [[u8; 4]; 256] = {
    let mut table = [[b'.'; 4]; 256];
    let mut octet = 0;
    while octet < 256 {
        let digits = four(octet as u32) | ZEROS as u32;
        let [_, hundreds, tens, ones] = digits.to_le_bytes();
        table[octet] = match octet {
            0..10 => [ones, b'.', 0, 0],
            10..100 => [tens, ones, b'.', 0],
            _ => [hundreds, tens, ones, b'.'],
        };
        octet += 1;
    }
    table
};

const TEN_THOUSAND: u64 = 10_000;
const HUNDRED_MILLION: u64 = 100_000_000;
const SECOND: u64 = 1_000_000_000;
/// The character `0` in each byte.
const ZEROS: u64 = 0x3030_3030_3030_3030;

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;
    use crate::line::ROOM;

    fn pushed(write: fn(&mut Vec<u8>, u64), number: u64) -> String {
        let mut text = Vec::new();
        write(&mut text, number);
        String::from_utf8(text).expect("digits are ASCII")
    }

    /// The same by way of a line.
    fn put(write: fn(&mut Line<'_>, u64), number: u64) -> String {
        let mut text = Vec::new();
        let mut room = [0; ROOM];
        let mut line = Line::behind(&mut text, &mut room);
        write(&mut line, number);
        line.end();
        String::from_utf8(text).expect("digits are ASCII")
    }

    #[test]
    fn numbers_are_as_display_writes_them() {
        let powers = (0..20).map(|digits| 10u64.pow(digits));
        let edges = powers.flat_map(|power| [power - 1, power, power + 1, power / 3 * 2]);
        for number in edges.chain([u64::MAX, u64::MAX - 1]) {
            assert_eq!(pushed(push, number), number.to_string());
            assert_eq!(put(super::put, number), number.to_string());
        }
    }

    #[test]
    fn every_group_of_four_digits_is_right() {
        for number in 0..10_000 {
            for shift in [1, 10_000] {
                let number = number * shift;
                assert_eq!(pushed(push, number), number.to_string());
            }
        }
    }

    #[test]
    fn seconds_have_nine_digits_after_the_point() {
        for (nanos, text) in [
            (0, "0.000000000"),
            (7, "0.000000007"),
            (999_999_999, "0.999999999"),
            (1_700_000_001_000_000_020, "1700000001.000000020"),
            (u64::MAX, "18446744073.709551615"),
        ] {
            assert_eq!(pushed(push_seconds, nanos), text);
            assert_eq!(put(put_seconds, nanos), text);
        }
    }
}
