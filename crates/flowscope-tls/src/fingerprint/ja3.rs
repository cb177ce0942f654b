//! JA3 and JA3S: numbers of a hello in the order of the wire, as an MD5
//! (<https://github.com/salesforce/ja3>).

use core::fmt;

use md5::{Digest, Md5};

use crate::{ClientHello, ServerHello, bytes, is_grease};

/// A JA3 of a client or a JA3S of a server.
///
/// It is shown as 32 hexadecimal digits.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ja3([u8; 16]);

impl Ja3 {
    /// That of a hello whose [`ja3_raw`](ClientHello::ja3_raw) or
    /// [`ja3s_raw`](ServerHello::ja3s_raw) is known.
    #[must_use]
    pub fn of(raw: &str) -> Self {
        Self(Md5::digest(raw).into())
    }

    /// The MD5.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for Ja3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&bytes::hex(&self.0))
    }
}

impl fmt::Debug for Ja3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ja3({self})")
    }
}

impl ClientHello {
    /// The JA3: the MD5 of [`ja3_raw`](Self::ja3_raw).
    #[must_use]
    pub fn ja3(&self) -> Ja3 {
        Ja3(Md5::digest(self.raw_ja3()).into())
    }

    /// What the JA3 is made of: legacy version, cipher suites, extensions,
    /// groups and point formats, all but those of GREASE.
    #[must_use]
    pub fn ja3_raw(&self) -> String {
        text(self.raw_ja3())
    }

    fn raw_ja3(&self) -> Vec<u8> {
        let mut raw = Vec::with_capacity(256);
        push_number(&mut raw, self.legacy_version().0);
        push_list(&mut raw, plain(self.cipher_suites()));
        push_list(&mut raw, plain(self.extensions().map(|one| one.kind)));
        push_list(&mut raw, plain(self.supported_groups()));
        push_list(
            &mut raw,
            self.ec_point_formats().iter().map(|one| (*one).into()),
        );
        raw
    }
}

impl ServerHello {
    /// The JA3S: the MD5 of [`ja3s_raw`](Self::ja3s_raw).
    #[must_use]
    pub fn ja3s(&self) -> Ja3 {
        Ja3(Md5::digest(self.raw_ja3s()).into())
    }

    /// What the JA3S is made of: legacy version, cipher suite and extensions.
    #[must_use]
    pub fn ja3s_raw(&self) -> String {
        text(self.raw_ja3s())
    }

    fn raw_ja3s(&self) -> Vec<u8> {
        let mut raw = Vec::with_capacity(64);
        push_number(&mut raw, self.legacy_version().0);
        push_list(&mut raw, core::iter::once(self.cipher_suite()));
        // The reference implementation removes no values here, as servers send no
        // GREASE.
        push_list(&mut raw, self.extensions().map(|one| one.kind));
        raw
    }
}

fn plain(values: impl Iterator<Item = u16>) -> impl Iterator<Item = u16> {
    values.filter(|value| !is_grease(*value))
}

/// Digits, commas and dashes.
fn text(raw: Vec<u8>) -> String {
    String::from_utf8(raw).unwrap_or_default()
}

/// Adds a comma and the values with dashes between them.
fn push_list(raw: &mut Vec<u8>, values: impl Iterator<Item = u16>) {
    let mut before = b',';
    for value in values {
        raw.push(before);
        push_number(raw, value);
        before = b'-';
    }
    if before == b',' {
        raw.push(b',');
    }
}

/// Adds a number in decimal digits.
fn push_number(raw: &mut Vec<u8>, value: u16) {
    let mut digits = [0; 5];
    let (mut rest, mut len) = (value, 0);
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        (rest, len) = (rest / 10, len + 1);
        if rest == 0 {
            break;
        }
    }
    raw.extend_from_slice(digits.get(digits.len() - len..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_others_write_them() {
        for value in (0..1200).chain([9_999, 10_000, 12_345, u16::MAX]) {
            let mut raw = Vec::new();
            push_number(&mut raw, value);
            assert_eq!(text(raw), value.to_string());
        }
    }

    #[test]
    fn the_references_examples_have_the_references_hashes() {
        for (raw, hash) in [
            (
                "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0",
                "ada70206e40642a3e4461f35503241d5",
            ),
            (
                "769,4-5-10-9-100-98-3-6-19-18-99,,,",
                "de350869b8c85de67a350c8d186f11e6",
            ),
        ] {
            assert_eq!(Ja3::of(raw).to_string(), hash);
        }
    }
}
