//! Numbers, times and addresses as text.

use flowscope_core::Timestamp;
use flowscope_record::{Host, PlainText};

/// Writes nanoseconds as seconds with six digits after the point, rounded.
pub(crate) fn micros(out: &mut Vec<u8>, nanos: u64) {
    let micros = nanos.saturating_add(500) / 1000;
    number(out, micros / 1_000_000);
    out.push(b'.');
    out.extend_from_slice(&six(micros % 1_000_000));
}

/// Writes a moment as seconds since 1970.
pub(crate) fn time(out: &mut Vec<u8>, at: Timestamp) {
    micros(out, at.as_nanos());
}

pub(crate) fn number(out: &mut Vec<u8>, number: u64) {
    flowscope_record::digits::push(out, number);
}

/// The two digits of a number below a hundred.
pub(crate) fn two(number: u8) -> [u8; 2] {
    [b'0' + number / 10 % 10, b'0' + number % 10]
}

/// The six digits of a number below a million.
pub(crate) fn six(number: u64) -> [u8; 6] {
    let pair = |number: u64| two((number % 100) as u8);
    let ([a, b], [c, d], [e, f]) = (pair(number / 10_000), pair(number / 100), pair(number));
    [a, b, c, d, e, f]
}

pub(crate) fn host(out: &mut Vec<u8>, host: Host) {
    host.append_to(out);
}
