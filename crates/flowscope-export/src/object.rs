//! JSON objects as other tools write them.

use core::fmt::Display;
use std::io::Write;

use flowscope_record::PlainText;

use crate::{digits, json};

/// An object that is being written. What is absent is left out.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Object<'a> {
    /// Writes an object.
    pub(crate) fn write(out: &'a mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        let start = out.len();
        let mut object = Object { out };
        fill(&mut object);
        match object.out.get_mut(start) {
            // The comma before the first field.
            Some(comma) => *comma = b'{',
            None => object.out.push(b'{'),
        }
        object.out.push(b'}');
    }

    #[inline(always)]
    fn name(&mut self, name: &'static str) {
        self.name_and(name, b"");
    }

    /// Begins a field, and writes what comes first behind its name.
    ///
    /// Compiled into where the name is known: what stands around it is joined to it
    /// there, and all of it is written as one piece.
    #[inline(always)]
    fn name_and(&mut self, name: &'static str, behind: &'static [u8]) {
        let mut joined = [0; LONGEST_PIECE];
        let end = 2 + name.len();
        let len = end + 2 + behind.len();
        if len > LONGEST_PIECE {
            for piece in [b",\"", name.as_bytes(), b"\":", behind] {
                self.out.extend_from_slice(piece);
            }
            return;
        }
        joined[..2].copy_from_slice(b",\"");
        joined[2..end].copy_from_slice(name.as_bytes());
        joined[end..end + 2].copy_from_slice(b"\":");
        joined[end + 2..len].copy_from_slice(behind);
        self.out.extend_from_slice(&joined[..len]);
    }

    #[inline(always)]
    pub(crate) fn number(&mut self, name: &'static str, value: impl Into<Option<u64>>) {
        if let Some(value) = value.into() {
            self.name(name);
            digits::number(self.out, value);
        }
    }

    #[inline(always)]
    pub(crate) fn flag(&mut self, name: &'static str, value: bool) {
        match value {
            true => self.name_and(name, b"true"),
            false => self.name_and(name, b"false"),
        }
    }

    /// A flag that is only written where it is so.
    #[inline(always)]
    pub(crate) fn flag_if(&mut self, name: &'static str, value: bool) {
        if value {
            self.flag(name, true);
        }
    }

    pub(crate) fn text(&mut self, name: &'static str, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            self.name(name);
            json::quote(self.out, &String::from_utf8_lossy(value.as_ref()));
        }
    }

    /// A word of ours, which needs no escaping.
    #[inline(always)]
    pub(crate) fn word(&mut self, name: &'static str, value: Option<&'static str>) {
        if let Some(value) = value {
            self.quoted(name, |out| out.extend_from_slice(value.as_bytes()));
        }
    }

    /// Text that is known to need no escaping.
    #[inline(always)]
    pub(crate) fn plain(&mut self, name: &'static str, value: impl PlainText) {
        self.quoted(name, |out| value.append_to(out));
    }

    /// The same, as it is displayed, which takes longer.
    pub(crate) fn displayed(&mut self, name: &'static str, value: impl Display) {
        // A vector takes everything.
        self.quoted(name, |out| _ = write!(out, "{value}"));
    }

    /// The same, written by a function.
    #[inline(always)]
    pub(crate) fn quoted(&mut self, name: &'static str, write: impl FnOnce(&mut Vec<u8>)) {
        self.name_and(name, b"\"");
        write(self.out);
        self.out.push(b'"');
    }

    #[inline(always)]
    pub(crate) fn object(&mut self, name: &'static str, fill: impl FnOnce(&mut Object<'_>)) {
        self.name(name);
        Object::write(self.out, fill);
    }

    /// A list, absent where it is empty.
    pub(crate) fn list<T>(
        &mut self,
        name: &'static str,
        values: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Vec<u8>, T),
    ) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return;
        }
        self.name(name);
        self.out.push(b'[');
        for (n, value) in values.enumerate() {
            if n > 0 {
                self.out.push(b',');
            }
            write(self.out, value);
        }
        self.out.push(b']');
    }

    pub(crate) fn texts<T: AsRef<[u8]>>(
        &mut self,
        name: &'static str,
        values: impl IntoIterator<Item = T>,
    ) {
        self.list(name, values, |out, value| {
            json::quote(out, &String::from_utf8_lossy(value.as_ref()));
        });
    }
}

/// No name is longer, with what is written along with it.
const LONGEST_PIECE: usize = 48;
