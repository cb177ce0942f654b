//! Google's QUIC with a handshake of its own: the versions Q0xx.
//!
//! Its first packet has a message CHLO, a table of tags and values, which was
//! not encrypted up to version Q046. In Q050 it is, with keys made as those of
//! drafts are.

use flowscope_core::FlowSide;

use crate::bytes::Cursor;
use crate::{ConnectionId, QuicVersion};

/// What a client says first in Google's QUIC.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct GoogleHello {
    /// Who sent it.
    pub side: FlowSide,
    /// The version.
    pub version: QuicVersion,
    /// The connection's ID.
    pub connection_id: ConnectionId,
    /// The server's name (the tag `SNI`), as it was sent.
    pub server_name: Option<Vec<u8>>,
    /// The client's software (the tag `UAID`), as it was sent.
    pub user_agent: Option<Vec<u8>>,
}

/// Version and connection ID of a packet, and what is behind them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct PublicHeader<'a> {
    version: QuicVersion,
    connection_id: &'a [u8],
    rest: &'a [u8],
}

/// Whether a packet of a client begins here that says its version.
pub(crate) fn begins(payload: &[u8]) -> bool {
    public_header(payload).is_some()
}

/// The same of a packet without a long header. Most are refused by their first byte.
#[inline]
pub(crate) fn begins_short(payload: &[u8]) -> bool {
    let has_version = |flags: &u8| flags & SHORT == HAS_VERSION | HAS_ID;
    payload.first().is_some_and(has_version) && begins(payload)
}

/// The hello in a datagram, if it is there in the clear.
pub(crate) fn hello(payload: &[u8], side: FlowSide) -> Option<GoogleHello> {
    let header = public_header(payload)?;
    hello_within(header.rest, header.version, header.connection_id, side)
}

/// The hello somewhere within `bytes`, the frames of a packet.
pub(crate) fn hello_within(
    bytes: &[u8],
    version: QuicVersion,
    connection_id: &[u8],
    side: FlowSide,
) -> Option<GoogleHello> {
    // What is before it depends on the version: packet number, hash, the header
    // of a frame.
    let at = bytes
        .windows(CHLO.len())
        .take(MAX_BEFORE)
        .position(|tag| tag == CHLO)?;
    let message = bytes.get(at + CHLO.len()..)?;
    Some(GoogleHello {
        side,
        version,
        connection_id: connection_id.into(),
        server_name: value(message, *b"SNI\0"),
        user_agent: value(message, *b"UAID"),
    })
}

/// The value of a tag, if it is there whole. The table has for each tag where
/// its value ends.
fn value(message: &[u8], wanted: [u8; 4]) -> Option<Vec<u8>> {
    let mut table = Cursor::new(message);
    let count = u16::from_le_bytes(table.array()?);
    let _padding = table.u16()?;
    let mut values = table;
    values.take(u64::from(count) * 8)?;
    let mut start = 0;
    for _ in 0..count {
        let tag = table.array()?;
        let end = u32::from_le_bytes(table.array()?);
        if tag == wanted {
            let value = values.rest().get(start as usize..end as usize)?;
            return Some(value.to_vec());
        }
        start = end;
    }
    None
}

fn public_header(payload: &[u8]) -> Option<PublicHeader<'_>> {
    let mut cursor = Cursor::new(payload);
    let flags = cursor.u8()?;
    let header = if flags & LONG == LONG {
        let version = QuicVersion(cursor.u32()?);
        let lengths = cursor.u8()?;
        // Up to Q048 one byte has both lengths, less three. Then it is as in QUIC.
        let connection_id = match lengths {
            8 => cursor.take(8)?,
            _ => cursor.take(id_len(lengths >> 4) + id_len(lengths & 0xf))?,
        };
        PublicHeader {
            version,
            connection_id,
            rest: cursor.rest(),
        }
    } else if flags & SHORT == HAS_VERSION | HAS_ID {
        let connection_id = cursor.take(8)?;
        PublicHeader {
            version: QuicVersion(cursor.u32()?),
            connection_id,
            rest: cursor.rest(),
        }
    } else {
        return None;
    };
    header.version.is_google().then_some(header)
}

