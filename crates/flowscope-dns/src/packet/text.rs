//! Bytes as text: escapes, hexadecimal, base 64 and base 32.

use core::fmt::{self, Write};
use core::str;

/// Hands on text up to a bound, and fails where there is more.
pub(crate) struct Bounded<W> {
    out: W,
    left: usize,
    is_full: bool,
}

impl<W: Write> Bounded<W> {
    pub(crate) fn new(out: W, most: usize) -> Self {
        Self {
            out,
            left: most,
            is_full: false,
        }
    }

    /// Whether there was more.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }
}

impl<W: Write> Write for Bounded<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match self.left.checked_sub(text.len()) {
            Some(left) if !self.is_full => {
                self.left = left;
                self.out.write_str(text)
            }
            _ => {
                self.is_full = true;
                Err(fmt::Error)
            }
        }
    }
}

/// A label of a name, as in a zone file (RFC 1035, section 5.1).
pub(crate) fn label(bytes: &[u8], out: &mut dyn Write) -> fmt::Result {
    escaped(bytes, out, |byte| {
        !matches!(
            byte,
            b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$' | b' '
        )
    })
}

/// A string in quotes.
pub(crate) fn quoted(bytes: &[u8], out: &mut dyn Write) -> fmt::Result {
    out.write_char('"')?;
    escaped(bytes, out, |byte| !matches!(byte, b'\\' | b'"'))?;
    out.write_char('"')
}

/// A part of a label for people: what can be seen as it is, dots and backslashes
/// behind a backslash, the bytes of the rest as `\DDD`.
pub(crate) fn readable(text: &str, out: &mut dyn Write) -> fmt::Result {
    let is_seen = |letter: char| !letter.is_ascii() && !is_unseen(letter);
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let (run, after) = match is_seen(letter) {
            true => split_where(rest, |letter| !is_seen(letter)),
            false => split_where(rest, is_seen),
        };
        match is_seen(letter) {
            true => out.write_str(run)?,
            false => escaped(run.as_bytes(), out, |byte| !matches!(byte, b'.' | b'\\'))?,
        }
        rest = after;
    }
    Ok(())
}

/// What comes before the first letter that is one, and the rest.
fn split_where(text: &str, is_one: impl Fn(char) -> bool) -> (&str, &str) {
    let at = text.find(is_one).unwrap_or(text.len());
    text.split_at_checked(at).unwrap_or((text, ""))
}

/// Whether a character makes a terminal do something, breaks a line, puts
/// others in another order, or takes no room at all. Joiners do not count:
/// there are scripts that need them.
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Printable ASCII that is `plain` as it is, other printable ASCII but space
/// behind a backslash, the rest as `\DDD`.
pub(crate) fn escaped(
    bytes: &[u8],
    out: &mut dyn Write,
    plain: impl Fn(u8) -> bool,
) -> fmt::Result {
    let is_plain = |byte: &u8| matches!(byte, 0x20..=0x7e) && plain(*byte);
    let mut rest = bytes;
    while !rest.is_empty() {
        let run = rest.iter().position(|byte| !is_plain(byte));
        let (run, after) = rest
            .split_at_checked(run.unwrap_or(rest.len()))
            .unwrap_or_default();
        write_ascii(run, out)?;
        rest = after;
        if rest.is_empty() {
            break;
        }
        // A message can have megabytes of these, so they go out in numbers.
        let mut escapes = Escapes::default();
        while let Some((special, after)) = rest.split_first()
            && !is_plain(special)
            && escapes.push(*special)
        {
            rest = after;
        }
        write_ascii(escapes.text.get(..escapes.len).unwrap_or_default(), out)?;
    }
    Ok(())
}

/// Escaped bytes, on their way out.
struct Escapes {
    text: [u8; 256],
    len: usize,
}

impl Default for Escapes {
    fn default() -> Self {
        Self {
            text: [0; 256],
            len: 0,
        }
    }
}

impl Escapes {
    /// Adds a byte if there is room.
    fn push(&mut self, byte: u8) -> bool {
        let digit = |value: u8| b'0' + value % 10;
        let (text, len) = match byte {
            0x21..=0x7e => ([b'\\', byte, 0, 0], 2),
            _ => ([b'\\', digit(byte / 100), digit(byte / 10), digit(byte)], 4),
        };
        let rest = self.text.get_mut(self.len..).unwrap_or_default();
        let Some(room) = rest.first_chunk_mut::<4>() else {
            return false;
        };
        *room = text;
        self.len += len;
        true
    }
}

