//! Data that came before what precedes them in the stream.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::ops::Range;

use super::OverlapPolicy;
use crate::Timestamp;

/// Pieces of a stream behind a hole, disjoint and in order.
///
/// Pieces that touch become one, up to [`BLOCK`] bytes, so that what is moved
/// for one small segment is bounded too. A piece is found in logarithmic time;
/// to make room for one moves at most half of the others' heads, of which there
/// are few.
#[derive(Debug, Default)]
pub(super) struct Held {
    pieces: VecDeque<Piece>,
    /// Bytes in the pieces.
    bytes: usize,
    /// Bytes of memory for them.
    capacity: usize,
}

/// A range of the stream: its bytes, or how many the capture lacks.
#[derive(Debug)]
pub(super) struct Piece {
    at: u64,
    /// When the copy of its first byte came.
    pub(super) since: Timestamp,
    pub(super) content: Content,
    /// How many bytes of its segment lie before and behind it.
    margin: [u32; 2],
}

#[derive(Debug)]
pub(super) enum Content {
    Bytes(Vec<u8>),
    Cut(u64),
}

/// Part of a segment, not held yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming<'a> {
    pub(super) at: u64,
    pub(super) content: IncomingContent<'a>,
    /// Where its segment lies.
    pub(super) segment: (u64, u64),
    pub(super) since: Timestamp,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum IncomingContent<'a> {
    Bytes(&'a [u8]),
    Cut(u64),
}

/// The result of comparing a segment with what is held.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OverlapResult {
    /// Bytes of it that were held or known to be missing before.
    pub(super) known: u64,
    /// Bytes of it that differ from those held.
    pub(super) conflicts: u64,
}

impl<'a> Incoming<'a> {
    pub(super) fn len(&self) -> u64 {
        match self.content {
            IncomingContent::Bytes(bytes) => bytes.len() as u64,
            IncomingContent::Cut(len) => len,
        }
    }

    pub(super) fn end(&self) -> u64 {
        self.at + self.len()
    }

    /// The part of it that lies in `range`.
    pub(super) fn within(&self, range: Range<u64>) -> Self {
        let (from, to) = (range.start.max(self.at), range.end.min(self.end()));
        let content = match self.content {
            IncomingContent::Bytes(bytes) => {
                IncomingContent::Bytes(slice(bytes, self.at, from..to))
            }
            IncomingContent::Cut(_) => IncomingContent::Cut(to.saturating_sub(from)),
        };
        Self {
            at: from,
            content,
            ..*self
        }
    }
}

