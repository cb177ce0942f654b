//! Captures as bytes: of files, of memory, and of Python's own files.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use flowscope_table::Input;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// What captures are read from.
#[derive(Debug)]
pub(crate) enum Origin {
    Paths(Vec<PathBuf>),
    Bytes(Arc<[u8]>),
    /// A file object of Python, which can be read once.
    File(Option<Py<PyAny>>),
}

impl Origin {
    /// Its captures, which add what is read of them to a count.
    pub(crate) fn inputs(&mut self, read: &Arc<AtomicU64>) -> Option<Vec<Input>> {
        let counted = |reader| Counted {
            reader,
            read: read.clone(),
        };
        Some(match self {
            Self::Paths(paths) => {
                let paths = paths.iter();
                let inputs = paths.map(|path| {
                    let file = Lazy::Closed(path.clone());
                    Input::reader(path.display().to_string(), counted(Box::new(file)))
                });
                inputs.collect()
            }
            Self::Bytes(bytes) => {
                let reader = counted(Box::new(Cursor::new(bytes.clone())));
                vec![Input::reader("bytes", reader)]
            }
            Self::File(file) => {
                let reader = counted(Box::new(PythonFile(file.take()?)));
                vec![Input::reader("file object", reader)]
            }
        })
    }

    /// How many bytes there are, where that can be known.
    pub(crate) fn size(&self) -> Option<u64> {
        match self {
            Self::Paths(paths) => {
                let sizes = paths.iter().map(|path| Some(path.metadata().ok()?.len()));
                sizes.sum()
            }
            Self::Bytes(bytes) => u64::try_from(bytes.len()).ok(),
            Self::File(_) => None,
        }
    }
}

struct Counted {
    reader: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = self.reader.read(into)?;
        self.read
            .fetch_add(u64::try_from(len).unwrap_or(0), Relaxed);
        Ok(len)
    }
}

/// A file that is opened when it is its turn.
enum Lazy {
    Closed(PathBuf),
    Open(File),
}

impl Read for Lazy {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self {
                Self::Open(file) => return file.read(into),
                Self::Closed(path) => *self = Self::Open(File::open(path)?),
            }
        }
    }
}

/// Anything in Python with a method `read`.
struct PythonFile(Py<PyAny>);

impl Read for PythonFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Python::attach(|py| {
            let read = self.0.bind(py).call_method1("read", (into.len(),))?;
            let bytes = read.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes();
            let Some(place) = into.get_mut(..bytes.len()) else {
                return Err(io::Error::other(
                    "read gave more bytes than it was asked for",
                ));
            };
            place.copy_from_slice(bytes);
            Ok(bytes.len())
        })
    }
}
