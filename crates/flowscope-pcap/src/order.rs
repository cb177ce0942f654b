//! The byte order of a capture file's own numbers.

/// The byte order in which a file, or a section of one, writes its numbers.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum ByteOrder {
    /// Least significant byte first.
    #[default]
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    /// The four 32-bit numbers of a header.
    #[inline]
    pub(crate) fn u32s(self, header: &[u8; 16]) -> [u32; 4] {
        let numbers = [0, 4, 8, 12].map(|at| Self::Little.u32(header, at));
        match self {
            Self::Little => numbers,
            Self::Big => numbers.map(u32::swap_bytes),
        }
    }

    /// The 32-bit number at byte `at` of a header.
    #[inline]
    pub(crate) fn u32<const N: usize>(self, header: &[u8; N], at: usize) -> u32 {
        let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    /// The 16-bit number at byte `at` of a header.
    #[inline]
    pub(crate) fn u16<const N: usize>(self, header: &[u8; N], at: usize) -> u16 {
        let bytes = [header[at], header[at + 1]];
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    /// The bytes of a 64-bit number.
    pub(crate) fn bytes_of_u64(self, number: u64) -> [u8; 8] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }

    /// The bytes of a 32-bit number.
    pub(crate) fn bytes_of_u32(self, number: u32) -> [u8; 4] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }

    /// The bytes of a 16-bit number.
    pub(crate) fn bytes_of_u16(self, number: u16) -> [u8; 2] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }
}
