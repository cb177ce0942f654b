//! Numbers, times and addresses as text.

use core::net::{IpAddr, Ipv4Addr};
use std::io::Write;

use flowscope_core::Timestamp;
use flowscope_record::Host;

/// Writes nanoseconds as seconds with six digits after the point, rounded.
pub(crate) fn micros(out: &mut Vec<u8>, nanos: u64) {
    let micros = nanos.saturating_add(500) / 1000;
    number(out, micros / 1_000_000);
    out.push(b'.');
    padded(out, micros % 1_000_000, 6);
}

/// Writes a moment as seconds since 1970.
pub(crate) fn time(out: &mut Vec<u8>, at: Timestamp) {
    micros(out, at.as_nanos());
}

pub(crate) fn number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes a number with zeros before it, so that it has so many digits.
pub(crate) fn padded(out: &mut Vec<u8>, number: u64, len: usize) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(number).as_bytes();
    out.extend(core::iter::repeat_n(b'0', len.saturating_sub(digits.len())));
    out.extend_from_slice(digits);
}

pub(crate) fn host(out: &mut Vec<u8>, host: Host) {
    match host {
        Host::Ip(IpAddr::V4(addr)) => ipv4(out, addr),
        // A vector takes everything.
        host => _ = write!(out, "{host}"),
    }
}

pub(crate) fn ipv4(out: &mut Vec<u8>, addr: Ipv4Addr) {
    for (n, part) in addr.octets().into_iter().enumerate() {
        if n > 0 {
            out.push(b'.');
        }
        number(out, part.into());
    }
}
