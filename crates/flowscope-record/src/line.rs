//! A line of text that is written in pieces of constant size.
//!
//! A record is some hundred short pieces: names, numbers, quotes. To add a few
//! bytes to a vector takes a call and a copy of any length. Here a piece is one
//! comparison and a store or two into a room of constant size: it is written
//! whole, and of it as much counts as was meant. What is in the room goes to the
//! text when the line ends, or when the room is full.

/// A line that is added to a text.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    text: &'a mut Vec<u8>,
    /// What is not in the text yet, and behind it whatever pieces have left.
    room: &'a mut [u8; ROOM],
    /// How much of the room is used.
    len: usize,
}

impl<'a> Line<'a> {
    /// Begins a line behind a text.
    pub(crate) fn behind(text: &'a mut Vec<u8>, room: &'a mut [u8; ROOM]) -> Self {
        Self { text, room, len: 0 }
    }

    /// Ends the line.
    pub(crate) fn end(mut self) {
        self.spill();
    }

    /// Where it has come to, in the text.
    #[inline(always)]
    pub(crate) fn at(&self) -> usize {
        self.text.len() + self.len
    }

    /// Adds what `write` does to a place of constant size, as far as it counts.
    #[inline(always)]
    pub(crate) fn put_by<const N: usize>(&mut self, len: usize, write: impl FnOnce(&mut [u8; N])) {
        if self.len > ROOM - N {
            self.spill();
            self.len = 0;
        }
        let place = self.room.get_mut(self.len..);
        if let Some(place) = place.and_then(<[u8]>::first_chunk_mut) {
            write(place);
            self.len += len;
        }
    }

    /// Adds the first `len` bytes of a piece.
    #[inline(always)]
    pub(crate) fn put<const N: usize>(&mut self, piece: [u8; N], len: usize) {
        self.put_by(len, |place| *place = piece);
    }

    /// Adds all of a piece.
    #[inline(always)]
    pub(crate) fn put_all<const N: usize>(&mut self, piece: &[u8; N]) {
        self.put(*piece, N);
    }

    /// Adds bytes of which it is not known how many they are.
    #[inline]
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let Some(place) = self.place(bytes.len()) else {
            return self.text.extend_from_slice(bytes);
        };
        match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            // Most words are so short that two copies of four bytes are faster.
            (Some(first), Some(last)) if bytes.len() <= 8 => {
                place[..4].copy_from_slice(first);
                place[bytes.len() - 4..].copy_from_slice(last);
            }
            _ => place.copy_from_slice(bytes),
        }
        self.len += bytes.len();
    }

    /// A place for `len` bytes, which count when it was [filled](Self::filled); none
    /// where there cannot be room for so many, and then all is in the text.
    #[inline(always)]
    pub(crate) fn place(&mut self, len: usize) -> Option<&mut [u8]> {
        if ROOM - self.len < len {
            self.spill();
        }
        self.room.get_mut(self.len..)?.get_mut(..len)
    }

    /// Counts what was written to a place.
    #[inline(always)]
    pub(crate) fn filled(&mut self, len: usize) {
        self.len += len;
    }

    /// The text with all that was added so far, to add more.
    pub(crate) fn text(&mut self) -> &mut Vec<u8> {
        self.spill();
        self.text
    }

    /// Replaces a byte of the line.
    #[inline(always)]
    pub(crate) fn replace(&mut self, at: usize, byte: u8) {
        let place = match at.checked_sub(self.text.len()) {
            Some(at) => self.room.get_mut(at),
            None => self.text.get_mut(at),
        };
        if let Some(place) = place {
            *place = byte;
        }
    }

    #[cold]
    #[inline(never)]
    fn spill(&mut self) {
        if let Some(used) = self.room.get(..self.len) {
            self.text.extend_from_slice(used);
        }
        self.len = 0;
    }
}

/// Most lines fit.
pub(crate) const ROOM: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_one_text_however_long_it_gets() {
        let mut text = b"before ".to_vec();
        let mut expected = text.clone();
        let mut room = [0; ROOM];
        let mut line = Line::behind(&mut text, &mut room);
        for n in 0..900_usize {
            line.put(*b"0123456789abcdef", n % 17);
            expected.extend(&b"0123456789abcdef"[..n % 17]);
            line.put_all(b"xyz");
            expected.extend(b"xyz");
            assert_eq!(line.at(), expected.len());
            for len in [n * 3, n % 9] {
                let some: Vec<u8> = (b'A'..=b'Z').cycle().take(len).collect();
                line.extend(&some);
                expected.extend(&some);
            }
            let at = line.at() - 1 - n % 7;
            line.replace(at, b'!');
            expected[at] = b'!';
            if n % 5 == 0 {
                line.text().extend(b"more");
                expected.extend(b"more");
            }
        }
        line.end();
        assert_eq!(text, expected);
    }
}
