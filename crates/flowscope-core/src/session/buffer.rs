//! A buffer for what a parser cannot use yet.

use alloc::vec::Vec;
use core::fmt;

/// Keeps the bytes of one side that are not part of a whole message yet.
///
/// The limit is the length of the longest message. It does not bound a chunk, as
/// a chunk may have many messages, or the end of one and the beginning of
/// another: what a parser reads must not depend on how its stream was cut. So
/// [`extend`](Self::extend) accepts any chunk, unless more bytes than the limit
/// were left unread before. Those are the beginning of a message that is too
/// long. Between two chunks a buffer holds no more than the limit and one chunk.
///
/// Removing bytes from the front moves none of the others; they are moved
/// together now and then, when that frees at least as much as is moved.
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
/// // Of a line that is too long nothing is removed, and no more is accepted.
/// buffer.extend(b"a line of 24 characters\n")?;
/// assert_eq!(buffer.take_until(b'\n'), None);
/// assert_eq!(buffer.extend(b"next\n"), Err(ParseError::TooLong { limit: 16 }));
/// # Ok::<(), ParseError>(())
/// ```
#[derive(Clone)]
pub struct ByteBuffer {
    bytes: Vec<u8>,
    /// How many bytes at the front were consumed.
    start: usize,
    /// The byte last searched for, and how far it is known not to be there.
    sought: u8,
    searched: usize,
    /// What comes is dropped up to the next such byte.
    skip_past: Option<u8>,
    limit: usize,
}

impl ByteBuffer {
    /// A buffer for messages of at most `limit` bytes. It allocates nothing until
    /// it is filled, and then up to twice the limit or what a chunk needs.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
            sought: 0,
            searched: 0,
            skip_past: None,
            limit,
        }
    }

    /// Adds bytes behind the unread ones.
    ///
    /// # Errors
    ///
    /// [`ParseError::TooLong`] if more bytes than the limit are unread already;
    /// nothing is added then. A parser that has removed all whole messages left
    /// the beginning of one that is too long.
    pub fn extend(&mut self, bytes: &[u8]) -> Result<(), ParseError> {
        if self.unread().len() > self.limit {
            return Err(ParseError::TooLong { limit: self.limit });
        }
        let mut bytes = bytes;
        if let Some(byte) = self.skip_past {
            let Some(found) = bytes.iter().position(|other| *other == byte) else {
                return Ok(());
            };
            bytes = bytes.get(found + 1..).unwrap_or_default();
            self.skip_past = None;
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

    /// Removes the first `count` unread bytes, or all if there are fewer.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.bytes.len());
        self.searched = self.searched.max(self.start);
        if self.start == self.bytes.len() {
            self.clear();
        }
    }

    /// Removes the first `count` unread bytes and returns them. `None`, and
    /// nothing removed, if there are fewer, or if that is more than the limit.
    ///
    /// ```
    /// use flowscope_core::session::ByteBuffer;
    ///
    /// let mut buffer = ByteBuffer::new(4);
    /// buffer.extend(b"abcdefgh")?;
    /// assert_eq!(buffer.take(3), Some(&b"abc"[..]));
    /// assert_eq!(buffer.take(5), None);
    /// assert_eq!(buffer.unread(), b"defgh");
    /// # Ok::<(), flowscope_core::session::ParseError>(())
    /// ```
    pub fn take(&mut self, count: usize) -> Option<&[u8]> {
        if count > self.limit {
            return None;
        }
        let end = self.start.checked_add(count)?;
        let message = self.bytes.get(self.start..end)?;
        self.start = end;
        self.searched = self.searched.max(end);
        Some(message)
    }

    /// Removes everything before the next `byte` and the byte itself, and returns
    /// what was before it. `None`, and nothing removed, if there is no such byte,
    /// or if that is more than the limit.
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
        if to - from >= self.limit {
            // It is not searched again: what comes next is refused.
            self.searched = to;
            return None;
        }
        (self.start, self.searched) = (to + 1, to + 1);
        self.bytes.get(from..to)
    }

    /// Drops all unread bytes, and what comes up to the next `byte`, with it.
    ///
    /// For a parser of lines, behind missing bytes: what comes next is most
    /// likely the end of a line whose beginning is missing.
    ///
    /// ```
    /// use flowscope_core::session::ByteBuffer;
    ///
    /// let mut buffer = ByteBuffer::default();
    /// buffer.extend(b"a whole line\nand the beg")?;
    /// assert_eq!(buffer.take_until(b'\n'), Some(&b"a whole line"[..]));
    /// buffer.skip_past(b'\n');
    /// buffer.extend(b"f the third line\nthe fourth\n")?;
    /// assert_eq!(buffer.take_until(b'\n'), Some(&b"the fourth"[..]));
    /// # Ok::<(), flowscope_core::session::ParseError>(())
    /// ```
    pub fn skip_past(&mut self, byte: u8) {
        self.clear();
        self.skip_past = Some(byte);
    }

    /// Drops all unread bytes.
    ///
    /// Keeps a little memory, for the next message of usual size.
    pub fn clear(&mut self) {
        self.bytes.clear();
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
        (self.start, self.searched, self.skip_past) = (0, 0, None);
    }

    /// The length of the longest message.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// How many bytes of memory it has allocated, besides itself.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// Makes room for `more` bytes.
    fn make_room(&mut self, more: usize) {
        let unread = self.bytes.len() - self.start;
        if self.start >= unread {
            self.bytes.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        // If anything was consumed, it is less than what is unread. So this is
        // less than twice the limit and one chunk.
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            let most = self.limit.saturating_mul(2).max(needed);
            let capacity = self.bytes.capacity().saturating_mul(2).clamp(needed, most);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
    }
}

