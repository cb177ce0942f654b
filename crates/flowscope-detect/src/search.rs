//! Searching a connection that begins with none of the protocols for what it may
//! become.
//!
//! Most such connections never become anything, so this takes no memory but
//! itself: of each side, the few bytes at the end of what came that may be the
//! beginning of a message.

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Input, ProbeResult};
use flowscope_core::{BySide, FlowSide};

use crate::held::{HELD, Held};
use crate::probe::probe_beginning;

/// A search of both sides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    sides: BySide<Side>,
    /// Chunks that were searched.
    chunks: u16,
    /// The side that has ended, if one has.
    closed: Option<FlowSide>,
}

/// What is known of one side.
#[derive(Clone, Debug, Default)]
struct Side {
    /// The bytes held back, which may begin a message.
    held: Held,
    /// How many bytes came before those, and were none of a message.
    searched: u32,
    /// Whether bytes are missing.
    has_gap: bool,
    /// Whether what it begins with is known to be no message.
    has_begun: bool,
}

/// What is searched for, and how far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of each side that may come before TLS; none if it is not searched
    /// for.
    pub(crate) tls: u32,
    /// Bytes of both sides that may come before HTTP.
    pub(crate) http: u32,
    /// Chunks of both sides.
    pub(crate) chunks: u16,
}

/// What a search came to.
#[derive(Clone, Debug)]
pub(crate) enum Searched<'a> {
    /// Nothing yet.
    More,
    /// Nothing, and the limits are reached.
    Nothing,
    /// A message may begin here: with the bytes held back, which came earlier, or
    /// in the chunk.
    Found { held: Held, rest: &'a [u8] },
}

impl Search {
    /// A search of a connection of which `side` begins with no message.
    pub(crate) fn new(side: FlowSide) -> Self {
        let mut search = Self::default();
        search.sides[side].has_begun = true;
        search
    }

    /// Searches what one side sent next.
    pub(crate) fn feed<'a>(&mut self, input: Input<'a>, limits: Limits) -> Searched<'a> {
        self.chunks = self.chunks.saturating_add(1);
        match input.chunk {
            Chunk::Gap(_) => {
                self.sides[input.side].gap();
                self.outcome(limits)
            }
            Chunk::Data(bytes) => match self.search(input, bytes, limits) {
                Some(rest) => {
                    let held = core::mem::take(&mut self.sides[input.side].held);
                    Searched::Found { held, rest }
                }
                None => self.outcome(limits),
            },
        }
    }

    /// How many bytes of each side were searched.
    pub(crate) fn searched(&self) -> BySide<u32> {
        BySide::from_fn(|side| self.sides[side].searched)
    }

    /// Whether bytes of a side are missing.
    pub(crate) fn has_gap(&self, side: FlowSide) -> bool {
        self.sides[side].has_gap
    }

    /// The side that has ended, if one has.
    pub(crate) fn closed(&self) -> Option<FlowSide> {
        self.closed
    }

    /// Bytes of memory on the heap that it takes.
    pub(crate) fn memory(&self) -> usize {
        self.sides.iter().map(|(_, side)| side.held.memory()).sum()
    }

    /// Notes that a side has ended, and says whether both have.
    pub(crate) fn note_close(&mut self, side: FlowSide) -> bool {
        *self.closed.get_or_insert(side) != side
    }

    fn outcome<'a>(&self, limits: Limits) -> Searched<'a> {
        let is_over = self.chunks >= limits.chunks || !self.wanted(limits).any();
        match is_over {
            true => Searched::Nothing,
            false => Searched::More,
        }
    }

    /// What is still searched for. TLS is not where one side has none of it.
    fn wanted(&self, limits: Limits) -> Wanted {
        let [first, second] = FlowSide::BOTH.map(|side| self.sides[side].searched);
        Wanted {
            tls: limits.tls.saturating_sub(first.max(second)),
            http: limits.http.saturating_sub(first.saturating_add(second)),
        }
    }

    /// Searches bytes. Returns those from where a message may begin, if they
    /// have one; it begins with what is held back then, if anything is.
    fn search<'a>(
        &mut self,
        input: Input<'_>,
        bytes: &'a [u8],
        limits: Limits,
    ) -> Option<&'a [u8]> {
        let side = &mut self.sides[input.side];
        if !side.has_begun && !side.has_gap && !bytes.is_empty() {
            // What a side begins with may be what is found nowhere else.
            match side.begin(input, bytes) {
                ProbeResult::Match => return Some(bytes),
                ProbeResult::Possible => return None,
                ProbeResult::NoMatch => side.has_begun = true,
            }
        }
        if side.held.len() > 0 {
            match self.search_held(input, bytes, limits) {
                InHeld::Begins => return Some(bytes),
                InHeld::MayBegin => return None,
                InHeld::Nothing => {}
            }
        }
        let found = self.wanted(limits).find(bytes);
        let side = &mut self.sides[input.side];
        let (at, result) = found.unwrap_or((bytes.len(), ProbeResult::NoMatch));
        let (before, from) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
        side.pass(before.len());
        match result {
            ProbeResult::Match => Some(from),
            // More than can be held back is as good as certain.
            ProbeResult::Possible if from.len() > HELD => Some(from),
            ProbeResult::Possible => {
                side.held.push(from, input.at);
                None
            }
            ProbeResult::NoMatch => None,
        }
    }

    /// Searches for messages that begin in the bytes held back.
    fn search_held(&mut self, input: Input<'_>, bytes: &[u8], limits: Limits) -> InHeld {
        let wanted = self.wanted(limits);
        let side = &mut self.sides[input.side];
        let mut joined = [0; 3 * HELD];
        let mut len = 0;
        let held = side.held.bytes().iter();
        for (place, byte) in joined.iter_mut().zip(held.chain(bytes)) {
            *place = *byte;
            len += 1;
        }
        let joined = joined.get(..len).unwrap_or_default();
        let found = wanted.find(joined);
        let found = found.filter(|(at, _)| *at < side.held.len());
        let Some((at, result)) = found else {
            side.pass_held(side.held.len());
            return InHeld::Nothing;
        };
        side.pass_held(at);
        match result {
            ProbeResult::Match => InHeld::Begins,
            // Fewer bytes came than could tell, so they are all of them.
            _ => {
                side.held.push(bytes, input.at);
                InHeld::MayBegin
            }
        }
    }
}

