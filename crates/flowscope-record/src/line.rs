//! A line of text that is written in pieces of constant size.
//!
//! A record is some hundred short pieces: names, numbers, quotes. To add a few
//! bytes to a vector takes a call and a copy of any length. Here there is room
//! behind the line already, so that a piece is one check and a store or two:
//! it is written whole, and of it as much counts as was meant.

/// A line at the end of a text, and room for more behind it.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// The text, the line, and zeros or what a piece has left behind.
    bytes: &'a mut Vec<u8>,
    /// Where the line ends.
    len: usize,
}

impl<'a> Line<'a> {
    /// Begins a line behind a text.
    pub(crate) fn behind(bytes: &'a mut Vec<u8>) -> Self {
        let len = bytes.len();
        bytes.resize(len + ROOM, 0);
        Self { bytes, len }
    }

    /// Ends the line: the text has no room any more.
    pub(crate) fn end(self) {
        self.bytes.truncate(self.len);
    }

    /// Where it has come to, in the text.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds the first `len` bytes of a piece.
    #[inline(always)]
    pub(crate) fn put<const N: usize>(&mut self, piece: &[u8; N], len: usize) {
        let room = self.bytes.get_mut(self.len..);
        match room.and_then(<[u8]>::first_chunk_mut) {
            Some(place) => *place = *piece,
            None => self.put_behind_end(piece),
        }
        self.len += len;
    }

    /// Adds all of a piece.
    #[inline(always)]
    pub(crate) fn put_all<const N: usize>(&mut self, piece: &[u8; N]) {
        self.put(piece, N);
    }

    /// Adds bytes of which it is not known how many they are.
    #[inline]
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let room = self.room(bytes.len());
        match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            // Most words are so short that two copies of four bytes are faster.
            (Some(first), Some(last)) if bytes.len() <= 8 => {
                put_at(room, 0, first);
                put_at(room, bytes.len() - 4, last);
            }
            _ => {
                if let Some(place) = room.get_mut(..bytes.len()) {
                    place.copy_from_slice(bytes);
                }
            }
        }
        self.len += bytes.len();
    }

    /// Adds what something else writes to a vector.
    #[cold]
    #[inline(never)]
    pub(crate) fn extend_by(&mut self, write: &mut dyn FnMut(&mut Vec<u8>)) {
        self.bytes.truncate(self.len);
        write(self.bytes);
        self.len = self.bytes.len();
        self.bytes.resize(self.len + ROOM, 0);
    }

    /// Replaces a byte.
    #[inline(always)]
    pub(crate) fn replace(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.bytes.get_mut(at) {
            *place = byte;
        }
    }

    /// Takes back the last bytes.
    #[inline(always)]
    pub(crate) fn take_back(&mut self, count: usize) {
        self.len = self.len.saturating_sub(count);
    }

    /// The room behind the line, of at least `len` bytes.
    #[inline(always)]
    pub(crate) fn room(&mut self, len: usize) -> &mut [u8] {
        if self.bytes.len() - self.len < len {
            self.make_room(len);
        }
        self.bytes.get_mut(self.len..).unwrap_or_default()
    }

    /// Counts what was written to the room.
    #[inline(always)]
    pub(crate) fn advance(&mut self, len: usize) {
        self.len += len;
    }

    #[cold]
    #[inline(never)]
    fn put_behind_end(&mut self, piece: &[u8]) {
        if let Some(place) = self.room(piece.len()).get_mut(..piece.len()) {
            place.copy_from_slice(piece);
        }
    }

    #[cold]
    #[inline(never)]
    fn make_room(&mut self, len: usize) {
        self.bytes.resize(self.len + len + ROOM, 0);
    }
}

#[inline(always)]
fn put_at(room: &mut [u8], at: usize, piece: &[u8; 4]) {
    if let Some(place) = room.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = *piece;
    }
}

/// Room behind a text when a line begins. Most lines fit.
const ROOM: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_one_text_however_long_it_gets() {
        let mut text = b"before ".to_vec();
        let mut expected = text.clone();
        let mut line = Line::behind(&mut text);
        for n in 0..700_usize {
            line.put(b"0123456789abcdef", n % 17);
            expected.extend(&b"0123456789abcdef"[..n % 17]);
            line.put_all(b"xyz");
            line.take_back(1);
            expected.extend(b"xy");
            for len in [n * 3, n % 9] {
                let some: Vec<u8> = (b'A'..=b'Z').cycle().take(len).collect();
                line.extend(&some);
                expected.extend(&some);
            }
            line.extend_by(&mut |text| text.extend(b"more"));
            expected.extend(b"more");
        }
        let last = line.len() - 1;
        line.replace(last, b'E');
        line.end();
        expected.pop();
        expected.push(b'E');
        assert_eq!(text, expected);
    }
}
