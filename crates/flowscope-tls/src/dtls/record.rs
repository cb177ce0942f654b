//! Records of DTLS (RFC 9147, section 4; RFC 6347, section 4.1).

use crate::TlsVersion;
use crate::bytes::Cursor;
use crate::handshake::{self, CLIENT_HELLO};
use crate::record::{APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEARTBEAT};

/// A record, as far as it matters here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Record<'a> {
    Plain { kind: u8, content: &'a [u8] },
    Encrypted,
}

/// The records of a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Records<'a>(Cursor<'a>);

impl<'a> Records<'a> {
    pub(super) fn new(datagram: &'a [u8]) -> Self {
        Self(Cursor::new(datagram))
    }

    fn read(&mut self) -> Option<Record<'a>> {
        match self.0.rest().first()? {
            CHANGE_CIPHER_SPEC..=HEARTBEAT => {
                let (header, content) = plain(&mut self.0)?;
                Some(match header {
                    Header { epoch: 0, kind } if kind != APPLICATION_DATA => {
                        Record::Plain { kind, content }
                    }
                    _ => Record::Encrypted,
                })
            }
            // How long a connection ID or a record is, is not said to us.
            &TLS12_CID | UNIFIED..=UNIFIED_END => {
                self.0 = Cursor::new(&[]);
                Some(Record::Encrypted)
            }
            _ => None,
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let record = self.read();
        if record.is_none() {
            self.0 = Cursor::new(&[]);
        }
        record
    }
}

#[derive(Clone, Copy, Debug)]
struct Header {
    kind: u8,
    epoch: u16,
}

/// A record with a whole header, and its content.
fn plain<'a>(cursor: &mut Cursor<'a>) -> Option<(Header, &'a [u8])> {
    let kind = cursor.u8()?;
    if !is_version(TlsVersion(cursor.u16()?)) {
        return None;
    }
    let epoch = cursor.u16()?;
    let _sequence_number = cursor.take(6)?;
    Some((Header { kind, epoch }, cursor.vec16()?))
}

/// A fragment of a handshake message (RFC 9147, section 5.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Fragment<'a> {
    pub(super) kind: u8,
    /// The length of the whole message.
    pub(super) len: u32,
    pub(super) message_seq: u16,
    pub(super) offset: u32,
    pub(super) bytes: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// Reads a fragment from the front of a record's content; `None` if it does
    /// not fit the record or its message.
    pub(super) fn read(content: &mut &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(content);
        let kind = cursor.u8()?;
        let len = cursor.u24()?;
        let message_seq = cursor.u16()?;
        let offset = cursor.u24()?;
        let bytes = cursor.vec24()?;
        *content = cursor.rest();
        let end = u64::from(offset) + bytes.len() as u64;
        (end <= u64::from(len)).then_some(Self {
            kind,
            len,
            message_seq,
            offset,
            bytes,
        })
    }
}

/// Whether a datagram begins with a handshake that is not encrypted.
pub(super) fn begins(payload: &[u8]) -> bool {
    first_fragment(payload).is_some_and(|first| {
        handshake::is_known(first.kind) && first.len <= MAX_MESSAGE && first.message_seq <= MAX_SEQ
    })
}

/// Whether a datagram begins with a ClientHello, or a fragment of one.
pub(super) fn begins_with_client_hello(payload: &[u8]) -> bool {
    first_fragment(payload)
        .is_some_and(|first| first.kind == CLIENT_HELLO && first.len <= MAX_MESSAGE)
}

fn first_fragment(payload: &[u8]) -> Option<Fragment<'_>> {
    let payload = without_header(payload);
    // Most datagrams are refused here.
    if payload.first() != Some(&HANDSHAKE) {
        return None;
    }
    match plain(&mut Cursor::new(payload))? {
        (Header { epoch: 0, .. }, mut content) => Fragment::read(&mut content),
        _ => None,
    }
}

/// What a TURN channel carries (RFC 8656, section 12.4; RFC 7983, section 7), or
/// an indication of TURN (section 11), or a CAPWAP packet that is encrypted (RFC
/// 5415, section 4.2), or the payload itself.
pub(super) fn without_header(payload: &[u8]) -> &[u8] {
    match payload {
        [1, 0, 0, 0, data @ ..] => data,
        [0x40..=0x4f, _, high, low, data @ ..] => {
            let len = u16::from_be_bytes([*high, *low]);
            data.get(..len.into()).unwrap_or(payload)
        }
        [0, SEND | DATA, message @ ..] => indicated(message).unwrap_or(payload),
        _ => payload,
    }
}

