//! A window on the input that holds whole records.
//!
//! The window grows only when it is full of bytes that really arrived, so a
//! record's claim about its own length costs nothing.

use std::io::Read;

use crate::PcapError;
use crate::input::Input;

pub(crate) struct Buffer<R: Read> {
    input: Input<R>,
    data: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset in the capture of the first byte of `data`.
    base: u64,
    /// An error met while looking ahead, for when its place is reached.
    pending: Option<PcapError>,
    /// Whether the window is not to be written to any more.
    is_lent: bool,
    /// Windows before this one that are to be taken.
    lent: Vec<Vec<u8>>,
    /// Memory for windows to come.
    spares: Vec<Vec<u8>>,
}

impl<R: Read> Buffer<R> {
    pub(crate) fn new(input: Input<R>) -> Self {
        Self {
            input,
            data: vec![0; INITIAL_LEN],
            start: 0,
            end: 0,
            base: 0,
            pending: None,
            is_lent: false,
            lent: Vec::new(),
            spares: Vec::new(),
        }
    }

    /// From now on the window stays as it is until it is [taken](Self::take_lent).
    #[inline]
    pub(crate) fn lend(&mut self) {
        self.is_lent = true;
    }

    /// All of the window.
    #[inline]
    pub(crate) fn window(&self) -> &[u8] {
        &self.data
    }

    /// Gives up the windows that were lent, in order, and goes on in others, which
    /// may be made of `spares`.
    pub(crate) fn take_lent(&mut self, spares: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
        let usual = |spare: &Vec<u8>| spare.capacity() <= 2 * INITIAL_LEN;
        self.spares.extend(spares.into_iter().filter(usual));
        if self.is_lent {
            self.change_window();
        }
        core::mem::take(&mut self.lent)
    }

    pub(crate) fn input(&self) -> &Input<R> {
        &self.input
    }

    /// Offset in the capture of the first unread byte.
    #[inline]
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Where in the buffer [`unread`](Self::unread) begins.
    #[inline]
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// What was read and not yet consumed.
    #[inline]
    pub(crate) fn unread(&self) -> &[u8] {
        &self.data[self.start..self.end]
    }

    /// Whether `len` bytes are there, read from the input if need be.
    #[inline]
    pub(crate) fn holds(&mut self, len: usize) -> Result<bool, PcapError> {
        if self.end - self.start >= len {
            Ok(true)
        } else {
            self.fill(len)
        }
    }

    /// Like [`holds`](Self::holds), but an error is kept until the bytes
    /// before it are consumed.
    pub(crate) fn foresees(&mut self, len: usize) -> bool {
        match self.holds(len) {
            Ok(held) => held,
            Err(e) => {
                self.pending = Some(e);
                false
            }
        }
    }

    /// Like [`holds`](Self::holds), where fewer are an error.
    #[inline]
    pub(crate) fn require(&mut self, len: usize) -> Result<(), PcapError> {
        if self.holds(len)? {
            Ok(())
        } else {
            Err(self.truncated(len as u64))
        }
    }

    /// Passes over `len` bytes of [`unread`](Self::unread); they stay in place
    /// until the next read.
    #[inline]
    pub(crate) fn consume(&mut self, len: usize) -> Consumed {
        let start = self.start;
        self.start = (start + len).min(self.end);
        Consumed {
            start: start as u32,
            end: self.start as u32,
        }
    }

    /// Passes over what comes before byte `end` of the buffer, as
    /// [`consume`](Self::consume) does.
    #[inline]
    pub(crate) fn consume_until(&mut self, end: u32) {
        self.start = (end as usize).clamp(self.start, self.end);
    }

    /// The bytes consumed last.
    #[inline]
    pub(crate) fn consumed(&self, range: Consumed) -> &[u8] {
        &self.data[range.start as usize..range.end as usize]
    }

    /// Passes over up to `len` bytes without holding them, and says how many
    /// there were.
    pub(crate) fn skip(&mut self, len: u64) -> Result<u64, PcapError> {
        let mut left = len;
        while left > 0 && self.holds(1)? {
            let step = left.min((self.end - self.start) as u64);
            // `step` is at most the window's length.
            self.start += step as usize;
            left -= step;
        }
        Ok(len - left)
    }

    /// The error for an input that ends before `needed` bytes.
    pub(crate) fn truncated(&self, needed: u64) -> PcapError {
        PcapError::Truncated {
            offset: self.offset(),
            needed,
            found: self.unread().len() as u64,
        }
    }

    /// Moves what is unread to the front of the window, or of another one.
    fn move_to_front(&mut self) {
        if self.is_lent {
            return self.change_window();
        }
        self.data.copy_within(self.start..self.end, 0);
        self.begin_window();
    }

    fn change_window(&mut self) {
        let unread = &self.data[self.start..self.end];
        let mut next = self.spares.pop().unwrap_or_default();
        next.resize(unread.len().max(LENT_LEN), 0);
        next[..unread.len()].copy_from_slice(unread);
        self.lent.push(core::mem::replace(&mut self.data, next));
        self.is_lent = false;
        self.begin_window();
    }

    /// The window begins with what is unread.
    fn begin_window(&mut self) {
        self.base += self.start as u64;
        self.end -= self.start;
        self.start = 0;
    }

    #[cold]
    fn fill(&mut self, len: usize) -> Result<bool, PcapError> {
        self.move_to_front();
        while self.end < len {
            if let Some(e) = self.pending.take() {
                return Err(e);
            }
            if self.end == self.data.len() {
                let grown = (self.data.len() * 2).min(len);
                self.data.resize(grown, 0);
            }
            let offset = self.base + self.end as u64;
            match self.input.read(&mut self.data[self.end..], offset)? {
                0 => return Ok(false),
                read => self.end += read,
            }
        }
        Ok(true)
    }
}

/// A stretch of the window that was consumed but not yet overwritten.
///
/// 32 bits are enough, as the longest record has less than 2^28 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Consumed {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Half of a core's second cache or less, so that reading the next stretch leaves
/// room there for the flows that the packets are tracked in.
const INITIAL_LEN: usize = 1 << 18;

/// Less for windows that others look at later, as there are several of them.
const LENT_LEN: usize = 1 << 17;
