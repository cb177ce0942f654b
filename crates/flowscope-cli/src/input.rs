//! The captures to read: several files, read as one.

use core::fmt;
use core::ops::ControlFlow;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use flowscope::pcap::{PcapError, PcapFlowSource};

use crate::error::Failure;
use crate::progress::Progress;
use crate::read_ahead::ReadAhead;

/// Where one capture comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Input {
    StandardInput,
    File(PathBuf),
}

/// The inputs that `files` name: standard input where they name none.
pub(crate) fn named(files: Vec<PathBuf>) -> Result<Vec<Input>, Failure> {
    let mut inputs: Vec<Input> = files
        .into_iter()
        .map(|file| match file.as_os_str().as_encoded_bytes() {
            b"-" => Input::StandardInput,
            _ => Input::File(file),
        })
        .collect();
    if inputs.is_empty() {
        if io::stdin().is_terminal() {
            return Err(Failure::Usage("no capture was named"));
        }
        inputs.push(Input::StandardInput);
    }
    Ok(inputs)
}

/// Reads all inputs, in order, until `read_batch` breaks.
///
/// `read_batch` takes the next packets of an input and says how many there were,
/// none at its end. An input that cannot be read to its end is followed by the
/// next one. What was wrong comes back in the end.
///
/// With more `jobs` than one, one of them reads ahead.
pub(crate) fn read(
    inputs: Vec<Input>,
    jobs: u16,
    mut progress: Progress,
    mut read_batch: impl FnMut(&mut Source) -> Result<ControlFlow<(), usize>, PcapError>,
) -> Vec<Failure> {
    let mut failures = Vec::new();
    for input in inputs {
        let size = input.size();
        let opened = if jobs > 1 {
            input.open_ahead()
        } else {
            input.open()
        };
        let read = opened.and_then(|opened| read_one(opened, &mut progress, &mut read_batch));
        match read {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => break,
            Err(error) => failures.push(Failure::Input { input, error }),
        }
        progress.next_input(size);
    }
    progress.finish();
    failures
}

fn read_one(
    input: Box<dyn Read>,
    progress: &mut Progress,
    read_batch: &mut impl FnMut(&mut Source) -> Result<ControlFlow<(), usize>, PcapError>,
) -> Result<ControlFlow<()>, PcapError> {
    let mut source = Source::from_reader(input)?;
    loop {
        match read_batch(&mut source)? {
            ControlFlow::Break(()) => return Ok(ControlFlow::Break(())),
            ControlFlow::Continue(0) => return Ok(ControlFlow::Continue(())),
            ControlFlow::Continue(packets) if progress.is_due(packets) => {
                progress.show(source.position());
            }
            ControlFlow::Continue(_) => {}
        }
    }
}

/// A capture that is being read.
pub(crate) type Source = PcapFlowSource<Box<dyn Read>>;

impl Input {
    fn open(&self) -> Result<Box<dyn Read>, PcapError> {
        match self {
            Self::StandardInput => Ok(Box::new(io::stdin().lock())),
            Self::File(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(source) => Err(PcapError::Io { offset: 0, source }),
            },
        }
    }

    /// Opens it to be read on a thread of its own.
    fn open_ahead(&self) -> Result<Box<dyn Read>, PcapError> {
        match self {
            Self::StandardInput => Ok(Box::new(ReadAhead::of(|| io::stdin().lock()))),
            Self::File(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(ReadAhead::of(|| file))),
                Err(source) => Err(PcapError::Io { offset: 0, source }),
            },
        }
    }

    /// Its size in bytes, where that can be known.
    pub(crate) fn size(&self) -> Option<u64> {
        let metadata = self.path()?.metadata().ok()?;
        metadata.is_file().then_some(metadata.len())
    }

    /// The file that is read.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::StandardInput => None,
            Self::File(path) => Some(path),
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StandardInput => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