impl Piece {
    pub(super) fn len(&self) -> u64 {
        match &self.content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Cut(len) => *len,
        }
    }

    fn end(&self) -> u64 {
        self.at + self.len()
    }

    /// Where the segment that brought it lies.
    fn segment(&self) -> Range<u64> {
        let [before, behind] = self.margin.map(u64::from);
        self.at.saturating_sub(before)..self.end() + behind
    }

    fn of(incoming: &Incoming<'_>) -> Self {
        let (start, end) = incoming.segment;
        // A segment is at most 64 KiB and its snapped-off part, so this fits.
        let margin = |far: u64| u32::try_from(far).unwrap_or(u32::MAX);
        Self {
            at: incoming.at,
            since: incoming.since,
            content: match incoming.content {
                IncomingContent::Bytes(bytes) => Content::Bytes(bytes.to_vec()),
                IncomingContent::Cut(len) => Content::Cut(len),
            },
            margin: [
                margin(incoming.at.saturating_sub(start)),
                margin(end.saturating_sub(incoming.end())),
            ],
        }
    }
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn pieces(&self) -> usize {
        self.pieces.len()
    }

    pub(super) fn memory(&self) -> usize {
        self.capacity + self.pieces.capacity() * size_of::<Piece>()
    }

    /// Where the first piece begins, and since when it is there.
    pub(super) fn first(&self) -> Option<(u64, Timestamp)> {
        self.pieces.front().map(|piece| (piece.at, piece.since))
    }

    /// Where the last piece ends.
    pub(super) fn end(&self) -> Option<u64> {
        self.pieces.back().map(Piece::end)
    }

    /// How many bytes are held in `range`, and how many pieces reach into it.
    pub(super) fn within(&self, range: Range<u64>) -> (usize, usize) {
        self.pieces
            .range(self.first_behind(range.start)..)
            .take_while(|piece| piece.at < range.end)
            .fold((0, 0), |(bytes, pieces), piece| {
                let more = match &piece.content {
                    Content::Bytes(bytes) => slice(bytes, piece.at, range.clone()).len(),
                    Content::Cut(_) => 0,
                };
                (bytes + more, pieces + 1)
            })
    }

    /// Compares `incoming` with what is held of the same range, and removes or
    /// overwrites what the policy replaces.
    pub(super) fn resolve_overlap(
        &mut self,
        incoming: &Incoming<'_>,
        policy: OverlapPolicy,
    ) -> OverlapResult {
        let mut resolve_overlap = OverlapResult::default();
        let (new, end) = (incoming.segment.0..incoming.segment.1, incoming.end());
        let mut index = self.first_behind(incoming.at);
        while let Some(piece) = self.pieces.get_mut(index)
            && piece.at < end
        {
            let overlap = piece.at.max(incoming.at)..piece.end().min(end);
            let old = piece.segment();
            let (from, at) = (overlap.start, piece.at);
            match (&mut piece.content, incoming.content) {
                (_, IncomingContent::Cut(_)) => {
                    resolve_overlap.known += overlap.end - overlap.start;
                    index += 1;
                }
                (Content::Cut(_), IncomingContent::Bytes(_)) => {
                    index += self.cut_out(index, overlap)
                }
                (Content::Bytes(held), IncomingContent::Bytes(bytes)) => {
                    let bytes = slice(bytes, incoming.at, overlap.clone());
                    resolve_overlap.known += bytes.len() as u64;
                    resolve_overlap.conflicts += differing(slice(held, at, overlap.clone()), bytes);
                    if !policy.prefers_new(&new, &old) {
                        index += 1;
                    } else if policy.compares_segments() {
                        index += self.cut_out(index, overlap);
                    } else {
                        slice_mut(held, at, overlap).copy_from_slice(bytes);
                        if from == at {
                            piece.since = incoming.since;
                        }
                        index += 1;
                    }
                }
            }
        }
        resolve_overlap
    }

    /// Holds what is not held of the places of `incoming`.
    pub(super) fn insert(&mut self, incoming: &Incoming<'_>, policy: OverlapPolicy) {
        let (mut at, end) = (incoming.at, incoming.end());
        while at < end {
            let index = self.first_behind(at);
            let until = match self.pieces.get(index) {
                Some(piece) if piece.at <= at => {
                    at = piece.end();
                    continue;
                }
                Some(piece) => piece.at.min(end),
                None => end,
            };
            self.add(index, &incoming.within(at..until), policy);
            at = until;
        }
    }

    /// Takes the first piece if it begins at `at`.
    pub(super) fn take(&mut self, at: u64) -> Option<Piece> {
        if self.pieces.front()?.at != at {
            return None;
        }
        let piece = self.pieces.pop_front()?;
        self.forget(&piece.content);
        Some(piece)
    }

    /// Drops everything from `end` on, and returns how many bytes that was.
    pub(super) fn truncate(&mut self, end: u64) -> u64 {
        let before = self.bytes;
        while let Some(last) = self.pieces.back()
            && last.end() > end
        {
            let beyond = last.at.max(end)..last.end();
            self.cut_out(self.pieces.len() - 1, beyond);
        }
        self.release();
        (before - self.bytes) as u64
    }

    /// Frees the memory for pieces if there are none.
    pub(super) fn release(&mut self) {
        if self.pieces.is_empty() && self.pieces.capacity() > 0 {
            self.pieces = VecDeque::new();
        }
    }

    /// The index of the first piece that ends behind `at`.
    fn first_behind(&self, at: u64) -> usize {
        self.pieces.partition_point(|piece| piece.end() <= at)
    }

    /// Holds `incoming` before the piece at `index`, of whose places none is held.
    fn add(&mut self, index: usize, incoming: &Incoming<'_>, policy: OverlapPolicy) {
        let may_merge = !policy.compares_segments();
        if let Some(before) = index.checked_sub(1)
            && let Some(piece) = self.pieces.get_mut(before)
            && piece.end() == incoming.at
            && let Some(more) = append(&mut piece.content, incoming.content, may_merge)
        {
            self.capacity += more;
            self.bytes += bytes_of(incoming.content);
            self.join(before, may_merge);
            return;
        }
        if let Some(piece) = self.pieces.get_mut(index)
            && piece.at == incoming.end()
            && let Some(more) = prepend(&mut piece.content, incoming.content, may_merge)
        {
            piece.at = incoming.at;
            piece.since = incoming.since;
            self.capacity += more;
            self.bytes += bytes_of(incoming.content);
            return;
        }
        let piece = Piece::of(incoming);
        self.remember(&piece.content);
        self.pieces.insert(index, piece);
    }

    /// Joins the piece at `index` with the one behind it, if they touch.
    fn join(&mut self, index: usize, may_merge: bool) {
        let end = self.pieces.get(index).map(Piece::end);
        if end != self.pieces.get(index + 1).map(|next| next.at) {
            return;
        }
        let Some(next) = self.pieces.remove(index + 1) else {
            return;
        };
        let content = match &next.content {
            Content::Bytes(bytes) => IncomingContent::Bytes(bytes),
            Content::Cut(len) => IncomingContent::Cut(*len),
        };
        let joined = self
            .pieces
            .get_mut(index)
            .and_then(|piece| append(&mut piece.content, content, may_merge));
        match joined {
            Some(more) => {
                self.capacity += more;
                self.bytes += bytes_of(content);
                self.forget(&next.content);
            }
            None => self.pieces.insert(index + 1, next),
        }
    }

    /// Cuts `range` out of the piece at `index`, and returns how many pieces
    /// are left of it.
    fn cut_out(&mut self, index: usize, range: Range<u64>) -> usize {
        let Some(mut piece) = self.pieces.remove(index) else {
            return 0;
        };
        self.forget(&piece.content);
        let [before, behind] = [range.start - piece.at, piece.end() - range.end];
        let segment = piece.segment();
        let right = (behind > 0).then(|| Piece {
            at: range.end,
            since: piece.since,
            content: match &piece.content {
                Content::Bytes(bytes) => {
                    Content::Bytes(slice(bytes, piece.at, range.end..piece.end()).to_vec())
                }
                Content::Cut(_) => Content::Cut(behind),
            },
            margin: [
                u32::try_from(range.end - segment.start).unwrap_or(u32::MAX),
                piece.margin[1],
            ],
        });
        match &mut piece.content {
            // No longer than the piece was.
            Content::Bytes(bytes) => {
                bytes.truncate(before as usize);
                bytes.shrink_to_fit();
            }
            Content::Cut(len) => *len = before,
        }
        let left = (before > 0).then(|| Piece {
            margin: [
                piece.margin[0],
                u32::try_from(segment.end - range.start).unwrap_or(u32::MAX),
            ],
            ..piece
        });
        let mut remain = 0;
        for piece in [left, right].into_iter().flatten() {
            self.remember(&piece.content);
            self.pieces.insert(index + remain, piece);
            remain += 1;
        }
        remain
    }

    fn remember(&mut self, content: &Content) {
        if let Content::Bytes(bytes) = content {
            self.bytes += bytes.len();
            self.capacity += bytes.capacity();
        }
    }

    fn forget(&mut self, content: &Content) {
        if let Content::Bytes(bytes) = content {
            self.bytes -= bytes.len();
            self.capacity -= bytes.capacity();
        }
    }
}