/// What the attribute DATA has of an indication that goes on with `message`
/// behind its type (RFC 8489, section 5).
fn indicated(message: &[u8]) -> Option<&[u8]> {
    let mut header = Cursor::new(message);
    let len = header.u16()?;
    if header.take(4)? != STUN_COOKIE {
        return None;
    }
    let _transaction = header.take(12)?;
    let mut attributes = Cursor::new(header.take(len.into())?);
    loop {
        let kind = attributes.u16()?;
        let value = attributes.vec16()?;
        if kind == DATA_ATTRIBUTE {
            return Some(value);
        }
        // They are padded to a multiple of four bytes.
        attributes.take(value.len().next_multiple_of(4) - value.len())?;
    }
}

fn is_version(version: TlsVersion) -> bool {
    matches!(
        version,
        TlsVersion::DTLS_1_0
            | TlsVersion::DTLS_1_2
            | TlsVersion::DTLS_1_3
            | TlsVersion::DTLS_1_0_OPENSSL
    )
}

/// The indications that a client of TURN sends and gets; the upper byte of their
/// types is 0 (RFC 8656, section 17).
const SEND: u8 = 0x16;
const DATA: u8 = 0x17;
/// The attribute with what is sent on (RFC 8656, section 18.4).
const DATA_ATTRIBUTE: u16 = 0x0013;
/// What STUN has behind type and length (RFC 8489, section 5).
const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// A record of DTLS 1.2 with a connection ID (RFC 9146, section 4).
const TLS12_CID: u8 = 25;
/// The header of encrypted records in DTLS 1.3 (RFC 9147, section 4).
const UNIFIED: u8 = 0x20;
const UNIFIED_END: u8 = 0x3f;
/// The longest message that a flow begins with.
const MAX_MESSAGE: u32 = 1 << 18;
/// How many messages may come before one that a flow begins with: those of a
/// server's first flight, after it asked for another hello.
const MAX_SEQ: u16 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, epoch: u8, content: &[u8]) -> Vec<u8> {
        let len = u16::try_from(content.len()).expect("short").to_be_bytes();
        [
            &[kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 1][..],
            &len,
            content,
        ]
        .concat()
    }

    #[test]
    fn records_share_a_datagram() {
        let datagram = [
            record(22, 0, &[1, 2]),
            record(20, 0, &[1]),
            record(22, 1, &[3; 40]),
        ];
        let records: Vec<_> = Records::new(&datagram.concat())
            .map(|it| match it {
                Record::Plain { kind, content } => (kind, content.len()),
                Record::Encrypted => (0, 0),
            })
            .collect();
        assert_eq!(records, [(22, 2), (20, 1), (0, 0)]);
        assert_eq!(Records::new(&datagram[0][..14]).next(), None);
    }

    #[test]
    fn encrypted_records_of_all_versions_are_known() {
        for bytes in [
            &record(23, 1, &[7; 30])[..],
            &[25, 0xfe, 0xfd, 0, 1],
            &[0x2e, 0, 1, 0, 9],
        ] {
            assert_eq!(Records::new(bytes).collect::<Vec<_>>(), [Record::Encrypted]);
        }
        for other in [&[0x80, 0x60][..], &[0, 1, 0, 8], &[22, 3, 3, 0, 9]] {
            assert_eq!(Records::new(other).next(), None);
        }
    }

    #[test]
    fn a_flow_begins_with_a_message_or_a_fragment() {
        let fragment = |kind, len, offset| {
            let mut bytes = vec![kind, 0, 0, len, 0, 0, 0, 0, offset, 0, 0, 4];
            bytes.extend([7; 4]);
            bytes
        };
        assert!(begins(&record(22, 0, &fragment(1, 90, 27))));
        assert!(begins(
            &[&[0x40, 1, 0, 29][..], &record(22, 0, &fragment(2, 4, 0))].concat()
        ));
        // A peer's address of 8 bytes, and an attribute of one, padded.
        let data = record(22, 0, &fragment(1, 90, 27));
        for kind in [SEND, DATA] {
            let attributes = [
                &[
                    0, 0x12, 0, 8, 0, 1, 9, 9, 9, 9, 9, 9, 0x80, 0x22, 0, 1, 7, 0, 0, 0,
                ][..],
                &[0, 0x13, 0, data.len() as u8],
                &data,
            ]
            .concat();
            let mut indication = vec![0, kind, 0, attributes.len() as u8];
            indication.extend(STUN_COOKIE);
            indication.extend([5; 12]);
            indication.extend(attributes);
            assert_eq!(without_header(&indication), data);
            assert!(begins(&indication));
            // It is another message, or not all there.
            let mut other = indication.clone();
            other[4] ^= 1;
            assert!(!begins(&other));
            assert!(!begins(&indication[..indication.len() - 1]));
            other = indication;
            other[41] ^= 1;
            assert!(!begins(&other));
        }
        for other in [
            record(22, 1, &fragment(1, 90, 0)),
            record(23, 0, &fragment(1, 90, 0)),
            record(22, 0, &fragment(1, 20, 17)),
            record(22, 0, &fragment(99, 90, 0)),
            record(22, 0, &fragment(1, 90, 0)[..15]),
        ] {
            assert!(!begins(&other), "{other:02x?}");
        }
    }
}
