//! Names, compressed or not.

use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::num::NonZeroU8;

use super::cursor::NameTrouble;
use super::text;

/// A name in a message, read where it lies (RFC 1035, sections 3.1 and 4.1.4).
///
/// [`Display`](fmt::Display) gives the presentation form: case as sent, no dot
/// at the end, `.` for the root; a dot or a backslash within a label and what
/// is special in zone files behind a backslash, bytes outside of printable
/// ASCII as `\DDD`.
///
/// ```
/// use flowscope_dns::DnsPacket;
///
/// let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x05a.b c\x07Example\0\0\x01\0\x01";
/// let packet = DnsPacket::parse(query)?;
/// let question = packet.question().expect("it can be read");
///
/// assert_eq!(question.name.to_string(), r"a\.b\032c.Example");
/// assert_eq!(question.name.labels().count(), 2);
/// # Ok::<(), flowscope_dns::DnsError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Name<'a> {
    message: &'a [u8],
    at: usize,
    /// How many bytes it has where it lies in one piece, without pointers.
    len: Option<NonZeroU8>,
}

impl<'a> Name<'a> {
    /// Reads the name at `at`, and says where what follows it begins.
    ///
    /// Pointers ought to lead backward (RFC 1035, section 4.1.4). Those that
    /// lead forward are followed all the same, as who receives them may, so
    /// circles are told by the number of pointers: no more than a name can have
    /// labels.
    pub(crate) fn read(message: &'a [u8], at: usize) -> Result<(Self, usize), NameTrouble> {
        let mut here = at;
        let (mut len, mut hops) = (0, 0);
        let mut after = None;
        loop {
            match Step::at(message, here)? {
                Step::Label { next, label } => {
                    len += 1 + label.len();
                    here = next;
                }
                Step::Pointer { target, next } => {
                    hops += 1;
                    after = after.or(Some(next));
                    if hops > MAX_HOPS {
                        return Err(NameTrouble::Bad);
                    }
                    here = target;
                }
                Step::Root { next } => {
                    let name = Self {
                        message,
                        at,
                        len: match after {
                            None => u8::try_from(next - at).ok().and_then(NonZeroU8::new),
                            Some(_) => None,
                        },
                    };
                    return Ok((name, after.unwrap_or(next)));
                }
            }
            if len >= MAX_LEN {
                return Err(NameTrouble::Bad);
            }
        }
    }