/// Puts `more` behind what is there, if the two may be one. Returns how much
/// memory that took.
fn append(content: &mut Content, more: IncomingContent<'_>, may_merge: bool) -> Option<usize> {
    match (content, more) {
        (Content::Cut(len), IncomingContent::Cut(more)) => {
            *len += more;
            Some(0)
        }
        (Content::Bytes(bytes), IncomingContent::Bytes(more)) if may_merge => {
            let grown = grow(bytes, more.len())?;
            bytes.extend_from_slice(more);
            Some(grown)
        }
        (Content::Bytes(_) | Content::Cut(_), _) => None,
    }
}

/// Puts `more` before what is there, if the two may be one. Returns how much
/// memory that took.
fn prepend(content: &mut Content, more: IncomingContent<'_>, may_merge: bool) -> Option<usize> {
    match (content, more) {
        (Content::Cut(len), IncomingContent::Cut(more)) => {
            *len += more;
            Some(0)
        }
        (Content::Bytes(bytes), IncomingContent::Bytes(more)) if may_merge => {
            let grown = grow(bytes, more.len())?;
            bytes.splice(0..0, more.iter().copied());
            Some(grown)
        }
        (Content::Bytes(_) | Content::Cut(_), _) => None,
    }
}

/// Makes room for `more` bytes if they still fit a block, and returns how much
/// memory that took.
fn grow(bytes: &mut Vec<u8>, more: usize) -> Option<usize> {
    let len = bytes.len() + more;
    if len > BLOCK {
        return None;
    }
    let before = bytes.capacity();
    if len > before {
        bytes.reserve_exact(len.next_multiple_of(ALLOCATION_UNIT) - bytes.len());
    }
    Some(bytes.capacity() - before)
}

fn bytes_of(content: IncomingContent<'_>) -> usize {
    match content {
        IncomingContent::Bytes(bytes) => bytes.len(),
        IncomingContent::Cut(_) => 0,
    }
}

/// The part of `bytes`, which begin at `at`, that lies in `range`.
fn slice(bytes: &[u8], at: u64, range: Range<u64>) -> &[u8] {
    let place = |offset: u64| (offset.saturating_sub(at) as usize).min(bytes.len());
    bytes
        .get(place(range.start)..place(range.end))
        .unwrap_or_default()
}

fn slice_mut(bytes: &mut [u8], at: u64, range: Range<u64>) -> &mut [u8] {
    let place = |offset: u64| offset.saturating_sub(at) as usize;
    bytes
        .get_mut(place(range.start)..place(range.end))
        .unwrap_or_default()
}

fn differing(a: &[u8], b: &[u8]) -> u64 {
    if a == b {
        return 0;
    }
    a.iter().zip(b).filter(|(a, b)| a != b).count() as u64
}

/// Memory for one piece besides its bytes.
pub(super) const HEAD: usize = size_of::<Piece>();

/// Bytes that are kept together in one allocation at the most.
pub(super) const BLOCK: usize = 8 << 10;

/// What the memory of a growing block is a multiple of.
pub(super) const ALLOCATION_UNIT: usize = 64;

#[cfg(test)]
mod tests;
