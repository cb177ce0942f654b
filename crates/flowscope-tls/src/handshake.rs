//! Handshake messages, put together from the records they are spread over
//! (RFC 8446, section 4).

use crate::TlsError;

use tls_parser::TlsHandshakeType as Type;

/// Splits the content of one side's handshake records into messages.
///
/// Only what is to be read is kept, and only if it does not come in one piece.
#[derive(Clone, Debug, Default)]
pub(crate) struct HandshakeReader {
    header: [u8; 4],
    have: u8,
    handling: Handling,
    left: u32,
    body: Vec<u8>,
}

/// What becomes of the message in progress.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Handling {
    #[default]
    Keep,
    Skip,
    /// Bytes are missing at its header: where the next one begins is not known.
    Lost,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step<'a> {
    /// A message to be read.
    Whole { kind: u8, body: &'a [u8] },
    /// The beginning of a message that is not read.
    Other { kind: u8 },
    /// No message begins like this: it may be encrypted.
    Unknown { kind: u8 },
}

/// Whether the content of a record is encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Content {
    /// It is not.
    Plain,
    /// It is, unless it is a ClientHello that fills the record of `len` bytes.
    MaybeEncrypted { len: u16 },
}

impl HandshakeReader {
    /// Bytes of memory that the message in progress takes.
    pub(crate) fn memory(&self) -> usize {
        self.body.capacity()
    }

    /// Reads the next message from the front of `bytes`; `None` if that needs more
    /// bytes.
    pub(crate) fn next<'s, 'a: 's>(
        &'s mut self,
        bytes: &mut &'a [u8],
        content: Content,
        limit: u32,
    ) -> Result<Option<Step<'s>>, TlsError> {
        loop {
            if usize::from(self.have) < self.header.len() {
                if self.handling == Handling::Lost || !self.read_header(bytes) {
                    return Ok(None);
                }
                let step = self.begin(content, limit)?;
                if let Some(step) = step {
                    return Ok(Some(step));
                }
            }
            let there = bytes.len().min(self.left as usize);
            let (taken, rest) = bytes.split_at_checked(there).unwrap_or_default();
            *bytes = rest;
            self.left -= u32::try_from(there).unwrap_or(self.left);
            if self.left > 0 {
                if self.handling == Handling::Keep {
                    self.keep(taken);
                }
                return Ok(None);
            }
            self.have = 0;
            let [kind, ..] = self.header;
            if self.handling == Handling::Keep {
                if self.body.is_empty() {
                    return Ok(Some(Step::Whole { kind, body: taken }));
                }
                self.body.extend_from_slice(taken);
                return Ok(Some(Step::Whole {
                    kind,
                    body: &self.body,
                }));
            }
        }
    }

    /// `count` bytes are missing.
    pub(crate) fn skip(&mut self, count: u64) {
        if usize::from(self.have) == self.header.len()
            && let Ok(count) = u32::try_from(count)
            && count <= self.left
        {
            self.body = Vec::new();
            self.left -= count;
            self.handling = Handling::Skip;
            if self.left == 0 {
                self.have = 0;
            }
        } else {
            *self = Self {
                handling: Handling::Lost,
                ..Self::default()
            };
        }
    }

    /// A record begins. Messages often begin with one.
    pub(crate) fn record_begins(&mut self) {
        if self.handling == Handling::Lost {
            self.handling = Handling::Keep;
        }
    }

    /// Fills the header; whether it is whole.
    fn read_header(&mut self, bytes: &mut &[u8]) -> bool {
        if self.have == 0 {
            // The message before this has been read.
            self.body = Vec::new();
            if let Some((header, rest)) = bytes.split_first_chunk() {
                (self.header, self.have) = (*header, HEADER);
                *bytes = rest;
                return true;
            }
        }
        while usize::from(self.have) < self.header.len() {
            let Some((&byte, rest)) = bytes.split_first() else {
                return false;
            };
            if let Some(place) = self.header.get_mut(usize::from(self.have)) {
                *place = byte;
            }
            self.have += 1;
            *bytes = rest;
        }
        true
    }

    /// Decides what becomes of the message whose header was read.
    fn begin(&mut self, content: Content, limit: u32) -> Result<Option<Step<'static>>, TlsError> {
        let [kind, high, middle, low] = self.header;
        self.left = u32::from_be_bytes([0, high, middle, low]);
        let is_plain = match content {
            Content::Plain => is_known(kind),
            Content::MaybeEncrypted { len } => {
                kind == CLIENT_HELLO && self.left + 4 == u32::from(len)
            }
        };
        if !is_plain {
            self.have = 0;
            return Ok(Some(Step::Unknown { kind }));
        }
        if !is_read(kind) {
            self.handling = Handling::Skip;
            return Ok(Some(Step::Other { kind }));
        }
        if self.left > limit {
            return Err(TlsError::TooLong { limit });
        }
        self.handling = Handling::Keep;
        Ok(None)
    }

    /// Adds to the message; never makes more room than for all of it.
    fn keep(&mut self, bytes: &[u8]) {
        let room = self.body.capacity() - self.body.len();
        if room < bytes.len() {
            let whole = self.body.len() + bytes.len() + self.left as usize;
            let doubled = self.body.capacity().saturating_mul(2);
            let capacity = doubled.clamp(self.body.len() + bytes.len(), whole);
            self.body.reserve_exact(capacity - self.body.len());
        }
        self.body.extend_from_slice(bytes);
    }
}

