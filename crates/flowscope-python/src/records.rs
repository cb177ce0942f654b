//! Rows as objects of Python.

use arrow_array::cast::AsArray;
use arrow_array::types::{DurationNanosecondType, Int32Type, Int64Type, TimestampNanosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use crate::reader::Reading;

/// Records one after the other.
#[pyclass(module = "flowscope._native")]
pub(crate) struct Records {
    reading: Reading,
    /// Makes a record of its fields.
    record: Py<PyAny>,
    batch: Option<RecordBatch>,
    row: usize,
}

impl Records {
    pub(crate) fn new(reading: Reading, record: Py<PyAny>) -> Self {
        Self {
            reading,
            record,
            batch: None,
            row: 0,
        }
    }
}

#[pymethods]
impl Records {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&mut self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        loop {
            let Some(batch) = &self.batch else {
                self.batch = self.reading.next(py)?;
                self.row = 0;
                match self.batch {
                    Some(_) => continue,
                    None => return Ok(None),
                }
            };
            if self.row == batch.num_rows() {
                self.batch = None;
                continue;
            }
            let fields = PyDict::new(py);
            for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
                fields.set_item(field.name(), value(py, column, self.row)?)?;
            }
            self.row += 1;
            return self.record.call1(py, (fields,)).map(Some);
        }
    }
}

/// A value, `None` where it is absent. Times are whole nanoseconds.
fn value<'py>(py: Python<'py>, column: &dyn Array, row: usize) -> PyResult<Bound<'py, PyAny>> {
    if column.is_null(row) {
        return Ok(py.None().into_bound(py));
    }
    Ok(match column.data_type() {
        DataType::Int64 => column
            .as_primitive::<Int64Type>()
            .value(row)
            .into_pyobject(py)?
            .into_any(),
        DataType::Int32 => column
            .as_primitive::<Int32Type>()
            .value(row)
            .into_pyobject(py)?
            .into_any(),
        DataType::Timestamp(..) => {
            let nanos = column.as_primitive::<TimestampNanosecondType>().value(row);
            nanos.into_pyobject(py)?.into_any()
        }
        DataType::Duration(_) => {
            let nanos = column.as_primitive::<DurationNanosecondType>().value(row);
            nanos.into_pyobject(py)?.into_any()
        }
        DataType::Boolean => {
            let flag = column.as_boolean().value(row).into_pyobject(py)?;
            flag.to_owned().into_any()
        }
        DataType::Utf8 => column
            .as_string::<i32>()
            .value(row)
            .into_pyobject(py)?
            .into_any(),
        DataType::Binary => PyBytes::new(py, column.as_binary::<i32>().value(row)).into_any(),
        DataType::Dictionary(..) => {
            let words = column.as_dictionary::<Int32Type>();
            match words.key(row) {
                Some(key) => return value(py, words.values(), key),
                None => py.None().into_bound(py),
            }
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            let list = PyList::empty(py);
            for item in 0..items.len() {
                list.append(value(py, &items, item)?)?;
            }
            list.into_any()
        }
        DataType::Struct(fields) => {
            let parts = fields.iter().zip(column.as_struct().columns());
            // A header, as it is in JSON.
            if fields.iter().map(|it| it.name()).eq(["name", "value"]) {
                let pair: Vec<_> = parts
                    .map(|(_, part)| value(py, part, row))
                    .collect::<PyResult<_>>()?;
                return Ok(PyTuple::new(py, pair)?.into_any());
            }
            let structure = PyDict::new(py);
            for (field, part) in parts {
                structure.set_item(field.name(), value(py, part, row)?)?;
            }
            structure.into_any()
        }
        other => return Err(PyTypeError::new_err(format!("no value for {other}"))),
    })
}