fn id_len(nibble: u8) -> u64 {
    match nibble {
        0 => 0,
        other => u64::from(other) + 3,
    }
}

/// A long header with its fixed bit, since Q044.
const LONG: u8 = 0xc0;
/// The flags of the header before that.
const HAS_VERSION: u8 = 0x01;
const HAS_ID: u8 = 0x08;
/// What of them tells such a header that is read.
const SHORT: u8 = 0x80 | HAS_VERSION | HAS_ID;
const CHLO: &[u8] = b"CHLO";
/// How far into a packet it is looked for.
const MAX_BEFORE: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use FlowSide::Initiator;

    fn chlo() -> Vec<u8> {
        let mut message = b"CHLO\x03\0\0\0".to_vec();
        for (tag, end) in [(b"SNI\0", 11_u32), (b"VER\0", 15), (b"UAID", 21)] {
            message.extend(tag);
            message.extend(end.to_le_bytes());
        }
        message.extend(b"example.orgQ043Chrome");
        message
    }

    fn datagram(version: &[u8; 4]) -> Vec<u8> {
        let mut datagram = vec![0x09];
        datagram.extend([1, 2, 3, 4, 5, 6, 7, 8]);
        datagram.extend(version);
        datagram.extend([1]);
        datagram.extend([0xaa; 12]);
        datagram.extend([0xa0, 1, 0, 9]);
        datagram.extend(chlo());
        datagram
    }

    #[test]
    fn names_are_in_the_clear() {
        let datagram = datagram(b"Q043");
        assert!(begins(&datagram));
        let hello = hello(&datagram, Initiator).expect("a hello");
        assert_eq!(hello.version.to_string(), "Q043");
        assert_eq!(hello.connection_id.to_string(), "0102030405060708");
        assert_eq!(hello.server_name.as_deref(), Some(&b"example.org"[..]));
        assert_eq!(hello.user_agent.as_deref(), Some(&b"Chrome"[..]));
    }

    #[test]
    fn later_versions_have_a_long_header() {
        let mut datagram = b"\xc3Q046\x50ABCDEFGH\0\0\0\x01".to_vec();
        datagram.extend(chlo());
        let hello = hello(&datagram, Initiator).expect("a hello");
        assert_eq!(hello.connection_id.bytes(), b"ABCDEFGH");
        assert_eq!(hello.server_name.as_deref(), Some(&b"example.org"[..]));
    }

    #[test]
    fn a_table_that_is_cut_gives_what_is_there() {
        let datagram = datagram(b"Q039");
        for len in 0..datagram.len() {
            let Some(hello) = hello(&datagram[..len], Initiator) else {
                continue;
            };
            let has_name = len >= datagram.len() - 10;
            assert_eq!(hello.server_name.is_some(), has_name, "{len}");
        }
        assert!(!begins(b"\x09\x01\x02\x03\x04\x05\x06\x07\x08R043"));
    }

    #[test]
    fn what_begins_is_told_by_the_first_byte_as_by_all() {
        for flags in 0..=u8::MAX {
            let before = [&[flags][..], &[7; 8], b"Q039", &[1; 20]].concat();
            let since = [&[flags][..], b"Q046", &[0x50], &[7; 30]].concat();
            for payload in [before, since] {
                let is_long = crate::header::is_long(&payload);
                assert_eq!(
                    is_long || begins_short(&payload),
                    is_long || begins(&payload),
                    "{flags:#x}"
                );
            }
        }
        assert!(begins_short(&[&[9][..], &[7; 8], b"Q039"].concat()));
        assert!(!begins_short(&[&[9][..], &[7; 8], b"\0\0\0\x01"].concat()));
    }
}
