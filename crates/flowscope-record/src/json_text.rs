//! What hosts sent, as a string of JSON (RFC 8259, section 7).

use crate::line::Line;
use crate::plain_bytes::{copy_if_plain, plain_len, position_of_odd};
use crate::text::is_unprintable;

/// Adds a string, and says whether all of it was UTF-8.
///
/// What a terminal would obey or hide is escaped, too. To who reads the string it
/// is no difference.
#[inline(never)]
pub(crate) fn put_quoted(line: &mut Line<'_>, bytes: &[u8]) -> Utf8 {
    let len = bytes.len() + 2;
    // Nearly always it is all plain, and then it is copied while that is found out.
    if let Some([first, text @ ..]) = line.place(len) {
        *first = b'"';
        if copy_if_plain(bytes, text)
            && let Some(last) = text.last_mut()
        {
            *last = b'"';
            line.filled(len);
            return Utf8::All;
        }
    }
    put_with_others(line.text(), bytes)
}

/// Adds what may have something that cannot be written as it is.
#[cold]
#[inline(never)]
fn put_with_others(text: &mut Vec<u8>, bytes: &[u8]) -> Utf8 {
    text.push(b'"');
    let found = push_with_others(text, bytes, plain_len(bytes));
    text.push(b'"');
    found
}

/// Adds what has something that cannot be written as it is, behind `plain` bytes
/// that can.
fn push_with_others(text: &mut Vec<u8>, bytes: &[u8], plain: usize) -> Utf8 {
    let mut found = Utf8::All;
    let (mut rest, mut plain) = (bytes, plain);
    loop {
        let (before, behind) = rest.split_at(plain);
        text.extend_from_slice(before);
        let Some(&next) = behind.first() else {
            return found;
        };
        rest = if next.is_ascii() {
            push_escaped(text, next);
            &behind[1..]
        } else {
            // No character goes on behind an ASCII one.
            let len = behind.iter().position(u8::is_ascii);
            let (others, behind) = behind.split_at(len.unwrap_or(behind.len()));
            found = found.and(push_others(text, others));
            behind
        };
        plain = position_of_odd(rest);
    }
}

/// Whether bytes are UTF-8.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Utf8 {
    All,
    /// Something was replaced by U+FFFD.
    NotAll,
}

impl Utf8 {
    fn and(self, other: Self) -> Self {
        match self {
            Self::All => other,
            Self::NotAll => Self::NotAll,
        }
    }
}

/// Adds a character of ASCII that has to be escaped.
#[cold]
fn push_escaped(text: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => return push_number(text, byte.into()),
    };
    text.extend_from_slice(&[b'\\', short]);
}

/// Adds what is no ASCII.
#[cold]
fn push_others(text: &mut Vec<u8>, bytes: &[u8]) -> Utf8 {
    let mut found = Utf8::All;
    for chunk in bytes.utf8_chunks() {
        let mut valid = chunk.valid();
        while let Some(at) = valid.find(is_unprintable) {
            let (before, from) = valid.split_at(at);
            let mut letters = from.chars();
            text.extend_from_slice(before.as_bytes());
            // None of them needs two of these.
            letters
                .next()
                .into_iter()
                .for_each(|letter| push_number(text, letter.into()));
            valid = letters.as_str();
        }
        text.extend_from_slice(valid.as_bytes());
        if !chunk.invalid().is_empty() {
            text.extend_from_slice("\u{fffd}".as_bytes());
            found = Utf8::NotAll;
        }
    }
    found
}

/// Adds a character by its number.
fn push_number(text: &mut Vec<u8>, number: u32) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    text.extend_from_slice(b"\\u");
    let digits = [12, 8, 4, 0].map(|shift| DIGITS[(number >> shift) as usize & 0xf]);
    text.extend_from_slice(&digits);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::line::ROOM;

    fn quoted(bytes: &[u8]) -> (String, Utf8) {
        let mut text = Vec::new();
        let mut room = [0; ROOM];
        let mut line = Line::behind(&mut text, &mut room);
        let found = put_quoted(&mut line, bytes);
        line.end();
        (String::from_utf8(text).expect("it is UTF-8"), found)
    }

    /// The same by the means of others, one character at a time.
    fn by_others(bytes: &[u8]) -> (String, Utf8) {
        let sent = String::from_utf8_lossy(bytes);
        let found = match str::from_utf8(bytes) {
            Ok(_) => Utf8::All,
            Err(_) => Utf8::NotAll,
        };
        let quoted = serde_json::to_string(&sent).expect("a text");
        let printable = quoted.chars().map(|letter| match is_unprintable(letter) {
            true => format!("\\u{:04x}", u32::from(letter)),
            false => letter.to_string(),
        });
        (printable.collect(), found)
    }

    #[test]
    fn every_byte_is_written_as_others_write_it_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for at in 0..40 {
                let mut bytes = [b'a'; 40];
                bytes[at] = byte;
                assert_eq!(quoted(&bytes), by_others(&bytes));
                assert_eq!(quoted(&bytes[..=at]), by_others(&bytes[..=at]));
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_written_as_others_write_them(
            bytes in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..100),
                "\\PC{0,60}|[ -~]{0,60}|.{0,60}".prop_map(String::into_bytes),
                "[a-z\u{7f}-\u{a0}\u{200a}-\u{2030}\u{feff}]{0,40}".prop_map(String::into_bytes),
            ],
        ) {
            prop_assert_eq!(quoted(&bytes), by_others(&bytes));
        }
    }
}
