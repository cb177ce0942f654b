//! One side of a connection, split into messages.

use flowscope_core::session::{ByteBuffer, ProbeResult};

use crate::config::{DnsConfig, Strictness};
use crate::error::DnsError;
use crate::packet::Header;
use crate::probe;

/// Finds the messages of one side.
///
/// A message that is whole in a chunk is read from there. A part of one is
/// buffered until the rest is there.
#[derive(Clone, Debug)]
pub(crate) struct Direction {
    state: State,
    /// The beginning of a message, with its length before it; during a resync,
    /// bytes in which one may begin.
    buffer: ByteBuffer,
    limit: u16,
    strictness: Strictness,
    /// Whether a message was found, so that the side is DNS.
    is_confirmed: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// At the beginning of a message, or in one.
    Message,
    /// In a message of which bytes are missing, so many bytes before its end.
    Skipping(u64),
    /// Behind missing bytes, where a message may begin anywhere.
    Resync(Budget),
    /// Nothing more is to be expected.
    Lost,
}

/// How much more a search may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Budget {
    bytes: u32,
    candidates: u32,
}

/// A message, and how much of its end is missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    pub(crate) message: &'a [u8],
    pub(crate) missing: u32,
}

impl Direction {
    pub(crate) fn new(config: &DnsConfig) -> Self {
        Self {
            state: State::Message,
            buffer: ByteBuffer::new(PREFIX + usize::from(u16::MAX)),
            limit: config.max_message,
            strictness: config.strictness,
            is_confirmed: false,
        }
    }

