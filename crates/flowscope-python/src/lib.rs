//! The native part of the Python package `flowscope`.
//!
//! A `Reader` reads captures into batches of one table. It hands them to other
//! libraries by the C interface of Arrow, or to Python as records. Reading is on a
//! thread of its own, and whoever waits for it has let go of the interpreter.

#![allow(missing_docs, reason = "what Python sees is documented in Python")]

mod file;
mod options;
mod reader;
mod records;
mod stream;

use pyo3::prelude::*;

#[pymodule]
#[pyo3(name = "_native")]
fn native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("SCHEMA_VERSION", flowscope_table::SCHEMA_VERSION)?;
    module.add_class::<reader::Reader>()?;
    module.add_class::<reader::Batches>()?;
    module.add_class::<records::Records>()
}
