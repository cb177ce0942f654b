//! Finding the first byte of a text that cannot be written as it is.
//!
//! Nearly all that hosts send is ASCII that can, so it is looked through sixteen
//! bytes at a time, and copied.

/// How many bytes at the front are ASCII, but for control
/// characters, quotes and backslashes.
pub(crate) fn plain_len(bytes: &[u8]) -> usize {
    let (pairs, rest) = bytes.as_chunks::<16>();
    for (number, pair) in pairs.iter().enumerate() {
        let (first, second) = pair.split_at(8);
        let (first, second) = (odd_bytes(word(first)), odd_bytes(word(second)));
        if first | second != 0 {
            let within = match first {
                0 => 8 + second.trailing_zeros() / 8,
                _ => first.trailing_zeros() / 8,
            };
            return 16 * number + within as usize;
        }
    }
    let before = bytes.len() - rest.len();
    // What is left is less than two words, of which the last is filled up with
    // a letter.
    let mut last = [b' '; 16];
    last[..rest.len()].copy_from_slice(rest);
    let (first, second) = last.split_at(8);
    let (first, second) = (odd_bytes(word(first)), odd_bytes(word(second)));
    let within = match (first, second) {
        (0, 0) => return bytes.len(),
        (0, second) => 8 + second.trailing_zeros() / 8,
        (first, _) => first.trailing_zeros() / 8,
    };
    before + within as usize
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
