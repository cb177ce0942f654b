//! Reading on a thread of its own, ahead of whoever wants what was read.

use core::time::Duration;
use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;

use crate::interrupt;

/// What an input gives, read ahead by a few blocks.
///
/// It gives the same bytes and the same error as the input itself. What a pipe
/// has is given at once, however little that is.
pub(crate) struct ReadAhead {
    blocks: Receiver<io::Result<Vec<u8>>>,
    /// Gives blocks back, to be read into again.
    spares: Sender<Vec<u8>>,
    block: Vec<u8>,
    /// How much of the block was taken.
    taken: usize,
}

impl ReadAhead {
    /// Begins to read what `open` opens, on the new thread.
    pub(crate) fn of<R: Read>(open: impl FnOnce() -> R + Send + 'static) -> Self {
        let (filled, blocks) = mpsc::sync_channel(AHEAD);
        let (spares, emptied) = mpsc::channel();
        // It ends with its input, or when nobody wants what it reads.
        thread::spawn(move || read(open(), &filled, &emptied));
        Self {
            blocks,
            spares,
            block: Vec::new(),
            taken: 0,
        }
    }
}

fn read(
    mut input: impl Read,
    filled: &SyncSender<io::Result<Vec<u8>>>,
    emptied: &Receiver<Vec<u8>>,
) {
    loop {
        let mut block = emptied.try_recv().unwrap_or_default();
        block.resize(BLOCK, 0);
        let read = match input.read(&mut block) {
            Ok(0) => return,
            Ok(len) => {
                block.truncate(len);
                Ok(block)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_last = read.is_err();
        if filled.send(read).is_err() || is_last {
            return;
        }
    }
}

impl ReadAhead {
    /// The next block; `None` at the end, also where the process is asked to end
    /// while it waits.
    fn next_block(&self) -> Option<io::Result<Vec<u8>>> {
        loop {
            if interrupt::asked().is_some() {
                return None;
            }
            match self.blocks.recv_timeout(LOOK) {
                Ok(block) => return Some(block),
                Err(RecvTimeoutError::Timeout) => {}
                // Without a sender, all was read.
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.block.len() {
            let Some(next) = self.next_block() else {
                return Ok(0);
            };
            let emptied = core::mem::replace(&mut self.block, next?);
            self.taken = 0;
            // There may be nobody left to read into it.
            let _ = self.spares.send(emptied);
        }
        let len = self.block[self.taken..].as_ref().read(into)?;
        self.taken += len;
        Ok(len)
    }
}

/// How often it is looked whether the process is asked to end.
const LOOK: Duration = Duration::from_millis(100);
/// As much as a capture's reader asks for at once.
const BLOCK: usize = 256 << 10;
/// Blocks that may be read before they are wanted.
const AHEAD: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives bytes a few at a time, then an error.
    struct Faulty(Vec<u8>);

    impl Read for Faulty {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::Error::other("broken"));
            }
            let len = self.0.len().min(into.len()).min(1000);
            for (place, byte) in into.iter_mut().zip(self.0.drain(..len)) {
                *place = byte;
            }
            Ok(len)
        }
    }

    #[test]
    fn all_bytes_come_in_order() {
        let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
        let given = bytes.clone();
        let mut read = Vec::new();
        let len = ReadAhead::of(move || io::Cursor::new(given)).read_to_end(&mut read);
        assert_eq!(len.expect("nothing fails"), bytes.len());
        assert!(read == bytes);
    }

    #[test]
    fn an_error_comes_behind_what_was_read_before() {
        let mut input = ReadAhead::of(|| Faulty(vec![7; 10_500]));
        let mut read = Vec::new();
        let error = input.read_to_end(&mut read).expect_err("it fails");
        assert_eq!(error.to_string(), "broken");
        assert_eq!(read, [7; 10_500]);
    }
}
