//! JSON objects as other tools write them.

use std::io::Write;

use crate::{digits, json};

/// An object that is being written. What is absent is left out.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
}

impl<'a> Object<'a> {
    /// Writes an object.
    pub(crate) fn write(out: &'a mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        out.push(b'{');
        let mut object = Object {
            out,
            is_first: true,
        };
        fill(&mut object);
        object.out.push(b'}');
    }

    fn name(&mut self, name: &str) {
        if !self.is_first {
            self.out.push(b',');
        }
        self.is_first = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    pub(crate) fn number(&mut self, name: &str, value: impl Into<Option<u64>>) {
        if let Some(value) = value.into() {
            self.name(name);
            digits::number(self.out, value);
        }
    }

    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        self.name(name);
        self.out
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// A flag that is only written where it is so.
    pub(crate) fn flag_if(&mut self, name: &str, value: bool) {
        if value {
            self.flag(name, true);
        }
    }

    pub(crate) fn text(&mut self, name: &str, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            self.name(name);
            json::quote(self.out, &String::from_utf8_lossy(value.as_ref()));
        }
    }

    /// Text that is known to need no escaping.
    pub(crate) fn plain(&mut self, name: &str, value: core::fmt::Arguments<'_>) {
        self.name(name);
        // A vector takes everything.
        let _ = write!(self.out, "\"{value}\"");
    }

    /// The same, written by a function.
    pub(crate) fn quoted(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.name(name);
        self.out.push(b'"');
        write(self.out);
        self.out.push(b'"');
    }

    pub(crate) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_>)) {
        self.name(name);
        Object::write(self.out, fill);
    }

    /// A list, absent where it is empty.
    pub(crate) fn list<T>(
        &mut self,
        name: &str,
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
        name: &str,
        values: impl IntoIterator<Item = T>,
    ) {
        self.list(name, values, |out, value| {
            json::quote(out, &String::from_utf8_lossy(value.as_ref()));
        });
    }
}
