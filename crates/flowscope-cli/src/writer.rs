//! How records are written: JSON, CSV, or tables.

use std::io::{self, Write};

use flowscope_record::csv::CsvWriter;
use flowscope_record::json::JsonWriter;
use flowscope_record::{Goal, Record, schema};

use crate::args::Format;
use crate::output::Target;
use crate::rows;
use crate::table::{Style, Table};

/// Writes records until there are enough, or nobody takes them any more.
pub(crate) struct Writer {
    goal: Goal,
    format: FormatWriter,
    /// Flush each record: somebody is looking.
    is_watched: bool,
    /// How many records may still come.
    left: u64,
    result: io::Result<()>,
}

enum FormatWriter {
    Json(JsonWriter<Box<dyn Write>>),
    Csv(Box<CsvWriter<Box<dyn Write>>>),
    Table(Table),
}

impl Writer {
    /// A writer of at most `limit` records of a goal to `target`.
    pub(crate) fn open(
        target: &Target,
        format: Format,
        goal: Goal,
        limit: Option<u64>,
    ) -> io::Result<Self> {
        let out = target.open()?;
        let format = match format {
            Format::Json => FormatWriter::Json(JsonWriter::new(out)),
            Format::Csv => {
                let writer = CsvWriter::new(schema::columns(goal), out)?;
                FormatWriter::Csv(Box::new(writer))
            }
            Format::Table => {
                let style = Style::of(target);
                FormatWriter::Table(Table::new(rows::columns(goal), style, out))
            }
        };
        Ok(Self {
            goal,
            format,
            is_watched: target.is_terminal(),
            left: limit.unwrap_or(u64::MAX),
            result: Ok(()),
        })
    }

    /// Writes a record, if there is still a use for it.
    pub(crate) fn write(&mut self, record: &Record) {
        if self.is_done() {
            return;
        }
        self.left -= 1;
        self.result = match &mut self.format {
            FormatWriter::Json(writer) => writer.write(record),
            FormatWriter::Csv(writer) => writer.write(record),
            FormatWriter::Table(table) => rows::draw(self.goal, record, table),
        };
        if self.is_watched && self.result.is_ok() {
            self.result = self.show();
        }
    }

    /// Whether nothing more is of use.
    pub(crate) fn is_done(&self) -> bool {
        self.left == 0 || self.result.is_err()
    }

    /// Hands on all that was written: no more comes for now.
    #[cfg(feature = "live")]
    pub(crate) fn flush(&mut self) {
        if self.result.is_ok() {
            self.result = match &mut self.format {
                FormatWriter::Table(table) => table.write_block(),
                _ => self.show(),
            };
        }
    }

    /// Writes what was held back, and says whether everything was taken.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.result?;
        match self.format {
            FormatWriter::Json(mut writer) => writer.flush(),
            FormatWriter::Csv(mut writer) => writer.flush(),
            FormatWriter::Table(table) => table.finish(),
        }
    }

    /// Hands on what can be seen already. A table has its own idea of that.
    fn show(&mut self) -> io::Result<()> {
        match &mut self.format {
            FormatWriter::Json(writer) => writer.flush(),
            FormatWriter::Csv(writer) => writer.flush(),
            FormatWriter::Table(_) => Ok(()),
        }
    }
}
