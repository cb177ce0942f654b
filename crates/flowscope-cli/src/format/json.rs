//! JSON Lines.

use core::fmt::Display;
use std::io::{self, BufWriter, Write};

use super::BUFFER;
use crate::record::{Fields, Record};

/// Writes records as objects, one on a line.
pub(super) struct Lines {
    out: BufWriter<Box<dyn Write>>,
    line: Vec<u8>,
}

impl Lines {
    pub(super) fn new(out: Box<dyn Write>) -> Self {
        Self {
            out: BufWriter::with_capacity(BUFFER, out),
            line: Vec::new(),
        }
    }

    /// Adds a line.
    pub(super) fn write(&mut self, record: &impl Record) -> io::Result<()> {
        self.line.clear();
        Object(&mut self.line).fill(record);
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
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

    /// Writes a number with at least so many digits.
    ///
    /// A record is mostly numbers; to print them by `Display` takes twice the
    /// time.
    fn digits(&mut self, number: u64, at_least: usize) {
        let mut digits = [b'0'; 20];
        let (mut rest, mut start) = (number, digits.len());
        // Two at a time: each division waits for the one before it.
        while rest >= 10 {
            start -= 2;
            let pair = (rest % 100) as u8;
            digits[start] = b'0' + pair / 10;
            digits[start + 1] = b'0' + pair % 10;
            rest /= 100;
        }
        if rest > 0 {
            start -= 1;
            digits[start] = b'0' + rest as u8;
        }
        let start = start.min(digits.len() - at_least);
        self.0.extend_from_slice(&digits[start..]);
    }
}

impl Fields for Object<'_> {
    fn number(&mut self, name: &'static str, value: Option<u64>) {
        if let Some(value) = value {
            self.name(name);
            self.digits(value, 1);
        }
    }

    fn seconds(&mut self, name: &'static str, nanos: Option<u64>) {
        if let Some(nanos) = nanos {
            self.name(name);
            self.digits(nanos / NANOS_PER_SECOND, 1);
            self.0.push(b'.');
            self.digits(nanos % NANOS_PER_SECOND, 9);
        }
    }

    fn word(&mut self, name: &'static str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.name(name);
            self.0.push(b'"');
            write!(self.0, "{value}").expect("a vector takes everything");
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
            self.digits(value, 1);
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

const NANOS_PER_SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample;

    impl Record for Sample {
        fn tell(&self, fields: &mut impl Fields) {
            fields.word("type", Some("sample"));
            fields.number("none", None);
            fields.number("zero", Some(0));
            fields.number("most", Some(u64::MAX));
            fields.seconds("brief", Some(7));
            fields.seconds("long", Some(1_700_000_001_000_000_020));
            fields.numbers("empty", core::iter::empty());
            fields.numbers("some", [1, 20].into_iter());
            fields.records("inner", [Inner(1), Inner(2)].into_iter());
        }
    }

    struct Inner(u64);

    impl Record for Inner {
        fn tell(&self, fields: &mut impl Fields) {
            fields.number("number", Some(self.0));
        }
    }

    #[test]
    fn what_is_absent_is_left_out_and_times_are_exact() {
        let mut line = Vec::new();
        Object(&mut line).fill(&Sample);
        let expected = concat!(
            r#"{"type":"sample","zero":0,"most":18446744073709551615,"#,
            r#""brief":0.000000007,"long":1700000001.000000020,"#,
            r#""some":[1,20],"inner":[{"number":1},{"number":2}]}"#,
        );
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }
}
