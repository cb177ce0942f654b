//! The text of a head: two words of its start line and its header fields.

use alloc::sync::Arc;
use core::{fmt, iter, mem};

use crate::Text;

/// A head's words and fields, in one allocation that copies share.
///
/// The bytes are the first word, the second word, and each field as the
/// lengths of its name and its value, the name, and the value.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Fields {
    bytes: Arc<[u8]>,
    first: u32,
    second: u32,
}

impl Fields {
    /// `words` are a request's method and target, or a response's reason and
    /// nothing.
    pub(crate) fn new<'h>(
        words: [&[u8]; 2],
        fields: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone,
    ) -> Self {
        let [first, second] = words;
        let of_fields: usize = fields
            .clone()
            .map(|(name, value)| LENGTHS + name.len() + value.len())
            .sum();
        let len = first.len() + second.len() + of_fields;
        let mut bytes: Arc<[u8]> = iter::repeat_n(0, len).collect();
        // Nobody else has it yet.
        if let Some(mut free) = Arc::get_mut(&mut bytes) {
            put(&mut free, first);
            put(&mut free, second);
            for (name, value) in fields {
                put(&mut free, &length(name).to_ne_bytes());
                put(&mut free, &length(value).to_ne_bytes());
                put(&mut free, name);
                put(&mut free, value);
            }
        }
        Self {
            bytes,
            first: length(first),
            second: length(second),
        }
    }

    pub(crate) fn first(&self) -> Text<'_> {
        Text::new(self.bytes.get(..self.first as usize).unwrap_or_default())
    }

    pub(crate) fn second(&self) -> Text<'_> {
        let from = self.first as usize;
        let range = from..from + self.second as usize;
        Text::new(self.bytes.get(range).unwrap_or_default())
    }

    pub(crate) fn headers(&self) -> Headers<'_> {
        let from = self.first as usize + self.second as usize;
        Headers {
            rest: self.bytes.get(from..).unwrap_or_default(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<Text<'_>> {
        self.headers()
            .find(|header| header.name.eq_ignore_case(name))
            .map(|header| header.value)
    }

    /// How many bytes it takes, shared with its copies.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.len()
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_fmt(format_args!("{:?} {:?} ", self.first(), self.second()))?;
        f.debug_map()
            .entries(self.headers().map(|header| (header.name, header.value)))
            .finish()
    }
}

/// The header fields of a message, in order, as sent.
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    rest: &'a [u8],
}

/// A header field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Header<'a> {
    /// Its name, as sent.
    pub name: Text<'a>,
    /// Its value, without the white space around it.
    pub value: Text<'a>,
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    #[inline]
    fn next(&mut self) -> Option<Header<'a>> {
        let (name, rest) = self.rest.split_first_chunk()?;
        let (value, rest) = rest.split_first_chunk()?;
        let (name, rest) = rest.split_at_checked(u32::from_ne_bytes(*name) as usize)?;
        let (value, rest) = rest.split_at_checked(u32::from_ne_bytes(*value) as usize)?;
        self.rest = rest;
        Some(Header {
            name: Text::new(name),
            value: Text::new(value),
        })
    }
}

fn put(free: &mut &mut [u8], piece: &[u8]) {
    if let Some((place, rest)) = mem::take(free).split_at_mut_checked(piece.len()) {
        place.copy_from_slice(piece);
        *free = rest;
    }
}

/// A head is never longer than a `u32` says.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

const LENGTHS: usize = 2 * size_of::<u32>();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_in_order_as_they_were() {
        let fields: [(&[u8], &[u8]); 3] = [(b"Host", b"a"), (b"X", b""), (b"host", b"\xff\0")];
        let head = Fields::new([b"GET", b"/"], fields.into_iter());
        assert_eq!(
            (head.first(), head.second()),
            (Text::new(b"GET"), Text::new(b"/"))
        );
        assert!(
            head.headers()
                .map(|header| (header.name.as_bytes(), header.value.as_bytes()))
                .eq(fields)
        );
        assert_eq!(head.header("HOST"), Some(Text::new(b"a")));
        assert_eq!(head.header("y"), None);
    }

    #[test]
    fn a_head_is_one_allocation() {
        let fields: [(&[u8], &[u8]); 2] = [(b"Host", b"a"), (b"X", b"y")];
        let made = allocation_counter::measure(|| {
            let head = Fields::new([b"GET", b"/"], fields.into_iter());
            let _copy = head.clone();
        });
        assert_eq!(made.count_total, 1);
    }
}
