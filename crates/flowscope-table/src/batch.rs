//! Batches of rows, made of records.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, SchemaRef};
use flowscope_record::{Record, Visit};

use crate::column::Structure;
use crate::row::{Notes, Row};
use crate::schema::{CAPTURE, schema};
use crate::table::{Addresses, Table};

/// Makes batches of the records of one table.
///
/// ```
/// use flowscope_record::RecordTracker;
/// use flowscope_table::{Addresses, BatchBuilder, Table};
///
/// let mut builder = BatchBuilder::new(Table::Flows, Addresses::Text, Some(&["src", "dst_port"]));
/// # let frame = [
/// #     0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0,
/// #     10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0, 53, 0, 10, 0, 0, b'h', b'i',
/// # ];
/// # let packet = flowscope_core::PacketView::new(&frame, flowscope_core::Timestamp::new(1, 0));
/// let mut tracker = RecordTracker::default();
/// let mut records = Vec::new();
/// tracker.track(packet, &mut records);
/// tracker.finish(&mut records);
/// for record in records.iter().filter(|record| Table::Flows.has(record)) {
///     builder.push(record);
/// }
/// let batch = builder.finish()?;
/// assert_eq!((batch.num_rows(), batch.num_columns()), (1, 2));
/// # Ok::<(), arrow_schema::ArrowError>(())
/// ```
#[derive(Debug)]
pub struct BatchBuilder {
    schema: SchemaRef,
    row: Structure,
    notes: Notes,
    capture: String,
}

impl BatchBuilder {
    /// A builder of the columns of these names, in the order of the table; of
    /// all columns without names. Fields that nobody asked for are not made.
    #[must_use]
    pub fn new(table: Table, addresses: Addresses, columns: Option<&[&str]>) -> Self {
        let whole = schema(table, addresses);
        let is_wanted = |name: &str| columns.is_none_or(|columns| columns.contains(&name));
        let fields = whole.fields().iter().enumerate();
        let wanted: Vec<_> = fields
            .filter_map(|(at, field)| is_wanted(field.name()).then_some(at))
            .collect();
        let notes = Notes {
            // Both say something about all other fields.
            looks_at_all: is_wanted("lossy") || is_wanted("left_out"),
            ..Notes::default()
        };
        Self {
            schema: Arc::new(whole.project(&wanted).expect("these are columns of it")),
            row: Structure::new(whole.fields().clone(), is_wanted),
            notes,
            capture: String::new(),
        }
    }

    /// The columns of its batches.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Names the capture that the next records are from.
    pub fn set_capture(&mut self, name: &str) {
        name.clone_into(&mut self.capture);
    }

    /// Adds a row. The record has to be one [of the table](Table::has).
    pub fn push(&mut self, record: &Record) {
        self.push_of(record, None);
    }

    /// Adds a row of a flow that has another number than the record says.
    pub(crate) fn push_of(&mut self, record: &Record, flow: Option<u64>) {
        self.notes.flow = flow;
        self.notes.is_lossy = false;
        record.visit(&mut Row::new(&mut self.row, &mut self.notes));
        let is_lossy = self.notes.is_lossy;
        let fields = self.row.fields.iter().zip(&mut self.row.columns);
        // The two last columns are none of the record's.
        for (field, column) in fields.rev().take(2) {
            match (field.name().as_str(), column) {
                (CAPTURE, Some(column)) => column.push_text(&self.capture),
                ("lossy", Some(column)) if is_lossy => column.push_flag(true),
                _ => {}
            }
        }
        self.row.end();
    }

    /// How many rows it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.row.len()
    }

    /// Whether it has no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there are enough rows, or bytes in them, for a batch.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() >= MOST_ROWS || self.notes.bytes >= MOST_BYTES
    }

    /// The rows that were added. It has none after that.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let options = RecordBatchOptions::new().with_row_count(Some(self.len()));
        self.notes.bytes = 0;
        let columns: Vec<ArrayRef> = self.row.finish_columns()?;
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
    }
}

/// Rows of a batch at the most.
const MOST_ROWS: usize = 8192;

/// Bytes of a batch, about, from which on it takes no more rows.
const MOST_BYTES: usize = 8 << 20;
