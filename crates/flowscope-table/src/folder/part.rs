//! One Parquet file while it is written.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process;

use arrow_array::{RecordBatch, TimestampNanosecondArray, UInt32Array};
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::split::times;
use crate::error::TableError;

/// A file under the name it has until it is whole.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    partial: Partial,
    writer: ArrowWriter<File>,
    schema: SchemaRef,
    /// Rows that wait for their row group.
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    row_group: usize,
    turn: u64,
}

/// The file that is removed if it does not become whole.
#[derive(Debug)]
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // There is nothing left of it once it has its name.
        let _ = fs::remove_file(&self.0);
    }
}

impl Part {
    pub(super) fn begin(
        path: PathBuf,
        schema: SchemaRef,
        row_group: usize,
    ) -> Result<Self, TableError> {
        let partial = Partial(partial_name(&path));
        let file = File::create(&partial.0).map_err(|error| TableError::Io {
            path: partial.0.clone(),
            error,
        })?;
        let writer =
            ArrowWriter::try_new(file, schema.clone(), Some(properties(&schema, row_group)));
        Ok(Self {
            writer: writer.map_err(|error| failed(&path, error))?,
            path,
            partial,
            schema,
            batches: Vec::new(),
            rows: 0,
            bytes: 0,
            row_group,
            turn: 0,
        })
    }

    /// When it was last written to.
    pub(super) fn turn(&self) -> u64 {
        self.turn
    }

    /// Bytes that wait for their row group.
    pub(super) fn waiting(&self) -> usize {
        self.bytes
    }

    pub(super) fn push(&mut self, batch: RecordBatch, turn: u64) -> Result<(), TableError> {
        self.turn = turn;
        self.rows += batch.num_rows();
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
        if self.rows >= self.row_group || self.bytes >= MOST_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes the rows that wait as a row group.
    pub(super) fn flush(&mut self) -> Result<(), TableError> {
        if self.rows == 0 {
            return Ok(());
        }
        let sorted = self.sorted()?;
        let written = self
            .writer
            .write(&sorted)
            .and_then(|()| self.writer.flush());
        written.map_err(|error| failed(&self.path, error))?;
        self.batches.clear();
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    /// The rows that wait, in order of time; those of one time stay as they came.
    fn sorted(&self) -> Result<RecordBatch, ArrowError> {
        let whole = concat_batches(&self.schema, &self.batches)?;
        let times: &TimestampNanosecondArray = times(&whole)?;
        if times.values().is_sorted() {
            return Ok(whole);
        }
        let len = u32::try_from(times.len()).unwrap_or(u32::MAX);
        let mut order: Vec<u32> = (0..len).collect();
        order.sort_by_key(|at| times.value(*at as usize));
        take_record_batch(&whole, &UInt32Array::from(order))
    }

    /// Ends the file and gives it its name.
    pub(super) fn finish(mut self) -> Result<PathBuf, TableError> {
        self.flush()?;
        let Self {
            path,
            partial,
            writer,
            ..
        } = self;
        let file = writer.into_inner().map_err(|error| failed(&path, error))?;
        let named = file
            .sync_all()
            .and_then(|()| fs::rename(&partial.0, &path))
            .and_then(|()| sync_folder(&path));
        match named {
            Ok(()) => Ok(path),
            Err(error) => Err(TableError::Io { path, error }),
        }
    }
}

/// Makes a new name in a folder last.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    // Elsewhere a folder cannot be opened.
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// A name that no reader takes for a file of the table.
fn partial_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", process::id()))
}

fn failed(path: &Path, error: ParquetError) -> TableError {
    TableError::Parquet {
        path: path.to_owned(),
        error,
    }
}

fn properties(schema: &SchemaRef, row_group: usize) -> WriterProperties {
    let sorted = schema.index_of("ts").ok().and_then(|at| at.try_into().ok());
    // Nothing before it has several columns in the file.
    let sorted = sorted.map(|column_idx| {
        vec![SortingColumn {
            column_idx,
            descending: false,
            nulls_first: false,
        }]
    });
    let metadata = schema.metadata().iter();
    let metadata = metadata.map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(format!("flowscope {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(metadata.collect()))
        .set_max_row_group_row_count(Some(row_group))
        .set_sorting_columns(sorted);
    for name in ["ts", "start", "end"] {
        let column = ColumnPath::from(name);
        properties = properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
    }
    properties.build()
}

/// Bytes of rows, as they are in memory, that are a row group.
const MOST_BYTES: usize = 64 << 20;