    /// Whether it is the root, which has no labels.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.labels().next().is_none()
    }

    /// Its labels with their lengths, where they lie in one piece.
    #[inline]
    fn piece(&self) -> Option<&'a [u8]> {
        // The root is the last byte.
        let len = usize::from(self.len?.get()) - 1;
        self.message.get(self.at..self.at + len)
    }

    /// The labels, each as sent, without the empty one at the end.
    #[must_use]
    pub fn labels(&self) -> Labels<'a> {
        Labels {
            message: self.message,
            at: self.at,
        }
    }

    /// The name for people: printable ASCII and UTF-8, as multicast DNS has it
    /// (RFC 6762, section 16), as they are; a dot or a backslash within a label
    /// behind a backslash (RFC 4343, section 2.1); the bytes of a character that
    /// is for control, changes the order of others or cannot be seen as `\DDD`;
    /// U+FFFD for what is no UTF-8.
    ///
    /// ```
    /// use flowscope_dns::DnsPacket;
    ///
    /// let query = b"\0\0\0\0\0\x01\0\0\0\0\0\0\x08Andr\xc3\xa9 1\x05local\0\0\x01\0\x01";
    /// let packet = DnsPacket::parse(query)?;
    /// let name = packet.question().expect("it can be read").name;
    ///
    /// assert_eq!(name.readable().to_string(), "André 1.local");
    /// assert_eq!(name.to_string(), r"Andr\195\169\0321.local");
    ///
    /// let query = b"\0\0\0\0\0\x01\0\0\0\0\0\0\x05a.b\\\n\x05local\0\0\x01\0\x01";
    /// let packet = DnsPacket::parse(query)?;
    /// let name = packet.question().expect("it can be read").name;
    /// assert_eq!(name.readable().to_string(), r"a\.b\\\010.local");
    /// # Ok::<(), flowscope_dns::DnsError>(())
    /// ```
    #[must_use]
    pub fn readable(self) -> ReadableName<'a> {
        ReadableName(self)
    }

    /// Whether it takes so many bytes where it stands in full.
    pub(crate) fn has_len(&self, len: usize) -> bool {
        if let Some(piece) = self.piece() {
            return piece.len() + 1 == len;
        }
        let labels = self.labels().map(|label| 1 + label.len());
        labels.sum::<usize>() + 1 == len
    }

    /// Its labels in lower case, each with its length before it.
    pub(crate) fn in_lower_case<'b>(&self, room: &'b mut [u8; MAX_LEN]) -> &'b [u8] {
        let name = self.in_full(room);
        // No length is a letter: they are at most 63.
        name.make_ascii_lowercase();
        name
    }

    /// Its labels, each with its length before it, without pointers.
    fn in_full<'b>(&self, room: &'b mut [u8; MAX_LEN]) -> &'b mut [u8] {
        if let Some(piece) = self.piece() {
            // It was read, so it is no longer than that.
            let place = room.get_mut(..piece.len()).unwrap_or_default();
            place.copy_from_slice(piece.get(..place.len()).unwrap_or_default());
            return place;
        }
        let (mut len, mut start, mut at) = (0, self.at, self.at);
        // The name was read before, so this ends.
        loop {
            let step = Step::at(self.message, at);
            if let Ok(Step::Label { next, .. }) = step {
                at = next;
                continue;
            }
            // Labels that lie one behind the other are copied together.
            let piece = self.message.get(start..at).unwrap_or_default();
            if let Some(place) = room.get_mut(len..len + piece.len()) {
                place.copy_from_slice(piece);
                len += piece.len();
            }
            match step {
                Ok(Step::Pointer { target, .. }) => (start, at) = (target, target),
                _ => return room.get_mut(..len).unwrap_or_default(),
            }
        }
    }

    /// Whether every label is UTF-8.
    #[must_use]
    pub fn is_utf8(&self) -> bool {
        self.labels()
            .all(|label| core::str::from_utf8(label).is_ok())
    }

    /// Whether both are the same, without regard to the case of ASCII letters
    /// (RFC 4343).
    #[must_use]
    pub fn eq_ignore_case(&self, other: &Name<'_>) -> bool {
        if let (Some(one), Some(other)) = (self.piece(), other.piece()) {
            // No length is a letter: they are at most 63.
            return one.eq_ignore_ascii_case(other);
        }
        let (mut ours, mut theirs) = (self.labels(), other.labels());
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some(one), Some(other)) if one.eq_ignore_ascii_case(other) => {}
                _ => return false,
            }
        }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut labels = self.labels();
        let Some(first) = labels.next() else {
            return f.write_char('.');
        };
        text::label(first, f)?;
        for label in labels {
            f.write_char('.')?;
            text::label(label, f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

/// As sent: see [`eq_ignore_case`](Name::eq_ignore_case).
impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.labels().eq(other.labels())
    }
}

impl Eq for Name<'_> {}

/// A [`Name`] for people, by [`Name::readable`].
#[derive(Clone, Copy, Debug)]
pub struct ReadableName<'a>(Name<'a>);

impl ReadableName<'_> {
    /// The same with bytes that are no UTF-8 as they are, so that no two names
    /// are alike.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.append_to(&mut bytes);
        bytes
    }

    /// Adds these bytes to others.
    pub fn append_to(self, bytes: &mut Vec<u8>) {
        bytes.reserve(USUAL_TEXT);
        if let Some([first, text @ ..]) = self.0.piece() {
            return self.append_piece(usize::from(*first), text, bytes);
        }
        let mut room = [0; MAX_LEN];
        let name = self.0.in_full(&mut room);
        let (mut at, mut labels) = (0, 0);
        while let Some(len) = name.get_mut(at) {
            at += 1 + usize::from(core::mem::replace(len, b'.'));
            labels += 1;
        }
        // Nearly all are written as they were sent, with dots in place of lengths.
        let is_usual = |byte: &u8| matches!(byte, b' '..=b'~') & (*byte != b'\\');
        let all_usual = name.iter().fold(true, |all, byte| all & is_usual(byte));
        let dots = name.iter().filter(|byte| **byte == b'.').count();
        match name.split_first() {
            None => bytes.push(b'.'),
            Some((_, text)) if all_usual && dots == labels => bytes.extend_from_slice(text),
            Some(_) => self.append_labels(bytes),
        }
    }

    /// The same where it lies in one piece: `text` without the length of its first
    /// label, which is `first`.
    fn append_piece(self, first: usize, text: &[u8], bytes: &mut Vec<u8>) {
        let before = bytes.len();
        bytes.extend_from_slice(text);
        let written = bytes.get_mut(before..).unwrap_or_default();
        let (mut at, mut dots) = (first, 0);
        while let Some(len) = written.get_mut(at) {
            at += 1 + usize::from(core::mem::replace(len, b'.'));
            dots += 1;
        }
        // Nearly all are written as they were sent, with dots in place of lengths.
        // There are fewer than 256 of them.
        let marks = written.iter().fold(0_u8, |marks, byte| {
            let is_usual = matches!(byte, b' '..=b'~') & (*byte != b'\\') & (*byte != b'.');
            marks.wrapping_add(u8::from(!is_usual))
        });
        if marks != dots {
            bytes.truncate(before);
            self.append_labels(bytes);
        }
    }

    #[cold]
    fn append_labels(self, bytes: &mut Vec<u8>) {
        for (n, label) in self.0.labels().enumerate() {
            if n > 0 {
                bytes.push(b'.');
            }
            for chunk in label.utf8_chunks() {
                // Bytes take everything.
                let _ = text::readable(chunk.valid(), &mut Bytes(bytes));
                bytes.extend_from_slice(chunk.invalid());
            }
        }
    }
}

