//! Extensions, one after the other.

use crate::bytes::{Cursor, list8, list16, numbers};

/// An extension of a hello, as it was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Extension<'a> {
    /// Its number in the registry.
    pub kind: u16,
    /// What it says.
    pub data: &'a [u8],
}

/// The extensions of a hello, in the order in which they were sent.
///
/// Where an extension claims to be longer than the hello, it and what is behind
/// it are left out.
#[derive(Clone, Debug)]
pub struct Extensions<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Extensions<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::new(bytes),
        }
    }

    /// What the first extension of this kind says.
    pub(super) fn find_data(mut self, kind: u16) -> Option<&'a [u8]> {
        self.find(|extension| extension.kind == kind)
            .map(|extension| extension.data)
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Extension<'a>> {
        let kind = self.cursor.u16()?;
        let data = self.cursor.vec16();
        if data.is_none() {
            self.cursor = Cursor::new(&[]);
        }
        Some(Extension { kind, data: data? })
    }
}

/// The first host name of a list of server names (RFC 6066, section 3).
pub(super) fn host_name(data: &[u8]) -> Option<&[u8]> {
    let mut list = list16(data);
    while !list.is_empty() {
        let (rest, (kind, name)) = tls_parser::parse_tls_extension_sni_hostname(list).ok()?;
        if kind == tls_parser::SNIType::HostName {
            return Some(name);
        }
        list = rest;
    }
    None
}

/// The protocols of an ALPN extension (RFC 7301, section 3.1).
pub(super) fn protocols(data: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let mut list = Cursor::new(list16(data));
    core::iter::from_fn(move || list.vec8())
}

/// A list of numbers behind its length in two bytes.
pub(super) fn numbers16(data: &[u8]) -> impl Iterator<Item = u16> + Clone {
    numbers(list16(data))
}

/// A list of numbers behind its length in one byte.
pub(super) fn numbers8(data: &[u8]) -> impl Iterator<Item = u16> + Clone {
    numbers(list8(data))
}

/// The groups of a client's key shares (RFC 8446, section 4.2.8).
pub(super) fn share_groups(data: &[u8]) -> impl Iterator<Item = u16> + Clone {
    let mut list = Cursor::new(list16(data));
    core::iter::from_fn(move || {
        let group = list.u16()?;
        list.vec16().map(|_| group)
    })
}

/// The TLS ExtensionType Values registry, as far as it is used here.
pub(crate) mod kind {
    pub(crate) const SERVER_NAME: u16 = 0;
    pub(crate) const SUPPORTED_GROUPS: u16 = 10;
    pub(crate) const EC_POINT_FORMATS: u16 = 11;
    pub(crate) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(crate) const ALPN: u16 = 16;
    pub(crate) const SESSION_TICKET: u16 = 35;
    pub(crate) const KEY_SHARE_OF_DRAFTS: u16 = 40;
    pub(crate) const PRE_SHARED_KEY: u16 = 41;
    pub(crate) const EARLY_DATA: u16 = 42;
    pub(crate) const SUPPORTED_VERSIONS: u16 = 43;
    pub(crate) const KEY_SHARE: u16 = 51;
    pub(crate) const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
    pub(crate) const ENCRYPTED_SERVER_NAME: u16 = 0xffce;
}
