//! The captures to read: several inputs, read as one.

use core::ops::ControlFlow;
use core::sync::atomic::Ordering::Relaxed;
use std::collections::VecDeque;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;
use std::vec;

use flowscope::pcap::{PcapError, PcapFlowSource};

use crate::error::Failure;
use crate::input::{Input, Opened};
use crate::interrupt;
use crate::progress::Progress;
use crate::read_ahead::Ahead;

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
/// With more `jobs` than one, each input has one of them read ahead.
pub(crate) fn read(
    inputs: Vec<Input>,
    jobs: u16,
    progress: Progress,
    read_batch: impl FnMut(&mut Source) -> Result<ControlFlow<(), usize>, PcapError>,
) -> Vec<Failure> {
    let mut failures = Vec::new();
    let ahead = match jobs {
        1 => Ahead::Nothing,
        _ => Ahead::Everything,
    };
    read_each(inputs, ahead, progress, read_batch, |failure| {
        failures.push(failure);
    });
    failures
}

/// The same, and says at once what is wrong.
pub(crate) fn read_each(
    inputs: Vec<Input>,
    ahead: Ahead,
    mut progress: Progress,
    mut read_batch: impl FnMut(&mut Source) -> Result<ControlFlow<(), usize>, PcapError>,
    mut fail: impl FnMut(Failure),
) {
    interrupt::watch();
    let mut opening = Opening::new(inputs, ahead);
    while let Some((input, opened)) = opening.next() {
        let size = input.size();
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

/// Opens inputs, in order; those that are read ahead, a few before their turn.
struct Opening {
    inputs: vec::IntoIter<Input>,
    ahead: Ahead,
    opened: VecDeque<(Input, Result<Opened, PcapError>)>,
}

impl Opening {
    fn new(inputs: Vec<Input>, ahead: Ahead) -> Self {
        Self {
            inputs: inputs.into_iter(),
            ahead,
            opened: VecDeque::new(),
        }
    }

    /// Opens the next input.
    fn open(&mut self) {
        if let Some(input) = self.inputs.next() {
            let opened = input.open(self.ahead);
            self.opened.push_back((input, opened));
        }
    }

    fn next(&mut self) -> Option<(Input, Result<Opened, PcapError>)> {
        if self.opened.is_empty() {
            self.open();
        }
        let next = self.opened.pop_front()?;
        while self.ahead != Ahead::Nothing
            && self.opened.len() < OPENED
            && self.inputs.as_slice().first().is_some_and(Input::can_wait)
        {
            self.open();
        }
        Some(next)
    }
}

fn read_one(
    opened: Opened,
    progress: &mut Progress,
    read_batch: &mut impl FnMut(&mut Source) -> Result<ControlFlow<(), usize>, PcapError>,
) -> Result<ControlFlow<()>, PcapError> {
    let mut position = None;
    let mut source: Source = match opened {
        Opened::AsItIs(input) => Source::from_reader(input)?,
        Opened::Decompressed(input) => Source::from_decompressed(input)?,
        Opened::Ahead(input) => {
            position = Some(input.position());
            Source::from_decompressed(Box::new(input))?
        }
    };
    loop {
        match read_batch(&mut source)? {
            ControlFlow::Break(()) => return Ok(ControlFlow::Break(())),
            ControlFlow::Continue(0) => return Ok(ControlFlow::Continue(())),
            ControlFlow::Continue(packets) if progress.is_due(packets) => {
                let position = position.as_ref().map(|position| position.load(Relaxed));
                progress.show(position.unwrap_or_else(|| source.position()));
            }
            ControlFlow::Continue(_) => {}
        }
    }
}

/// A capture that is being read.
pub(crate) type Source = PcapFlowSource<Box<dyn Read>>;

/// Inputs that are opened before their turn.
const OPENED: usize = 2;
