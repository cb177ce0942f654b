//! Reading numbers and lists that begin with their length.

/// Reads from the front of a slice; what does not fit is `None`, and nothing is
/// removed then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        let [byte] = self.array()?;
        Some(byte)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u24(&mut self) -> Option<u32> {
        let [high, middle, low] = self.array()?;
        Some(u32::from_be_bytes([0, high, middle, low]))
    }

    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    /// Bytes behind their length in one byte.
    pub(crate) fn vec8(&mut self) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let len = ahead.u8()?;
        let taken = ahead.take(len.into())?;
        *self = ahead;
        Some(taken)
    }

    /// Bytes behind their length in two bytes.
    pub(crate) fn vec16(&mut self) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let len = ahead.u16()?;
        let taken = ahead.take(len.into())?;
        *self = ahead;
        Some(taken)
    }

    /// Bytes behind their length in three bytes.
    pub(crate) fn vec24(&mut self) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let len = usize::try_from(ahead.u24()?).ok()?;
        let taken = ahead.take(len)?;
        *self = ahead;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*taken)
    }
}

/// What a length of two bytes at the front of `bytes` covers, or all that is
/// there if it claims more.
pub(crate) fn list16(bytes: &[u8]) -> &[u8] {
    let Some((len, rest)) = bytes.split_first_chunk() else {
        return &[];
    };
    rest.get(..u16::from_be_bytes(*len).into()).unwrap_or(rest)
}

/// The same for a length of one byte.
pub(crate) fn list8(bytes: &[u8]) -> &[u8] {
    let Some((&len, rest)) = bytes.split_first() else {
        return &[];
    };
    rest.get(..len.into()).unwrap_or(rest)
}

/// The 16-bit numbers of a list; an odd byte at its end is none.
pub(crate) fn numbers(list: &[u8]) -> impl ExactSizeIterator<Item = u16> + Clone {
    let (pairs, _) = list.as_chunks::<2>();
    pairs.iter().map(|pair| u16::from_be_bytes(*pair))
}

/// Where in a message something stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// The `len` bytes at `start`. Messages are shorter than 2^24 bytes.
    pub(crate) fn new(start: usize, len: usize) -> Self {
        Self {
            start: u32::try_from(start).unwrap_or(u32::MAX),
            len: u32::try_from(len).unwrap_or(0),
        }
    }

    pub(crate) fn of(self, message: &[u8]) -> &[u8] {
        let rest = message.get(self.start as usize..).unwrap_or_default();
        rest.get(..self.len as usize).unwrap_or(rest)
    }

    pub(crate) fn end(self) -> usize {
        self.start as usize + self.len as usize
    }
}

/// Bytes as lower-case hexadecimal digits.
#[cfg(any(feature = "ja3", feature = "x509"))]
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
        .collect()
}
