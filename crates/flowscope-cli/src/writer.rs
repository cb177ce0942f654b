//! How records are written: JSON, CSV, tables, or the formats of other tools.

use std::io::{self, Write};

use flowscope_record::csv::CsvWriter;
use flowscope_record::json::JsonWriter;
use flowscope_record::{Goal, Record, schema};

use crate::args::{Format, Options};
use crate::exported::Exported;
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
    Exported(Box<Exported>),
}

impl Writer {
    /// A writer of the records of a goal to `target`.
    pub(crate) fn open(target: &Target, options: &Options, goal: Goal) -> io::Result<Self> {
        let exported = Exported::open(target, options, goal)?;
        let format = if let Some(exported) = exported {
            FormatWriter::Exported(Box::new(exported))
        } else {
            let out = target.open()?;
            Self::own_format(out, target, options, goal)?
        };
        Ok(Self {
            goal,
            format,
            is_watched: target.is_terminal(),
            left: options.limit.unwrap_or(u64::MAX),
            result: Ok(()),
        })
    }

    fn own_format(
        out: Box<dyn Write>,
        target: &Target,
        options: &Options,
        goal: Goal,
    ) -> io::Result<FormatWriter> {
        Ok(match options.format() {
            Format::Json => FormatWriter::Json(JsonWriter::new(out)),
            Format::Csv => {
                let writer = CsvWriter::new(schema::columns(goal), out)?;
                FormatWriter::Csv(Box::new(writer))
            }
            _ => {
                let style = Style::of(target, options.color);
                FormatWriter::Table(Table::new(rows::columns(goal), style, out))
            }
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
            FormatWriter::Exported(exported) => exported.write(record),
        };
        if self.is_watched && self.result.is_ok() {
            self.result = self.show();
        }
    }

    /// Whether records are written as JSON, so that others may make their text.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.format, FormatWriter::Json(_))
    }

    /// Writes a record that is a line of JSON already, if there is still a use for
    /// it.
    pub(crate) fn write_line(&mut self, line: &[u8]) {
        if self.is_done() {
            return;
        }
        if let FormatWriter::Json(writer) = &mut self.format {
            self.left -= 1;
            self.result = writer.write_line(line);
            if self.is_watched && self.result.is_ok() {
                self.result = self.show();
            }
        }
    }

    /// Whether nothing more is of use.
    pub(crate) fn is_done(&self) -> bool {
        self.left == 0 || self.result.is_err()
    }

    /// Hands on all that was written: no more comes for now.
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
            FormatWriter::Exported(exported) => exported.finish(),
        }
    }

    /// Hands on what can be seen already. A table has its own idea of that.
    fn show(&mut self) -> io::Result<()> {
        match &mut self.format {
            FormatWriter::Json(writer) => writer.flush(),
            FormatWriter::Csv(writer) => writer.flush(),
            FormatWriter::Table(_) => Ok(()),
            FormatWriter::Exported(exported) => exported.flush(),
        }
    }
}
