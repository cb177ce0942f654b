//! Comma-separated values.

use core::fmt::{Display, Write};

use crate::record::{Fields, Record, Schema};

/// Lays out records as rows that all have the same columns.
#[derive(Debug)]
pub(crate) struct Sheet {
    columns: Vec<&'static str>,
    cells: Vec<String>,
}

impl Sheet {
    pub(crate) fn new(schema: Schema) -> Self {
        let columns = schema.fields.concat();
        Self {
            cells: vec![String::new(); columns.len()],
            columns,
        }
    }

    /// The header line.
    pub(crate) fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    /// The cells of a record, empty where it has no such field.
    pub(crate) fn row(&mut self, record: &impl Record) -> &[String] {
        self.cells.iter_mut().for_each(String::clear);
        record.tell(&mut Row {
            sheet: self,
            next: 0,
        });
        &self.cells
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
    fn cell(&mut self, name: &str) -> &mut String {
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
        self.word(name, value);
    }

    fn seconds(&mut self, name: &'static str, nanos: Option<u64>) {
        self.word(name, nanos.map(flowscope::Timestamp::from_nanos));
    }

    fn word(&mut self, name: &'static str, value: Option<impl Display>) {
        if let Some(value) = value {
            append(self.cell(name), value);
        }
    }

    fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u64>) {
        let cell = self.cell(name);
        for value in values {
            separate(cell, ';');
            append(cell, value);
        }
    }

    fn records<R: Record>(&mut self, name: &'static str, values: impl Iterator<Item = R>) {
        let cell = self.cell(name);
        for value in values {
            separate(cell, ';');
            value.tell(&mut Element(cell));
        }
    }
}

/// One record of a list in a cell: its values, with spaces between them.
struct Element<'a>(&'a mut String);

impl Fields for Element<'_> {
    fn number(&mut self, name: &'static str, value: Option<u64>) {
        self.word(name, value);
    }

    fn seconds(&mut self, name: &'static str, nanos: Option<u64>) {
        self.word(name, nanos.map(flowscope::Timestamp::from_nanos));
    }

    fn word(&mut self, _: &'static str, value: Option<impl Display>) {
        if let Some(value) = value {
            if !self.0.ends_with(';') {
                separate(self.0, ' ');
            }
            append(self.0, value);
        }
    }

    fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u64>) {
        values.for_each(|value| self.number(name, Some(value)));
    }

    fn records<R: Record>(&mut self, _: &'static str, values: impl Iterator<Item = R>) {
        values.for_each(|value| value.tell(self));
    }
}

fn separate(cell: &mut String, separator: char) {
    if !cell.is_empty() {
        cell.push(separator);
    }
}

fn append(cell: &mut String, value: impl Display) {
    write!(cell, "{value}").expect("a string takes everything");
}
