//! JSON Lines.

use core::fmt::Display;
use std::io::Write;

use crate::record::{Fields, Record};

/// Writes a record as one line, its end included.
pub(crate) fn write_line(record: &impl Record, line: &mut Vec<u8>) {
    Object(line).fill(record);
    line.push(b'\n');
}

/// An object that is being written. What is absent is left out.
///
/// Names and words are known to need no escaping, and numbers are to have nine
/// digits after the point, so this writes the text itself.
struct Object<'a>(&'a mut Vec<u8>);

impl Object<'_> {
    fn fill(&mut self, record: &impl Record) {
        self.0.push(b'{');
        record.tell(self);
        self.0.push(b'}');
    }

    #[inline]
    fn name(&mut self, name: &str) {
        self.separate();
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn separate(&mut self) {
        if !matches!(self.0.last(), Some(b'{' | b'[')) {
            self.0.push(b',');
        }
    }

    fn display(&mut self, value: impl Display) {
        write!(self.0, "{value}").expect("a vector takes everything");
    }
}

impl Fields for Object<'_> {
    fn number(&mut self, name: &'static str, value: Option<u64>) {
        if let Some(value) = value {
            self.name(name);
            self.display(value);
        }
    }

    fn seconds(&mut self, name: &'static str, nanos: Option<u64>) {
        if let Some(nanos) = nanos {
            self.name(name);
            self.display(flowscope::Timestamp::from_nanos(nanos));
        }
    }

    fn word(&mut self, name: &'static str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.name(name);
            self.0.push(b'"');
            self.display(value);
            self.0.push(b'"');
        }
    }

    fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u64>) {
        let mut values = values.peekable();
        if values.peek().is_none() {
            return;
        }
        self.name(name);
        self.0.push(b'[');
        for value in values {
            self.separate();
            self.display(value);
        }
        self.0.push(b']');
    }

    fn records<R: Record>(&mut self, name: &'static str, values: impl Iterator<Item = R>) {
        let mut values = values.peekable();
        if values.peek().is_none() {
            return;
        }
        self.name(name);
        self.0.push(b'[');
        for value in values {
            self.separate();
            self.fill(&value);
        }
        self.0.push(b']');
    }
}
