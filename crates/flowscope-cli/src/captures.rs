//! The captures to read: several inputs, read as one.

use core::ops::ControlFlow;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;

use flowscope::pcap::{PcapError, PcapFlowSource};

use crate::error::Failure;
use crate::input::Input;
use crate::interrupt;
use crate::progress::Progress;

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
/// A signal that asks for the end breaks it, too.
///
/// With more `jobs` than one, one of them reads ahead.
pub(crate) fn read(
    inputs: Vec<Input>,
    jobs: u16,
    progress: Progress,
    read_batch: impl FnMut(&mut Source) -> Result<ControlFlow<(), usize>, PcapError>,
) -> Vec<Failure> {
    let mut failures = Vec::new();
    read_each(inputs, jobs, progress, read_batch, |failure| {
        failures.push(failure);
    });
    failures
}

/// The same, and says at once what is wrong.
pub(crate) fn read_each(
    inputs: Vec<Input>,
    jobs: u16,
    mut progress: Progress,
    mut read_batch: impl FnMut(&mut Source) -> Result<ControlFlow<(), usize>, PcapError>,
    mut fail: impl FnMut(Failure),
) {
    interrupt::watch();
    for input in inputs {
        let size = input.size();
        let opened = if jobs > 1 {
            input.open_ahead()
        } else {
            input.open()
        };
        let read = opened.and_then(|opened| read_one(opened, &mut progress, &mut read_batch));
        // What is cut then is no fault of the input.
        if let Some((signal, status)) = interrupt::asked() {
            fail(Failure::Interrupted { signal, status });
            break;
        }
        match read {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => break,
            Err(error) => fail(Failure::Input { input, error }),
        }
        progress.next_input(size);
    }
    progress.finish();
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