/// A buffer for messages of at most 64 KiB.
impl Default for ByteBuffer {
    fn default() -> Self {
        Self::new(DEFAULT_LIMIT)
    }
}

impl fmt::Debug for ByteBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteBuffer")
            .field("unread", &self.unread().len())
            .field("memory", &self.memory())
            .field("limit", &self.limit)
            .finish()
    }
}

/// Why a parser gives up, for parsers with nothing more to say about it.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ParseError {
    /// A message is longer than its buffer allows.
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
            assert_eq!(buffer.unread().len(), 600);
            assert!(buffer.memory() <= 2000, "{}", buffer.memory());
        }
        assert_eq!(
            buffer.unread().get(596..),
            Some(&9_999u32.to_be_bytes()[..])
        );
    }

    /// What a parser of lines reads that gets `stream` in chunks of `size`.
    fn lines(stream: &[u8], size: usize, limit: usize) -> (Vec<Vec<u8>>, bool) {
        let mut buffer = ByteBuffer::new(limit);
        let mut lines = Vec::new();
        // The last chunk is empty, so that an error of the one before shows.
        for chunk in stream.chunks(size).chain([&b""[..]]) {
            if buffer.extend(chunk).is_err() {
                return (lines, false);
            }
            while let Some(line) = buffer.take_until(b'\n') {
                lines.push(line.to_vec());
            }
        }
        (lines, true)
    }

    #[test]
    fn what_is_read_does_not_depend_on_how_the_stream_was_cut() {
        for (stream, count, is_read) in [
            (&b"one\ntwo\nthree\n"[..], 3, true),
            (b"one\n1234567\nlast\n", 3, true),
            (b"one\n12345678\nlast\n", 1, false),
            (b"one\n1234567890\nlast\n", 1, false),
            (b"one\n1234567890", 1, false),
        ] {
            for size in 1..=stream.len() {
                let (lines, was_read) = lines(stream, size, 8);
                assert_eq!((lines.len(), was_read), (count, is_read), "by {size}");
            }
        }
    }

    #[test]
    fn a_chunk_of_many_short_messages_is_accepted_whatever_its_length() {
        let stream = b"0123456789abcdefg\n".repeat(1000);
        let (lines, is_read) = lines(&stream, stream.len(), 512);
        assert_eq!((lines.len(), is_read), (1000, true));
    }

    #[test]
    fn nothing_of_a_line_is_kept_whose_beginning_is_missing() {
        let mut buffer = ByteBuffer::default();
        buffer.extend(b"begin").expect("it fits");
        buffer.skip_past(b'\n');
        for bytes in [&b"mid"[..], b"dle", b"end\nne", b"xt\n"] {
            buffer.extend(bytes).expect("it fits");
        }
        assert_eq!(buffer.take_until(b'\n'), Some(&b"next"[..]));
        assert!(buffer.unread().is_empty());
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
        assert!(buffer.unread().is_empty());
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
        assert!(buffer.unread().is_empty() && buffer.memory() >= 100);
    }
}
