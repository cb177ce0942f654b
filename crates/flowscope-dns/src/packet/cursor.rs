//! Reading fields of a message one after the other.

use super::Name;
use crate::error::Problem;

/// A place in a message, and the end of what may be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    message: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(message: &'a [u8], at: usize) -> Self {
        let end = message.len();
        Self { message, at, end }
    }

    /// The same place, with nothing to read behind `end`.
    pub(crate) fn until(self, end: usize) -> Self {
        let end = end.min(self.message.len());
        Self { end, ..self }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Everything up to the end.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.message.get(self.at..self.end).unwrap_or_default()
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at == self.end
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.rest().get(..count)?;
        self.at += count;
        Some(taken)
    }

    /// Goes on by `count` bytes, or by as many as there are, and says how many.
    pub(crate) fn take_most(&mut self, count: u16) -> u16 {
        let there = u16::try_from(self.rest().len()).unwrap_or(u16::MAX);
        let taken = count.min(there);
        self.at += usize::from(taken);
        taken
    }

    pub(crate) fn take_rest(&mut self) -> &'a [u8] {
        let rest = self.rest();
        self.at += rest.len();
        rest
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, _) = self.rest().split_first_chunk::<N>()?;
        self.at += N;
        Some(*array)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u48(&mut self) -> Option<u64> {
        let [a, b, c, d, e, f] = self.array()?;
        Some(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    pub(crate) fn ipv4(&mut self) -> Option<[u8; 4]> {
        self.array()
    }

    pub(crate) fn ipv6(&mut self) -> Option<[u8; 16]> {
        self.array()
    }

    /// A string with its length before it (RFC 1035, section 3.3).
    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let len = ahead.u8()?;
        let string = ahead.take(len.into())?;
        *self = ahead;
        Some(string)
    }

    /// A name, of which at least the part before a pointer lies before the end.
    pub(crate) fn name(&mut self) -> Result<Name<'a>, NameTrouble> {
        let (name, after) = Name::read(self.message, self.at)?;
        if after > self.end {
            return Err(NameTrouble::Short);
        }
        self.at = after;
        Ok(name)
    }
}

/// Why there is no name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NameTrouble {
    Short,
    Bad,
}

impl NameTrouble {
    /// The trouble as one of the record at `offset`.
    pub(crate) fn at(self, offset: usize) -> Problem {
        match self {
            Self::Short => Problem::Short { offset },
            Self::Bad => Problem::BadName { offset },
        }
    }
}