fn write_ascii(bytes: &[u8], out: &mut dyn Write) -> fmt::Result {
    match str::from_utf8(bytes) {
        Ok("") | Err(_) => Ok(()),
        Ok(text) => out.write_str(text),
    }
}

/// Hexadecimal digits, in upper case.
pub(crate) fn hex(bytes: &[u8], out: &mut dyn Write) -> fmt::Result {
    bytes.chunks(32).try_for_each(|bytes| {
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
            pair.copy_from_slice(&[digit(HEX, byte >> 4), digit(HEX, byte & 0xf)]);
        }
        write_ascii(text.get(..2 * bytes.len()).unwrap_or_default(), out)
    })
}

/// Any data, as of an unknown type (RFC 3597, section 5).
pub(crate) fn generic(len: usize, bytes: &[u8], out: &mut dyn Write) -> fmt::Result {
    write!(out, "\\# {len}")?;
    if !bytes.is_empty() {
        out.write_char(' ')?;
        hex(bytes, out)?;
    }
    Ok(())
}

/// Base 64, padded (RFC 4648, section 4).
pub(crate) fn base64(bytes: &[u8], out: &mut dyn Write) -> fmt::Result {
    for group in bytes.chunks(3) {
        let mut bits = 0u32;
        for n in 0..3 {
            bits = bits << 8 | u32::from(group.get(n).copied().unwrap_or(0));
        }
        let mut text = [b'='; 4];
        for (n, letter) in text.iter_mut().enumerate().take(group.len() + 1) {
            *letter = digit(BASE64, (bits >> (18 - 6 * n)) as u8 & 0x3f);
        }
        write_ascii(&text, out)?;
    }
    Ok(())
}

/// Base 32 with the extended hexadecimal alphabet, not padded (RFC 5155,
/// section 3.3).
pub(crate) fn base32(bytes: &[u8], out: &mut dyn Write) -> fmt::Result {
    for group in bytes.chunks(5) {
        let mut bits = 0u64;
        for n in 0..5 {
            bits = bits << 8 | u64::from(group.get(n).copied().unwrap_or(0));
        }
        for n in 0..(group.len() * 8).div_ceil(5) {
            let five = (bits >> (35 - 5 * n)) & 0x1f;
            out.write_char(char::from(digit(BASE32, five as u8)))?;
        }
    }
    Ok(())
}

fn digit(alphabet: &[u8], value: u8) -> u8 {
    alphabet.get(usize::from(value)).copied().unwrap_or(b'?')
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";
const BASE32: &[u8; 32] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use std::string::String;

    use super::*;

    fn text(write: fn(&[u8], &mut dyn Write) -> fmt::Result, bytes: &[u8]) -> String {
        let mut out = String::new();
        write(bytes, &mut out).expect("a string takes everything");
        out
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(text(label, b"a.b c"), r"a\.b\032c");
        assert_eq!(text(label, b"\\(\"$\x00\xff"), "\\\\\\(\\\"\\$\\000\\255");
        assert_eq!(text(quoted, b"a.b c\"\\\n"), r#""a.b c\"\\\010""#);
        assert_eq!(text(quoted, b""), r#""""#);
    }

    #[test]
    fn bytes_become_letters() {
        // The test vectors of RFC 4648, section 10.
        for (bytes, six, five) in [
            (&b""[..], "", ""),
            (b"f", "Zg==", "CO"),
            (b"fo", "Zm8=", "CPNG"),
            (b"foo", "Zm9v", "CPNMU"),
            (b"foob", "Zm9vYg==", "CPNMUOG"),
            (b"fooba", "Zm9vYmE=", "CPNMUOJ1"),
            (b"foobar", "Zm9vYmFy", "CPNMUOJ1E8"),
        ] {
            assert_eq!(text(base64, bytes), six);
            assert_eq!(text(base32, bytes), five);
        }
        assert_eq!(text(hex, b"\x00\xaf"), "00AF");
        let whole = |bytes: &[u8], out: &mut dyn Write| generic(bytes.len(), bytes, out);
        assert_eq!(text(whole, b"\x0a\x00\x00\x01"), r"\# 4 0A000001");
        assert_eq!(text(whole, b""), r"\# 0");
    }
}
