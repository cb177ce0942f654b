//! Batches for whoever takes them by the C interface of Arrow.

use core::fmt;
use std::vec;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::prelude::*;

use crate::reader::Reading;

/// Batches that are read while they are taken.
pub(crate) struct Stream {
    pub(crate) schema: SchemaRef,
    pub(crate) reading: Reading,
}

impl Iterator for Stream {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        // Whoever asks may hold the interpreter, which is let go while waiting.
        let batch = Python::attach(|py| self.reading.next(py));
        batch
            .map_err(|error| ArrowError::ExternalError(Box::new(error)))
            .transpose()
    }
}

impl RecordBatchReader for Stream {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// Batches that were read.
pub(crate) struct Ready {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: vec::IntoIter<RecordBatch>,
}

impl Iterator for Ready {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batches.next().map(Ok)
    }
}

impl RecordBatchReader for Ready {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}
