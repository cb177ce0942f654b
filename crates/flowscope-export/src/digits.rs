//! Numbers and times as digits.

use flowscope_core::Timestamp;
use std::io::Write;

/// Writes nanoseconds as seconds with six digits after the point, rounded.
pub(crate) fn micros(out: &mut Vec<u8>, nanos: u64) {
    let micros = nanos.saturating_add(500) / 1000;
    // A vector takes everything.
    let _ = write!(out, "{}.{:06}", micros / 1_000_000, micros % 1_000_000);
}

/// Writes a moment as seconds since 1970.
pub(crate) fn time(out: &mut Vec<u8>, at: Timestamp) {
    micros(out, at.as_nanos());
}

pub(crate) fn number(out: &mut Vec<u8>, number: u64) {
    let _ = write!(out, "{number}");
}
