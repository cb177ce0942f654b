//! Whether a message fits its own lengths to the last byte.
//!
//! Hellos are read leniently where a stream begins with them. One that was
//! found in the middle of something else has to be all that it claims (RFC
//! 8446, section 6.2): a protocol with frames of its own may have cut it.

use super::extensions::kind;
use crate::bytes::Cursor;
use crate::handshake::{CERTIFICATE, CLIENT_HELLO, HELLO_RETRY_REQUEST, SERVER_HELLO};

/// Whether a message of this type, without type and length, is exactly as long
/// as it says, and its lists are.
pub(crate) fn is_exact(kind: u8, body: &[u8]) -> bool {
    let cursor = Cursor::new(body);
    let fits = match kind {
        CLIENT_HELLO => client_hello(cursor),
        SERVER_HELLO => server_hello(cursor, Session::Sent)
            .filter(|fits| *fits)
            .or_else(|| server_hello(cursor, Session::OfDrafts)),
        HELLO_RETRY_REQUEST => retry_of_drafts(cursor),
        CERTIFICATE => certificates(cursor),
        _ => Some(true),
    };
    fits == Some(true)
}

fn client_hello(mut cursor: Cursor<'_>) -> Option<bool> {
    cursor.take(VERSION + RANDOM)?;
    let session = cursor.vec8()?;
    let suites = cursor.vec16()?;
    let methods = cursor.vec8()?;
    let fits = session.len() <= 32
        && !suites.is_empty()
        && suites.len().is_multiple_of(2)
        && !methods.is_empty();
    Some(fits && extensions(cursor, client_list)?)
}

/// What a ServerHello has of a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Session {
    Sent,
    /// Nothing, nor a compression method: drafts of TLS 1.3 before the 22nd.
    OfDrafts,
}

fn server_hello(mut cursor: Cursor<'_>, session: Session) -> Option<bool> {
    cursor.take(VERSION + RANDOM)?;
    let len = match session {
        Session::Sent => cursor.vec8()?.len(),
        Session::OfDrafts => 0,
    };
    cursor.u16()?;
    if session == Session::Sent {
        cursor.u8()?;
    }
    Some(len <= 32 && extensions(cursor, |_, _| Some(true))?)
}

fn retry_of_drafts(mut cursor: Cursor<'_>) -> Option<bool> {
    cursor.take(VERSION)?;
    cursor.u16()?;
    extensions(cursor, |_, _| Some(true))
}

fn certificates(mut cursor: Cursor<'_>) -> Option<bool> {
    let mut list = Cursor::new(cursor.vec24()?);
    while !list.rest().is_empty() {
        let der = list.vec24()?;
        // Each is a SEQUENCE of its own length (RFC 5280, section 4.1).
        if !is_sequence(der) {
            return Some(false);
        }
    }
    Some(cursor.rest().is_empty())
}

/// All extensions, and that nothing is behind them.
fn extensions(
    mut cursor: Cursor<'_>,
    list: impl Fn(u16, Cursor<'_>) -> Option<bool>,
) -> Option<bool> {
    // From before there were any.
    if cursor.rest().is_empty() {
        return Some(true);
    }
    let mut all = Cursor::new(cursor.vec16()?);
    while !all.rest().is_empty() {
        let kind = all.u16()?;
        if !list(kind, Cursor::new(all.vec16()?))? {
            return Some(false);
        }
    }
    Some(cursor.rest().is_empty())
}

/// Whether an extension of a client that is one list fits it.
fn client_list(kind: u16, mut data: Cursor<'_>) -> Option<bool> {
    match kind {
        kind::SERVER_NAME if data.rest().is_empty() => return Some(true),
        kind::SERVER_NAME
        | kind::SUPPORTED_GROUPS
        | kind::SIGNATURE_ALGORITHMS
        | kind::ALPN
        | kind::KEY_SHARE => {
            data.vec16()?;
        }
        kind::EC_POINT_FORMATS | kind::SUPPORTED_VERSIONS => {
            data.vec8()?;
        }
        _ => return Some(true),
    }
    Some(data.rest().is_empty())
}

/// Whether some bytes are a SEQUENCE in DER (X.690, sections 8.1.3 and 10.1),
/// with a length of two bytes as those of certificates are. Others are left
/// alone: who writes those is no matter of TLS.
fn is_sequence(der: &[u8]) -> bool {
    match der.split_first_chunk::<4>() {
        Some(([0x30, 0x82, high, low], rest)) => {
            rest.len() == usize::from(u16::from_be_bytes([*high, *low]))
        }
        _ => true,
    }
}

const VERSION: usize = 2;
const RANDOM: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    /// Version, random value, a session of two bytes, a suite, a method, and
    /// two extensions.
    fn client() -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([2, 1, 2, 0, 2, 0x13, 0x01, 1, 0]);
        body.extend([0, 17]);
        body.extend([0, 10, 0, 4, 0, 2, 0, 29]);
        body.extend([0, 43, 0, 5, 4, 3, 4, 3, 3]);
        body
    }

    #[test]
    fn a_hello_is_exact_or_not_one() {
        let whole = client();
        assert!(is_exact(CLIENT_HELLO, &whole));
        assert!(is_exact(CLIENT_HELLO, &whole[..43]));
        for len in (0..whole.len()).filter(|len| *len != 43) {
            assert!(!is_exact(CLIENT_HELLO, &whole[..len]), "{len}");
        }
        // Two bytes of something else, and as many less at the end.
        for at in 34..whole.len() - 2 {
            let (before, behind) = whole.split_at(at);
            let mut cut = [before, &[0x55, 0xaa], behind].concat();
            cut.truncate(whole.len());
            // The content of the last list may be anything.
            let is_content = at >= 58;
            assert!(is_content || !is_exact(CLIENT_HELLO, &cut), "{at}");
        }
    }

    #[test]
    fn answers_are_exact_in_published_versions_and_drafts() {
        let begin = [&[3, 3][..], &[7; 32]].concat();
        let tail = [0, 4, 0, 43, 0, 0];
        let published = [&begin[..], &[1, 9, 0x13, 1, 0], &tail].concat();
        let draft = [&begin[..], &[0x13, 1], &tail].concat();
        let old = [&begin[..], &[0, 0, 47, 0]].concat();
        for body in [&published, &draft, &old] {
            assert!(is_exact(SERVER_HELLO, body));
            assert!(!is_exact(SERVER_HELLO, &body[..body.len() - 1]));
            assert!(!is_exact(SERVER_HELLO, &[&body[..], &[0]].concat()));
        }
        let retry = [&[3, 3, 0x13, 1][..], &tail].concat();
        assert!(is_exact(HELLO_RETRY_REQUEST, &retry));
        assert!(!is_exact(HELLO_RETRY_REQUEST, &retry[..9]));
        let chain = [0, 0, 9, 0, 0, 6, 0x30, 0x82, 0, 2, 1, 2];
        assert!(is_exact(CERTIFICATE, &chain));
        for (at, byte) in [(2, 8), (5, 5), (9, 3)] {
            let mut chain = chain;
            chain[at] = byte;
            assert!(!is_exact(CERTIFICATE, &chain), "{at}");
        }
    }
}
