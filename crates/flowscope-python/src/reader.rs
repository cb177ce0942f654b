//! Reading captures into batches of one table.

use core::ops::ControlFlow;
use core::time::Duration;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use arrow_array::RecordBatch;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_schema::SchemaRef;
use arrow_schema::ffi::FFI_ArrowSchema;
use flowscope_table::{
    Addresses, BatchBuilder, Table, TableBatch, TableConfig, TableError, TableReader,
};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule};

use crate::file::Origin;
use crate::options;
use crate::records::Records;
use crate::stream::{Ready, Stream};

/// Captures, and which table is made of them.
#[pyclass(frozen, module = "flowscope._native")]
pub(crate) struct Reader {
    origin: Mutex<Origin>,
    table: Table,
    config: TableConfig,
    schema: SchemaRef,
    on_damage: Py<PyAny>,
    progress: Option<Py<PyAny>>,
}

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (
        origin, table, on_damage, *, columns = None, src = None, dst = None, since = None,
        until = None, each = false, key = "five-tuple", encap = "auto",
        idle_timeout = HashMap::new(), max_flows = None, addresses = "text", progress = None,
    ))]
    #[allow(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn new(
        origin: &Bound<'_, PyAny>,
        table: &str,
        on_damage: Py<PyAny>,
        columns: Option<Vec<String>>,
        src: Option<&str>,
        dst: Option<&str>,
        since: Option<u64>,
        until: Option<u64>,
        each: bool,
        key: &str,
        encap: &str,
        idle_timeout: HashMap<String, f64>,
        max_flows: Option<usize>,
        addresses: &str,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let origin = if let Ok(bytes) = origin.cast::<PyBytes>() {
            Origin::Bytes(bytes.as_bytes().into())
        } else if let Ok(paths) = origin.extract::<Vec<PathBuf>>() {
            Origin::Paths(paths)
        } else {
            Origin::File(Some(origin.clone().unbind()))
        };
        let in_value =
            |error: flowscope_table::UnknownName| PyValueError::new_err(error.to_string());
        let table: Table = table.parse().map_err(in_value)?;
        let addresses: Addresses = addresses.parse().map_err(in_value)?;
        let whole = flowscope_table::schema(table, addresses);
        for name in columns.iter().flatten() {
            if whole.column_with_name(name).is_none() {
                let known: Vec<_> = whole.fields().iter().map(|it| it.name().as_str()).collect();
                return options::wrong("a column", name, &format!("one of {}", known.join(", ")));
            }
        }
        let config = TableConfig {
            records: options::record_config(key, encap, idle_timeout, max_flows)?,
            addresses,
            each_alone: each,
            columns,
            filter: options::filter(src, dst, since, until)?,
        };
        let names: Option<Vec<&str>> = config
            .columns
            .as_ref()
            .map(|columns| columns.iter().map(String::as_str).collect());
        let schema = BatchBuilder::new(table, addresses, names.as_deref())
            .schema()
            .clone();
        Ok(Self {
            origin: Mutex::new(origin),
            table,
            schema,
            config,
            on_damage,
            progress,
        })
    }

    /// The names of the columns.
    #[getter]
    fn columns(&self) -> Vec<String> {
        let fields = self.schema.fields().iter();
        fields.map(|field| field.name().clone()).collect()
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // What is asked for is a wish, which may be ignored.
        drop(requested_schema);
        let stream = Stream {
            schema: self.schema.clone(),
            reading: self.start(py)?,
        };
        let stream = FFI_ArrowArrayStream::new(Box::new(stream));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.schema)
    }

    /// Reads everything.
    fn read(&self, py: Python<'_>) -> PyResult<Batches> {
        let mut reading = self.start(py)?;
        let mut batches = Vec::new();
        while let Some(batch) = reading.next(py)? {
            batches.push(batch);
        }
        Ok(Batches {
            schema: self.schema.clone(),
            batches,
        })
    }

    /// Records one after the other, each made by `record` of names and values.
    fn records(&self, py: Python<'_>, record: Py<PyAny>) -> PyResult<Records> {
        Ok(Records::new(self.start(py)?, record))
    }
}

impl Reader {
    /// Begins to read, on a thread of its own.
    fn start(&self, py: Python<'_>) -> PyResult<Reading> {
        let mut origin = self.origin.lock().unwrap_or_else(PoisonError::into_inner);
        let read = Arc::new(AtomicU64::new(0));
        let size = origin.size();
        let Some(inputs) = origin.inputs(&read) else {
            return Err(PyRuntimeError::new_err(
                "the file object was read already; a path or bytes can be read more than once",
            ));
        };
        let reader = TableReader::new(inputs, &[self.table]).with_config(self.config.clone());
        let (sender, batches) = mpsc::sync_channel(AHEAD);
        // It ends with its captures, or when nobody wants what it reads.
        thread::spawn(move || {
            reader.read(&mut |batch| match sender.send(batch) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            });
        });
        let progress = self.progress.as_ref().map(|callback| Progress {
            callback: callback.clone_ref(py),
            read,
            size,
        });
        Ok(Reading {
            batches: Mutex::new(batches),
            on_damage: self.on_damage.clone_ref(py),
            progress,
        })
    }
}

/// Captures that are being read.
pub(crate) struct Reading {
    /// Nobody else takes from it; the lock says so to the compiler.
    batches: Mutex<Receiver<TableBatch>>,
    on_damage: Py<PyAny>,
    progress: Option<Progress>,
}

struct Progress {
    callback: Py<PyAny>,
    read: Arc<AtomicU64>,
    size: Option<u64>,
}

impl Reading {
    /// The next batch. While it waits others may run, and Control-C works.
    pub(crate) fn next(&mut self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        loop {
            let batches = &self.batches;
            let received = py.detach(|| {
                let batches = batches.lock().unwrap_or_else(PoisonError::into_inner);
                batches.recv_timeout(PATIENCE)
            });
            if let Some(progress) = &self.progress {
                let read = progress.read.load(Relaxed);
                progress.callback.call1(py, (read, progress.size))?;
            }
            match received {
                Ok(Ok((_, batch))) => return Ok(Some(batch)),
                Ok(Err(TableError::Capture { name, error })) => {
                    // It warns, or raises.
                    let said = (name, error.offset(), error.to_string());
                    self.on_damage.call1(py, said)?;
                }
                Ok(Err(error)) => return Err(PyRuntimeError::new_err(error.to_string())),
                Err(RecvTimeoutError::Timeout) => py.check_signals()?,
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }
}

/// Batches that were read.
#[pyclass(frozen, module = "flowscope._native")]
pub(crate) struct Batches {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

#[pymethods]
impl Batches {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let ready = Ready {
            schema: self.schema.clone(),
            batches: self.batches.clone().into_iter(),
        };
        let stream = FFI_ArrowArrayStream::new(Box::new(ready));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.schema)
    }

    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

fn schema_capsule<'py>(py: Python<'py>, schema: &SchemaRef) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema.as_ref());
    let schema = schema.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    PyCapsule::new_with_value(py, schema, c"arrow_schema")
}

/// Batches that may be read before they are wanted.
const AHEAD: usize = 2;

/// How long to wait before signals are looked at.
const PATIENCE: Duration = Duration::from_millis(100);
