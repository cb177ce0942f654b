//! Whether a stream is TLS, by how it begins.

use flowscope_core::session::ProbeResult;

use crate::bytes::Cursor;
use crate::hello::ssl2;
use crate::record::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER, header, is_plausible,
};
use crate::{alert, handshake};

/// Whether the `first` bytes that one side sent are TLS: see
/// [`TlsParser::probe`](crate::TlsParser::probe).
pub(crate) fn probe(first: &[u8]) -> ProbeResult {
    match probe_start(first) {
        StreamStart::Ssl2(_) => ProbeResult::Match,
        StreamStart::Unsure => ProbeResult::Possible,
        StreamStart::No => ProbeResult::NoMatch,
        StreamStart::Records if is_readable(first) => ProbeResult::Match,
        StreamStart::Records => next_record(first).map_or(ProbeResult::Possible, |next| match next
            .first_chunk::<3>()
        {
            Some(&[kind, major, minor])
                if is_plausible(kind, u16::from_be_bytes([major, minor]), 0) =>
            {
                ProbeResult::Match
            }
            Some(_) => ProbeResult::NoMatch,
            None => ProbeResult::Possible,
        }),
    }
}

/// What a stream begins with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum StreamStart {
    /// Records.
    Records,
    /// A ClientHello of SSL 2.0 with so many bytes behind its length.
    Ssl2(u16),
    /// It takes more bytes to tell, up to [`PROBE_LEN`].
    Unsure,
    No,
}

/// What a stream that starts with `first` begins with.
pub(crate) fn probe_start(first: &[u8]) -> StreamStart {
    match first.first() {
        None => StreamStart::Unsure,
        Some(0x80..) => match first.first_chunk() {
            Some(chunk) => ssl2::length(chunk).map_or(StreamStart::No, StreamStart::Ssl2),
            None if ssl2::may_begin(first) => StreamStart::Unsure,
            None => StreamStart::No,
        },
        Some(_) => match record_begins(first) {
            Some(true) => StreamStart::Records,
            Some(false) => StreamStart::No,
            None => StreamStart::Unsure,
        },
    }
}

/// Whether a record begins here that a stream may begin with; `None` if it
/// takes more bytes to tell.
fn record_begins(first: &[u8]) -> Option<bool> {
    let mut cursor = Cursor::new(first);
    let Some((kind, len)) = record_header(&mut cursor, APPLICATION_DATA)? else {
        return Some(false);
    };
    match kind {
        CHANGE_CIPHER_SPEC => Some(len == 1 && cursor.u8()? == 1),
        ALERT if len == 2 => is_alert(&mut cursor),
        // One that is encrypted.
        ALERT => Some((16..256).contains(&len)),
        HANDSHAKE => handshake_begins(&mut cursor, len, handshake::is_known),
        _ => Some(len > 0),
    }
}

/// The type and the length of a record whose type is at most `last_kind`: `None`
/// inside if it is no such record, outside if it takes more bytes to tell.
fn record_header(cursor: &mut Cursor<'_>, last_kind: u8) -> Option<Option<(u8, u16)>> {
    let kind = cursor.u8()?;
    if !(CHANGE_CIPHER_SPEC..=last_kind).contains(&kind) {
        return Some(None);
    }
    let [major, minor] = [cursor.u8(), cursor.u8()];
    if major? != 3 || minor? > 4 {
        return Some(None);
    }
    let len = cursor.u16()?;
    Some(is_plausible(kind, 0x0300, len).then_some((kind, len)))
}

/// Whether a record begins here that is so much like TLS that it is found
/// anywhere in a stream, and how; `None` if it takes more bytes to tell.
pub(crate) fn is_sync_point(first: &[u8], preceding: Preceding) -> Option<bool> {
    let mut cursor = Cursor::new(first);
    let Some((kind, len)) = record_header(&mut cursor, HANDSHAKE)? else {
        return Some(false);
    };
    let is_hello = |kind| matches!(kind, handshake::CLIENT_HELLO | handshake::SERVER_HELLO);
    let is_last = |kind| kind == handshake::SERVER_HELLO_DONE;
    match (kind, preceding) {
        // One short message is worth finding.
        (HANDSHAKE, Preceding::Records) if len == 4 => handshake_begins(&mut cursor, len, is_last),
        (HANDSHAKE, _) if len < 6 => Some(false),
        (HANDSHAKE, Preceding::OtherProtocol) => handshake_begins(&mut cursor, len, is_hello),
        (HANDSHAKE, Preceding::Records) => handshake_begins(&mut cursor, len, handshake::is_known),
        (ALERT, _) => match len {
            2 => is_alert(&mut cursor),
            _ => Some(false),
        },
        (_, Preceding::Records) if len == 1 => Some(cursor.u8()? == 1),
        _ => Some(false),
    }
}

