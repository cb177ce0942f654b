//! The options of pcapng blocks: comments, names, counters.

use std::borrow::Cow;

use crate::ByteOrder;
use crate::reader::split_option;

/// One option of a pcapng block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PcapngOption<'a> {
    /// What the option is. Codes of 2 and above mean something else in every
    /// kind of block; 1 is a comment in all.
    pub code: u16,
    /// Its value, without padding.
    pub value: &'a [u8],
}

/// The options of one block, in the order of the file.
///
/// The list ends where the block does, at the option that says so, or at the
/// first one that does not fit.
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    bytes: &'a [u8],
    order: ByteOrder,
}

impl<'a> Options<'a> {
    pub(crate) fn new(order: ByteOrder, bytes: &'a [u8]) -> Self {
        Self { bytes, order }
    }

    /// The comments, with U+FFFD for what is not UTF-8.
    pub fn comments(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        self.clone()
            .filter(|option| option.code == COMMENT)
            .map(|option| String::from_utf8_lossy(option.value))
    }

    /// The value of the first option with this code.
    #[must_use]
    pub fn value(&self, code: u16) -> Option<&'a [u8]> {
        self.clone()
            .find(|option| option.code == code)
            .map(|option| option.value)
    }

    /// The same as text, with U+FFFD for what is not UTF-8.
    #[must_use]
    pub fn text(&self, code: u16) -> Option<Cow<'a, str>> {
        self.value(code).map(String::from_utf8_lossy)
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = PcapngOption<'a>;

    fn next(&mut self) -> Option<PcapngOption<'a>> {
        let (code, value, rest) = split_option(self.order, self.bytes)?;
        if code == END_OF_OPTIONS {
            self.bytes = &[];
            return None;
        }
        self.bytes = rest;
        Some(PcapngOption { code, value })
    }
}

pub(crate) const END_OF_OPTIONS: u16 = 0;
pub(crate) const COMMENT: u16 = 1;
