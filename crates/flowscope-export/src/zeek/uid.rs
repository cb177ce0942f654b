//! Names of connections.

use flowscope_record::Endpoints;

use crate::names;

/// The name of a connection, in Zeek's form.
pub(super) fn of(flow: u64, number: u32, endpoints: &Endpoints) -> String {
    let mut uid = String::with_capacity(LEN);
    uid.push('C');
    // 62 to the power of eight is less than 64 bits hold.
    for seed in [0, 1] {
        let mut rest = names::of(seed, flow, number, endpoints);
        for _ in 0..(LEN - 1) / 2 {
            let digit = usize::try_from(rest % 62).unwrap_or_default();
            rest /= 62;
            uid.push(DIGITS.get(digit).copied().unwrap_or(b'0').into());
        }
    }
    uid
}

const LEN: usize = 17;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
