//! Hellos: what a client offers and what a server chooses.

mod client;
mod exact;
mod extensions;
mod server;
pub(crate) mod ssl2;
mod verify;

pub use client::{ClientHello, HelloFormat};
pub(crate) use exact::is_exact;
#[cfg(feature = "ja4")]
pub(crate) use extensions::kind;
pub use extensions::{Extension, Extensions};
pub use server::ServerHello;
pub use verify::HelloVerifyRequest;

use crate::bytes::{Cursor, Span};

/// The name of a cipher suite in the registry.
///
/// ```
/// use flowscope_tls::cipher_suite_name;
///
/// assert_eq!(cipher_suite_name(0x1301), Some("TLS_AES_128_GCM_SHA256"));
/// assert_eq!(cipher_suite_name(0x0a0a), None);
/// ```
#[must_use]
pub fn cipher_suite_name(number: u16) -> Option<&'static str> {
    tls_parser::TlsCipherSuite::from_id(number).map(|suite| suite.name)
}

/// The body of a handshake message, if it is of this type and all there.
fn body_of(message: &[u8], kind: u8) -> Option<&[u8]> {
    let mut cursor = Cursor::new(message);
    let is_of_kind = cursor.u8()? == kind;
    let body = cursor.vec24()?;
    (is_of_kind && cursor.rest().is_empty()).then_some(body)
}

/// Where the extensions are in a message whose other fields end at `before`.
///
/// They are `found`, or else what their length covers of the `rest` that it
/// claims too much of.
fn extension_block(before: usize, found: Option<&[u8]>, rest: &[u8]) -> Span {
    match (found, rest) {
        (Some(found), _) => Span::new(before + 2, found.len()),
        (None, [_, _, ..]) => Span::new(before + 2, crate::bytes::list16(rest).len()),
        (None, _) => Span::default(),
    }
}