/// What may come before a record that is searched for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Preceding {
    /// Something that is not TLS.
    OtherProtocol,
    /// Records of which some are missing.
    Records,
}

fn is_alert(cursor: &mut Cursor<'_>) -> Option<bool> {
    if !matches!(cursor.u8()?, 1 | 2) {
        return Some(false);
    }
    Some(alert::description(cursor.u8()?).is_some())
}

/// Whether the content of a handshake record of `len` bytes begins with a
/// message of a type that `is_wanted`.
fn handshake_begins(
    cursor: &mut Cursor<'_>,
    len: u16,
    is_wanted: impl Fn(u8) -> bool,
) -> Option<bool> {
    let kind = cursor.u8()?;
    if len == 0 || !is_wanted(kind) {
        return Some(false);
    }
    if len < 4 {
        // A header that is split over records fits too: some clients do so to
        // hide the server's name.
        return Some(true);
    }
    let message = cursor.u24()?;
    if message > MAX_MESSAGE || (message == 0) != is_empty(kind) {
        return Some(false);
    }
    if len < 6 || !matches!(kind, handshake::CLIENT_HELLO | handshake::SERVER_HELLO) {
        return Some(true);
    }
    let [major, minor] = cursor.u16()?.to_be_bytes();
    let is_version = matches!((major, minor), (3, 0..=4) | (0x7f, _));
    Some(is_version && message >= MIN_HELLO)
}

/// Whether messages of this type have no content.
fn is_empty(kind: u8) -> bool {
    const HELLO_REQUEST: u8 = 0;
    const END_OF_EARLY_DATA: u8 = 5;
    matches!(
        kind,
        HELLO_REQUEST | END_OF_EARLY_DATA | handshake::SERVER_HELLO_DONE
    )
}

/// Whether the record at the front is more than an encrypted one.
fn is_readable(first: &[u8]) -> bool {
    match first.first_chunk::<HEADER>().map(header) {
        Some((ALERT, _, len)) => len == 2,
        Some((kind, ..)) => kind != APPLICATION_DATA,
        None => false,
    }
}

/// What is behind the record at the front, if it is all there.
fn next_record(first: &[u8]) -> Option<&[u8]> {
    let (head, rest) = first.split_first_chunk::<HEADER>()?;
    let (_, _, len) = header(head);
    rest.get(len.into()..)
}

/// As many bytes as [`begins`] and [`is_sync_point`] look at.
pub(crate) const PROBE_LEN: usize = 11;

/// Version and random value are in every hello.
const MIN_HELLO: u32 = 34;
/// The longest message of a stream's first record. Hellos are shorter by their
/// own lengths; chains of certificates hardly reach it.
const MAX_MESSAGE: u32 = 1 << 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_beginning_of_a_hello_is_unsure_before_it_is_certain() {
        for hello in [
            &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
            b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03",
            b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10",
        ] {
            for len in 0..hello.len() {
                assert_eq!(probe(&hello[..len]), ProbeResult::Possible, "{len}");
            }
            assert_eq!(probe(hello), ProbeResult::Match);
        }
    }

    #[test]
    fn other_protocols_are_not_taken_for_it() {
        for other in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"SSH-2.0-OpenSSH",
            b"\x16\x03\x09\x00\x05",
            b"\x16\x03\x01\xff\xff\x01",
            b"\x16\x03\x01\x00\x80\x99",
            b"\x16\x03\x01\x00\x80\x01\x00\x00\x7c\x09\x09",
            b"\x15\x03\x01\x00\x02\x07\x00",
            b"\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00",
            b"\x80\x2e\x01\x03\x01\x00\x16\x00\x00\x00\x10",
        ] {
            assert_eq!(probe(other), ProbeResult::NoMatch, "{other:02x?}");
        }
    }

    #[test]
    fn encrypted_records_show_themselves_by_the_next() {
        let mut bytes = vec![23, 3, 3, 0, 4, 1, 2, 3, 4];
        assert_eq!(probe(&bytes), ProbeResult::Possible);
        bytes.extend([23, 3, 3, 0]);
        assert_eq!(probe(&bytes), ProbeResult::Match);
        bytes[9] = b'x';
        assert_eq!(probe(&bytes), ProbeResult::NoMatch);
    }
}
