//! Text that is written without `Display`, whose formatter takes longer than
//! all the rest of a record.

use core::net::IpAddr;
use std::io::Write;

use flowscope_core::track::History;
use flowscope_core::wire::IpProtocol;

use crate::digits;
use crate::host::Host;

/// Text that needs no quoting in any format, such as an address.
pub trait PlainText {
    /// Adds the text to another.
    fn append_to(&self, text: &mut Vec<u8>);

    /// The text, where it is there already and need not be made.
    #[inline]
    fn at_hand(&self) -> Option<&[u8]> {
        None
    }
}

impl PlainText for &str {
    #[inline]
    fn append_to(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(self.as_bytes());
    }

    #[inline]
    fn at_hand(&self) -> Option<&[u8]> {
        Some(self.as_bytes())
    }
}

impl PlainText for IpProtocol {
    fn append_to(&self, text: &mut Vec<u8>) {
        match *self {
            Self::TCP => "tcp".append_to(text),
            Self::UDP => "udp".append_to(text),
            other => append_displayed(other, text),
        }
    }

    #[inline]
    fn at_hand(&self) -> Option<&[u8]> {
        match *self {
            Self::TCP => Some(b"tcp"),
            Self::UDP => Some(b"udp"),
            _ => None,
        }
    }
}

impl PlainText for History {
    fn append_to(&self, text: &mut Vec<u8>) {
        // Its letters are ASCII.
        text.extend(self.letters().map(|letter| letter as u8));
    }
}

impl PlainText for Host {
    fn append_to(&self, text: &mut Vec<u8>) {
        match self {
            Self::Ip(IpAddr::V4(addr)) => {
                for octet in addr.octets() {
                    digits::push_dotted(text, octet);
                }
                text.pop();
            }
            other => append_displayed(other, text),
        }
    }
}

/// Bytes as pairs of hexadecimal digits, in lower case.
#[derive(Clone, Copy, Debug)]
pub struct Hex<'a>(pub &'a [u8]);

impl PlainText for Hex<'_> {
    fn append_to(&self, text: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for byte in self.0 {
            text.push(DIGITS[usize::from(byte >> 4)]);
            text.push(DIGITS[usize::from(byte & 0x0f)]);
        }
    }
}

/// Adds what is rare enough to be left to its `Display`.
fn append_displayed(value: impl core::fmt::Display, text: &mut Vec<u8>) {
    write!(text, "{value}").expect("a vector takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appended(value: impl PlainText) -> String {
        let mut text = Vec::new();
        value.append_to(&mut text);
        assert_eq!(value.at_hand().unwrap_or(&text), text);
        String::from_utf8(text).expect("it is UTF-8")
    }

    #[test]
    fn text_is_as_display_writes_it() {
        for number in 0..=u8::MAX {
            let protocol = IpProtocol(number);
            assert_eq!(appended(protocol), protocol.to_string());
        }
        for octet in 0..=u8::MAX {
            let addr = IpAddr::from([octet, 0, 255 - octet, octet]);
            assert_eq!(appended(Host::Ip(addr)), addr.to_string());
        }
        assert_eq!(
            appended(Host::Ip("2001:db8::1".parse().unwrap())),
            "2001:db8::1"
        );
        assert_eq!(
            appended(Host::Mac([0, 1, 2, 3, 4, 0xff])),
            "00:01:02:03:04:ff"
        );
    }

    #[test]
    fn bytes_are_two_digits_each() {
        assert_eq!(appended(Hex(&[0, 0x1f, 0xa0])), "001fa0");
    }
}