    /// Reads the next bytes.
    pub(crate) fn data(
        &mut self,
        mut bytes: &[u8],
        found: &mut impl FnMut(Found<'_>),
    ) -> Result<(), DnsError> {
        // Whether the buffer is to be read again, with another state.
        let mut again = false;
        while again || !bytes.is_empty() {
            again = false;
            let read = match self.state {
                State::Message => self.read_message(&mut bytes, found),
                State::Skipping(left) => {
                    let skipped =
                        usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    bytes = bytes.get(skipped..).unwrap_or_default();
                    self.skip(skipped as u64);
                    Ok(())
                }
                State::Resync(search) => self.resync(search, &mut bytes, found),
                State::Lost => return Ok(()),
            };
            match (read, self.strictness) {
                (Err(DnsError::NotDns), Strictness::KnownPort) => {
                    self.state = State::Resync(Budget::NEW);
                    again = true;
                }
                (read, _) => read?,
            }
        }
        Ok(())
    }

    /// `len` bytes are missing.
    pub(crate) fn gap(&mut self, len: u64, found: &mut impl FnMut(Found<'_>)) {
        match self.state {
            State::Message => {
                let end = Frame::of(self.buffer.unread()).and_then(|frame| {
                    let rest = frame.end().checked_sub(self.buffer.unread().len())? as u64;
                    rest.checked_sub(len)
                });
                self.report_partial(found);
                self.state = match end {
                    Some(0) => State::Message,
                    Some(left) => State::Skipping(left),
                    None => State::Resync(Budget::NEW),
                };
            }
            State::Skipping(left) if len <= left => self.skip(len),
            State::Skipping(_) => self.state = State::Resync(Budget::NEW),
            State::Resync(search) => {
                self.buffer.clear();
                self.state = State::Resync(search);
            }
            State::Lost => {}
        }
    }

    /// The stream is over.
    pub(crate) fn finish(&mut self, found: &mut impl FnMut(Found<'_>)) {
        if self.state == State::Message {
            self.report_partial(found);
        }
        self.lose();
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.state == State::Lost
    }

    pub(crate) fn memory(&self) -> usize {
        self.buffer.memory()
    }

    /// Reads bytes up to the end of a message, or all.
    fn read_message(
        &mut self,
        bytes: &mut &[u8],
        found: &mut impl FnMut(Found<'_>),
    ) -> Result<(), DnsError> {
        if self.buffer.unread().is_empty()
            && let Some(message) = self.check(bytes)?
        {
            found(Found::whole(message));
            let end = PREFIX + message.len();
            self.is_confirmed = true;
            *bytes = bytes.get(end..).unwrap_or_default();
            return Ok(());
        }
        // No more is buffered than the message has. It is checked in steps, so
        // that what is no message is found out before much of it is buffered.
        let have = self.buffer.unread().len();
        let end = Frame::of(self.buffer.unread()).map_or(PREFIX, |frame| frame.end());
        let stage = [PREFIX, PREFIX + Header::LEN, PREFIX + probe::ENOUGH, end]
            .into_iter()
            .find(|stage| *stage > have)
            .unwrap_or(end)
            .min(end);
        let (taken, rest) = bytes
            .split_at_checked(stage.saturating_sub(have))
            .unwrap_or((bytes, &[]));
        *bytes = rest;
        self.extend(taken)?;
        if let Some(message) = self.check(self.buffer.unread())? {
            found(Found::whole(message));
            self.is_confirmed = true;
            self.buffer.clear();
        }
        Ok(())
    }

    /// The message at the front of `bytes`, if it is all there.
    fn check<'b>(&self, bytes: &'b [u8]) -> Result<Option<&'b [u8]>, DnsError> {
        let Some(frame) = Frame::of(bytes) else {
            return Ok(None);
        };
        if frame.len < Header::LEN {
            return Err(DnsError::NotDns);
        }
        if let Some(header) = frame.header
            && (probe::of_header(&header) == ProbeResult::NoMatch || header.least_len() > frame.len)
            && !(self.is_confirmed && is_mere_header(&header, frame.len))
        {
            return Err(DnsError::NotDns);
        }
        if frame.len > usize::from(self.limit) {
            let limit = usize::from(self.limit);
            return Err(DnsError::TooLong { limit });
        }
        let message = bytes.get(PREFIX..frame.end());
        // The first message has to be beyond doubt. It is judged by as many bytes
        // whether the rest, and what is behind it, came with the same chunk or not.
        let seen = bytes.len().min(frame.end()).min(PREFIX + probe::ENOUGH);
        let enough = message.is_some() || seen > PREFIX + probe::ENOUGH - 1;
        if !self.is_confirmed && enough {
            let front = bytes.get(..seen).unwrap_or_default();
            // On a port of DNS, a name that cannot be read is damage, and does
            // not mean another protocol.
            let is_damaged = self.strictness == Strictness::KnownPort
                && (frame.header).is_some_and(|header| probe::has_bad_name(front, &header));
            if probe::of_stream(front) == ProbeResult::NoMatch && !is_damaged {
                return Err(DnsError::NotDns);
            }
        }
        Ok(message)
    }

    /// Searches for a message in the buffer and in `bytes`.
    fn resync(
        &mut self,
        mut search: Budget,
        bytes: &mut &[u8],
        found: &mut impl FnMut(Found<'_>),
    ) -> Result<(), DnsError> {
        // As much as the candidate at the front needs, and at least one byte.
        let have = self.buffer.unread().len();
        let needed = Frame::of(self.buffer.unread())
            .filter(|frame| frame.header.is_some())
            .map_or(PREFIX + Header::LEN, |frame| frame.end());
        let (taken, rest) = bytes
            .split_at_checked(needed.saturating_sub(have).max(1))
            .unwrap_or((bytes, &[]));
        *bytes = rest;
        self.extend(taken)?;
        loop {
            let unread = self.buffer.unread();
            let Some(Frame {
                header: Some(header),
                len,
            }) = Frame::of(unread)
            else {
                break;
            };
            // These bytes begin no message, however they go on.
            let is_excluded = probe::of_header(&header) < ProbeResult::Match
                || len > self.limit.into()
                || header.least_len() > len
                || header.counts() == [0; 4];
            if !is_excluded {
                let whole = unread.len() >= PREFIX + len;
                match probe::of_stream(unread) {
                    ProbeResult::Match if whole => {
                        let message = unread.get(PREFIX..PREFIX + len).unwrap_or_default();
                        found(Found::whole(message));
                        self.is_confirmed = true;
                        self.buffer.consume(PREFIX + len);
                        return self.resume(found);
                    }
                    ProbeResult::Match | ProbeResult::Possible if !whole => break,
                    _ => match search.candidates.checked_sub(1) {
                        Some(left) => search.candidates = left,
                        None => {
                            self.lose();
                            return Ok(());
                        }
                    },
                }
            }
            self.buffer.consume(1);
            match search.bytes.checked_sub(1) {
                Some(left) => search.bytes = left,
                None => {
                    self.lose();
                    return Ok(());
                }
            }
        }
        self.state = State::Resync(search);
        Ok(())
    }

    /// Goes on behind a message that was found, with what was kept behind it.
    fn resume(&mut self, found: &mut impl FnMut(Found<'_>)) -> Result<(), DnsError> {
        self.state = State::Message;
        while let Some(message) = self.check(self.buffer.unread())? {
            found(Found::whole(message));
            let end = PREFIX + message.len();
            self.buffer.consume(end);
        }
        Ok(())
    }

    fn skip(&mut self, len: u64) {
        if let State::Skipping(left) = self.state {
            self.state = match left.saturating_sub(len) {
                0 => State::Message,
                left => State::Skipping(left),
            };
        }
    }

    /// Reports what there is of a message whose end will not come.
    fn report_partial(&mut self, found: &mut impl FnMut(Found<'_>)) {
        let bytes = self.buffer.unread();
        if let Some(frame) = Frame::of(bytes)
            && frame.header.is_some()
            && let Some(message) = bytes.get(PREFIX..)
            && (self.is_confirmed || probe::of_stream(bytes) >= self.least_evidence())
        {
            let missing = frame.len.saturating_sub(message.len());
            found(Found {
                message,
                missing: u32::try_from(missing).unwrap_or(u32::MAX),
            });
        }
        self.buffer.clear();
    }

    /// How sure it must be that a message that is cut is one.
    fn least_evidence(&self) -> ProbeResult {
        match self.strictness {
            Strictness::AnyPort => ProbeResult::Match,
            Strictness::KnownPort => ProbeResult::Possible,
        }
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), DnsError> {
        let limit = self.buffer.limit();
        self.buffer
            .extend(bytes)
            .map_err(|_| DnsError::TooLong { limit })
    }

    fn lose(&mut self) {
        self.state = State::Lost;
        self.buffer = ByteBuffer::new(0);
    }
}

impl Default for Direction {
    fn default() -> Self {
        Self::new(&DnsConfig::default())
    }
}

impl<'a> Found<'a> {
    fn whole(message: &'a [u8]) -> Self {
        Self {
            message,
            missing: 0,
        }
    }
}

impl Budget {
    const NEW: Self = Self {
        bytes: 128 << 10,
        candidates: 64,
    };
}

/// A length, and the header behind it if that is there.
struct Frame {
    len: usize,
    header: Option<Header>,
}

impl Frame {
    fn of(bytes: &[u8]) -> Option<Self> {
        let (prefix, rest) = bytes.split_first_chunk::<PREFIX>()?;
        Some(Self {
            len: u16::from_be_bytes(*prefix).into(),
            header: Header::read(rest),
        })
    }

    fn end(&self) -> usize {
        PREFIX + self.len
    }
}

/// A message that is nothing but a header, such as the "keep alive" of some
/// (RFC 8490 has them too): odd, but no reason to give up DNS.
fn is_mere_header(header: &Header, len: usize) -> bool {
    header.counts() == [0; 4] && len == Header::LEN && header.opcode().name().is_some()
}

/// The length before a message.
const PREFIX: usize = 2;
