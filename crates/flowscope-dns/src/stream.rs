//! One side of a stream, cut into messages.

use flowscope_core::session::ByteBuffer;

use crate::config::{DnsConfig, Scrutiny};
use crate::error::DnsError;
use crate::like::{self, Likeness};
use crate::packet::Header;

/// Finds the messages of one side.
///
/// Whole messages are lent from where they came; a part of one is kept until
/// the rest is there.
#[derive(Clone, Debug)]
pub(crate) struct Framing {
    state: State,
    /// The beginning of a message, with its length before it; while seeking,
    /// where one may begin.
    kept: ByteBuffer,
    limit: u16,
    scrutiny: Scrutiny,
    /// Whether a message was found, so that the side is DNS.
    known: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// At the beginning of a message, or in one.
    Framed,
    /// In a message that is lost, so many bytes before its end.
    Skipping(u64),
    /// Behind a hole, where a message may begin anywhere.
    Seeking(Search),
    /// Nothing more is to be expected.
    Lost,
}

/// How much more a search may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Search {
    bytes: u32,
    candidates: u32,
}

/// A message, and how much of its end is missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    pub(crate) message: &'a [u8],
    pub(crate) missing: u32,
}

impl Framing {
    pub(crate) fn new(config: &DnsConfig) -> Self {
        Self {
            state: State::Framed,
            kept: ByteBuffer::new(PREFIX + usize::from(u16::MAX)),
            limit: config.max_message,
            scrutiny: config.scrutiny,
            known: false,
        }
    }

