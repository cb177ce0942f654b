//! Words of records, spelled without `Display`, whose formatter takes longer
//! than all the rest of a record.

use core::net::IpAddr;
use std::io::Write;

use flowscope::track::History;
use flowscope::wire::IpProtocol;

use super::Host;
use crate::digits;

/// A word that needs no quoting in any format, such as an address.
pub(crate) trait Word {
    /// Adds the word to a text.
    fn spell(&self, text: &mut Vec<u8>);
}

impl Word for &str {
    #[inline]
    fn spell(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(self.as_bytes());
    }
}

impl Word for IpProtocol {
    fn spell(&self, text: &mut Vec<u8>) {
        match *self {
            Self::TCP => "tcp".spell(text),
            Self::UDP => "udp".spell(text),
            other => shown(other, text),
        }
    }
}

impl Word for History {
    fn spell(&self, text: &mut Vec<u8>) {
        // Its letters are ASCII.
        text.extend(self.letters().map(|letter| letter as u8));
    }
}

impl Word for Host {
    fn spell(&self, text: &mut Vec<u8>) {
        match self {
            Self::Ip(IpAddr::V4(addr)) => {
                for octet in addr.octets() {
                    digits::push_dotted(text, octet);
                }
                text.pop();
            }
            other => shown(other, text),
        }
    }
}

/// Spells what is rare enough to be left to its `Display`.
fn shown(value: impl core::fmt::Display, text: &mut Vec<u8>) {
    write!(text, "{value}").expect("a vector takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(word: impl Word) -> String {
        let mut text = Vec::new();
        word.spell(&mut text);
        String::from_utf8(text).expect("words are UTF-8")
    }

    #[test]
    fn words_are_as_display_writes_them() {
        for number in 0..=u8::MAX {
            let protocol = IpProtocol(number);
            assert_eq!(spelled(protocol), protocol.to_string());
        }
        for octet in 0..=u8::MAX {
            let addr = IpAddr::from([octet, 0, 255 - octet, octet]);
            assert_eq!(spelled(Host::Ip(addr)), addr.to_string());
        }
        assert_eq!(
            spelled(Host::Ip("2001:db8::1".parse().unwrap())),
            "2001:db8::1"
        );
        assert_eq!(
            spelled(Host::Mac([0, 1, 2, 3, 4, 0xff])),
            "00:01:02:03:04:ff"
        );
    }
}
