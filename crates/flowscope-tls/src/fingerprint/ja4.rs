//! JA4 of TLS clients
//! (<https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md>).
//!
//! Only JA4 itself: the other fingerprints of that family are under another
//! licence.

use core::fmt;

use sha2::{Digest, Sha256};

use crate::hello::kind;
use crate::{ClientHello, TlsTransport, TlsVersion, is_grease};

/// A JA4, as in `t13d1516h2_8daaf6152771_e5627efa2ab1`.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ja4([u8; LEN]);

impl Ja4 {
    /// That of a hello whose [`ja4_r`](ClientHello::ja4_r) is known; of any other
    /// text, one with hashes of what there is.
    #[must_use]
    pub fn of(ja4_r: &str) -> Self {
        let (counts, lists) = ja4_r.split_once('_').unwrap_or_default();
        let (cipher_suites, extensions) = lists.split_once('_').unwrap_or_default();
        let mut padded = [b'0'; 10];
        for (place, byte) in padded.iter_mut().zip(counts.bytes()) {
            *place = byte;
        }
        Self::of_parts(&padded, cipher_suites.as_bytes(), extensions.as_bytes())
    }

    fn of_parts(counts: &[u8; 10], cipher_suites: &[u8], extensions: &[u8]) -> Self {
        let mut text = [b'_'; LEN];
        let pieces = [
            (0, &counts[..]),
            (11, &hash(cipher_suites)),
            (24, &hash(extensions)),
        ];
        for (start, piece) in pieces {
            for (place, byte) in text.iter_mut().skip(start).zip(piece) {
                *place = *byte;
            }
        }
        Self(text)
    }

    /// The fingerprint as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // It is made of ASCII letters and digits alone.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Ja4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Ja4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ja4({self})")
    }
}

impl AsRef<str> for Ja4 {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl ClientHello {
    /// The JA4: what is counted, and hashes of what is listed.
    #[must_use]
    pub fn ja4(&self) -> Ja4 {
        let parts = Parts::of(self);
        Ja4::of_parts(&parts.counts, &parts.cipher_suites, &parts.extensions)
    }