/// Whether a message of this type is kept and given.
fn is_read(kind: u8) -> bool {
    matches!(
        kind,
        CLIENT_HELLO | SERVER_HELLO | HELLO_RETRY_REQUEST | CERTIFICATE | SERVER_KEY_EXCHANGE
    )
}

/// Whether a message of this type is kept and given in DTLS.
pub(crate) fn is_read_of_dtls(kind: u8) -> bool {
    is_read(kind) || kind == HELLO_VERIFY_REQUEST
}

/// Whether it is a type of the TLS HandshakeType registry.
pub(crate) fn is_known(kind: u8) -> bool {
    // Supplemental data, compressed certificates and the ticket request of
    // TLS 1.3's extensions are not in the crate's list.
    matches!(
        Type(kind),
        Type::HelloRequest
            | Type::ClientHello
            | Type::ServerHello
            | Type::HelloVerifyRequest
            | Type::NewSessionTicket
            | Type::EndOfEarlyData
            | Type::HelloRetryRequest
            | Type::EncryptedExtensions
            | Type::Certificate
            | Type::ServerKeyExchange
            | Type::CertificateRequest
            | Type::ServerDone
            | Type::CertificateVerify
            | Type::ClientKeyExchange
            | Type::Finished
            | Type::CertificateURL
            | Type::CertificateStatus
            | Type::KeyUpdate
            | Type::NextProtocol
    ) || matches!(kind, 23 | 25)
}

/// The length of a message's type and length.
const HEADER: u8 = 4;

pub(crate) const CLIENT_HELLO: u8 = 1;
pub(crate) const SERVER_HELLO: u8 = 2;
/// Of DTLS before its version 1.3.
pub(crate) const HELLO_VERIFY_REQUEST: u8 = 3;
/// Of drafts of TLS 1.3 before the 22nd.
pub(crate) const HELLO_RETRY_REQUEST: u8 = 6;
pub(crate) const CERTIFICATE: u8 = 11;
pub(crate) const SERVER_KEY_EXCHANGE: u8 = 12;
pub(crate) const SERVER_HELLO_DONE: u8 = 14;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &mut HandshakeReader, mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut found = Vec::new();
        while let Some(step) = reader.next(&mut bytes, Content::Plain, 100).expect("short") {
            if let Step::Whole { kind, body } = step {
                found.push((kind, body.to_vec()));
            }
        }
        found
    }

    #[test]
    fn messages_come_in_any_number_of_pieces() {
        let mut reader = HandshakeReader::default();
        assert_eq!(read(&mut reader, &[1, 0, 0]), []);
        assert_eq!(read(&mut reader, &[3, 7]), []);
        let expected = [(1, vec![7, 8, 9]), (11, vec![])];
        assert_eq!(
            read(&mut reader, &[8, 9, 14, 0, 0, 0, 11, 0, 0, 0]),
            expected
        );
        assert_eq!(read(&mut reader, &[2, 0, 0, 1, 5]), [(2, vec![5])]);
    }

    #[test]
    fn a_hole_in_a_message_loses_that_message() {
        let mut reader = HandshakeReader::default();
        assert_eq!(read(&mut reader, &[11, 0, 0, 9, 1, 2, 3]), []);
        reader.skip(4);
        assert_eq!(read(&mut reader, &[8, 9, 2, 0, 0, 1, 5]), [(2, vec![5])]);
        assert_eq!(read(&mut reader, &[11, 0]), []);
        reader.skip(4);
        assert_eq!(read(&mut reader, &[2, 0, 0, 1, 5]), []);
        reader.record_begins();
        assert_eq!(read(&mut reader, &[2, 0, 0, 1, 5]), [(2, vec![5])]);
    }

    #[test]
    fn a_claimed_length_takes_no_memory() {
        let mut reader = HandshakeReader::default();
        let mut bytes = &[11, 1, 0, 0, 1][..];
        assert_eq!(reader.next(&mut bytes, Content::Plain, 1 << 17), Ok(None));
        assert!(reader.body.capacity() < 100);
        let mut bytes = &[11, 1, 0, 0, 1][..];
        let mut reader = HandshakeReader::default();
        let error = TlsError::TooLong { limit: 100 };
        assert_eq!(reader.next(&mut bytes, Content::Plain, 100), Err(error));
    }
}
