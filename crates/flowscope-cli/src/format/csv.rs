//! Comma-separated values, as in RFC 4180.

use std::borrow::Cow;
use std::io;

use super::BUFFER;
use crate::digits;
use crate::record::{Fields, Record, Schema, Word};

/// Writes records as rows that all have the same columns.
pub(super) struct Sheet {
    out: csv::Writer<Box<dyn io::Write>>,
    columns: Vec<&'static str>,
    cells: Vec<Vec<u8>>,
}

impl Sheet {
    /// A sheet with nothing but its header line.
    pub(super) fn new(schema: Schema, out: Box<dyn io::Write>) -> io::Result<Self> {
        let mut columns: Vec<&str> = Vec::new();
        for name in schema.fields.concat() {
            // Records share names.
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        let mut out = csv::WriterBuilder::new()
            .buffer_capacity(BUFFER)
            .terminator(csv::Terminator::CRLF)
            .from_writer(out);
        out.write_record(&columns).map_err(cause)?;
        Ok(Self {
            out,
            cells: vec![Vec::new(); columns.len()],
            columns,
        })
    }

    /// Adds a row, with empty cells where the record has no such field.
    pub(super) fn write(&mut self, record: &impl Record) -> io::Result<()> {
        self.cells.iter_mut().for_each(Vec::clear);
        record.tell(&mut Row {
            sheet: self,
            next: 0,
        });
        self.out.write_record(&self.cells).map_err(cause)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A row that is being filled.
struct Row<'a> {
    sheet: &'a mut Sheet,
    /// The column after the one that was filled last: most often the one that
    /// is filled next.
    next: usize,
}

impl Row<'_> {
    /// Adds what a host sent to a cell.
    fn add(&mut self, name: &'static str, before: &[u8], bytes: &[u8]) {
        let (text, is_lossy) = legible(bytes);
        let cell = self.cell(name);
        if !cell.is_empty() {
            cell.extend_from_slice(before);
        }
        cell.extend_from_slice(text.as_bytes());
        self.note(is_lossy);
    }

    /// Adds a record to a cell.
    fn add_record(&mut self, name: &'static str, record: &impl Record) {
        let cell = self.cell(name);
        separate(cell, b';');
        let mut element = Element {
            cell,
            is_begun: false,
            is_lossy: false,
        };
        record.tell(&mut element);
        let is_lossy = element.is_lossy;
        self.note(is_lossy);
    }

    /// Says, where it is so, that something could not be written as it was.
    fn note(&mut self, is_lossy: bool) {
        if is_lossy {
            let cell = self.cell("lossy");
            cell.clear();
            cell.extend_from_slice(b"true");
        }
    }

    fn cell(&mut self, name: &str) -> &mut Vec<u8> {
        let columns = &self.sheet.columns;
        let at = (self.next..columns.len())
            .chain(0..self.next)
            .find(|at| columns[*at] == name)
            .expect("the schema names every field");
        self.next = at + 1;
        &mut self.sheet.cells[at]
    }
}

impl Fields for Row<'_> {
    fn number(&mut self, name: &'static str, value: Option<u64>) {
        if let Some(value) = value {
            digits::push(self.cell(name), value);
        }
    }

    fn seconds(&mut self, name: &'static str, nanos: Option<u64>) {
        if let Some(nanos) = nanos {
            digits::push_seconds(self.cell(name), nanos);
        }
    }

    fn word(&mut self, name: &'static str, value: Option<impl Word>) {
        if let Some(value) = value {
            value.spell(self.cell(name));
        }
    }

