//! Names of connections.

use flowscope_record::Endpoints;
use sha1::{Digest, Sha1};

/// The name of a connection: the same for the same input, and hardly ever that
/// of another one of another input.
pub(super) fn of(flow: u64, number: u32, endpoints: &Endpoints) -> String {
    let mut ends = [endpoints.source(), endpoints.destination()];
    // It does not depend on who is the originator.
    ends.sort_unstable();
    let mut hash = Sha1::new();
    hash.update(flow.to_be_bytes());
    hash.update(number.to_be_bytes());
    for end in &ends {
        hash.update(end.as_bytes());
        hash.update([0]);
    }
    let digest: [u8; 20] = hash.finalize().into();
    let mut rest = digest
        .iter()
        .take(12)
        .fold(0_u128, |rest, byte| rest << 8 | u128::from(*byte));
    let mut uid = String::with_capacity(LEN);
    uid.push('C');
    while uid.len() < LEN {
        let digit = usize::try_from(rest % 62).unwrap_or_default();
        rest /= 62;
        uid.push(DIGITS.get(digit).copied().unwrap_or(b'0').into());
    }
    uid
}

const LEN: usize = 17;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
