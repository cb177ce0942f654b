//! How records are written: JSON, CSV, or tables.

mod csv;
mod json;
mod table;

pub(crate) use table::{Align, Cell, Column, Style, Table, Tone};

use std::io;

use crate::args::Format;
use crate::output::Target;
use crate::record::{Line, Schema};
use csv::Sheet;
use json::Lines;

/// Writes records until there are enough, or nobody takes them any more.
pub(crate) struct Writer {
    form: Form,
    /// Flush each record: somebody is looking.
    is_watched: bool,
    /// How many records may still come.
    left: u64,
    result: io::Result<()>,
}

enum Form {
    Json(Lines),
    Csv(Box<Sheet>),
    Table(Table),
}

impl Writer {
    /// A writer of at most `limit` records to `target`.
    pub(crate) fn open(
        target: &Target,
        format: Format,
        schema: Schema,
        limit: Option<u64>,
    ) -> io::Result<Self> {
        let out = target.open()?;
        let form = match format {
            Format::Json => Form::Json(Lines::new(out)),
            Format::Csv => Form::Csv(Box::new(Sheet::new(schema, out)?)),
            Format::Table => Form::Table(Table::new(schema.columns, Style::of(target), out)),
        };
        Ok(Self {
            form,
            is_watched: target.is_terminal(),
            left: limit.unwrap_or(u64::MAX),
            result: Ok(()),
        })
    }

    /// Writes a record, if there is still a use for it.
    pub(crate) fn write(&mut self, record: &impl Line) {
        if self.is_done() {
            return;
        }
        self.left -= 1;
        self.result = self.form.write(record);
        if self.is_watched && self.result.is_ok() {
            self.result = self.form.show();
        }
    }

    /// Whether nothing more is of use.
    pub(crate) fn is_done(&self) -> bool {
        self.left == 0 || self.result.is_err()
    }

    /// Writes what was held back, and says whether everything was taken.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.result?;
        match self.form {
            Form::Json(mut lines) => lines.flush(),
            Form::Csv(mut sheet) => sheet.flush(),
            Form::Table(table) => table.finish(),
        }
    }
}

impl Form {
    fn write(&mut self, record: &impl Line) -> io::Result<()> {
        match self {
            Self::Json(lines) => lines.write(record),
            Self::Csv(sheet) => sheet.write(record),
            Self::Table(table) => record.draw(table),
        }
    }

    /// Hands on what can be seen already. A table has its own idea of that.
    fn show(&mut self) -> io::Result<()> {
        match self {
            Self::Json(lines) => lines.flush(),
            Self::Csv(sheet) => sheet.flush(),
            Self::Table(_) => Ok(()),
        }
    }
}

/// Bytes handed on at a time.
const BUFFER: usize = 256 * 1024;
