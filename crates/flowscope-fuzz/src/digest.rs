//! A sequence of values as a number, so that two of them can be compared without
//! keeping either.

use core::fmt::{self, Debug, Write};
use core::hash::Hasher;
use std::hash::DefaultHasher;

/// A sequence of values.
#[derive(Default)]
pub(crate) struct Digest {
    hasher: DefaultHasher,
    len: usize,
}

impl Digest {
    pub(crate) fn push(&mut self, value: &impl Debug) {
        let _ = write!(self, "{value:?}\0");
        self.len += 1;
    }

    /// How many values there were, and what they come to.
    pub(crate) fn finish(&self) -> (usize, u64) {
        (self.len, self.hasher.finish())
    }
}

impl Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.hasher.write(text.as_bytes());
        Ok(())
    }
}
