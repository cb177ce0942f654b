//! Finding the first byte of a text that cannot be written as it is.
//!
//! Nearly all that hosts send is ASCII that can, so it is looked through sixteen
//! bytes at a time, and copied. Where something is odd is found out after that.

/// How many bytes at the front are ASCII, but for control
/// characters, quotes and backslashes.
#[inline]
pub(crate) fn plain_len(bytes: &[u8]) -> usize {
    if is_plain(bytes) {
        return bytes.len();
    }
    position_of_odd(bytes)
}

/// Whether all bytes are. What is left behind whole pairs of words, or of words,
/// is looked at with those before it once more.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    let is_odd = |pair: &[u8; 16]| {
        let (first, second) = pair.split_at(8);
        odd_bytes(word(first)) | odd_bytes(word(second)) != 0
    };
    if let Some(last) = bytes.last_chunk() {
        let (pairs, _) = bytes.as_chunks();
        return !pairs.iter().any(is_odd) && !is_odd(last);
    }
    let ends = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => [u64::from_le_bytes(*first), u64::from_le_bytes(*last)],
        _ => match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => {
                let ends = [u32::from_le_bytes(*first), u32::from_le_bytes(*last)];
                [u64::from(ends[0]) << 32 | u64::from(ends[1]), SPACES]
            }
            _ => [
                bytes
                    .iter()
                    .fold(SPACES, |word, byte| word << 8 | u64::from(*byte)),
                SPACES,
            ],
        },
    };
    odd_bytes(ends[0]) | odd_bytes(ends[1]) == 0
}

/// The same where there is likely to be an odd one soon.
pub(crate) fn position_of_odd(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut before = 0;
    for word in words {
        let odd = odd_bytes(u64::from_le_bytes(*word));
        if odd != 0 {
            return before + odd.trailing_zeros() as usize / 8;
        }
        before += 8;
    }
    let is_odd = |byte: &u8| odd_bytes(SPACES << 8 | u64::from(*byte)) != 0;
    before + rest.iter().position(is_odd).unwrap_or(rest.len())
}

#[inline(always)]
fn word(bytes: &[u8]) -> u64 {
    bytes
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// A bit for the first byte that cannot stand in a string as it is: a control
/// character, a quote, a backslash, or none of ASCII. There may be bits for bytes
/// behind it that could.
#[inline(always)]
const fn odd_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES << 7;
    // A byte less than another borrows from the highest bit of its own.
    const fn less(word: u64, than: u8) -> u64 {
        word.wrapping_sub(ONES * than as u64) & !word
    }
    const fn is(word: u64, byte: u8) -> u64 {
        less(word ^ (ONES * byte as u64), 1)
    }
    let odd = less(word, b' ') | is(word, b'"') | is(word, b'\\') | is(word, 0x7f);
    (odd | word) & HIGH
}

/// Eight plain bytes.
const SPACES: u64 = u64::MAX / 0xff * b' ' as u64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn plain_bytes_are_counted_up_to_the_first_that_is_odd(
            bytes in proptest::collection::vec(32..127_u8, 0..50),
            at in 0..50_usize,
            odd in any::<u8>(),
        ) {
            let mut bytes = bytes;
            if let Some(byte) = bytes.get_mut(at) {
                *byte = odd;
            }
            let is_odd = |byte: &u8| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\');
            let len = bytes.iter().position(is_odd).unwrap_or(bytes.len());
            prop_assert_eq!(plain_len(&bytes), len);
        }
    }
}
