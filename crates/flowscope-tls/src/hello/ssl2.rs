//! ClientHellos written as SSL 2.0 did (RFC 5246, appendix E.2).

use flowscope_core::FlowSide;

use super::client::{ClientHello, HelloFormat};
use crate::bytes::Cursor;
use crate::{TlsError, TlsTransport, TlsVersion};

/// How long the hello is without its two bytes of length, if these first 11
/// bytes of a stream begin one.
pub(crate) fn length(first: &[u8; HEADER]) -> Option<u16> {
    let [high, low, kind, major, minor, lengths @ ..] = *first;
    let [c0, c1, s0, s1, n0, n1] = lengths;
    let version = TlsVersion(u16::from_be_bytes([major, minor]));
    let is_version = version == TlsVersion::SSL_2_0 || (0x0300..=0x0304).contains(&version.0);
    let len = u16::from_be_bytes([high & 0x7f, low]);
    let ciphers = u16::from_be_bytes([c0, c1]);
    let session = u16::from_be_bytes([s0, s1]);
    let challenge = u16::from_be_bytes([n0, n1]);
    let sum = 9 + u32::from(ciphers) + u32::from(session) + u32::from(challenge);
    let is_hello = high & 0x80 != 0
        && kind == CLIENT_HELLO
        && is_version
        && ciphers > 0
        && ciphers % 3 == 0
        && session <= 32
        && (16..=32).contains(&challenge)
        && u32::from(len) == sum;
    is_hello.then_some(len)
}

/// Whether fewer bytes than [`length`] needs may become a hello.
pub(crate) fn may_begin(first: &[u8]) -> bool {
    let mut bytes = first.iter();
    bytes.next().is_none_or(|high| high & 0x80 != 0)
        && bytes.nth(1).is_none_or(|kind| *kind == CLIENT_HELLO)
        && bytes.next().is_none_or(|major| matches!(major, 0 | 3))
}

/// Reads the message without its length.
pub(crate) fn parse(message: &[u8], side: FlowSide) -> Result<ClientHello, TlsError> {
    let malformed = TlsError::ClientHello { len: message.len() };
    let body = translate(message).ok_or(malformed)?;
    let hello = ClientHello::parse(&body, side, TlsTransport::Tcp)?;
    Ok(hello.with_format(HelloFormat::Ssl2))
}

/// The same hello as later versions would write it.
fn translate(message: &[u8]) -> Option<Vec<u8>> {
    let mut cursor = Cursor::new(message);
    cursor.u8()?;
    let version = cursor.take(2)?;
    let ciphers_len = cursor.u16()?;
    let session_len = cursor.u16()?;
    let challenge_len = cursor.u16()?;
    let ciphers = cursor.take(ciphers_len.into())?;
    let session = cursor.take(session_len.into())?;
    let challenge = cursor.take(challenge_len.into())?;

    let mut body = Vec::with_capacity(message.len() + 32);
    body.extend_from_slice(version);
    // The challenge is the random value, on the right (RFC 5246, appendix E.2).
    body.resize(body.len() + 32_usize.checked_sub(challenge.len())?, 0);
    body.extend_from_slice(challenge);
    body.push(u8::try_from(session.len()).ok()?);
    body.extend_from_slice(session);
    let (ciphers, _) = ciphers.as_chunks::<3>();
    let known = ciphers.iter().filter(|[kind, ..]| *kind == 0);
    let len = u16::try_from(2 * known.clone().count()).ok()?;
    body.extend_from_slice(&len.to_be_bytes());
    for [_, high, low] in known {
        body.extend_from_slice(&[*high, *low]);
    }
    // No compression, as the method of the number 0.
    body.extend_from_slice(&[1, 0]);
    Some(body)
}

/// Length, type, version, three lengths.
pub(crate) const HEADER: usize = 11;

const CLIENT_HELLO: u8 = 1;
