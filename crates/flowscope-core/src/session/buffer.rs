//! A buffer for what a parser cannot use yet.

use alloc::vec::Vec;
use core::fmt;

/// Keeps the bytes of one side that are not part of a whole message yet.
///
/// It never holds more than its limit. Taking bytes from the front moves none
/// of the others; they are moved together now and then, when that frees at
/// least as much as is moved.
///
/// ```
/// use flowscope_core::session::{ByteBuffer, ParseError};
///
/// let mut buffer = ByteBuffer::new(16);
/// buffer.extend(b"one\ntwo\nth")?;
/// assert_eq!(buffer.take_until(b'\n'), Some(&b"one"[..]));
/// assert_eq!(buffer.unread(), b"two\nth");
///
/// buffer.consume(4);
/// assert_eq!(buffer.take_until(b'\n'), None);
/// buffer.extend(b"ree\n")?;
/// assert_eq!(buffer.take_until(b'\n'), Some(&b"three"[..]));
///
/// assert_eq!(buffer.extend(&[0; 17]), Err(ParseError::TooLong { limit: 16 }));
/// assert!(buffer.is_empty());
/// # Ok::<(), ParseError>(())
/// ```
#[derive(Clone)]
pub struct ByteBuffer {
    bytes: Vec<u8>,
    /// How many bytes at the front were consumed.
    start: usize,
    /// The byte last looked for, and how far it is known not to be there.
    sought: u8,
    searched: usize,
    limit: usize,
}

impl ByteBuffer {
    /// A buffer for at most `limit` unread bytes. It takes memory only when it
    /// is filled, up to twice as much.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
            sought: 0,
            searched: 0,
            limit,
        }
    }

    /// Adds bytes behind the unread ones.
    ///
    /// # Errors
    ///
    /// [`ParseError::TooLong`] if they would be more than the limit; nothing is
    /// added then.
    pub fn extend(&mut self, bytes: &[u8]) -> Result<(), ParseError> {
        let unread = self.bytes.len() - self.start;
        if bytes.len() > self.limit.saturating_sub(unread) {
            return Err(ParseError::TooLong { limit: self.limit });
        }
        if self.bytes.capacity() - self.bytes.len() < bytes.len() {
            self.make_room(bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The bytes that were not consumed.
    #[inline]
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Takes the first `count` unread bytes away, or all if there are fewer.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.bytes.len());
        self.searched = self.searched.max(self.start);
        if self.start == self.bytes.len() {
            self.clear();
        }
    }

    /// Takes everything before the next `byte` away, and the byte itself, and
    /// returns what was before it. `None`, and nothing taken, if there is none.
    ///
    /// What was searched once is not searched again when more bytes come.
    pub fn take_until(&mut self, byte: u8) -> Option<&[u8]> {
        if self.start > 0 && self.start == self.bytes.len() {
            self.clear();
        }
        if self.sought != byte {
            (self.sought, self.searched) = (byte, self.start);
        }
        let tail = self.bytes.get(self.searched..)?;
        let Some(found) = tail.iter().position(|other| *other == byte) else {
            self.searched = self.bytes.len();
            return None;
        };
        let (from, to) = (self.start, self.searched + found);
        (self.start, self.searched) = (to + 1, to + 1);
        self.bytes.get(from..to)
    }

    /// Throws all unread bytes away.
    ///
    /// Keeps a little memory, for the next message of usual size.
    pub fn clear(&mut self) {
        self.bytes.clear();
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
        (self.start, self.searched) = (0, 0);
    }

    /// How many bytes are unread.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Whether no byte is unread.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most unread bytes it takes.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// How many bytes of memory it has taken, besides itself.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// Makes room for `more` bytes, which are within the limit.
    fn make_room(&mut self, more: usize) {
        let unread = self.bytes.len() - self.start;
        if self.start >= unread {
            self.bytes.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        // Less than half of what is there was consumed, if anything, so this
        // is less than twice the limit.
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            let most = self.limit.saturating_mul(2).max(needed);
            let capacity = self.bytes.capacity().saturating_mul(2).clamp(needed, most);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
    }
}

/// A buffer for 64 KiB at the most.
impl Default for ByteBuffer {
    fn default() -> Self {
        Self::new(DEFAULT_LIMIT)
    }
}

impl fmt::Debug for ByteBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteBuffer")
            .field("len", &self.len())
            .field("memory", &self.memory())
            .field("limit", &self.limit)
            .finish()
    }
}

/// Why a parser gives up, for parsers with nothing more to say about it.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ParseError {
    /// A message is longer than its buffer may become.
    TooLong {
        /// The buffer's limit.
        limit: usize,
    },
    /// The bytes are not of the protocol.
    Malformed,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { limit } => write!(f, "message longer than {limit} bytes"),
            Self::Malformed => f.write_str("malformed message"),
        }
    }
}

/// As [`Display`](fmt::Display), for a program whose `main` returns the error.
impl fmt::Debug for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for ParseError {}

const DEFAULT_LIMIT: usize = 64 << 10;

/// Memory that an emptied buffer keeps at the most.
const KEPT: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn many_small_messages_move_few_bytes_and_take_little_memory() {
        let mut buffer = ByteBuffer::new(1000);
        // Never empty, so that nothing is cleared on the way.
        buffer.extend(&[0; 600]).expect("it fits");
        for round in 0..10_000u32 {
            buffer.extend(&round.to_be_bytes()).expect("it fits");
            buffer.consume(4);
            assert_eq!(buffer.len(), 600);
            assert!(buffer.memory() <= 2000, "{}", buffer.memory());
        }
        assert_eq!(
            buffer.unread().get(596..),
            Some(&9_999u32.to_be_bytes()[..])
        );
    }

    #[test]
    fn another_byte_is_looked_for_from_the_front() {
        let mut buffer = ByteBuffer::default();
        buffer.extend(b"a:b;c\n").expect("it fits");
        assert_eq!(buffer.take_until(b'!'), None);
        assert_eq!(buffer.take_until(b':'), Some(&b"a"[..]));
        assert_eq!(buffer.take_until(b'\n'), Some(&b"b;c"[..]));
        assert_eq!(buffer.take_until(b'\n'), None);
    }

    #[test]
    fn a_delimiter_that_ends_a_chunk_is_found_once() {
        let mut buffer = ByteBuffer::default();
        let mut lines = Vec::new();
        for byte in b"\nab\n\nc\n" {
            buffer.extend(&[*byte]).expect("it fits");
            while let Some(line) = buffer.take_until(b'\n') {
                lines.push(line.to_vec());
            }
        }
        assert_eq!(lines, [&b""[..], b"ab", b"", b"c"]);
        assert!(buffer.is_empty());
    }

    #[test]
    fn large_memory_is_given_back_when_empty() {
        let mut buffer = ByteBuffer::default();
        buffer.extend(&[0; 10_000]).expect("it fits");
        assert!(buffer.memory() >= 10_000);
        buffer.consume(10_000);
        assert_eq!(buffer.memory(), 0);
        buffer.extend(&[0; 100]).expect("it fits");
        buffer.consume(usize::MAX);
        assert!(buffer.is_empty() && buffer.memory() >= 100);
    }
}