/// Whether a message begins in the bytes held back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum InHeld {
    Begins,
    /// More bytes will tell.
    MayBegin,
    Nothing,
}

impl Side {
    fn pass(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.searched = self.searched.saturating_add(count);
    }

    /// Whether a side begins with a message, as its first [`HELD`] bytes say, however
    /// they come. While they do not say, they are held back.
    fn begin(&mut self, input: Input<'_>, bytes: &[u8]) -> ProbeResult {
        let mut first = [0; HELD];
        let mut len = 0;
        let all = self.held.bytes().iter().chain(bytes);
        for (place, byte) in first.iter_mut().zip(all) {
            *place = *byte;
            len += 1;
        }
        let result = probe_beginning(first.get(..len).unwrap_or_default(), input.side);
        match result {
            ProbeResult::Possible if len == HELD => ProbeResult::Match,
            ProbeResult::Possible => {
                self.held.push(bytes, input.at);
                ProbeResult::Possible
            }
            _ => result,
        }
    }

    /// Passes the first `count` of the bytes held back.
    fn pass_held(&mut self, count: usize) {
        self.pass(count);
        self.held.discard(count);
    }

    fn gap(&mut self) {
        self.pass_held(self.held.len());
        self.has_gap = true;
    }
}

/// How many more bytes are searched for each protocol.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    tls: u32,
    http: u32,
}

impl Wanted {
    fn any(self) -> bool {
        self.tls > 0 || self.http > 0
    }

    /// The first place where a message may begin.
    fn find(self, bytes: &[u8]) -> Option<(usize, ProbeResult)> {
        let within = |find: fn(&[u8]) -> Option<(usize, ProbeResult)>, limit: u32| {
            let found = if limit > 0 { find(bytes) } else { None };
            found.filter(|(at, _)| *at < limit as usize)
        };
        let tls = within(find_tls, self.tls);
        let http = within(find_http, self.http);
        match (tls, http) {
            (Some(tls), Some(http)) if http.0 < tls.0 => Some(http),
            (None, found) | (found @ Some(_), _) => found,
        }
    }
}

#[cfg(feature = "tls")]
fn find_tls(bytes: &[u8]) -> Option<(usize, ProbeResult)> {
    flowscope_tls::TlsParser::find(bytes)
}

#[cfg(not(feature = "tls"))]
fn find_tls(_: &[u8]) -> Option<(usize, ProbeResult)> {
    None
}

#[cfg(feature = "http")]
fn find_http(bytes: &[u8]) -> Option<(usize, ProbeResult)> {
    flowscope_http::HttpParser::find(bytes)
}

#[cfg(not(feature = "http"))]
fn find_http(_: &[u8]) -> Option<(usize, ProbeResult)> {
    None
}
