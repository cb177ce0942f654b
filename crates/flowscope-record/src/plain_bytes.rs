//! Finding the first byte of a text that cannot be written as it is.
//!
//! Nearly all that hosts send is ASCII that can, so it is looked through sixteen
//! bytes at a time and copied on the way. Where something is odd is found out
//! after that.

/// How many bytes at the front are ASCII, but for control
/// characters, quotes and backslashes.
#[inline]
pub(crate) fn plain_len(bytes: &[u8]) -> usize {
    let is_plain = match bytes.last_chunk::<16>() {
        Some(last) => {
            let (pieces, _) = bytes.as_chunks::<16>();
            !pieces.iter().any(is_odd) && !is_odd(last)
        }
        None => copy_if_plain(bytes, &mut [0; 16]),
    };
    match is_plain {
        true => bytes.len(),
        false => position_of_odd(bytes),
    }
}

/// Copies bytes to the front of `room`, which is as long at least, and says
/// whether they are ASCII, but for control characters, quotes and backslashes.
///
/// It goes by pieces of a constant size, the last of which may have bytes of the
/// one before it once more.
#[inline]
pub(crate) fn copy_if_plain(bytes: &[u8], room: &mut [u8]) -> bool {
    let Some(last) = bytes.last_chunk::<16>() else {
        return copy_if_plain_and_short(bytes, room);
    };
    let (pieces, _) = bytes.as_chunks::<16>();
    let (places, _) = room.as_chunks_mut();
    let mut has_odd = is_odd(last);
    for (piece, place) in pieces.iter().zip(places) {
        has_odd |= is_odd(piece);
        *place = *piece;
    }
    put(room, bytes.len() - 16, last);
    !has_odd
}

#[inline]
fn copy_if_plain_and_short(bytes: &[u8], room: &mut [u8]) -> bool {
    if let Some((first, last)) = bytes.first_chunk::<8>().zip(bytes.last_chunk()) {
        put(room, 0, first);
        put(room, bytes.len() - 8, last);
        return odd_bytes(u64::from_le_bytes(*first)) | odd_bytes(u64::from_le_bytes(*last)) == 0;
    }
    if let Some((first, last)) = bytes.first_chunk::<4>().zip(bytes.last_chunk()) {
        put(room, 0, first);
        put(room, bytes.len() - 4, last);
        let [first, last] = [first, last].map(|piece| u64::from(u32::from_le_bytes(*piece)));
        return odd_bytes(first << 32 | last) == 0;
    }
    match *bytes {
        [] => true,
        [one] => put_few(room, [one]),
        [one, two] => put_few(room, [one, two]),
        [one, two, three, ..] => put_few(room, [one, two, three]),
    }
}

#[inline(always)]
fn put_few<const N: usize>(room: &mut [u8], bytes: [u8; N]) -> bool {
    put(room, 0, &bytes);
    let word = bytes
        .iter()
        .fold(SPACES, |word, byte| word << 8 | u64::from(*byte));
    odd_bytes(word) == 0
}

#[inline(always)]
fn put<const N: usize>(room: &mut [u8], at: usize, piece: &[u8; N]) {
    let place = room.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
    if let Some(place) = place {
        *place = *piece;
    }
}

/// Whether a piece has a byte that is not plain. A processor compares all of them
/// at once.
#[inline(always)]
fn is_odd(piece: &[u8; 16]) -> bool {
    piece.iter().fold(false, |is_odd, byte| {
        // As a signed number, what is no ASCII is below zero.
        let is_control = (byte.cast_signed() < 0x20) | (*byte == 0x7f);
        is_odd | is_control | (*byte == b'"') | (*byte == b'\\')
    })
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
            let mut room = [0; 50];
            prop_assert_eq!(copy_if_plain(&bytes, &mut room), len == bytes.len());
            prop_assert_eq!(&room[..bytes.len()], &bytes);
        }
    }
}