/// Few names are longer in writing.
const USUAL_TEXT: usize = 64;

/// Bytes that text is added to.
struct Bytes<'a>(&'a mut Vec<u8>);

impl Write for Bytes<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl fmt::Display for ReadableName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_root() {
            return f.write_char('.');
        }
        for (n, label) in self.0.labels().enumerate() {
            if n > 0 {
                f.write_char('.')?;
            }
            for chunk in label.utf8_chunks() {
                text::readable(chunk.valid(), f)?;
                if !chunk.invalid().is_empty() {
                    f.write_char(char::REPLACEMENT_CHARACTER)?;
                }
            }
        }
        Ok(())
    }
}

/// The labels of a [`Name`].
#[derive(Clone, Debug)]
pub struct Labels<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        // The name was read before, so this ends.
        loop {
            match Step::at(self.message, self.at).ok()? {
                Step::Label { next, label } => {
                    self.at = next;
                    return Some(label);
                }
                Step::Pointer { target, .. } => self.at = target,
                Step::Root { .. } => return None,
            }
        }
    }
}

/// What a name has at one place.
enum Step<'a> {
    Label { next: usize, label: &'a [u8] },
    Pointer { next: usize, target: usize },
    Root { next: usize },
}

impl<'a> Step<'a> {
    #[inline]
    fn at(message: &'a [u8], at: usize) -> Result<Self, NameTrouble> {
        let rest = message.get(at..).unwrap_or_default();
        match rest {
            [] => Err(NameTrouble::Short),
            [0, ..] => Ok(Step::Root { next: at + 1 }),
            [len @ 1..=0x3f, rest @ ..] => {
                let len = usize::from(*len);
                let label = rest.get(..len).ok_or(NameTrouble::Short)?;
                let next = at + 1 + len;
                Ok(Step::Label { next, label })
            }
            [0xc0..=0xff] => Err(NameTrouble::Short),
            [high @ 0xc0..=0xff, low, ..] => Ok(Step::Pointer {
                next: at + 2,
                target: usize::from(u16::from_be_bytes([*high & 0x3f, *low])),
            }),
            // 0x40 and 0x80 are kinds of labels that came to nothing (RFC 6891,
            // section 5).
            [0x40..=0xbf, ..] => Err(NameTrouble::Bad),
        }
    }
}

/// The longest name, with its lengths and the root (RFC 1035, section 2.3.4).
const MAX_LEN: usize = 255;

