//! Results in the form that was asked for.

use core::ops::ControlFlow;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::arrow::util::pretty::pretty_format_batches_with_schema;
use datafusion::arrow::{csv, json};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use flowscope_record::text::printable;

use crate::args::Format;

/// Writes one result.
pub(crate) struct Output {
    writer: Writer,
    schema: SchemaRef,
    /// The file, which gets its name when it is whole.
    file: Option<Partial>,
}

enum Writer {
    /// Rows wait until all are there, as columns are as wide as they need.
    Table(Box<dyn Write + Send>, Vec<RecordBatch>),
    Json(json::LineDelimitedWriter<Box<dyn Write + Send>>),
    Csv(Box<csv::Writer<Box<dyn Write + Send>>>),
    Parquet(Box<ArrowWriter<Box<dyn Write + Send>>>),
}

impl Output {
    /// Begins a file, or writes to standard output.
    pub(crate) fn new(
        format: Format,
        path: Option<PathBuf>,
        schema: SchemaRef,
    ) -> Result<Self, String> {
        let file = path.map(Partial::new);
        let sink: Box<dyn Write + Send> = match &file {
            Some(partial) => Box::new(partial.create()?),
            None => Box::new(BufWriter::new(io::stdout())),
        };
        let writer = match format {
            Format::Table => Writer::Table(sink, Vec::new()),
            Format::Json => Writer::Json(json::LineDelimitedWriter::new(sink)),
            Format::Csv => {
                let mut writer = csv::Writer::new(sink);
                // Names are written even if there are no rows.
                let names = flat(&RecordBatch::new_empty(schema.clone()));
                let written = names.and_then(|names| writer.write(&names));
                written.or_else(unless_closed)?;
                Writer::Csv(Box::new(writer))
            }
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_created_by(format!("flowscope {}", env!("CARGO_PKG_VERSION")))
                    .build();
                let writer = ArrowWriter::try_new(sink, schema.clone(), Some(properties));
                Writer::Parquet(Box::new(writer.map_err(|error| error.to_string())?))
            }
        };
        Ok(Self {
            writer,
            schema,
            file,
        })
    }

    /// Writes rows. It breaks off where nobody reads what is written.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<ControlFlow<()>, String> {
        let written = match &mut self.writer {
            Writer::Table(_, batches) => {
                batches.push(batch.clone());
                Ok(())
            }
            Writer::Json(writer) => writer.write(batch),
            Writer::Csv(writer) => flat(batch).and_then(|batch| writer.write(&batch)),
            Writer::Parquet(writer) => writer.write(batch).map_err(ArrowError::from),
        };
        match written {
            Ok(()) => Ok(ControlFlow::Continue(())),
            Err(error) if is_closed(&error) => Ok(ControlFlow::Break(())),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Writes what is left, and gives a file its name.
    pub(crate) fn finish(self) -> Result<(), String> {
        let Self {
            writer,
            schema,
            file,
        } = self;
        let finished = match writer {
            Writer::Table(mut sink, batches) => draw(&mut sink, schema, &batches),
            Writer::Json(mut writer) => writer
                .finish()
                .and_then(|()| Ok(writer.into_inner().flush()?)),
            Writer::Csv(writer) => Ok(writer.into_inner()).and_then(|mut sink| Ok(sink.flush()?)),
            Writer::Parquet(writer) => writer
                .into_inner()
                .map_err(ArrowError::from)
                .and_then(|mut sink| Ok(sink.flush()?)),
        };
        finished.or_else(unless_closed)?;
        file.map_or(Ok(()), Partial::finish)
    }
}

/// That nobody reads what is written is no failure.
fn unless_closed(error: ArrowError) -> Result<(), String> {
    match is_closed(&error) {
        true => Ok(()),
        false => Err(error.to_string()),
    }
}

/// Whether standard output was closed, as `head` does when it has enough.
fn is_closed(error: &ArrowError) -> bool {
    match error {
        ArrowError::IoError(_, error) => error.kind() == io::ErrorKind::BrokenPipe,
        // Writers of CSV and Parquet keep the text of the error alone.
        other => other.to_string().contains("Broken pipe"),
    }
}

/// A table for people. Text that hosts sent does nothing to the terminal.
fn draw(
    sink: &mut dyn Write,
    schema: SchemaRef,
    batches: &[RecordBatch],
) -> Result<(), ArrowError> {
    let drawn = pretty_format_batches_with_schema(schema, batches)?.to_string();
    for line in drawn.lines() {
        writeln!(sink, "{}", printable(line))?;
    }
    Ok(sink.flush()?)
}

/// The rows with text in place of lists and structures, which CSV has not.
fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        if !field.data_type().is_nested() {
            fields.push(field.clone());
            columns.push(column.clone());
            continue;
        }
        let options = FormatOptions::default();
        let formatter = ArrayFormatter::try_new(column, &options)?;
        let is_there = |row: usize| column.is_valid(row);
        let texts = (0..batch.num_rows())
            .map(|row| is_there(row).then(|| formatter.value(row).to_string()));
        columns.push(Arc::new(texts.collect::<StringArray>()));
        fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// A file under a name of its own until it is whole.
struct Partial {
    path: PathBuf,
    partial: PathBuf,
}

impl Partial {
    fn new(path: PathBuf) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let partial = path.with_file_name(format!(".{name}.{}", process::id()));
        Self { path, partial }
    }

    fn create(&self) -> Result<BufWriter<File>, String> {
        let file = File::create(&self.partial);
        file.map(BufWriter::new)
            .map_err(|error| failed(&self.path, &error))
    }

    fn finish(self) -> Result<(), String> {
        let named = File::open(&self.partial)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&self.partial, &self.path));
        named.map_err(|error| failed(&self.path, &error))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // There is nothing left of it once it has its name.
        let _ = fs::remove_file(&self.partial);
    }
}

fn failed(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}
