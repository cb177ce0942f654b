//! Bytes as text: escapes, hexadecimal, base 64 and base 32.

use core::fmt::{self, Write};
use core::str;

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

/// UTF-8 as it is, what is not as U+FFFD, control characters as `\DDD`.
pub(crate) fn readable(bytes: &[u8], out: &mut dyn Write) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() {
                write!(out, "\\{:03}", u32::from(character))?;
            } else {
                out.write_char(character)?;
            }
        }
        if !chunk.invalid().is_empty() {
            out.write_char(char::REPLACEMENT_CHARACTER)?;
        }
    }
    Ok(())
}

/// Printable ASCII that is `plain` as it is, other printable ASCII but space
/// behind a backslash, the rest as `\DDD`.
pub(crate) fn escaped(
    bytes: &[u8],
    out: &mut dyn Write,
    plain: impl Fn(u8) -> bool,
) -> fmt::Result {
    let mut rest = bytes;
    while !rest.is_empty() {
        let is_plain = |byte: &u8| matches!(byte, 0x20..=0x7e) && plain(*byte);
        let run = rest.iter().position(|byte| !is_plain(byte));
        let (run, after) = rest
            .split_at_checked(run.unwrap_or(rest.len()))
            .unwrap_or_default();
        // All of it is ASCII.
        out.write_str(str::from_utf8(run).unwrap_or_default())?;
        rest = after;
        if let Some((special, after)) = rest.split_first() {
            match special {
                0x21..=0x7e => write!(out, "\\{}", char::from(*special))?,
                other => write!(out, "\\{other:03}")?,
            }
            rest = after;
        }
    }
    Ok(())
}

/// Hexadecimal digits, in upper case.
pub(crate) fn hex(bytes: &[u8], out: &mut dyn Write) -> fmt::Result {
    bytes.iter().try_for_each(|byte| {
        out.write_char(digit(HEX, byte >> 4))?;
        out.write_char(digit(HEX, byte & 0xf))
    })
}

/// Any data, as of an unknown type (RFC 3597, section 5).
pub(crate) fn generic(bytes: &[u8], out: &mut dyn Write) -> fmt::Result {
    write!(out, "\\# {}", bytes.len())?;
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
        for n in 0..4 {
            let six = (bits >> (18 - 6 * n)) & 0x3f;
            let letter = if n > group.len() {
                '='
            } else {
                digit(BASE64, six as u8)
            };
            out.write_char(letter)?;
        }
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
            out.write_char(digit(BASE32, five as u8))?;
        }
    }
    Ok(())
}

fn digit(alphabet: &[u8], value: u8) -> char {
    char::from(alphabet.get(usize::from(value)).copied().unwrap_or(b'?'))
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
        assert_eq!(text(generic, b"\x0a\x00\x00\x01"), r"\# 4 0A000001");
        assert_eq!(text(generic, b""), r"\# 0");
    }
}