/// As many as there can be labels.
const MAX_HOPS: u32 = 127;

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};
    use std::vec::Vec;

    use super::*;

    fn read(message: &[u8], at: usize) -> Result<String, NameTrouble> {
        Name::read(message, at).map(|(name, _)| name.to_string())
    }

    #[test]
    fn readable_names_are_the_same_in_one_piece_and_by_labels() {
        let many = [&b"\x01a".repeat(127)[..], b"\0"].concat();
        for (message, at) in [
            (&b"\x03www\x02de\0\x01a\xc0\x04\xc0\x08\0"[..], 0),
            (b"\x03www\x02de\0\x01a\xc0\x04\xc0\x08\0", 8),
            (b"\x03www\x02de\0\x01a\xc0\x04\xc0\x08\0", 12),
            (b"\x03a.b\x01c\0", 0),
            (b"\x03a\\b\x02 c\0", 0),
            (b"\x02\xc3\xa9\x01\xff\0", 0),
            (b"\x01.\0", 0),
            (b"\0", 0),
            (&many, 0),
        ] {
            let (name, _) = Name::read(message, at).expect("it is a name");
            let mut by_labels = Vec::new();
            name.readable().append_labels(&mut by_labels);
            if name.is_root() {
                by_labels.push(b'.');
            }
            assert_eq!(name.readable().to_bytes(), by_labels, "{name}");
        }
    }

    #[test]
    fn names_are_read() {
        let message = b"\x03www\x02de\0\x01a\xc0\x04\xc0\x08\0";
        for (at, text, after) in [
            (0, "www.de", 8),
            (4, "de", 8),
            (8, "a.de", 12),
            (12, "a.de", 14),
            (14, ".", 15),
        ] {
            let (name, end) = Name::read(message, at).expect("a name");
            assert_eq!((name.to_string().as_str(), end), (text, after));
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        use NameTrouble::{Bad, Short};
        for (message, at, trouble) in [
            (&b""[..], 0, Short),
            (b"\x03ww", 0, Short),
            (b"\x01a", 0, Short),
            (b"\x01a\xc0", 0, Short),
            (b"\xc0\x00", 0, Bad),        // at itself
            (b"\xc0\x03\0", 0, Short),    // behind the end
            (b"\x01a\xc0\x00", 0, Bad),   // in a circle
            (b"\x01a\xc0\x02\0", 0, Bad), // into its own row
            (b"\x40a\0", 0, Bad),
            (b"\x80a\0", 0, Bad),
        ] {
            assert_eq!(read(message, at), Err(trouble), "{message:?}");
        }
    }

    #[test]
    fn pointers_may_lead_forward_unless_in_a_circle() {
        let message = b"\xc0\x04\xc0\x00\x01a\xc0\x0a\xc0\x06\x01b\0\xc0\x0f\xc0\x0d";
        for (at, text, after) in [(0, "a.b", 2), (2, "a.b", 4), (4, "a.b", 8), (8, "b", 10)] {
            let (name, end) = Name::read(message, at).expect("a name");
            assert_eq!((name.to_string().as_str(), end), (text, after));
        }
        assert_eq!(read(message, 13), Err(NameTrouble::Bad));
        assert_eq!(read(message, 15), Err(NameTrouble::Bad));
    }

    #[test]
    fn no_two_names_are_alike_to_people() {
        for (label, bytes) in [
            (&b"a.b"[..], &br"a\.b"[..]),
            (br"a\.b", br"a\\\.b"),
            (br"a\046b", br"a\\046b"),
            (b"a b;\"", b"a b;\""),
            ("é\u{fffd}".as_bytes(), "é\u{fffd}".as_bytes()),
            (b"\xe9", b"\xe9"),
            (b"\xc3\xc3\xa9.\xe2\x82", b"\xc3\xc3\xa9\\.\xe2\x82"),
            (b"\0\x1b\n\x7f", br"\000\027\010\127"),
            ("\u{9b}é".as_bytes(), "\\194\\155é".as_bytes()),
            ("\u{202e}".as_bytes(), br"\226\128\174"),
        ] {
            let len = u8::try_from(label.len()).expect("a label");
            let message = [&[len], label, &[0]].concat();
            let (name, _) = Name::read(&message, 0).expect("a name");
            assert_eq!(name.readable().to_bytes(), bytes);
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(name.readable().to_string(), text);
        }
    }

    #[test]
    fn the_longest_name_has_255_bytes() {
        let mut message = Vec::new();
        for _ in 0..127 {
            message.extend([1, b'a']);
        }
        message.push(0);
        assert_eq!(message.len(), 255);
        let (name, after) = Name::read(&message, 0).expect("a name");
        assert_eq!((name.labels().count(), after), (127, 255));
        message.splice(0..0, [1, b'a']);
        assert_eq!(read(&message, 0), Err(NameTrouble::Bad));
    }

    #[test]
    fn a_chain_of_pointers_is_not_followed_for_ever() {
        let mut message = Vec::from([0, 0]);
        for n in 0..8000u16 {
            let [high, low] = (n * 2).to_be_bytes();
            message.extend([high | 0xc0, low]);
        }
        assert_eq!(read(&message, 2 * 127), Ok(".".to_string()));
        assert_eq!(read(&message, 2 * 128), Err(NameTrouble::Bad));
    }

    #[test]
    fn case_is_kept_and_disregarded() {
        let message = b"\x02Ab\x01c\0\x02aB\x01C\0\x02ab\0";
        let names: Vec<_> = [0, 6, 12]
            .into_iter()
            .filter_map(|at| Some(Name::read(message, at).ok()?.0))
            .collect();
        let [one, two, three] = &names[..] else {
            panic!("three names")
        };
        assert_eq!(one.to_string(), "Ab.c");
        assert!(one.eq_ignore_case(two) && one != two && one == one);
        assert!(!one.eq_ignore_case(three));
    }
}