    /// Takes the next bytes.
    pub(crate) fn data(
        &mut self,
        mut bytes: &[u8],
        found: &mut impl FnMut(Found<'_>),
    ) -> Result<(), DnsError> {
        // What is kept is to be looked at anew.
        let mut again = false;
        while again || !bytes.is_empty() {
            again = false;
            let read = match self.state {
                State::Framed => self.framed(&mut bytes, found),
                State::Skipping(left) => {
                    let skipped =
                        usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    bytes = bytes.get(skipped..).unwrap_or_default();
                    self.skip(skipped as u64);
                    Ok(())
                }
                State::Seeking(search) => self.seek(search, &mut bytes, found),
                State::Lost => return Ok(()),
            };
            match (read, self.scrutiny) {
                (Err(DnsError::NotDns), Scrutiny::KnownPort) => {
                    self.state = State::Seeking(Search::NEW);
                    again = true;
                }
                (read, _) => read?,
            }
        }
        Ok(())
    }

    /// Takes a hole.
    pub(crate) fn gap(&mut self, len: u64, found: &mut impl FnMut(Found<'_>)) {
        match self.state {
            State::Framed => {
                let end = Frame::of(self.kept.unread()).and_then(|frame| {
                    let rest = frame.end().checked_sub(self.kept.len())? as u64;
                    rest.checked_sub(len)
                });
                self.give_partial(found);
                self.state = match end {
                    Some(0) => State::Framed,
                    Some(left) => State::Skipping(left),
                    None => State::Seeking(Search::NEW),
                };
            }
            State::Skipping(left) if len <= left => self.skip(len),
            State::Skipping(_) => self.state = State::Seeking(Search::NEW),
            State::Seeking(search) => {
                self.kept.clear();
                self.state = State::Seeking(search);
            }
            State::Lost => {}
        }
    }

    /// The stream is over.
    pub(crate) fn finish(&mut self, found: &mut impl FnMut(Found<'_>)) {
        if self.state == State::Framed {
            self.give_partial(found);
        }
        self.lose();
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.state == State::Lost
    }

    pub(crate) fn memory(&self) -> usize {
        self.kept.memory()
    }

    /// Takes bytes up to the end of a message, or all.
    fn framed(
        &mut self,
        bytes: &mut &[u8],
        found: &mut impl FnMut(Found<'_>),
    ) -> Result<(), DnsError> {
        if self.kept.is_empty()
            && let Some(message) = self.check(bytes)?
        {
            found(Found::whole(message));
            let end = PREFIX + message.len();
            self.known = true;
            *bytes = bytes.get(end..).unwrap_or_default();
            return Ok(());
        }
        // No more is kept than the message has, and no more than tells that it
        // is one before that was looked at.
        let have = self.kept.len();
        let end = Frame::of(self.kept.unread()).map_or(PREFIX, |frame| frame.end());
        let stage = [PREFIX, PREFIX + Header::LEN, PREFIX + like::ENOUGH, end]
            .into_iter()
            .find(|stage| *stage > have)
            .unwrap_or(end)
            .min(end);
        let (taken, rest) = bytes
            .split_at_checked(stage.saturating_sub(have))
            .unwrap_or((bytes, &[]));
        *bytes = rest;
        self.extend(taken)?;
        if let Some(message) = self.check(self.kept.unread())? {
            found(Found::whole(message));
            self.known = true;
            self.kept.clear();
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
            && (like::of_header(&header) == Likeness::No || header.least_len() > frame.len)
            && !(self.known && is_mere_header(&header, frame.len))
        {
            return Err(DnsError::NotDns);
        }
        if frame.len > usize::from(self.limit) {
            let limit = usize::from(self.limit);
            return Err(DnsError::TooLong { limit });
        }
        let message = bytes.get(PREFIX..frame.end());
        // The first message has to convince, by as much of it as is looked at
        // whether the rest is there or not.
        let seen = bytes.len().min(PREFIX + like::ENOUGH);
        let enough = message.is_some() || seen > PREFIX + like::ENOUGH - 1;
        if !self.known && enough {
            let front = bytes.get(..seen).unwrap_or_default();
            // Where DNS is at home, a name that cannot be read is damage.
            let is_damaged = self.scrutiny == Scrutiny::KnownPort
                && (frame.header).is_some_and(|header| like::has_bad_name(front, &header));
            if Likeness::of_stream(front) == Likeness::No && !is_damaged {
                return Err(DnsError::NotDns);
            }
        }
        Ok(message)
    }

    /// Looks for a message in what is kept and in `bytes`.
    fn seek(
        &mut self,
        mut search: Search,
        bytes: &mut &[u8],
        found: &mut impl FnMut(Found<'_>),
    ) -> Result<(), DnsError> {
        // As much as the candidate at the front needs, or a little more.
        let have = self.kept.len();
        let wanted = Frame::of(self.kept.unread())
            .filter(|frame| frame.header.is_some())
            .map_or(PREFIX + Header::LEN, |frame| frame.end());
        let (taken, rest) = bytes
            .split_at_checked(wanted.saturating_sub(have).max(1))
            .unwrap_or((bytes, &[]));
        *bytes = rest;
        self.extend(taken)?;
        loop {
            let unread = self.kept.unread();
            let Some(Frame {
                header: Some(header),
                len,
            }) = Frame::of(unread)
            else {
                break;
            };
            // Not even worth waiting for.
            let idle = like::of_header(&header) < Likeness::Certain
                || len > self.limit.into()
                || header.least_len() > len
                || header.counts() == [0; 4];
            if !idle {
                let whole = unread.len() >= PREFIX + len;
                match Likeness::of_stream(unread) {
                    Likeness::Certain if whole => {
                        let message = unread.get(PREFIX..PREFIX + len).unwrap_or_default();
                        found(Found::whole(message));
                        self.known = true;
                        self.kept.consume(PREFIX + len);
                        return self.resume(found);
                    }
                    Likeness::Certain | Likeness::Unsure if !whole => break,
                    _ => match search.candidates.checked_sub(1) {
                        Some(left) => search.candidates = left,
                        None => {
                            self.lose();
                            return Ok(());
                        }
                    },
                }
            }
            self.kept.consume(1);
            match search.bytes.checked_sub(1) {
                Some(left) => search.bytes = left,
                None => {
                    self.lose();
                    return Ok(());
                }
            }
        }
        self.state = State::Seeking(search);
        Ok(())
    }

    /// Goes on behind a message that was found, with what was kept behind it.
    fn resume(&mut self, found: &mut impl FnMut(Found<'_>)) -> Result<(), DnsError> {
        self.state = State::Framed;
        while let Some(message) = self.check(self.kept.unread())? {
            found(Found::whole(message));
            let end = PREFIX + message.len();
            self.kept.consume(end);
        }
        Ok(())
    }

    fn skip(&mut self, len: u64) {
        if let State::Skipping(left) = self.state {
            self.state = match left.saturating_sub(len) {
                0 => State::Framed,
                left => State::Skipping(left),
            };
        }
    }

    /// Gives what there is of a message whose end will not come.
    fn give_partial(&mut self, found: &mut impl FnMut(Found<'_>)) {
        let bytes = self.kept.unread();
        if let Some(frame) = Frame::of(bytes)
            && frame.header.is_some()
            && let Some(message) = bytes.get(PREFIX..)
            && (self.known || Likeness::of_stream(bytes) >= self.least_likeness())
        {
            let missing = frame.len.saturating_sub(message.len());
            found(Found {
                message,
                missing: u32::try_from(missing).unwrap_or(u32::MAX),
            });
        }
        self.kept.clear();
    }

    /// How much a message that is cut must look like one.
    fn least_likeness(&self) -> Likeness {
        match self.scrutiny {
            Scrutiny::AnyPort => Likeness::Certain,
            Scrutiny::KnownPort => Likeness::Unsure,
        }
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), DnsError> {
        let limit = self.kept.limit();
        self.kept
            .extend(bytes)
            .map_err(|_| DnsError::TooLong { limit })
    }

    fn lose(&mut self) {
        self.state = State::Lost;
        self.kept = ByteBuffer::new(0);
    }
}

impl Default for Framing {
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

impl Search {
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