    /// What the JA4 is made of, with the lists themselves in place of their
    /// hashes (`JA4_r`).
    #[must_use]
    pub fn ja4_r(&self) -> String {
        let Parts {
            counts,
            cipher_suites,
            extensions,
        } = Parts::of(self);
        let [counts, cipher_suites, extensions] =
            [&counts[..], &cipher_suites, &extensions].map(String::from_utf8_lossy);
        format!("{counts}_{cipher_suites}_{extensions}")
    }
}

/// The three parts of a JA4, before hashing.
struct Parts {
    counts: [u8; 10],
    /// Sorted.
    cipher_suites: Vec<u8>,
    /// Sorted, without those that say where to and what; then the signature
    /// algorithms as they were sent.
    extensions: Vec<u8>,
}

impl Parts {
    fn of(hello: &ClientHello) -> Self {
        let mut cipher_suites = Vec::with_capacity(USUAL);
        let mut extensions = Vec::with_capacity(USUAL);
        cipher_suites.extend(plain(hello.cipher_suites()));
        extensions.extend(plain(hello.extensions().map(|one| one.kind)));
        cipher_suites.sort_unstable();
        extensions.sort_unstable();
        let names_host = extensions.contains(&kind::SERVER_NAME);

        let transport = match hello.transport() {
            TlsTransport::Tcp => b't',
            TlsTransport::Quic => b'q',
            TlsTransport::Dtls => b'd',
        };
        let [v0, v1] = version(highest_version(hello));
        let [c0, c1] = count(cipher_suites.len());
        let [e0, e1] = count(extensions.len());
        let [a0, a1] = protocol(hello);
        let host = if names_host { b'd' } else { b'i' };
        let counts = [transport, v0, v1, host, c0, c1, e0, e1, a0, a1];

        extensions.retain(|one| !matches!(*one, kind::SERVER_NAME | kind::ALPN));
        let mut listed = list(extensions.into_iter());
        let signatures = list(plain(hello.signature_algorithms()));
        if !signatures.is_empty() {
            listed.push(b'_');
            listed.extend_from_slice(&signatures);
        }
        Self {
            counts,
            cipher_suites: list(cipher_suites.into_iter()),
            extensions: listed,
        }
    }
}

fn plain(values: impl Iterator<Item = u16>) -> impl Iterator<Item = u16> {
    values.filter(|value| !is_grease(*value))
}

/// The highest number offered. Of DTLS, where numbers count down, that is the
/// lowest version.
fn highest_version(hello: &ClientHello) -> TlsVersion {
    hello
        .supported_versions()
        .filter(|version| !is_grease(version.0))
        .max()
        .unwrap_or_else(|| hello.legacy_version())
}

fn version(version: TlsVersion) -> [u8; 2] {
    *match version {
        TlsVersion::TLS_1_3 => b"13",
        TlsVersion::TLS_1_2 => b"12",
        TlsVersion::TLS_1_1 => b"11",
        TlsVersion::TLS_1_0 => b"10",
        TlsVersion::SSL_3_0 => b"s3",
        TlsVersion::SSL_2_0 => b"s2",
        TlsVersion::DTLS_1_3 => b"d3",
        TlsVersion::DTLS_1_2 => b"d2",
        TlsVersion::DTLS_1_0 => b"d1",
        TlsVersion::DTLS_1_0_OPENSSL => b"s1",
        _ => b"00",
    }
}

/// Two digits, 99 for anything more.
fn count(number: usize) -> [u8; 2] {
    let number = u8::try_from(number.min(99)).unwrap_or(99);
    [b'0' + number / 10, b'0' + number % 10]
}

/// The first and the last letter of the first protocol: its own if both are
/// letters or digits, or else those of its hexadecimal form.
fn protocol(hello: &ClientHello) -> [u8; 2] {
    let is_made_up = |name: &&[u8]| {
        <[u8; 2]>::try_from(*name).is_ok_and(|pair| is_grease(u16::from_be_bytes(pair)))
    };
    let first = hello.alpn().find(|name| !is_made_up(name));
    let Some(&[first, ref rest @ ..]) = first else {
        return *b"00";
    };
    let last = rest.last().copied().unwrap_or(first);
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        [first, last]
    } else {
        [digit(first >> 4), digit(last & 0xf)]
    }
}

/// The values as four digits each, with commas between them.
fn list(values: impl Iterator<Item = u16>) -> Vec<u8> {
    let mut text = Vec::with_capacity(5 * USUAL);
    for value in values {
        let [high, low] = value.to_be_bytes();
        let [a, b, c, d] = [high >> 4, high & 0xf, low >> 4, low & 0xf].map(digit);
        text.extend_from_slice(&[a, b, c, d, b',']);
    }
    text.pop();
    text
}

/// The first 12 digits of the SHA-256, or zeros for nothing.
fn hash(text: &[u8]) -> [u8; 12] {
    let mut digits = [b'0'; 12];
    if !text.is_empty() {
        let hash = Sha256::digest(text);
        let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        for (place, nibble) in digits.iter_mut().zip(nibbles) {
            *place = digit(nibble);
        }
    }
    digits
}

fn digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + (nibble - 10),
    }
}

/// Few hellos list more of anything.
const USUAL: usize = 32;

/// Ten characters and twice twelve, with `_` between them.
const LEN: usize = 36;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_lists_have_the_specifications_hashes() {
        for (listed, digits) in [
            (
                "002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9",
                b"8daaf6152771",
            ),
            (
                "0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_\
                 0403,0804,0401,0503,0805,0501,0806,0601",
                b"e5627efa2ab1",
            ),
            ("", b"000000000000"),
        ] {
            assert_eq!(&hash(listed.as_bytes()), digits, "{listed}");
        }
    }

    #[test]
    fn counts_end_at_99() {
        assert_eq!(
            [count(0), count(7), count(99), count(100)],
            [*b"00", *b"07", *b"99", *b"99"]
        );
    }
}
