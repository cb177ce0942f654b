//! Comma-separated values.

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
        let columns = schema.fields.concat();
        let mut out = csv::WriterBuilder::new()
            .buffer_capacity(BUFFER)
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

    fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u64>) {
        let cell = self.cell(name);
        for value in values {
            separate(cell, b';');
            digits::push(cell, value);
        }
    }

    fn records<R: Record>(&mut self, name: &'static str, values: impl Iterator<Item = R>) {
        let cell = self.cell(name);
        for value in values {
            separate(cell, b';');
            value.tell(&mut Element(cell));
        }
    }
}

/// One record of a list in a cell: its values, with spaces between them.
struct Element<'a>(&'a mut Vec<u8>);

impl Element<'_> {
    /// Where the next value goes.
    fn value(&mut self) -> &mut Vec<u8> {
        if !self.0.ends_with(b";") {
            separate(self.0, b' ');
        }
        self.0
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

    fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u64>) {
        values.for_each(|value| self.number(name, Some(value)));
    }

    fn records<R: Record>(&mut self, _: &'static str, values: impl Iterator<Item = R>) {
        values.for_each(|value| value.tell(self));
    }
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