    fn text(&mut self, name: &'static str, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            self.add(name, b"", value.as_ref());
        }
    }

    fn flag(&mut self, name: &'static str, value: Option<bool>) {
        self.word(
            name,
            value.map(|value| if value { "true" } else { "false" }),
        );
    }

    fn texts(&mut self, name: &'static str, values: impl Iterator<Item = impl AsRef<[u8]>>) {
        values.for_each(|value| self.add(name, b";", value.as_ref()));
    }

    fn pairs<'v>(
        &mut self,
        name: &'static str,
        values: impl Iterator<Item = (&'v [u8], &'v [u8])>,
    ) {
        for (first, second) in values {
            self.add(name, b";", first);
            self.add(name, b": ", second);
        }
    }

    fn record(&mut self, name: &'static str, value: Option<impl Record>) {
        if let Some(value) = value {
            self.add_record(name, &value);
        }
    }

    fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u64>) {
        let cell = self.cell(name);
        for value in values {
            separate(cell, b';');
            digits::push(cell, value);
        }
    }

    fn records<R: Record>(&mut self, name: &'static str, values: impl Iterator<Item = R>) {
        values.for_each(|value| self.add_record(name, &value));
    }
}

/// One record of a list in a cell: its values, with spaces between them.
struct Element<'a> {
    cell: &'a mut Vec<u8>,
    /// Whether a value was written.
    is_begun: bool,
    /// Whether something could not be written as it was.
    is_lossy: bool,
}

impl Element<'_> {
    /// Where the next value goes.
    fn value(&mut self) -> &mut Vec<u8> {
        if self.is_begun {
            self.cell.push(b' ');
        }
        self.is_begun = true;
        self.cell
    }
}

impl Fields for Element<'_> {
    fn number(&mut self, _: &'static str, value: Option<u64>) {
        if let Some(value) = value {
            digits::push(self.value(), value);
        }
    }

    fn seconds(&mut self, _: &'static str, nanos: Option<u64>) {
        if let Some(nanos) = nanos {
            digits::push_seconds(self.value(), nanos);
        }
    }

    fn word(&mut self, _: &'static str, value: Option<impl Word>) {
        if let Some(value) = value {
            value.spell(self.value());
        }
    }

    fn text(&mut self, _: &'static str, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            let (text, is_lossy) = legible(value.as_ref());
            self.is_lossy |= is_lossy;
            self.value().extend_from_slice(text.as_bytes());
        }
    }

    fn flag(&mut self, name: &'static str, value: Option<bool>) {
        // Alone it would not say what is so.
        self.word(name, value.unwrap_or_default().then_some(name));
    }

    fn texts(&mut self, name: &'static str, values: impl Iterator<Item = impl AsRef<[u8]>>) {
        values.for_each(|value| self.text(name, Some(value)));
    }

    fn pairs<'v>(
        &mut self,
        name: &'static str,
        values: impl Iterator<Item = (&'v [u8], &'v [u8])>,
    ) {
        for (first, second) in values {
            self.text(name, Some(first));
            self.text(name, Some(second));
        }
    }

    fn record(&mut self, _: &'static str, value: Option<impl Record>) {
        if let Some(value) = value {
            value.tell(self);
        }
    }

    fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u64>) {
        values.for_each(|value| self.number(name, Some(value)));
    }

    fn records<R: Record>(&mut self, _: &'static str, values: impl Iterator<Item = R>) {
        values.for_each(|value| value.tell(self));
    }
}

/// What a host sent, as it can stand in a cell, and whether that is not all
/// there was: text of CSV has no control characters (RFC 4180, section 2). Line
/// ends could stand between quotes, but most who read CSV by the line, or on a
/// terminal, would take what follows for another record.
fn legible(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    let text = String::from_utf8_lossy(bytes);
    if text.contains(char::is_control) {
        return (text.replace(char::is_control, "\u{fffd}").into(), true);
    }
    let is_lossy = matches!(text, Cow::Owned(_));
    (text, is_lossy)
}

/// The writer's error, which must not lose its kind on the way: a closed pipe
/// is no failure.
fn cause(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

fn separate(cell: &mut Vec<u8>, separator: u8) {
    if !cell.is_empty() {
        cell.push(separator);
    }
}
