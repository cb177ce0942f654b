//! Reading on a thread of its own, ahead of whoever wants what was read.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;

use flowscope::pcap::{Compression, Decompressed, PcapError};

use crate::interrupt;

/// Which captures are read on threads of their own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ahead {
    Nothing,
    /// Those that are decompressed, which takes longer than all else.
    Compressed,
    Everything,
}

/// What an input gives, decompressed and read ahead by a few blocks.
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
    position: Arc<AtomicU64>,
}

impl ReadAhead {
    /// Begins to read what `open` opens, on the new thread.
    pub(crate) fn of<R: Read>(
        open: impl FnOnce() -> Result<Decompressed<R>, PcapError> + Send + 'static,
    ) -> Self {
        let (filled, blocks) = mpsc::sync_channel(AHEAD);
        let (spares, emptied) = mpsc::channel();
        let position = Arc::new(AtomicU64::new(0));
        let reached = position.clone();
        // It ends with its input, or when nobody wants what it reads.
        thread::spawn(move || match open() {
            Ok(input) => read(input, &filled, &emptied, &reached),
            Err(error) => {
                let _ = filled.send(Err(io::Error::other(error)));
            }
        });
        Self {
            blocks,
            spares,
            block: Vec::new(),
            taken: 0,
            position,
        }
    }

    /// How much of the input was read, before decompression.
    pub(crate) fn position(&self) -> Arc<AtomicU64> {
        self.position.clone()
    }
}

fn read<R: Read>(
    mut input: Decompressed<R>,
    filled: &SyncSender<io::Result<Vec<u8>>>,
    emptied: &Receiver<Vec<u8>>,
    reached: &AtomicU64,
) {
    loop {
        let mut block = emptied.try_recv().unwrap_or_default();
        block.resize(BLOCK, 0);
        let (len, failed) = fill(&mut input, &mut block);
        reached.store(input.position(), Relaxed);
        if len > 0 {
            block.truncate(len);
            if filled.send(Ok(block)).is_err() {
                return;
            }
        }
        if let Some(error) = failed {
            let _ = filled.send(Err(error));
            return;
        }
        if len == 0 {
            return;
        }
    }
}

/// Reads what is at hand, and says how much that was, and what went wrong behind it.
fn fill<R: Read>(input: &mut Decompressed<R>, block: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut len = 0;
    while len < block.len() {
        match input.read(&mut block[len..]) {
            Ok(read) => {
                len += read;
                // A decompressor gives a little at a time, and less where it may have to wait.
                if input.compression() == Compression::None || read < USUAL {
                    break;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (len, Some(error)),
        }
    }
    (len, None)
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
const AHEAD: usize = 4;
/// As much as a decompressor gives where it has it.
const USUAL: usize = 4 << 10;

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
        let len =
            ReadAhead::of(move || Decompressed::new(io::Cursor::new(given))).read_to_end(&mut read);
        assert_eq!(len.expect("nothing fails"), bytes.len());
        assert!(read == bytes);
    }

    #[test]
    fn an_error_comes_behind_what_was_read_before() {
        let mut input = ReadAhead::of(|| Decompressed::new(Faulty(vec![7; 10_500])));
        let mut read = Vec::new();
        let error = input.read_to_end(&mut read).expect_err("it fails");
        assert_eq!(error.to_string(), "broken at byte 10500");
        assert_eq!(read, [7; 10_500]);
    }
}
