//! Streams as files.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flowscope::FlowSide;
use flowscope::track::FlowId;
use flowscope_record::{StreamId, StreamWriter};

/// Writes streams to files of a folder. Copies of it share one folder.
#[derive(Clone, Debug)]
pub(crate) struct Extraction(Arc<Mutex<Folder>>);

/// The files of a folder.
///
/// There may be more streams at once than files may be open, so none is left
/// open: bytes are gathered and appended together.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    streams: HashMap<(FlowId, FlowSide), Unwritten>,
    /// Bytes gathered, over all streams.
    gathered: usize,
    /// The first thing that went wrong. Nothing is written after that.
    error: Option<(PathBuf, io::Error)>,
    /// Set where something went wrong.
    is_done: Arc<AtomicBool>,
}

/// What of a stream is yet to be written.
#[derive(Debug, Default)]
struct Unwritten {
    bytes: Vec<u8>,
    /// Whether the file is there.
    is_begun: bool,
}

impl Extraction {
    /// Makes the folder, if it is not there. If something goes wrong, now or
    /// later, `is_done` is set.
    pub(crate) fn into_folder(path: PathBuf, is_done: Arc<AtomicBool>) -> Self {
        let created = fs::create_dir_all(&path);
        let mut folder = Folder {
            path,
            streams: HashMap::new(),
            gathered: 0,
            error: None,
            is_done,
        };
        folder.note(folder.path.clone(), created);
        Self(Arc::new(Mutex::new(folder)))
    }

    /// What went wrong first, if anything did.
    pub(crate) fn take_error(&self) -> Option<(PathBuf, io::Error)> {
        self.folder().error.take()
    }

    fn folder(&self) -> MutexGuard<'_, Folder> {
        // What is in it stands for itself at every moment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StreamWriter for Extraction {
    fn write(&mut self, stream: StreamId, bytes: &[u8]) {
        let folder = &mut *self.folder();
        let unwritten = folder.streams.entry(key(stream)).or_default();
        unwritten.bytes.extend_from_slice(bytes);
        let len = unwritten.bytes.len();
        folder.gathered += bytes.len();
        if len >= PIECE || folder.gathered > MAX_GATHERED {
            folder.append(stream);
        }
    }

    fn close(&mut self, stream: StreamId) {
        let mut folder = self.folder();
        folder.append(stream);
        folder.streams.remove(&key(stream));
    }
}

impl Folder {
    /// Writes what was gathered of a stream.
    fn append(&mut self, stream: StreamId) {
        let Some(unwritten) = self.streams.get_mut(&key(stream)) else {
            return;
        };
        let bytes = core::mem::take(&mut unwritten.bytes);
        self.gathered -= bytes.len();
        if self.error.is_some() || bytes.is_empty() {
            return;
        }
        let path = self.path.join(file_name(stream));
        let mut options = OpenOptions::new();
        if core::mem::replace(&mut unwritten.is_begun, true) {
            options.append(true);
        } else {
            options.write(true).create(true).truncate(true);
        }
        let written = options
            .open(&path)
            .and_then(|mut file| file.write_all(&bytes));
        self.note(path, written);
    }

    /// Keeps what went wrong.
    fn note(&mut self, path: PathBuf, result: io::Result<()>) {
        if let Err(error) = result {
            self.error = Some((path, error));
            self.is_done.store(true, Relaxed);
        }
    }
}

fn key(stream: StreamId) -> (FlowId, FlowSide) {
    (stream.flow, stream.side)
}

/// `000001-10.0.0.1.40000-10.0.0.2.80`: the flow, who sent it, who received it.
/// Colons are dots, as not every file system takes them.
fn file_name(stream: StreamId) -> String {
    let endpoints = stream.endpoints;
    let (src, dst) = (endpoints.source(), endpoints.destination());
    let (sender, receiver) = match stream.side {
        FlowSide::Initiator => (src, dst),
        FlowSide::Responder => (dst, src),
    };
    let name = format!("{:06}-{sender}-{receiver}", stream.flow.number());
    name.replace(['[', ']'], "").replace(':', ".")
}

/// Bytes of a stream that are written at once.
const PIECE: usize = 64 << 10;

/// Bytes gathered at the most, before what comes is written at once.
const MAX_GATHERED: usize = 64 << 20;
