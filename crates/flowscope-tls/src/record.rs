//! Records: the frames of the stream (RFC 8446, section 5.1).
//!
//! Content is handed on as it comes, record by record; nothing but a header is
//! held back.

use crate::TlsError;

/// Splits one side's stream into records.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordReader {
    header: [u8; HEADER],
    have: u8,
    kind: u8,
    len: u16,
    left: u16,
}

/// Consecutive bytes of one record's content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fragment<'a> {
    /// The record's content type.
    pub(crate) kind: u8,
    /// The length of the whole record's content.
    pub(crate) len: u16,
    /// Whether the record's content begins here.
    pub(crate) is_first: bool,
    pub(crate) bytes: &'a [u8],
}

/// What is known behind missing bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Skipped {
    /// They were all content of a record of this type.
    Inside { kind: u8 },
    /// Where the next record begins is not known.
    Lost,
}

impl RecordReader {
    /// Reads the next piece of content from the front of `bytes`; `None` if that
    /// needs more bytes.
    pub(crate) fn next<'a>(
        &mut self,
        bytes: &mut &'a [u8],
    ) -> Result<Option<Fragment<'a>>, TlsError> {
        while self.left == 0 {
            if !self.read_header(bytes) {
                return Ok(None);
            }
            self.have = 0;
            let (kind, version, len) = header(&self.header);
            if !is_plausible(kind, version, len) {
                return Err(TlsError::Record {
                    content_type: kind,
                    len,
                });
            }
            (self.kind, self.len, self.left) = (kind, len, len);
        }
        let there = usize::from(self.left).min(bytes.len());
        let (taken, rest) = bytes.split_at_checked(there).unwrap_or_default();
        if taken.is_empty() {
            return Ok(None);
        }
        *bytes = rest;
        let is_first = self.left == self.len;
        self.left = self
            .left
            .saturating_sub(u16::try_from(there).unwrap_or(u16::MAX));
        Ok(Some(Fragment {
            kind: self.kind,
            len: self.len,
            is_first,
            bytes: taken,
        }))
    }

    /// `count` bytes are missing.
    pub(crate) fn skip(&mut self, count: u64) -> Skipped {
        match u16::try_from(count) {
            Ok(count) if count <= self.left => {
                self.left -= count;
                Skipped::Inside { kind: self.kind }
            }
            _ => {
                *self = Self::default();
                Skipped::Lost
            }
        }
    }

    /// Fills the header; whether it is whole.
    #[inline]
    fn read_header(&mut self, bytes: &mut &[u8]) -> bool {
        if self.have == 0
            && let Some((header, rest)) = bytes.split_first_chunk()
        {
            self.header = *header;
            *bytes = rest;
            return true;
        }
        self.read_header_piecewise(bytes)
    }

    #[cold]
    fn read_header_piecewise(&mut self, bytes: &mut &[u8]) -> bool {
        while usize::from(self.have) < HEADER {
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
}

/// The type, version and length a header gives.
pub(crate) fn header(bytes: &[u8; HEADER]) -> (u8, u16, u16) {
    match tls_parser::parse_tls_record_header(bytes) {
        Ok((_, header)) => (header.record_type.0, header.version.0, header.len),
        // It is long enough, so this is not met.
        Err(_) => (0, 0, 0),
    }
}

/// Whether a record may have this header.
pub(crate) fn is_plausible(kind: u8, version: u16, len: u16) -> bool {
    (CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&kind)
        && (0x0300..=0x0304).contains(&version)
        && len <= MAX_LEN
}

pub(crate) const HEADER: usize = 5;
pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(crate) const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const APPLICATION_DATA: u8 = 23;
pub(crate) const HEARTBEAT: u8 = 24;

/// What an encrypted record of TLS 1.2 may have; later ones may have less.
const MAX_LEN: u16 = (1 << 14) + 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_comes_in_pieces_as_it_comes() {
        let mut reader = RecordReader::default();
        let mut found = Vec::new();
        for mut bytes in [&[22, 3, 1][..], &[0, 3, 1], &[2, 3, 20, 3, 3, 0, 1, 1]] {
            while let Some(piece) = reader.next(&mut bytes).expect("records") {
                found.push((piece.kind, piece.is_first, piece.bytes.to_vec()));
            }
        }
        let expected = [
            (22, true, vec![1]),
            (22, false, vec![2, 3]),
            (20, true, vec![1]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_hole_in_a_record_is_counted_through() {
        let mut reader = RecordReader::default();
        let mut bytes = &[22, 3, 3, 0, 10, 1, 2][..];
        assert!(reader.next(&mut bytes).is_ok_and(|piece| piece.is_some()));
        assert_eq!(reader.skip(8), Skipped::Inside { kind: 22 });
        let mut bytes = &[21, 3, 3, 0, 2, 1, 0][..];
        let alert = reader.next(&mut bytes).expect("a record").expect("content");
        assert_eq!((alert.kind, alert.bytes), (21, &[1, 0][..]));
        assert_eq!(reader.skip(1), Skipped::Lost);
    }

    #[test]
    fn text_is_no_record() {
        let mut bytes = &b"HTTP/1.1 400 Bad Request"[..];
        let error = TlsError::Record {
            content_type: b'H',
            len: u16::from_be_bytes(*b"P/"),
        };
        assert_eq!(RecordReader::default().next(&mut bytes), Err(error));
    }
}
